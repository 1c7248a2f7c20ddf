"""Turns: those whose decision a proposal waits for."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from approvals import invariants
from approvals.errors import NotEligible, StateConflict
from approvals.lifecycle import review
from approvals.models import Assignment, Presence, Proposal, SavedFilter, Snooze
from approvals.people import absences, eligibility
from approvals.queue import presence, saved_filters, turns
from approvals.queue.turns import Pile, QueueFilter
from audit.clock import database_now
from audit.models import Entry
from policies.models import Surface
from policies.publishing.publish import active_policy
from tests import world as worlds
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.fixture
def agent_owner(world: World) -> User:
    return User.objects.get(username="agent-owner")


def titles(person: User, **wanted: object) -> list[str]:
    found = turns.my_turn(User.objects.get(pk=person.pk), policy=active_policy(), wanted=QueueFilter(**wanted))
    assert found.count == len(found.found)
    return [turn.title for turn in found.found]


def in_an_hour() -> datetime:
    return database_now() + timedelta(hours=1)


def left(proposal: Proposal, time: timedelta) -> Proposal:
    Proposal.objects.filter(pk=proposal.pk).update(deadline_at=timezone.now() + time)
    return proposal


def test_what_waits_for_a_person_is_what_they_may_decide_on(world: World, agent_owner: User) -> None:
    world.propose(title="Shift")
    world.approve(world.propose(title="Approved"))
    left(world.propose(title="Over"), -timedelta(seconds=1))
    assert titles(world.owner) == ["Shift"]
    assert titles(agent_owner) == []
    assert titles(worlds.person("lawyer", "Legal")) == []
    assert titles(worlds.person("reader", permissions=("view_all_proposals",))) == []


def row(role: str, **fields: object) -> dict[str, object]:
    names = {"surface": "ads.budget", "tier": None, "stage": 1, "name": role, "role": role}
    return {**names, "approvals": 1, "denials": 1} | fields


def test_it_is_no_longer_the_turn_of_anyone_who_has_voted(world: World) -> None:
    world.enforce(requirements=[row(worlds.OWNER, approvals=2, denials=2)])
    other = worlds.person("other-owner", worlds.OWNER)
    first, second = world.propose(title="First"), world.propose(title="Second")
    world.approve(first)
    world.decide(second, "reject", reason_code="too_risky")
    assert titles(world.owner) == []
    assert sorted(titles(other)) == ["First", "Second"]
    with pytest.raises(NotEligible, match="You approved it"):
        world.approve(first)

    world.approve(second)
    assert world.approve(second, by=other).state == "approved", "a rejection can still become an approval"
    assert review.undo(proposal_id=second.pk, by=other).state == "pending"
    assert titles(world.owner) == ["Second"], "an undo asks everybody again"
    review.edit(proposal_id=first.pk, seen=worlds.seen(first), by=other, payload={"amount": 1})
    assert sorted(titles(world.owner)) == ["First", "Second"], "so does a new revision"


def test_a_vote_for_somebody_who_is_away_is_not_ones_own(world: World) -> None:
    world.enforce(requirements=[row("Legal", approvals=2)])
    delegate, at = worlds.person("delegate", "Product"), database_now()
    for name in ("lea", "leo"):
        away = worlds.person(name, "Legal")
        absences.take(person=away, by=away, begins_at=at, ends_at=at + timedelta(days=1), delegate=delegate)
    world.approve(world.propose(title="For two"), by=delegate)
    assert titles(delegate) == ["For two"]


def test_the_first_due_are_read_first_and_counting_stops(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOST_READ", 2)
    monkeypatch.setattr(turns, "MOST_COUNTED", 3)
    for hours in (5, 4, 3, 2, 1):
        left(world.propose(title=f"{hours} h"), timedelta(hours=hours))
    found = turns.my_turn(world.owner, policy=active_policy())
    assert [turn.title for turn in found.found] == ["1 h", "2 h"]
    assert found.count == 4


def test_the_list_is_one_query_and_reads_no_payload(world: World, django_assert_max_num_queries) -> None:
    for _ in range(5):
        world.propose()
    policy, person = active_policy(), User.objects.get(pk=world.owner.pk)
    with django_assert_max_num_queries(4) as asked:  # permissions (2), roles, the list
        turns.my_turn(person, policy=policy)
    assert not any("approvals_revision" in query["sql"] for query in asked.captured_queries)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"words": "raise price"}, ["Raise the price"]),
        ({"words": "campaign:7"}, ["Shift"]),
        ({"words": "nothing like it"}, []),
        ({"surface": "pricing"}, ["Raise the price"]),
        ({"tier": "single"}, ["Shift"]),
        ({"agent": "nobody"}, []),
        ({"words": "\x00"}, ["Shift", "Raise the price"]),
    ],
)
def test_finding(world: World, wanted: dict, expected: list[str]) -> None:
    left(world.propose(title="Shift", targets=("campaign:7",)), timedelta(hours=1))
    left(world.propose("pricing", title="Raise the price"), timedelta(hours=2))
    assert titles(world.owner, **wanted) == expected


def test_finding_by_id(world: World) -> None:
    proposal = world.propose(title="This")
    world.propose(title="Other")
    assert titles(world.owner, words=str(proposal.pk)) == ["This"]


def test_counters_tell_of_everything_that_waits(world: World) -> None:
    world.propose()
    world.propose("pricing")
    found = turns.my_turn(world.owner, policy=active_policy(), wanted=QueueFilter(surface="pricing"))
    assert (found.surfaces, found.tiers) == ({"ads.budget": 1, "pricing": 1}, {"single": 1, "signature": 1})
    assert found.count == 1


def test_what_somebody_put_off_comes_back(world: World) -> None:
    proposal = world.propose(title="Shift")
    turns.snooze(proposal_id=proposal.pk, by=world.owner, until=in_an_hour())
    assert titles(world.owner) == []
    assert titles(world.owner, pile=Pile.SNOOZED) == ["Shift"]
    assert titles(world.other_owner) == ["Shift"]
    Snooze.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert titles(world.owner) == ["Shift"]


def test_it_can_be_put_back(world: World) -> None:
    proposal = world.propose(title="Shift")
    turns.snooze(proposal_id=proposal.pk, by=world.owner, until=in_an_hour())
    turns.wake(proposal_id=proposal.pk, by=world.other_owner)
    assert titles(world.owner) == []
    turns.wake(proposal_id=proposal.pk, by=world.owner)
    turns.wake(proposal_id=proposal.pk, by=world.owner)
    assert titles(world.owner) == ["Shift"]


@pytest.mark.parametrize(
    ("until", "complaint"),
    [(timedelta(minutes=31), "half of the time"), (timedelta(days=9), "half"), (timedelta(0), "already passed")],
)
def test_nothing_is_put_off_past_half_of_the_time_left(world: World, until: timedelta, complaint: str) -> None:
    proposal = left(world.propose(), timedelta(hours=1))
    with pytest.raises(StateConflict, match=complaint):
        turns.snooze(proposal_id=proposal.pk, by=world.owner, until=database_now() + until)
    turns.snooze(proposal_id=proposal.pk, by=world.owner, until=database_now() + timedelta(minutes=29))
    assert Snooze.objects.count() == 1


def test_who_may_not_decide_puts_nothing_off_and_hands_nothing_on(world: World, agent_owner: User) -> None:
    proposal = world.propose()
    with pytest.raises(NotEligible):
        turns.snooze(proposal_id=proposal.pk, by=agent_owner, until=in_an_hour())
    with pytest.raises(NotEligible, match="You own the agent"):
        turns.reassign(proposal_id=proposal.pk, to=world.owner, by=agent_owner)
    assert (Snooze.objects.count(), Assignment.objects.count()) == (0, 0)


def test_handing_on_arranges_whose_turn_it_is(world: World) -> None:
    proposal = world.propose(title="Shift")
    third = worlds.person("third", worlds.OWNER)
    turns.reassign(proposal_id=proposal.pk, to=world.other_owner, by=world.owner, note=" You know this one. ")
    assert titles(world.owner) == titles(third) == []
    assert titles(third, pile=Pile.OTHERS) == ["Shift"]
    assert titles(world.other_owner) == ["Shift"]
    assert turns.my_turn(world.other_owner, policy=active_policy()).found[0].is_assigned
    assert Assignment.objects.get().note == "You know this one."
    world.approve(proposal)  # by somebody else than the one whose turn it is


def test_handing_on_is_in_the_ledger_and_breaks_no_invariant(world: World) -> None:
    proposal = world.propose()
    turns.reassign(proposal_id=proposal.pk, to=world.other_owner, by=world.owner, note="Private words.")
    turns.reassign(proposal_id=proposal.pk, to=world.owner, by=world.other_owner)
    first, second = Entry.objects.filter(kind="proposal.reassigned").order_by("id")
    assert first.actor == f"user:{world.owner.pk}"
    assert first.data["assignee"] == second.actor == f"user:{world.other_owner.pk}"
    assert "Private" not in str(first.data)
    assert Assignment.objects.get().to == world.owner
    world.approve(proposal)
    assert [found.code for found in invariants.check() if found.breach] == []


def test_it_is_handed_only_to_who_may_decide(world: World, agent_owner: User) -> None:
    proposal = world.propose()
    for to in (agent_owner, worlds.person("lawyer", "Legal")):
        with pytest.raises(NotEligible, match=f"{to.username} may not decide"):
            turns.reassign(proposal_id=proposal.pk, to=to, by=world.owner)
    assert not Entry.objects.filter(kind="proposal.reassigned").exists()


def test_what_is_over_is_neither_put_off_nor_handed_on(world: World) -> None:
    proposal = world.propose()
    world.approve(proposal)
    with pytest.raises(StateConflict):
        turns.snooze(proposal_id=proposal.pk, by=world.owner, until=in_an_hour())
    with pytest.raises(StateConflict):
        turns.reassign(proposal_id=proposal.pk, to=world.other_owner, by=world.owner)


def test_who_may_decide_is_who_it_can_be_handed_to(world: World) -> None:
    proposal = world.propose()
    worlds.person("lawyer", "Legal")
    User.objects.create_user("gone", is_staff=True, is_active=False)
    surface = active_policy().surfaces["ads.budget"]
    assert [person.username for person in eligibility.deciders(proposal, surface)] == [
        "channel-owner",
        "other-channel-owner",
    ]
    Surface.objects.filter(pk="ads.budget").update(agent_owner_may_decide=True)
    worlds.publish()
    surface = active_policy().surfaces["ads.budget"]
    assert "agent-owner" in [person.username for person in eligibility.deciders(proposal, surface)]


def test_presence_is_fresh_or_forgotten(world: World) -> None:
    proposal, elsewhere = world.propose(), world.propose()
    for _ in range(2):
        presence.look(proposal=proposal, person=world.owner)
    assert presence.others(proposal=proposal, person=world.other_owner) == ["channel-owner"]
    assert presence.others(proposal=proposal, person=world.owner) == []
    Presence.objects.update(seen_at=timezone.now() - timedelta(seconds=46))
    assert presence.others(proposal=proposal, person=world.other_owner) == []
    presence.look(proposal=elsewhere, person=world.owner)
    assert list(Presence.objects.values_list("proposal", flat=True)) == [elsewhere.pk]


def test_a_filter_is_kept_under_its_name_for_its_person(world: World) -> None:
    saved_filters.save(person=world.owner, name="Prices", query="surface=pricing")
    saved_filters.save(person=world.owner, name=" Prices ", query="surface=pricing&q=raise+it")
    saved_filters.save(person=world.other_owner, name="Prices", query="tier=single")
    row = SavedFilter.objects.get(person=world.owner)
    assert (row.name, row.query) == ("Prices", "surface=pricing&q=raise+it")
    saved_filters.drop(person=world.other_owner, filter_id=row.pk)
    assert SavedFilter.objects.count() == 2
    saved_filters.drop(person=world.owner, filter_id=row.pk)
    assert SavedFilter.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "query", "complaint"),
    [(" ", "q=x", "name"), ("x" * 61, "q=x", "60"), ("Nothing", "", "first"), ("Long", f"q={'x' * 600}", "first")],
)
def test_a_filter_needs_a_name_and_something_to_find(world: World, name: str, query: str, complaint: str) -> None:
    with pytest.raises(saved_filters.FilterRefused, match=complaint):
        saved_filters.save(person=world.owner, name=name, query=query)


def test_there_is_an_end_to_saved_filters(world: World) -> None:
    for number in range(saved_filters.MOST):
        saved_filters.save(person=world.owner, name=f"Number {number}", query="q=x")
    with pytest.raises(saved_filters.FilterRefused, match="20 saved filters"):
        saved_filters.save(person=world.owner, name="One more", query="q=x")
    saved_filters.save(person=world.owner, name="Number 3", query="q=y")
