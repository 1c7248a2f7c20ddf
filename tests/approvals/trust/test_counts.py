"""What is counted towards trust: incremental equals counting anew, in any order, and each kind counts as it should."""

import random
import threading
import time
from typing import Any

import pytest
from django.db import connection, transaction

from approvals.lifecycle import review
from approvals.models import Proposal, Sample, TrustCase, TrustCount
from approvals.shipping import sampling
from approvals.trust import cases, counts, figures
from approvals.trust.cases import ADDS
from approvals.trust.counts import Pair
from audit.models import Entry
from tests.approvals.trust import lives
from tests.approvals.trust.lives import AUTOMATIC, Lives
from tests.world import OWNER, World

pytestmark = pytest.mark.django_db
PAIR = Pair("pacer", "ads.budget")


@pytest.fixture
def world() -> World:
    return lives.build()


def count_all(most: int = 500) -> int:
    done = 0
    while changed := counts.count_changed(most=most)[0]:
        done += changed
    return done


def sums() -> set[tuple[Any, ...]]:
    """Every sum that says something, whatever rows of nothing lie beside it."""
    names = ("agent", "surface", "model", "day", "action", "tenth", *ADDS)
    return set(TrustCount.objects.exclude(proposals=0).values_list(*names))


def kinds() -> int:
    return TrustCase.objects.values("kind").distinct().count()


def case_of(proposal: Proposal) -> TrustCase:
    count_all()
    return TrustCase.objects.get(pk=proposal.pk)


@pytest.mark.parametrize("seed", range(3))
def test_incremental_equals_counting_anew_to_the_last_digit(seed):
    life = Lives(seed)
    for number in range(700):  # a life may be dull for long
        life.step()
        if life.chance.random() < 0.3:
            counts.count_changed(most=life.chance.randrange(1, 20))
        if number >= 70 and kinds() > 5:
            break
    count_all(most=7)
    incremental = sums()
    assert len(incremental) > 3 and kinds() > 5
    assert counts.recount() == (Proposal.objects.count(), 0)
    assert sums() == incremental


def test_the_order_of_arrival_does_not_matter():
    life = Lives(5)
    for _ in range(70):
        life.step()
    entries = {entry.subject: entry.pk for entry in Entry.objects.order_by("pk")}
    due = [(pk, entries[f"proposal:{pk}"]) for pk in Proposal.objects.values_list("pk", flat=True)]
    found = []
    for number in range(5):
        TrustCase.objects.all().delete()
        TrustCount.objects.all().delete()
        order = random.Random(number).sample(due * 2, len(due) * 2)  # some are counted twice
        while order:
            size = random.Random(len(order)).randrange(1, 9)
            batch, order = dict(order[:size]), order[size:]
            counts.count(list(batch.items()))
        found.append(sums())
    assert found[0] and all(one == found[0] for one in found)


def test_counting_anew_mends_what_is_wrong_and_says_so(world):
    world.approve(lives.propose(world))
    count_all()
    right = sums()
    TrustCount.objects.update(right=7)
    TrustCase.objects.update(is_right=False)
    assert counts.recount().differences == 1
    assert sums() == right
    assert TrustCase.objects.get().is_right


def test_what_was_counted_is_not_looked_at_again(world):
    for _ in range(3):
        lives.propose(world)
    assert counts.count_changed(most=2)[0] == 2
    assert counts.count_changed(most=2)[0] == 1
    assert counts.count_changed(most=2)[0] == 0


@pytest.mark.parametrize(
    ("verdict", "words", "kind", "is_right"),
    [
        pytest.param("approve", {}, "approved", True, id="approved-as-proposed-is-right"),
        pytest.param("reject", {"reason_code": "too_risky"}, "rejected", False, id="rejected-is-wrong"),
        pytest.param("send_back", {"comment": "Less."}, "returned", None, id="sent-back-is-open"),
        pytest.param("take_over", {}, "taken_over", None, id="taken-over-is-no-fault"),
    ],
)
def test_what_people_said_counts(world, verdict, words, kind, is_right):
    proposal = lives.propose(world)
    world.decide(proposal, verdict, **words)
    case = case_of(proposal)
    assert (case.kind, case.is_right, case.reason) == (kind, is_right, words.get("reason_code", ""))


def test_a_rejection_after_an_approval_waited_until_the_rejection(world):
    row = {
        "surface": "ads.budget",
        "tier": None,
        "stage": 1,
        "name": "owner",
        "role": OWNER,
        "approvals": 2,
        "denials": 1,
    }
    world.enforce(requirements=[row])
    proposal = lives.propose(world)
    world.approve(proposal)
    time.sleep(1.6)
    world.decide(proposal, "reject", by=world.other_owner, reason_code="too_risky")
    asked, rejected = proposal.created_at, proposal.decisions.get(verdict="reject").at
    assert case_of(proposal).wait_seconds == round((rejected - asked).total_seconds())


def test_what_a_person_changed_first_was_not_right(world):
    life = Lives.__new__(Lives)
    life.world, life.chance = world, random.Random(1)
    proposal = lives.propose(world)
    life.edit()
    world.decide(Proposal.objects.get(), "approve", by=world.other_owner)
    assert (case_of(proposal).kind, case_of(proposal).is_right) == ("edited", False)


def test_an_undone_decision_counts_no_more(world):
    proposal = lives.propose(world)
    world.decide(proposal, "reject", reason_code="too_risky")
    assert figures.measures(PAIR, since=proposal.created_at).total.decided == 0
    count_all()
    assert figures.measures(PAIR, since=proposal.created_at).total.rejected == 1
    review.undo(proposal_id=proposal.pk, by=world.owner)
    count_all()
    total = figures.measures(PAIR, since=proposal.created_at).total
    assert (total.rejected, total.decided, total.proposals) == (0, 0, 1)


def test_an_incident_makes_wrong_what_was_approved_until_it_is_corrected(world):
    proposal = lives.propose(world)
    world.approve(proposal)
    lives.ship_all()
    wrong = lives.report(proposal, kind="incident")
    assert (case_of(proposal).is_right, case_of(proposal).has_incident) == (False, True)
    lives.report(proposal, corrects=wrong.pk)
    assert (case_of(proposal).is_right, case_of(proposal).has_incident) == (True, False)


def test_an_agents_own_report_can_lower_its_trust_but_not_raise_it(world):
    proposal = lives.propose(world)
    world.approve(proposal)
    lives.ship_all()
    lives.report_by_agent(world, proposal, 12.0)
    assert case_of(proposal).is_inside is None
    lives.report_by_agent(world, proposal, 99.0)
    assert case_of(proposal).is_inside is False
    lives.report_by_agent(world, proposal, 12.0)
    assert case_of(proposal).is_inside is False
    lives.report(proposal, 12.0)
    assert case_of(proposal).is_inside is True


@pytest.mark.parametrize("expected", [{"metric": "CPA", "low": "10", "high": []}, [1], None])
def test_odd_expectations_are_no_trouble(world, expected):
    proposal = world.propose(expected_outcome=expected)
    world.approve(proposal)
    lives.ship_all()
    lives.report(proposal, 12.0)
    assert case_of(proposal).is_inside in {None, True}


def test_what_shipped_unseen_says_nothing_until_somebody_looks(world):
    while not Sample.objects.exists():
        proposal = lives.propose(world, surface=AUTOMATIC)
        lives.ship_all()
    case = case_of(proposal)
    assert (case.kind, case.is_right) == ("unseen", None)
    sampling.judge(proposal_id=proposal.pk, by=world.owner, opinion=Sample.Opinion.RIGHT)
    case = case_of(proposal)
    assert (case.kind, case.is_right, case.weight) == ("sampled", True, 2000)


def test_roll_backs_are_wrong(world):
    proposal = lives.propose(world)
    world.approve(proposal)
    lives.ship_all()
    lives.roll_back(proposal, world.owner)
    case = case_of(proposal)
    assert (case.is_right, case.is_rolled_back, case.problem_at is not None) == (False, True, True)


def test_measures_begin_at_the_second_they_are_asked_from(world):
    first = lives.propose(world)
    world.approve(first)
    second = lives.propose(world)
    world.approve(second)
    count_all()
    begun = TrustCase.objects.get(pk=second.pk).settled_at
    assert figures.measures(PAIR, since=begun).total.approved == 1
    assert figures.measures(PAIR, since=first.created_at).total.approved == 2


def test_counting_changes_nothing_of_the_proposals(world):
    proposal = lives.propose(world)
    before = (Proposal.objects.get().updated_at, Entry.objects.count())
    count_all()
    counts.recount()
    assert (Proposal.objects.get(pk=proposal.pk).updated_at, Entry.objects.count()) == before


@pytest.mark.django_db(transaction=True)
def test_two_never_count_at_once():
    with transaction.atomic():
        assert counts.try_alone()
        said = []

        def other() -> None:
            with transaction.atomic():
                said.append(counts.try_alone())
            connection.close()

        thread = threading.Thread(target=other)
        thread.start()
        thread.join(10)
    assert said == [False]


def test_every_sum_has_its_column():
    names = {field.name for field in TrustCount._meta.get_fields()}
    assert set(ADDS) <= names
    assert set(cases.COLUMNS) <= {field.column for field in TrustCase._meta.concrete_fields}
