"""Running totals: what counts, for whom, in which window, and how many get through."""

from datetime import UTC, datetime, timedelta

import pgtrigger
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.errors import PolicyChanged
from approvals.evaluation.judgement import Content
from approvals.evaluation.limits import recount
from approvals.lifecycle import escalation, review, submission
from approvals.models import LimitDefinition, LimitEntry, LimitTotal, Proposal
from tests import world as worlds
from tests.approvals.races import race
from tests.costs import rows_read
from tests.kept import kept
from tests.proofs import assert_invariants_hold
from tests.world import World, limit, seen

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept
def world() -> World:
    made = worlds.build()
    made.surface("email.now", "autopilot")
    return made


def states(*proposals: Proposal) -> list[str]:
    return [proposal.state for proposal in proposals]


def test_what_is_over_the_limit_is_denied_and_not_counted(world):
    world.enforce(limits={"few": limit(limit=2)})
    assert states(*(world.propose("email.now") for _ in range(4))) == ["approved", "approved", "blocked", "blocked"]
    last = Proposal.objects.latest("id").verdict
    assert last.facts["limits"] == {"few": 2.0}
    assert {"few", "limit"} == {
        part for reason in last.reasons if reason["is_deciding"] for part in (reason["id"], reason["source"])
    }
    assert LimitTotal.objects.get().total == 2
    assert_invariants_hold()


@pytest.mark.parametrize(
    ("per", "others"),
    [
        ("surface", ["approved", "blocked", "blocked"]),
        ("agent", ["blocked", "blocked", "blocked"]),
        ("agent_and_surface", ["approved", "blocked", "blocked"]),
        ("target", ["blocked", "blocked", "approved"]),
        ("everywhere", ["blocked", "blocked", "blocked"]),
    ],
)
def test_totals_are_kept_apart_by_scope(world, per, others):
    world.surface("sms.now", "autopilot")
    world.enforce(limits={"one": limit(limit=1, per=per)})
    assert world.propose("email.now", targets=("lead:1", "lead:2")).state == "approved"
    done = [
        world.propose("sms.now", targets=("lead:1",)),
        world.propose("email.now", targets=("lead:2", "lead:3")),
        world.propose("email.now", targets=("lead:4",)),
    ]
    denied = [any(reason["source"] == "limit" for reason in proposal.verdict.reasons) for proposal in done]
    assert denied == [state == "blocked" for state in others]
    assert_invariants_hold()


def test_what_names_no_target_counts_together(world):
    world.enforce(limits={"one": limit(limit=1, per="target")})
    assert states(world.propose("email.now"), world.propose("email.now")) == ["approved", "blocked"]


def test_amounts_are_summed_to_the_cent_whatever_their_sign(world):
    world.enforce(limits={"spend": limit(measure="amount", limit=0.3)})
    sent = [world.propose("email.now", content={"amount": amount}) for amount in (0.1, -0.1, 0.1, 0.0001)]
    assert states(*sent) == ["approved", "approved", "approved", "blocked"]


def test_audiences_are_summed(world):
    world.enforce(limits={"people": limit(measure="audience_size", limit=1000)})
    sent = [world.propose("email.now", content={"audience_size": size}) for size in (600, 401, 400)]
    assert states(*sent) == ["approved", "blocked", "approved"]


def test_a_warning_flags_and_a_limit_raises_the_tier(world):
    world.enforce(limits={"some": limit(limit=2, effect="tier", tier="signature", warning=1)})
    first, second, third = (world.propose("email.now") for _ in range(3))
    assert [proposal.tier_id for proposal in (first, second, third)] == ["autopilot", "autopilot", "signature"]
    assert "warning level" in next(r["text"] for r in second.verdict.reasons if r["source"] == "limit")


def test_what_is_given_up_is_given_back_and_an_undo_counts_it_again(world):
    world.enforce(limits={"spend": limit(measure="amount", limit=100)})
    proposal = world.propose(content={"amount": 80})
    assert world.propose(content={"amount": 80}).state == "blocked"
    world.decide(proposal, "reject", reason_code="too_risky")
    assert LimitTotal.objects.get().total == 0
    review.undo(proposal_id=proposal.pk, by=world.owner)
    assert LimitTotal.objects.get().total == 80
    submission.withdraw(agent=world.agent, proposal_id=proposal.pk)
    assert LimitTotal.objects.get().total == 0
    overdue = world.propose(content={"amount": 90})
    Proposal.objects.filter(pk=overdue.pk).update(deadline_at=overdue.created_at)
    assert escalation.expire_overdue() == 1
    assert LimitTotal.objects.get().total == 0
    assert_invariants_hold()


def test_edits_and_revisions_change_the_amount_and_are_weighed_without_what_they_replace(world):
    world.enforce(
        limits={"spend": limit(measure="amount", limit=100)}, surfaces={"ads.budget": {"amount_pointer": "/amount"}}
    )
    proposal = world.propose(content={"payload": {"amount": 80}})
    edited = review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"amount": 90})
    assert (edited.state, LimitTotal.objects.get().total) == ("edited", 90)
    too_much = review.edit(proposal_id=proposal.pk, seen=seen(edited), by=world.owner, payload={"amount": 101})
    assert (too_much.state, LimitTotal.objects.get().total) == ("blocked", 0)

    second = world.propose(content={"payload": {"amount": 60}})
    submission.revise(agent=world.agent, proposal_id=second.pk, content=Content(payload={"amount": 70}, confidence=0.9))
    assert LimitTotal.objects.get().total == 70
    assert world.propose(content={"payload": {"amount": 31}}).state == "blocked"
    assert_invariants_hold()


def test_asking_for_a_verdict_counts_nothing(world):
    world.enforce(limits={"one": limit(limit=1)})
    draft = submission.NewProposal(
        surface="email.now", action="send", title="t", content=Content(payload={}, confidence=1)
    )
    assert submission.evaluate(agent=world.agent, draft=draft).verdict.outcome == "allow"
    assert not LimitEntry.objects.exists()
    world.propose("email.now")
    assert submission.evaluate(agent=world.agent, draft=draft).verdict.outcome == "deny"


def age(by: timedelta) -> None:
    """Let all that was proposed so far be older."""
    with connection.cursor() as cursor, pgtrigger.ignore("approvals.Proposal:asked_once"):
        cursor.execute("UPDATE approvals_limitentry SET at = at - %s", [by])
        cursor.execute("UPDATE approvals_proposal SET created_at = created_at - %s", [by])
        cursor.execute(
            "UPDATE approvals_limittotal SET tail_at = tail_at - %s, since = CASE WHEN since > '1970-01-02'"
            " THEN since - %s ELSE since END",
            [by, by],
        )


def test_what_has_left_a_rolling_window_counts_no_more(world):
    world.enforce(limits={"hourly": limit(limit=2, seconds=3600)})
    world.propose("email.now")
    age(timedelta(minutes=40))
    world.propose("email.now")
    assert world.propose("email.now").state == "blocked"
    age(timedelta(minutes=30))
    assert states(world.propose("email.now"), world.propose("email.now")) == ["approved", "blocked"]
    assert LimitTotal.objects.get().total == 2
    assert_invariants_hold()


def test_a_rejection_of_what_has_left_the_window_gives_nothing_back(world):
    world.enforce(limits={"hourly": limit(limit=2, seconds=3600)})
    old = world.propose()
    age(timedelta(minutes=70))
    world.propose()
    assert LimitTotal.objects.get().total == 1
    world.decide(old, "reject", reason_code="too_risky")
    assert LimitTotal.objects.get().total == 1
    review.undo(proposal_id=old.pk, by=world.owner)
    assert LimitTotal.objects.get().total == 1
    assert_invariants_hold()


def test_a_new_day_begins_at_nothing_and_giving_back_goes_to_the_old_one(world):
    world.enforce(limits={"daily": limit(kind="day", limit=1)})
    old = world.propose()
    age(timedelta(days=1))
    assert states(world.propose(), world.propose()) == ["pending", "blocked"]
    world.decide(old, "reject", reason_code="too_risky")
    assert sorted(LimitTotal.objects.values_list("total", flat=True)) == [0, 1]
    assert world.propose().state == "blocked"
    assert_invariants_hold()


def test_another_shape_of_a_limit_counts_from_what_was_proposed(world):
    world.enforce(limits={"spend": limit(measure="count", limit=100)})
    for amount in (10, 20):
        world.propose("email.now", content={"amount": amount})
    gone = world.propose(content={"amount": 40})
    world.decide(gone, "reject", reason_code="too_risky")
    world.enforce(limits={"spend": limit(measure="amount", limit=35, per="everywhere")})
    assert world.propose("email.now", content={"amount": 6}).state == "blocked"
    assert world.propose("email.now", content={"amount": 5}).state == "approved"
    assert world.propose().verdict.facts["limits"] == {"spend": 35.0}
    assert_invariants_hold()
    with pytest.raises(PolicyChanged, match="over the limit"):
        review.undo(proposal_id=gone.pk, by=world.owner)
    world.enforce(limits={"spend": limit(measure="amount", limit=100, per="everywhere")})
    review.undo(proposal_id=gone.pk, by=world.owner)
    assert LimitTotal.objects.get(definition__measure="amount").total == 75
    assert_invariants_hold()


def test_another_bound_goes_on_counting_and_a_gap_is_filled(world):
    world.enforce(limits={"few": limit(limit=1)})
    world.propose("email.now")
    world.enforce(limits={"few": limit(limit=3)})
    world.propose("email.now")
    assert LimitDefinition.objects.count() == 1
    worlds.publish()  # no limits
    world.propose("email.now")
    world.enforce(limits={"few": limit(limit=3)})
    assert world.propose("email.now").state == "blocked"
    assert_invariants_hold()


def test_limits_without_what_they_count_still_hold(world):
    world.enforce(limits={"spend": limit(measure="amount", limit=0, surfaces=["email.*"], agents=["other*"])})
    assert world.propose("email.now", content={"amount": 10}).verdict.facts["limits"] == {}


def fill(total: LimitTotal, number: int, *, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO approvals_limitentry (running_id, proposal_id, amount, at, is_counted)"
            " SELECT %s, gen_random_uuid(), 1, %s + n * interval '1 microsecond', true"
            " FROM generate_series(1, %s) AS n",
            [total.pk, at, number],
        )
        cursor.execute("UPDATE approvals_limittotal SET total = total + %s", [number])
        cursor.execute("ANALYZE approvals_limitentry")


def test_a_submission_costs_the_same_with_a_hundred_thousand_entries(world):
    world.enforce(limits={"many": limit(limit=10**6, seconds=30 * 86400)})

    def cost() -> tuple[int, int]:
        world.propose("email.now")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            world.propose("email.now")
        before = rows_read("approvals_limitentry")
        for _ in range(20):
            world.propose("email.now")
        return len(queries), rows_read("approvals_limitentry") - before

    few, few_rows = cost()
    fill(LimitTotal.objects.get(), 100_000, at=datetime.now(UTC) - timedelta(days=20))
    many, many_rows = cost()
    assert many == few
    assert many_rows < few_rows + 1_000
    with CaptureQueriesContext(connection) as queries:
        assert world.propose("email.now").verdict.facts["limits"]["many"] > 100_000
    assert len(queries) == few


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(180)
class TestAtOnce:
    """Two hundred at once."""

    def submit(self, world: World, **fields) -> list[str]:
        lanes = 10
        rounds = race(20, *[lambda _: world.propose("email.now", **fields) for _ in range(lanes)])
        return [proposal.state for proposals in rounds for proposal in proposals]

    @pytest.mark.parametrize("kind", ["rolling", "day"])
    def test_exactly_twenty_of_two_hundred_get_through(self, world, kind):
        world.enforce(limits={"few": limit(kind=kind, limit=20)})
        done = self.submit(world)
        assert (done.count("approved"), done.count("blocked")) == (20, 180)
        assert LimitTotal.objects.get().total == 20
        assert_invariants_hold()

    def test_exactly_as_much_money_as_the_limit_says(self, world):
        world.enforce(
            limits={"spend": limit(measure="amount", limit=50.05), "all": limit(limit=1000, per="everywhere")}
        )
        done = self.submit(world, content={"amount": 0.7})
        assert done.count("approved") == 71
        assert str(LimitTotal.objects.get(definition__slug="spend").total) == "49.7000"
        assert_invariants_hold()

    def test_nothing_is_missed_while_policies_change(self, world):
        world.enforce(limits={"few": limit(limit=1000)})

        def publish(number: int) -> None:
            world.enforce(limits={"few": limit(limit=1000, seconds=1000 + number // 2)})

        def give_up(_round: int) -> None:
            proposal = world.propose()
            world.decide(proposal, "reject", reason_code="too_risky")

        race(30, publish, give_up, *[lambda _: world.propose("email.now")] * 4)
        recount.count_what_is_in_force()
        world.propose("email.now")
        current = LimitDefinition.objects.latest("counted_for")
        totals = dict(LimitTotal.objects.filter(definition=current).values_list("scope", "total"))
        assert totals == {"email.now": 121, "ads.budget": 0}
        assert_invariants_hold()
