"""Slack, against a stand-in of its API on this machine."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from approvals.lifecycle import review
from approvals.messaging import sending
from approvals.messaging.slack import decisions
from approvals.models import ChannelHealth, Decision, NoticeDelivery, Preference, Proposal, SlackCall, SlackLink
from approvals.notices import occasions
from audit.clock import database_now
from audit.models import Entry
from tests import world as worlds
from tests.approvals.messaging.slack_api import call, slack_api
from tests.world import World, seen

pytestmark = pytest.mark.django_db

OWNER, OTHER = "U0OWNER1", "U0OTHER1"


@pytest.fixture
def world() -> World:
    made = worlds.build()
    decisions.link(person=made.owner, slack_user=OWNER)
    decisions.link(person=made.other_owner, slack_user=OTHER)
    return made


def deliver() -> None:
    occasions.fan_out()
    sending.deliver_due()


def decided() -> list[str]:
    return [*Decision.objects.values_list("verdict", flat=True)]


def test_a_request_comes_with_buttons_that_name_the_revision(world, settings):
    with slack_api(settings) as api:
        proposal = world.propose(title="Move <!channel> & *all*", content={"payload": {"amount": 4000, "to": "a`b"}})
        deliver()
        assert len(api.messages) == 2
        assert "Move &lt;!channel&gt; &amp; *all*" in api.text()
        assert "<!channel>" not in api.text()
        buttons = api.elements()
    assert set(buttons) == {"approve", "reject", "open"}
    assert buttons["approve"]["value"] == f"{proposal.pk}|1|{proposal.revision.digest}"


def test_no_markup_of_an_agents_stands_in_the_blocks(world, settings):
    with slack_api(settings) as api:
        world.propose(title="Small change\n*Approved by Legal* _so_ ~no~ `x` :white_check_mark: snake_case 10:30")
        deliver()
        head = next(iter(api.messages.values()))["blocks"][0]["text"]["text"]
    title = head.splitlines()[1]
    assert "Small change ∗Approved by Legal∗ ˍsoˍ ∼no∼ ˋxˋ ∶white_check_mark: snake_case 10:30" in title


def test_a_press_decides_and_every_message_says_so(world, settings):
    with slack_api(settings) as api:
        proposal = world.propose()
        deliver()
        answer = api.press("approve", user=OWNER)
        assert (answer.status_code, answer.json()["text"]) == (200, "Recorded. It is now approved.")
        deliver()
        for index in (0, 1):
            assert "Approved by channel-owner" in api.text(index)
            assert set(api.elements(index)) == {"open"}
        assert api.answers == ["Recorded. It is now approved."]
    assert Proposal.objects.get().state == "approved"
    entry = Entry.objects.get(kind="proposal.decided", subject=f"proposal:{proposal.pk}")
    assert (entry.data["via"], entry.actor) == ("slack", f"user:{world.owner.pk}")


def test_a_rejection_names_its_reason(world, settings):
    with slack_api(settings) as api:
        world.propose()
        deliver()
        api.press("reject", user=OTHER, reason="too_risky")
    assert (Decision.objects.get().reason_code, Decision.objects.get().by) == ("too_risky", world.other_owner)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"tamper": True}, 403),
        ({"age": 301}, 403),
        ({"age": -301}, 403),
        ({"secret": "another"}, 403),
        ({"repeat": True}, 409),
    ],
    ids=["changed-body", "old", "from-the-future", "another-secret", "replay"],
)
def test_forged_and_repeated_calls_are_refused(world, settings, changed, status):
    with slack_api(settings) as api:
        world.propose()
        deliver()
        answer = api.press("approve", user=OWNER, **changed)
    assert answer.status_code == status
    assert decided() == (["approve"] if changed == {"repeat": True} else [])


def test_an_unsigned_call_and_one_without_slack_are_refused(world, settings):
    settings.SLACK_SIGNING_SECRET = ""
    assert Client().post("/hooks/slack/").status_code == 404
    settings.SLACK_SIGNING_SECRET = "secret"
    assert Client().post("/hooks/slack/").status_code == 403
    assert Client().get("/hooks/slack/").status_code == 405


@pytest.mark.parametrize("payload", [None, [], {}, {"type": "block_actions"}, {"type": "view_submission"}, 7])
def test_a_signed_call_that_is_no_press_does_nothing(world, settings, payload):
    with slack_api(settings):
        assert call(payload).status_code == 200
    assert decided() == []


def test_an_unmapped_user_is_told_so(world, settings):
    with slack_api(settings) as api:
        world.propose()
        deliver()
        answer = api.press("approve", user="U0STRANGER")
        sending.deliver_due()
        assert "isn’t linked yet" in answer.json()["text"]
        assert api.answers == [answer.json()["text"]]
    assert decided() == []


def test_who_may_not_decide_is_told_so(world, settings):
    lawyer = worlds.person("lawyer", "Legal")
    decisions.link(person=lawyer, slack_user="U0LAWYER")
    with slack_api(settings) as api:
        world.propose()
        deliver()
        assert "you can’t see this proposal" in api.press("approve", user="U0LAWYER").json()["text"]
    assert decided() == []


def test_a_second_click_is_answered_with_the_state(world, settings):
    with slack_api(settings) as api:
        world.propose()
        deliver()
        payload = api.payload("approve", user=OTHER)
        api.press("approve", user=OWNER)
        answer = call(payload)
    assert answer.json()["text"] == "Nothing was decided. This proposal is approved; there is nothing to decide."
    assert decided() == ["approve"]


def test_a_button_of_an_older_revision_decides_nothing(world, settings):
    with slack_api(settings) as api:
        proposal = world.propose()
        deliver()
        payload = api.payload("approve", user=OWNER)
        review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.other_owner, payload={"amount": 1})
        assert "has replaced revision 1" in call(payload).json()["text"]
        deliver()
        # The editor is not asked about their own revision; the message of the other one names the new one.
        assert any(
            one.get("approve", {}).get("value", "").split("|")[1:2] == ["2"] for one in map(api.elements, (0, 1))
        )
    assert decided() == []


@pytest.mark.parametrize("value", ["", "x", "a|b|c", "|||", "0192|1|sha256:0"])
def test_a_signed_press_with_nonsense_in_it_decides_nothing(world, settings, value):
    with slack_api(settings) as api:
        world.propose()
        deliver()
        payload = api.payload("approve", user=OWNER)
        payload["actions"][0]["value"] = value
        assert call(payload).status_code == 200
    assert decided() == []


def test_a_tier_that_wants_a_signature_has_no_buttons_and_takes_no_press(world, settings):
    with slack_api(settings) as api:
        simple = world.propose()
        deliver()
        payload = api.payload("approve", user=OWNER)
        strict = world.propose("pricing")
        deliver()
        assert set(api.elements()) == {"open"}
        payload["actions"][0]["value"] = f"{strict.pk}|1|{strict.revision.digest}"
        assert "only in the portal" in call(payload).json()["text"]
    assert decided() == []
    assert simple.pk != strict.pk


def test_who_lost_the_role_reads_it_no_more(world, settings):
    with slack_api(settings) as api:
        proposal = world.propose(title="A secret move")
        deliver()
        world.other_owner.groups.clear()
        world.approve(proposal)
        deliver()
        texts = [api.text(0), api.text(1)]
    assert sum("A secret move" in text for text in texts) == 1
    assert sum("decide on this any more" in text for text in texts) == 1


@pytest.mark.django_db(transaction=True)
def test_a_message_that_was_on_its_way_while_somebody_decided_is_put_right(world, settings):
    with slack_api(settings) as api:
        proposal = world.propose()
        occasions.fan_out()
        handle = api.handle

        def decide_first(path, *sent):
            """What the far side does takes long enough for a person to decide, and for a sweep to tell of it."""
            if path.endswith("postMessage") and Proposal.objects.get().state == "pending":
                world.decide(proposal, "take_over")
                occasions.fan_out()
            connection.close()
            return handle(path, *sent)

        api.handle = decide_first
        sending.deliver_due()
        assert "Taken over by channel-owner" in api.text()
        assert set(api.elements()) == {"open"}


def test_what_is_wanted_by_the_hour_comes_with_its_buttons_each(world, settings):
    Preference.objects.create(person=world.owner, kind="waits_for_you", channel="slack", pace="hourly")
    SlackLink.objects.filter(person=world.other_owner).delete()
    with slack_api(settings) as api:
        for number in range(3):
            world.propose(title=f"Number {number}")
        deliver()
        assert api.messages == {}
        NoticeDelivery.objects.update(next_attempt_at=database_now())
        sending.deliver_due()
        assert [f"Number {index}" in api.text(index) for index in range(3)] == [True] * 3
        assert all("approve" in api.elements(index) for index in range(3))


def test_a_dead_slack_rests_and_what_waits_is_sent_later(world, settings):
    with slack_api(settings, status=503) as api:
        world.propose()
        deliver()
        assert len(api.calls) == 1
        assert ChannelHealth.objects.get(lane="slack").failures == 1
        ChannelHealth.objects.update(next_try_at=None)
        NoticeDelivery.objects.update(next_attempt_at=database_now())
        api.status = 200
        sending.deliver_due()
        assert len(api.messages) == 2


def test_a_wrong_token_rests_the_channel_and_an_unknown_user_does_not(world, settings):
    with slack_api(settings, error="user_not_found"):
        world.propose()
        deliver()
    assert set(NoticeDelivery.objects.values_list("status", "last_error")) == {
        ("failed", "Slack answered user_not_found.")
    }
    assert not ChannelHealth.objects.exists()
    with slack_api(settings, error="token_revoked"):
        world.propose()
        deliver()
    assert ChannelHealth.objects.get().last_error == "Slack answered token_revoked."


def test_calls_are_forgotten_after_an_hour(world, settings):
    with slack_api(settings):
        call({"type": "nothing"})
        SlackCall.objects.update(at=database_now() - timedelta(hours=2))
        call({"type": "nothing else"})
    assert SlackCall.objects.count() == 1


def test_an_account_is_linked_by_a_link_that_comes_through_slack(world, settings):
    lawyer = worlds.person("lawyer", "Legal")
    client = Client()
    client.force_login(lawyer)
    with slack_api(settings) as api:
        assert "Your Slack member ID" in client.get("/admin/preferences/").content.decode()
        client.post("/admin/preferences/slack/", {"slack_user": "U0LAWYER"})
        address = re.search(r"http://[^/]+(/admin/preferences/slack/[^\" ]+)", api.text())[1]
        assert "U0LAWYER" in client.get(address).content.decode()
        assert not SlackLink.objects.filter(person=lawyer).exists(), "reading links nothing"
        stranger = Client()
        stranger.force_login(world.owner)
        assert stranger.post(address).status_code == 404
        assert client.post(address[:-3] + "x/").status_code == 404
        client.post(address)
        assert SlackLink.objects.get(person=lawyer).slack_user == "U0LAWYER"
        assert "Linked to the Slack account U0LAWYER" in client.get("/admin/preferences/").content.decode()
        client.post("/admin/preferences/slack/", {"unlink": "1"})
    assert not SlackLink.objects.filter(person=lawyer).exists()
    assert {*Entry.objects.filter(subject=f"user:{lawyer.pk}").values_list("kind", flat=True)} >= {
        "slack.linked",
        "slack.unlinked",
    }


def test_nobody_takes_a_slack_account_that_is_somebody_elses(world, settings):
    lawyer = worlds.person("lawyer", "Legal")
    with slack_api(settings), pytest.raises(decisions.LinkRefused):
        decisions.link(person=lawyer, slack_user=OWNER)
