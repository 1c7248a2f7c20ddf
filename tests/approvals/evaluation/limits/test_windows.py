"""When windows begin, what counts together, and that the totals are those of a plain recount."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from approvals.evaluation.limits import windows
from approvals.lifecycle import review, submission
from approvals.models import LimitEntry, LimitTotal, Proposal
from policies.engine.policy import LimitPolicy, compile_limit
from tests import world as worlds
from tests.proofs import assert_invariants_hold
from tests.world import limit, seen


def policy(**fields) -> LimitPolicy:
    return compile_limit("x", limit(**fields), {})


NOON = datetime(2026, 3, 18, 12, 30, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("kind", "zone", "at", "expected"),
    [
        pytest.param("day", "UTC", NOON, datetime(2026, 3, 18, tzinfo=UTC), id="day"),
        pytest.param("week", "UTC", NOON, datetime(2026, 3, 16, tzinfo=UTC), id="week-begins-on-monday"),
        pytest.param("month", "UTC", NOON, datetime(2026, 3, 1, tzinfo=UTC), id="month"),
        pytest.param("day", "Asia/Tokyo", NOON.replace(hour=16), datetime(2026, 3, 18, 15, tzinfo=UTC), id="tokyo"),
        pytest.param(
            "day", "America/New_York", datetime(2026, 3, 9, 3, tzinfo=UTC), datetime(2026, 3, 8, 5, tzinfo=UTC),
            id="a-day-of-23-hours",
        ),
        pytest.param(
            "week", "Europe/Berlin", datetime(2026, 3, 30, 1, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC),
            id="the-week-after-the-clocks-change",
        ),
        pytest.param(
            "day", "America/Santiago", datetime(2026, 9, 6, 12, tzinfo=UTC), datetime(2026, 9, 6, 4, tzinfo=UTC),
            id="a-day-without-midnight",
        ),
    ],
)  # fmt: skip
def test_calendar_windows_begin_in_the_limits_own_time_zone(kind, zone, at, expected):
    assert windows.begins(policy(kind=kind, time_zone=zone), at) == expected


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(["day", "week", "month"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland"]),
)
def test_a_window_has_begun_and_begins_once(at, kind, zone):
    made = policy(kind=kind, time_zone=zone)
    start = windows.begins(made, at)
    assert start <= at
    assert windows.begins(made, start) == start
    assert windows.begins(made, start - timedelta(microseconds=1)) < start
    assert start.astimezone(ZoneInfo(zone)).hour == 0


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({"limit": 99, "warning": 5.0, "effect": "flag"}, True),
        ({"surfaces": ["b", "a"]}, False),
        ({"measure": "amount"}, False),
        ({"per": "everywhere"}, False),
        ({"seconds": 60}, False),
        ({"kind": "day"}, False),
    ],
)
def test_only_what_is_counted_makes_another_definition(change, is_same):
    assert (windows.digest(policy()) == windows.digest(policy(**change))) is is_same


def test_the_order_of_surfaces_is_no_part_of_it():
    assert windows.digest(policy(surfaces=["a", "b"])) == windows.digest(policy(surfaces=["b", "a"]))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["propose", "reject", "undo", "withdraw", "edit", "publish"]),
        st.integers(0, 5),
        st.integers(1, 60),
    ),
    max_size=12,
)


POINTER = {"ads.budget": {"amount_pointer": "/amount"}}


class AnyLife(TestCase):
    """Whatever happens, a total is what a plain recount of the proposals gives."""

    @classmethod
    def setUpTestData(cls):
        cls.world = worlds.build()
        cls.world.enforce(limits={"spend": limit(measure="amount", limit=100)}, surfaces=POINTER)
        cls.world.propose(content={"payload": {"amount": 1}})

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(STEPS)
    def test_totals_are_those_of_a_recount(self, steps):
        world = self.world
        for what, which, amount in steps:
            self.do(world, what, which, amount)
        counted = Proposal.objects.exclude(state__in=["rejected", "withdrawn", "expired", "blocked"])
        expected = sum((proposal.amount for proposal in counted), Decimal(0))
        world.propose(content={"payload": {"amount": 1000}})  # blocked, but makes sure that it was counted
        assert LimitTotal.objects.latest("id").total == expected
        assert LimitEntry.objects.filter(is_counted=True).count() == counted.count()
        assert_invariants_hold()

    def do(self, world, what, which, amount) -> None:
        if what == "propose":
            world.propose(content={"payload": {"amount": amount}})
            return
        if what == "publish":
            window = limit(measure="amount", limit=100, seconds=3600 + which)
            world.enforce(limits={"spend": window}, surfaces=POINTER)
            world.propose(content={"payload": {"amount": 1000}})
            for stale in LimitTotal.objects.order_by("-id")[1:]:
                LimitEntry.objects.filter(running=stale).delete()
                stale.delete()
            return
        proposals = list(Proposal.objects.select_related("revision").order_by("id"))
        proposal = proposals[which % len(proposals)]
        is_open = proposal.state in {"pending", "edited"}
        if what == "reject" and is_open:
            world.decide(proposal, "reject", reason_code="too_risky")
        elif what == "undo" and proposal.state == "rejected":
            review.undo(proposal_id=proposal.pk, by=world.owner)
        elif what == "withdraw" and is_open:
            submission.withdraw(agent=world.agent, proposal_id=proposal.pk)
        elif what == "edit" and is_open:
            review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"amount": amount})
