"""The monitor and the daily digest, without a browser."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.admin.oversight import monitor_rows
from approvals.models import Decision, Dispatch, Proposal, Sample
from approvals.shipping import claims, dispatches, recovery, sampling
from audit.models import Entry
from policies.models import Agent, Mandate, Tier
from policies.registry import kill_switches
from tests import world as worlds
from tests.kept import kept
from tests.proofs import assert_invariants_hold
from tests.world import World, signed_in

pytestmark = pytest.mark.django_db

PAGE = "/admin/monitor/"
LISTS = f"{PAGE}lists/"
DIGEST = f"{PAGE}digest/"


@pytest.fixture
@kept
def world() -> World:
    """`email.lifecycle` ships after half an hour; `crm.segments` at once, and all of it is sampled."""
    made = worlds.build()
    Tier.objects.filter(slug="autopilot").update(sample_rate=1.0)
    made.surface("crm.segments", "autopilot")
    return made


@pytest.fixture
def client(world: World) -> Client:
    return signed_in(world.owner)


def hold(world: World, title: str = "Held") -> Proposal:
    return world.propose("email.lifecycle", title=title)


def ship(world: World, title: str = "Shipped", *, well: bool = True) -> Proposal:
    proposal = world.propose("crm.segments", title=title, content={"rollback": {"amount": -1}})
    deliver(well=well)
    return proposal


def deliver(*, well: bool = True) -> None:
    while claim := claims.claim_next(worker="test", kind="webhook"):
        known = {"dispatch_id": claim.dispatch.pk, "fence": claim.fence}
        if well:
            dispatches.complete(**known, receipt={"done": True})
        else:
            dispatches.postpone(**known, error="The far side answered 410.", is_final=True)


def titles(answer: Any, name: str) -> list[str]:
    return [row.proposal.title for row in answer.context[name].rows]


def act(client: Client, step: str, proposal: Proposal, query: str = "", **fields: Any) -> Any:
    return client.post(f"{PAGE}{query}", {"step": step, "proposal": str(proposal.pk), **fields}, follow=True)


def state(proposal: Proposal) -> str:
    return str(Proposal.objects.get(pk=proposal.pk).state)


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_what_is_about_to_ship_counts_down_the_next_one_first(world, client):
    later, sooner = hold(world, "Later"), hold(world, "Sooner")
    Dispatch.objects.filter(proposal=sooner).update(next_attempt_at=datetime.now(UTC) + timedelta(minutes=5))
    answer = client.get(PAGE)
    assert titles(answer, "upcoming") == [sooner.title, later.title]
    first = answer.context["upcoming"].rows[0]
    assert 290 < first.seconds <= 300
    assert f'data-countdown="{first.seconds}"' in text(answer)


def test_what_people_approved_does_not_ship_by_itself(world, client):
    world.approve(world.propose("ads.budget", title="Approved by people"))
    deliver()
    world.approve(world.propose("ads.budget", title="Approved by people"))
    assert "Approved by people" not in text(client.get(PAGE))


def test_stop_takes_it_back_with_a_word_why(world, client):
    proposal = hold(world)
    answer = act(client, "stop", proposal, words="Wrong list.")
    assert "Stopped: “Held”" in text(answer)
    assert state(proposal) == "pending"
    assert Decision.objects.get().comment == "Wrong list."
    assert titles(answer, "upcoming") == []
    assert_invariants_hold()


def test_it_is_too_late_to_stop_what_a_worker_has(world, client):
    proposal = world.propose("crm.segments")
    claims.claim_next(worker="test", kind="webhook")
    assert "already shipping" in text(act(client, "stop", proposal))
    assert state(proposal) == "approved"


def test_what_was_tried_before_offers_no_stop(world, client):
    world.propose("crm.segments", title="Tried")
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.postpone(
        dispatch_id=claim.dispatch.pk, fence=claim.fence, error="Timed out.", after=timedelta(minutes=5)
    )
    page = text(client.get(PAGE))
    assert "Tried 1 times so far: Timed out." in page
    assert 'value="stop"' not in page


def test_a_kill_switch_is_told_of(world, client):
    hold(world)
    stopper = worlds.person("boss", permissions=("engage_killswitch",))
    kill_switches.engage(scope="surface:email.lifecycle", by=stopper, reason="Wait.")
    assert "Held by a kill switch" in text(client.get(LISTS))


def test_what_shipped_lately_leads_to_its_roll_back(world, client):
    proposal = ship(world)
    answer = client.get(PAGE)
    assert titles(answer, "shipped") == ["Shipped"]
    address = f"/admin/approvals/proposal/{proposal.pk}/roll-back/"
    assert address in text(answer)
    recovery.roll_back(proposal_id=proposal.pk, by=world.owner)
    page = text(client.get(PAGE))
    assert "Being rolled back" in page
    assert address not in page
    deliver()
    page = text(client.get(PAGE))
    assert '<span class="badge">Rolled back</span>' in page


def test_what_shipped_long_ago_is_not_lately(world, client):
    ship(world)
    Dispatch.objects.update(delivered_at=datetime.now(UTC) - timedelta(days=8))
    assert titles(client.get(PAGE), "shipped") == []


def test_what_failed_can_be_retried(world, client):
    proposal = ship(world, "Failed", well=False)
    answer = client.get(PAGE)
    assert titles(answer, "failed") == ["Failed"]
    assert "The far side answered 410." in text(answer)
    answer = act(client, "retry", proposal)
    assert "is being tried again" in text(answer)
    assert titles(answer, "failed") == []
    assert state(proposal) == "approved"
    assert "Nothing of this proposal has failed." in text(act(client, "retry", proposal))


def test_a_roll_back_that_failed_can_be_retried(world, client):
    proposal = ship(world)
    recovery.roll_back(proposal_id=proposal.pk, by=world.owner)
    deliver(well=False)
    answer = client.get(PAGE)
    assert titles(answer, "failed") == ["Shipped"]
    assert "The roll back failed:" in text(answer)
    act(client, "retry", proposal)
    deliver()
    assert state(proposal) == "rolled_back"


@pytest.mark.parametrize(
    ("opinion", "words", "kept"), [("right", "", "right"), ("wrong", "Not them.", "wrong"), ("wrong", "", "")]
)
def test_a_sample_is_judged_once(world, client, opinion, words, kept):
    proposal = ship(world)
    assert titles(client.get(PAGE), "sampled") == ["Shipped"]
    answer = act(client, "judge", proposal, opinion=opinion, words=words)
    assert Sample.objects.get().opinion == kept
    if not kept:
        assert "Say in a few words what was not right." in text(answer)
        return
    assert titles(answer, "sampled") == []
    second = act(signed_in(world.other_owner), "judge", proposal, opinion="right")
    assert "Channel-owner was faster" in text(second)
    assert Sample.objects.get().opinion == kept


def test_the_owner_of_the_agent_is_not_asked_how_it_was(world):
    ship(world)
    answer = signed_in(world.agent.owner).get(PAGE)
    assert titles(answer, "sampled") == ["Shipped"]
    assert "Someone else has to check this one." in text(answer)
    assert 'value="judge"' not in text(answer)


@pytest.mark.parametrize(
    ("step", "fields"), [("judge", {"opinion": "right"}), ("judge", {"opinion": "fine"}), ("approve", {}), ("", {})]
)
def test_what_makes_no_sense_is_not_found(world, client, step, fields):
    assert act(client, step, hold(world), **fields).status_code == 404
    assert client.post(PAGE, {"step": "stop", "proposal": "x"}).status_code == 404
    assert not Decision.objects.exists()


def test_filters_by_surface_and_agent_and_keeps_them(world, client):
    other = Agent.objects.create(slug="other", name="Other", owner=world.agent.owner)
    Mandate.objects.create(agent=other, surface_id="email.lifecycle", tier_id="autopilot")
    ship(world)
    held = hold(world)
    answer = client.get(PAGE, {"surface": "email.lifecycle"})
    assert (titles(answer, "upcoming"), titles(answer, "shipped"), titles(answer, "sampled")) == (["Held"], [], [])
    assert 'hx-get="/admin/monitor/lists/?surface=email.lifecycle"' in text(answer)
    assert titles(client.get(PAGE, {"agent": "other"}), "upcoming") == []
    assert "<option>other</option>" in text(answer)
    answer = act(client, "stop", held, query="?surface=email.lifecycle")
    assert answer.redirect_chain == [("/admin/monitor/?surface=email.lifecycle", 302)]


def test_long_lists_go_on_where_they_ended(world, client, monkeypatch):
    monkeypatch.setattr(monitor_rows, "SIZE", 2)
    for number in range(5):
        hold(world, f"Held {number}")
        ship(world, f"Shipped {number}")
    same_moment = datetime.now(UTC)
    Dispatch.objects.filter(status="delivered").update(delivered_at=same_moment)
    Sample.objects.update(picked_at=same_moment)
    for name, prefix in (("upcoming", "Held"), ("shipped", "Shipped"), ("sampled", "Shipped")):
        found: list[str] = []
        after = ""
        for _ in range(3):
            answer = client.get(PAGE, {name: after})
            found += titles(answer, name)
            after = answer.context[name].next
        assert after == ""
        assert sorted(found) == [f"{prefix} {number}" for number in range(5)]


@pytest.mark.parametrize("after", ["x", "2026-01-01~x", "2026-01-01T00:00:00~" + "0" * 32, "~"])
def test_a_beginning_that_makes_no_sense_is_the_beginning(world, client, after):
    hold(world)
    assert titles(client.get(PAGE, {"upcoming": after}), "upcoming") == ["Held"]


def test_other_peoples_work_is_never_shown(world):
    held, shipped = hold(world), ship(world)
    ship(world, "Failed", well=False)
    stranger = signed_in(worlds.person("lawyer", "Legal"))
    for address in (PAGE, LISTS):
        answer = stranger.get(address)
        assert answer.status_code == 200
        for title in ("Held", "Shipped", "Failed"):
            assert f">{title}</a>" not in text(answer)
    assert "<option>email.lifecycle</option>" not in text(stranger.get(PAGE))
    for step, proposal in (("stop", held), ("retry", shipped), ("judge", shipped)):
        assert act(stranger, step, proposal, opinion="right").status_code == 404
    assert (state(held), Sample.objects.filter(opinion="").count()) == ("approved", 1)


def test_who_may_only_look_is_offered_nothing(world):
    hold(world)
    ship(world)
    ship(world, "Failed", well=False)
    auditor = signed_in(worlds.person("auditor", permissions=("view_all_proposals",)))
    page = text(auditor.get(PAGE))
    assert "Held" in page
    assert 'name="step"' not in page
    assert "roll-back" not in page
    assert "You can view proposals but not decide on them." in text(act(auditor, "stop", Proposal.objects.last()))


def test_empty_lists_say_so(client):
    page = text(client.get(PAGE))
    assert "Nothing is about to ship automatically." in page
    assert "Nothing shipped automatically in the last seven days." in page
    assert "No spot checks right now." in page


def test_the_part_is_only_the_part(world, client):
    hold(world)
    part = client.get(LISTS)
    assert "<html" not in text(part)
    assert titles(part, "upcoming") == ["Held"]
    assert client.post(LISTS).status_code == 405


def test_reading_writes_nothing(world, client):
    hold(world)
    ship(world)
    with CaptureQueriesContext(connection) as captured:
        for address in (PAGE, LISTS, DIGEST):
            client.get(address)
            client.head(address)
    writing = [query["sql"] for query in captured if query["sql"].split()[0] in {"INSERT", "UPDATE", "DELETE"}]
    assert writing == []


def test_the_number_of_queries_does_not_grow(world, client):
    counts = []
    for number in range(2):
        for each in range(1 + 4 * number):
            hold(world, f"Held {number} {each}")
            ship(world)
            ship(world, well=False)
        counted = []
        for address in (PAGE, LISTS, DIGEST):
            with CaptureQueriesContext(connection) as captured:
                client.get(address)
            counted.append(len(captured))
        counts.append(counted)
    assert counts[0] == counts[1] == [PAGE_QUERIES, LISTS_QUERIES, DIGEST_QUERIES]


PAGE_QUERIES = 15
LISTS_QUERIES = 9
DIGEST_QUERIES = 17


def test_the_digest_of_today_and_of_other_days(world, client):
    proposal = ship(world)
    sampling.judge(proposal_id=proposal.pk, by=world.owner, opinion=Sample.Opinion.WRONG, note="Not them.")
    world.approve(world.propose("ads.budget"))
    page = text(client.get(DIGEST))
    assert "<strong>1</strong> shipped automatically" in page
    assert "<dt>Was wrong</dt><dd>1</dd>" in page
    assert "<dt>Approved</dt><dd>1</dd>" in page
    assert "The day is not over yet." in page
    assert 'rel="next"' not in page
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    page = text(client.get(DIGEST, {"day": yesterday.isoformat()}))
    assert "<strong>0</strong> shipped automatically" in page
    assert "Nobody decided anything on this day." in page
    assert f'rel="next" href="?day={(yesterday + timedelta(days=1)).isoformat()}"' in page


@pytest.mark.parametrize("day", ["", "x", "2026-02-30", "9999-12-31", "0001-01-01"])
def test_a_day_that_makes_no_sense_is_another_one(client, day):
    assert client.get(DIGEST, {"day": day}).status_code == 200


def test_the_digest_counts_nothing_of_other_people(world):
    ship(world)
    stranger = signed_in(worlds.person("lawyer", "Legal"))
    page = text(stranger.get(DIGEST))
    assert "<strong>0</strong> shipped automatically" in page
    assert "crm.segments" not in page


def test_all_right_for_the_rest_records_each_by_itself(world, client):
    proposals = [ship(world, f"Shipped {number}") for number in range(4)]
    act(client, "judge", proposals[0], opinion="wrong", words="Not them.")
    page = client.get(PAGE)
    assert "All right for the rest (3)" in text(page)
    said = client.post(PAGE, {"step": "judge_rest", "rest": [str(each) for each in page.context["rest"]]}, follow=True)
    assert "3 were right, each recorded separately." in text(said)
    assert sorted(Sample.objects.values_list("opinion", flat=True)) == ["right", "right", "right", "wrong"]
    entries = Entry.objects.filter(kind="sample.judged", data__with_others=True)
    assert {entry.subject for entry in entries} == {f"proposal:{one.pk}" for one in proposals[1:]}
    assert "All right for the rest" not in text(said)


def test_the_rest_is_only_what_was_shown_and_may_be_judged(world, client):
    shown, later = ship(world), ship(world)
    stranger = signed_in(worlds.person("stranger", "Legal"))
    stranger.post(PAGE, {"step": "judge_rest", "rest": [str(shown.pk)]})
    own = signed_in(world.agent.owner)
    assert "You can’t check 2 of them." in text(
        own.post(PAGE, {"step": "judge_rest", "rest": [str(shown.pk), str(later.pk)]}, follow=True)
    )
    assert {*Sample.objects.values_list("opinion", flat=True)} == {""}
    client.post(PAGE, {"step": "judge_rest", "rest": [str(shown.pk), "no id"]})
    assert Sample.objects.get(opinion="right").pk == shown.pk


def test_what_somebody_else_was_faster_with_stops_no_other(world, client):
    first, second = ship(world), ship(world)
    sampling.judge(proposal_id=first.pk, by=world.other_owner, opinion=Sample.Opinion.WRONG, note="Not them.")
    client.post(PAGE, {"step": "judge_rest", "rest": [str(first.pk), str(second.pk)]})
    assert (Sample.objects.get(pk=first.pk).opinion, Sample.objects.get(pk=second.pk).opinion) == ("wrong", "right")
