"""The desk, without a browser."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from approvals.evaluation.judgement import Content
from approvals.lifecycle import review, submission
from approvals.models import Assignment, Decision, Presence, Proposal, SavedFilter, Snooze
from approvals.queue import presence, turns
from approvals.shipping import claims, dispatches
from audit.clock import database_now
from audit.models import Entry
from policies.models import Surface, Tier
from tests import world as worlds
from tests.world import World, seen, signed_in

pytestmark = pytest.mark.django_db

DESK = "/admin/desk/"
HTMX = {"HX-Request": "true"}
PASSWORD = "a long enough password"


@pytest.fixture
def world() -> World:
    cache.clear()
    made = worlds.build()
    Surface.objects.filter(pk="ads.budget").update(undo_window=timedelta(minutes=5))
    made.surface("ads.bids", "batch")
    return made


@pytest.fixture
def client(world: World) -> Client:
    return signed_in(world.owner)


def propose(world: World, *titles: str, surface: str = "ads.budget", **fields: Any) -> list[Proposal]:
    """Propose one after the other, each due an hour after the one before, as the list will show them."""
    made = []
    for number, title in enumerate(titles, 10):
        proposal = world.propose(surface, title=title, **{"action": f"action-{number}", **fields})
        Proposal.objects.filter(pk=proposal.pk).update(deadline_at=timezone.now() + timedelta(hours=number))
        made.append(proposal)
    return made


def post(client: Client, proposal: Proposal, act: str, query: str = "", **fields: Any) -> Any:
    headers = fields.pop("headers", {})
    return client.post(f"{DESK}{proposal.pk}/{act}/{query}", fields, headers=headers)


def decide(client: Client, proposal: Proposal, verdict: str = "approve", query: str = "", **fields: Any) -> Any:
    shown = {"revision": proposal.revision.number, "digest": proposal.revision.digest}
    return post(client, proposal, "decide", query, verdict=verdict, **shown, **fields)


def text(answer: Any) -> str:
    return str(answer.content.decode())


def opened(answer: Any) -> str:
    """The title of the proposal that the desk has open."""
    found = re.search(r'id="proposal-heading" tabindex="-1">([^<]*)<', text(answer))
    assert found, text(answer)[:500]
    return found[1]


def listed(answer: Any) -> list[str]:
    return re.findall(r"data-row=[^>]*><strong>([^<]*)</strong>", text(answer))


def follow(client: Client, answer: Any) -> Any:
    assert answer.status_code == 302
    assert answer["Location"].endswith("#proposal-heading")
    return client.get(answer["Location"])


def state(proposal: Proposal) -> str:
    return str(Proposal.objects.get(pk=proposal.pk).state)


def test_the_first_that_waits_is_open(world: World, client: Client) -> None:
    propose(world, "First", "Second")
    page = client.get(DESK)
    assert opened(page) == "First"
    assert listed(page) == ["First", "Second"]
    assert "no-store" in page["Cache-Control"]


@pytest.mark.parametrize(
    ("verdict", "fields", "becomes"),
    [
        ("approve", {}, "approved"),
        ("reject", {"reason_code": "too_risky"}, "rejected"),
        ("send_back", {"comment": "Shorter."}, "returned"),
        ("take_over", {}, "taken_over"),
    ],
)
def test_after_a_decision_the_next_one_opens(
    world: World, client: Client, verdict: str, fields: dict, becomes: str
) -> None:
    _first, second, third = propose(world, "First", "Second", "Third")
    page = follow(client, decide(client, second, verdict, next=str(third.pk), **fields))
    assert state(second) == becomes
    assert opened(page) == "Third"
    assert listed(page) == ["First", "Third"]


def test_htmx_gets_the_next_one_in_the_same_answer(world: World, client: Client) -> None:
    first, second = propose(world, "First", "Second")
    answer = decide(client, first, query="?surface=ads.budget", next=str(second.pk), headers=HTMX)
    assert answer.status_code == 200
    assert opened(answer) == "Second"
    assert answer["HX-Push-Url"] == f"{DESK}{second.pk}/?surface=ads.budget"
    assert "<html" not in text(answer)
    assert f"{DESK}{first.pk}/undo/" in text(answer)


def test_the_next_one_is_another_if_somebody_has_decided_it_meanwhile(world: World, client: Client) -> None:
    first, second, _third = propose(world, "First", "Second", "Third")
    world.approve(second, by=world.other_owner)
    assert opened(follow(client, decide(client, first, next=str(second.pk)))) == "Third"


@pytest.mark.parametrize("next_one", ["", "no-id", "00000000-0000-0000-0000-000000000000"])
def test_a_next_one_that_is_none_is_the_first(world: World, client: Client, next_one: str) -> None:
    first, _second = propose(world, "First", "Second")
    assert opened(follow(client, decide(client, first, next=next_one))) == "Second"


def test_a_next_one_is_never_what_the_person_may_not_see(world: World) -> None:
    [foreign] = propose(world, "Foreign")
    lawyer = signed_in(worlds.person("lawyer", "Legal"))
    worlds.requirement("pricing", "Legal", tier_id="signature", approvals=1)
    worlds.publish()
    [legal] = propose(world, "For the lawyers", surface="pricing")
    fields = {"password": PASSWORD, "comment": "Agreed.", "next": str(foreign.pk)}
    page = follow(lawyer, decide(lawyer, legal, **fields))
    assert state(legal) == "approved"
    assert opened(page) == "You’re all caught up"
    assert "Foreign" not in text(page)


def test_when_nothing_is_left_the_desk_says_what_to_do(world: World, client: Client) -> None:
    [only] = propose(world, "Only")
    page = follow(client, decide(client, only))
    assert opened(page) == "You’re all caught up"
    assert "See all proposals" in text(page)


def test_undo_leads_back_to_its_proposal(world: World, client: Client) -> None:
    first, second = propose(world, "First", "Second")
    page = follow(client, decide(client, first, next=str(second.pk)))
    toast = re.search(r'<div class="toast.*?</form>', text(page), re.DOTALL)
    assert toast
    assert f'action="{DESK}{first.pk}/undo/"' in toast[0]
    assert opened(follow(client, post(client, first, "undo"))) == "First"
    assert state(first) == "pending"


def toast(page: Any) -> str:
    found = re.search(r'<div class="toast[^>]*><p>(.*?)</p>', text(page), re.DOTALL)
    assert found
    return re.sub(r"<[^>]*>", "", found[1])


@pytest.mark.parametrize(
    ("verdict", "fields", "said"),
    [
        ("approve", {}, "Approved: %s. It ships in a moment; until then you can undo it."),
        ("reject", {"reason_code": "too_risky"}, "Rejected: %s. You can undo it until the deadline."),
        ("send_back", {"comment": "Shorter."}, "Sent back: %s. The agent is told and can revise it."),
        ("take_over", {}, "Taken over: %s. It won’t ship. Do it by hand."),
    ],
)
def test_what_is_told_of_a_decision_names_its_proposal(
    world: World, client: Client, verdict: str, fields: dict, said: str
) -> None:
    [first] = propose(world, "Move <all>")
    assert toast(follow(client, decide(client, first, verdict, **fields))) == said % "Move &lt;all&gt;"


def test_a_long_title_is_cut_where_a_decision_is_told(world: World, client: Client) -> None:
    [first] = propose(world, "Move it " * 20)
    assert toast(follow(client, decide(client, first))).startswith(f"Approved: {('Move it ' * 20)[:59]}… It ships")


def test_no_undo_is_promised_where_there_is_none(world: World, client: Client) -> None:
    [first] = propose(world, "First")
    answer = decide(client, first)
    Proposal.objects.filter(pk=first.pk).update(release_at=timezone.now())
    first.dispatches.update(next_attempt_at=timezone.now())
    claims.claim_next(worker="test", kind="webhook")
    page = follow(client, answer)
    assert toast(page) == "Approved: First."
    assert 'data-too-late="Too late: it is already shipping."' in text(page)


def test_undo_too_late_says_so_and_offers_the_way_back(world: World, client: Client) -> None:
    [first] = propose(world, "First", content={"rollback": {"amount": -4000}})
    decide(client, first)
    Proposal.objects.filter(pk=first.pk).update(release_at=timezone.now())
    first.dispatches.update(next_attempt_at=timezone.now())
    claim = claims.claim_next(worker="test", kind="webhook")
    page = follow(client, post(client, first, "undo"))
    assert state(first) == "approved"
    assert "Nothing was changed." in text(page)
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"status": 200})
    page = text(client.get(DESK))
    assert "undo/" not in page
    assert f"/admin/approvals/proposal/{first.pk}/roll-back/" in page


def test_recent_decisions_are_the_persons_own_and_each_proposal_comes_once(world: World, client: Client) -> None:
    first, second = propose(world, "First", "Second")
    decide(client, first)
    post(client, first, "undo")
    decide(client, first)
    world.approve(second, by=world.other_owner)
    client.get(DESK)  # which shows what there was to tell
    page = text(client.get(DESK))
    assert page.count(f"{DESK}{first.pk}/undo/") == 1
    assert "Second" not in page


def test_the_desk_looks_again_when_what_is_held_has_shipped(world: World, client: Client) -> None:
    [first] = propose(world, "First", content={"rollback": {"amount": -4000}})
    again = 'hx-get="/admin/desk/recent/?surface=ads.budget" hx-trigger="load delay:%s"'
    assert "desk/recent/" not in text(client.get(f"{DESK}?surface=ads.budget"))
    decide(client, first)
    Proposal.objects.filter(pk=first.pk).update(release_at=timezone.now() + timedelta(seconds=9, milliseconds=500))
    assert again % "11s" in text(client.get(f"{DESK}?surface=ads.budget"))

    Proposal.objects.filter(pk=first.pk).update(release_at=timezone.now())
    first.dispatches.update(next_attempt_at=timezone.now())
    assert again % "10s" in text(client.get(f"{DESK}recent/?surface=ads.budget", headers=HTMX))
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"status": 200})
    page = client.get(f"{DESK}recent/?surface=ads.budget", headers=HTMX)
    assert f"/admin/approvals/proposal/{first.pk}/roll-back/" in text(page)
    assert "undo/" not in text(page)
    assert "hx-trigger" not in text(page)
    assert "<html" not in text(page)
    assert "no-store" in page["Cache-Control"]
    assert page["HX-Push-Url"] == "false"


def test_what_one_decided_last_is_told_to_nobody_else(world: World, client: Client) -> None:
    [first] = propose(world, "First")
    decide(client, first)
    assert "First" in text(client.get(f"{DESK}recent/", headers=HTMX))
    assert "First" not in text(signed_in(world.other_owner).get(f"{DESK}recent/", headers=HTMX))
    assert client.get(f"{DESK}recent/?q=x")["Location"] == f"{DESK}?q=x"


def test_who_is_second_hears_who_was_first(world: World, client: Client) -> None:
    first, second = propose(world, "First", "Second")
    world.decide(first, "reject", by=world.other_owner, reason_code="too_risky")
    page = follow(client, decide(client, first, next=str(second.pk)))
    assert "other-channel-owner was first and rejected “First”" in text(page)
    assert opened(page) == "Second"
    assert Decision.objects.count() == 1


def test_a_revision_that_was_replaced_is_shown_with_what_changed(world: World, client: Client) -> None:
    first, second = propose(world, "First", "Second")
    review.edit(proposal_id=first.pk, seen=seen(first), by=world.other_owner, payload={"amount": 100}, note="Less.")
    for headers in ({}, HTMX):
        answer = decide(client, first, next=str(second.pk), headers=headers)
        page = answer if headers else follow(client, answer)
        assert opened(page) == "First"
        assert "other-channel-owner wrote revision 2" in text(page)
        assert "−3,900" in text(page)
    assert state(first) == "edited"


def test_a_signature_is_asked_for_on_the_desk_too(world: World, client: Client) -> None:
    [price] = propose(world, "Raise the price", surface="pricing")
    wrong = decide(client, price, password="wrong", comment="Agreed.")
    assert "not your password" in text(wrong)
    assert opened(wrong) == "Raise the price"
    assert PASSWORD not in text(decide(client, price, password=PASSWORD))
    decide(client, price, password=PASSWORD, comment="Agreed.")
    assert state(price) == "approved"


def test_alike_ones_are_folded_and_the_open_group_unfolded(world: World, client: Client) -> None:
    made = propose(world, *(f"Bid {number}" for number in range(4)), surface="ads.bids", action="set_bid")
    [other] = propose(world, "Other")
    page = text(client.get(f"{DESK}{other.pk}/"))
    assert "<details><summary><strong>4 similar</strong>" in page
    assert "<details open><summary><strong>4 similar</strong>" in text(client.get(f"{DESK}{made[2].pk}/"))


def test_what_is_looked_for_stays_looked_for(world: World, client: Client) -> None:
    first, second = propose(world, "Shift one", "Shift two")
    propose(world, "Raise the price", surface="pricing")
    page = client.get(f"{DESK}?q=shift&surface=ads.budget")
    assert listed(page) == ["Shift one", "Shift two"]
    assert f'action="{DESK}{first.pk}/decide/?q=shift&amp;surface=ads.budget"' in text(page)
    page = follow(client, decide(client, first, query="?q=shift&surface=ads.budget", next=str(second.pk)))
    assert listed(page) == ["Shift two"]


def test_strange_addresses_are_read_as_nothing(world: World, client: Client) -> None:
    propose(world, "First")
    for query in ("?pile=x", "?seen=99999999", "?surface=" + "x" * 5000, "?seen=-1", "?q=' OR 1=1 --"):
        assert client.get(DESK + query).status_code == 200, query


def test_another_persons_proposals_are_nowhere(world: World) -> None:
    [first] = propose(world, "Secret shift")
    lawyer = signed_in(worlds.person("lawyer", "Legal"))
    assert "Secret" not in text(lawyer.get(DESK))
    assert lawyer.get(f"{DESK}{first.pk}/").status_code == 404
    for act in ("decide", "undo", "retry", "snooze", "wake", "reassign", "looking"):
        fields = {"verdict": "approve", "for": "1h", "to": str(world.owner.pk)}
        assert post(lawyer, first, act, **fields).status_code == 404, act
    assert (state(first), Presence.objects.count(), Snooze.objects.count()) == ("pending", 0, 0)


def test_who_only_looks_sees_no_button(world: World) -> None:
    [first] = propose(world, "First")
    reader = signed_in(worlds.person("reader", permissions=("view_proposal", "view_all_proposals")))
    assert "You don’t decide on proposals" in text(reader.get(DESK))
    page = text(reader.get(f"{DESK}{first.pk}/"))
    assert "You can view proposals but not decide on them." in page
    assert 'value="approve"' not in page
    assert "Snoozed" not in page.split('class="desk-pane', 1)[1]


WRITING = {"INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE"}


def test_looking_at_the_desk_writes_nothing(world: World, client: Client) -> None:
    [first] = propose(world, "First")
    client.get(DESK)
    with CaptureQueriesContext(connection) as asked:
        for address in (DESK, f"{DESK}{first.pk}/", f"{DESK}recent/", f"{DESK}?q=x", f"{DESK}{first.pk}/?seen=1"):
            client.get(address)
            client.head(address)
            client.get(address, headers=HTMX)
    written = [query["sql"] for query in asked if WRITING & set(query["sql"].split())]
    assert written == []


def test_nothing_is_done_by_get(world: World, client: Client) -> None:
    [first] = propose(world, "First")
    for act in ("decide", "undo", "retry", "snooze", "wake", "reassign", "looking"):
        assert client.get(f"{DESK}{first.pk}/{act}/").status_code == 405, act
    for act in ("keys/", "filters/", "filters/1/drop/"):
        assert client.get(DESK + act).status_code == 405, act


@pytest.mark.parametrize("query", ["", "?q=Shift", "?surface=ads.budget&tier=single", "?pile=others"])
def test_the_desk_asks_the_database_few_questions(world: World, client: Client, query: str) -> None:
    made = propose(world, *(f"Shift {number}" for number in range(12)), targets=("campaign:7",))
    for proposal in made[:5]:
        decide(client, proposal)
    presence.look(proposal=made[5], person=world.other_owner)
    turns.reassign(proposal_id=made[5].pk, to=world.owner, by=world.other_owner)
    saved = {"person": world.owner, "name": "Mine"}
    SavedFilter.objects.create(query="q=shift", **saved)
    client.get(DESK)
    with CaptureQueriesContext(connection) as asked:
        page = client.get(DESK + query)
    assert opened(page) == ("Nothing here" if "pile" in query else "Shift 5")
    assert len(asked) <= 15, "\n".join(found["sql"][:150] for found in asked)


def test_putting_off_opens_the_next_one(world: World, client: Client) -> None:
    first, second = propose(world, "First", "Second")
    page = follow(client, post(client, first, "snooze", **{"for": "1h", "next": str(second.pk)}))
    assert listed(page) == ["Second"]
    assert "Snoozed until" in text(page)
    assert timedelta(minutes=59) < Snooze.objects.get().until - timezone.now() <= timedelta(hours=1)
    page = client.get(f"{DESK}?pile=snoozed")
    assert opened(page) == "First"
    assert "Bring it back" in text(page)
    post(client, first, "wake")
    assert listed(client.get(DESK)) == ["First", "Second"]


def test_putting_off_is_cut_to_half_of_the_time_left(world: World, client: Client) -> None:
    [first] = propose(world, "First")
    deadline = database_now() + timedelta(minutes=20)
    Proposal.objects.filter(pk=first.pk).update(deadline_at=deadline)
    post(client, first, "snooze", **{"for": "tomorrow"})
    assert timedelta(minutes=9) < deadline - Snooze.objects.get().until < timedelta(minutes=11)


@pytest.mark.parametrize(
    ("left", "names", "words"),
    [
        (timedelta(minutes=20), ["15m"], "Half of the time left"),
        (timedelta(minutes=50), ["15m", "1h"], "Half of the time left"),
        (timedelta(days=20), ["15m", "1h", "tomorrow"], "Tomorrow morning"),
    ],
)
def test_what_cannot_be_put_off_for_long_says_until_when_and_once(
    world: World, client: Client, left: timedelta, names: list[str], words: str
) -> None:
    [first] = propose(world, "First")
    Proposal.objects.filter(pk=first.pk).update(deadline_at=database_now() + left)
    page = text(client.get(DESK))
    offered = re.findall(r'<button name="for" value="(\w+)" class="button">([^<]*)<span class="quiet">([^<]*)<', page)
    assert [name for name, _words, _note in offered] == names
    assert words in " ".join(offered[-1][1:])
    if words == "Half of the time left":
        assert re.fullmatch(r"Until \d\d:\d\d (today|tomorrow) ", offered[-1][1])


@pytest.mark.parametrize(("zone", "hour"), [("UTC", 8), ("America/New_York", 13), ("Asia/Tokyo", 23), ("../etc", 8)])
def test_tomorrow_morning_is_the_readers_morning(world: World, client: Client, zone: str, hour: int) -> None:
    [first] = propose(world, "First")
    Proposal.objects.filter(pk=first.pk).update(deadline_at=timezone.now() + timedelta(days=20))
    client.cookies["time_zone"] = zone
    winter = timezone.now().replace(month=1, day=15)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("approvals.admin.desk.page.turns.latest_snooze", lambda *_, **__: winter + timedelta(days=9999))
        post(client, first, "snooze", **{"for": "tomorrow"})
    until = Snooze.objects.get().until
    assert (until.hour - hour) % 24 in {0, 23}, until  # an hour earlier in summer
    assert until > timezone.now()


def test_handing_on(world: World, client: Client) -> None:
    first, second = propose(world, "First", "Second")
    assert f"{DESK}{first.pk}/?hand=on" in text(client.get(DESK))
    page = text(client.get(f"{DESK}{first.pk}/?hand=on"))
    assert re.findall(r'<option value="\d+">([^<]+)<', page) == ["channel-owner (you)", "other-channel-owner"]
    fields = {"to": str(world.other_owner.pk), "note": "You know it.", "next": str(second.pk)}
    page = follow(client, post(client, first, "reassign", **fields))
    assert (opened(page), listed(page)) == ("Second", ["Second"])
    other = signed_in(world.other_owner).get(DESK)
    assert "You know it." in text(other)
    assert "assigned to you" in text(other)
    assert Entry.objects.filter(kind="proposal.reassigned").count() == 1


@pytest.mark.parametrize("to", ["", "abc", "999999", "٣", "agent-owner"])
def test_handing_on_to_nobody_who_may_decide(world: World, client: Client, to: str) -> None:
    [first] = propose(world, "First")
    to = str(User.objects.get(username=to).pk) if to == "agent-owner" else to
    page = text(follow(client, post(client, first, "reassign", to=to)))
    assert "Choose who to reassign it to." in page or "may not decide on this proposal" in page
    assert not Assignment.objects.exists()


def test_who_else_is_looking(world: World, client: Client) -> None:
    [first] = propose(world, "First")
    assert text(post(client, first, "looking")).strip() == ""
    assert "channel-owner" in text(post(signed_in(world.other_owner), first, "looking"))
    assert "Also looking now: other-channel-owner" in text(client.get(DESK))


def test_filters_are_saved_and_dropped(world: World, client: Client) -> None:
    propose(world, "First")
    client.post(f"{DESK}filters/?tier=single&junk=1", {"name": "Singles"})
    row = SavedFilter.objects.get()
    assert (row.query, row.person) == ("tier=single", world.owner)
    page = text(client.get(f"{DESK}?tier=single"))
    assert f"{DESK}filters/{row.pk}/drop/" in page
    assert "Singles" not in text(signed_in(world.other_owner).get(DESK))
    signed_in(world.other_owner).post(f"{DESK}filters/{row.pk}/drop/")
    assert SavedFilter.objects.exists()
    client.post(f"{DESK}filters/{row.pk}/drop/")
    assert not SavedFilter.objects.exists()
    client.post(f"{DESK}filters/", {"name": "Everything"})
    assert "then it can be saved" in text(client.get(DESK))


def test_the_keys_can_be_turned_off(world: World, client: Client) -> None:
    propose(world, "First")
    assert "desk-keys.js" in text(client.get(DESK))
    client.post(f"{DESK}keys/", {"keys": "off"})
    page = text(client.get(DESK))
    assert "desk-keys.js" not in page
    assert "Turn shortcuts on" in page
    client.post(f"{DESK}keys/", {"keys": "on"})
    assert "desk-keys.js" in text(client.get(DESK))


def test_times_are_the_readers(world: World, client: Client) -> None:
    [first] = propose(world, "First")
    Proposal.objects.filter(pk=first.pk).update(deadline_at="2099-01-15T12:00:00Z")
    assert "15 Jan 2099, 12:00:00 UTC" in text(client.get(DESK))
    client.cookies["time_zone"] = "Asia/Tokyo"
    assert "15 Jan 2099, 21:00:00 JST" in text(client.get(DESK))


def test_people_land_where_their_work_is(world: World, client: Client) -> None:
    assert client.get("/")["Location"] == DESK
    assert signed_in(worlds.person("reader", permissions=("view_all_proposals",))).get("/")["Location"] == "/admin/"
    assert Client().get("/")["Location"] == "/accounts/login/?next=/"


def test_the_way_around_shows_what_one_may_open(world: World, client: Client) -> None:
    propose(world, "First", "Second")

    def ways(someone: Client) -> str:
        return text(someone.get("/admin/")).split('class="portal-nav"', 1)[1].split("</nav>", 1)[0]

    assert '<span id="desk-count" class="count">2' in ways(client)
    assert "Policy" not in ways(client)
    reader = ways(signed_in(worlds.person("reader", permissions=("view_all_proposals",))))
    assert "Proposals" in reader
    assert "Desk" not in reader
    assert "Policy" in ways(signed_in(worlds.person("boss", worlds.OWNER, permissions=worlds.PUBLISHING)))


def test_where_nothing_waits_the_way_to_the_desk_has_no_number(world: World, client: Client) -> None:
    assert '<span id="desk-count" class="count"></span>' in text(client.get("/admin/"))


def test_the_list_names_tiers_and_actions_as_people_do(world: World, client: Client) -> None:
    Tier.objects.filter(pk="single").update(name="Individual review")
    propose(world, *(f"Shift {number}" for number in range(3)), action="shift_budget")
    page = text(client.get(DESK))
    assert '<span class="tier">Individual review</span>' in page
    assert '<option value="single">Individual review (3)</option>' in page
    assert "<strong>3 similar</strong> Shift budget" in page


def test_an_edited_proposal_says_first_what_was_changed_in_it(world: World, client: Client) -> None:
    [first] = propose(world, "First", content={"payload": {"amount": 4000, "note": "kept"}})
    assert "latest-heading" not in text(client.get(DESK))
    review.edit(
        proposal_id=first.pk,
        seen=seen(first),
        by=world.other_owner,
        payload={"amount": 100, "note": "kept"},
        note="Less.",
    )
    for address in (DESK, f"/admin/approvals/proposal/{first.pk}/"):
        page = text(client.get(address))
        told = page[page.index('id="latest-heading"') : page.index('id="changes-heading"')]
        assert "What other-channel-owner changed" in told
        assert "revision 2 against 1" in told
        assert "“Less.”" in told
        assert "−3,900" in told
        assert re.findall(r'<th scope="row">([^<]*)<', told) == ["amount"]
    again = client.get(f"{DESK}{first.pk}/?seen=1")
    assert "latest-heading" not in text(again)


def test_what_an_agent_revised_is_compared_with_what_it_sent_before(world: World, client: Client) -> None:
    [first] = propose(world, "First")
    decide(client, first, "send_back", comment="Half of it.")
    submission.revise(
        proposal_id=first.pk, agent=world.agent, content=Content(payload={"amount": 2000}, note="Half, as you asked.")
    )
    page = text(client.get(DESK))
    told = page[page.index('id="latest-heading"') : page.index('id="changes-heading"')]
    assert "What Budget pacer changed" in told
    assert "−2,000" in told


def test_an_edit_begun_on_the_desk_leads_back_to_it(world: World, client: Client) -> None:
    first, _second = propose(world, "First", "Second")
    address = f"{DESK}{first.pk}/edit/?surface=ads.budget"
    assert f'href="{address}"' in text(client.get(f"{DESK}?surface=ads.budget"))
    page = text(client.get(address))
    assert f'<a href="{DESK}{first.pk}/?surface=ads.budget">Cancel' in page
    shown = {"revision": 1, "digest": first.revision.digest}
    assert "What the policy says" in text(client.post(address, {"check": "1", "rest": '{"amount": 1}', **shown}))
    page = follow(client, client.post(address, {"save": "1", "rest": '{"amount": 1}', **shown}))
    assert (opened(page), state(first)) == ("First", "edited")
    assert "Saved as a new revision." in text(page)
    page = follow(client, client.post(address, {"save": "1", "rest": '{"amount": 2}', **shown}))
    assert "channel-owner wrote revision 2" in text(page)


def test_what_may_be_approved_together_leads_to_one_page(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("approvals.admin.desk.rows.batch_page", lambda: "/admin/desk/batch/")
    bids = propose(world, *(f"Bid {number}" for number in range(3)), surface="ads.bids", action="set_bid")
    shifts = propose(world, *(f"Shift {number}" for number in range(3)), action="shift")
    page = text(client.get(DESK))
    ids = "&amp;".join(f"id={proposal.pk}" for proposal in bids)
    assert page.count('href="/admin/desk/batch/?') == 1
    assert f'href="/admin/desk/batch/?{ids}"' in page
    for proposal in (*bids, *shifts):
        assert f'type="checkbox" form="together" name="id" value="{proposal.pk}"' in page
