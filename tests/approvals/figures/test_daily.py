"""One day in numbers."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.figures.daily import DailyFigures, digest
from approvals.lifecycle import review
from approvals.models import Decision, Dispatch, Proposal, Sample
from approvals.presentation import volumes
from approvals.shipping import claims, dispatches, recovery, sampling
from policies.models import Tier
from tests import world as worlds
from tests.kept import kept
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept
def world() -> World:
    made = worlds.build()
    Tier.objects.filter(slug="autopilot").update(sample_rate=1.0)
    made.surface("crm.segments", "autopilot")
    made.surface("crm.journeys", "autopilot")
    return made


def propose(world: World, surface: str = "crm.segments") -> Proposal:
    return world.propose(surface, content={"rollback": {"amount": -4000}})


def ship(*, well: bool = True) -> None:
    while claim := claims.claim_next(worker="test", kind="webhook"):
        known = {"dispatch_id": claim.dispatch.pk, "fence": claim.fence}
        if well:
            dispatches.complete(**known, receipt={"done": True})
        else:
            dispatches.postpone(**known, error="410 Gone", is_final=True)


def today(person: User, days: int = 0) -> DailyFigures:
    return digest(person, day=datetime.now(UTC).date() + timedelta(days=days), zone=UTC)


def test_a_quiet_day(world):
    found = today(world.owner)
    assert (found.lines, found.opinions, found.decided, found.median_wait) == ([], {}, {}, None)


def test_what_shipped_by_itself_is_counted_by_surface_and_agent(world):
    for surface in ("crm.segments", "crm.segments", "crm.journeys"):
        propose(world, surface)
    world.approve(propose(world, "ads.budget"))
    ship()
    found = today(world.owner)
    assert [(line.surface, line.agent, line.shipped) for line in found.lines] == [
        ("crm.journeys", "pacer", 1),
        ("crm.segments", "pacer", 2),
    ]
    assert found.total("shipped") == 3


def test_what_was_stopped_rolled_back_and_failed(world):
    rolled_back = propose(world)
    ship()
    recovery.roll_back(proposal_id=rolled_back.pk, by=world.owner)
    ship()
    stopped = propose(world)
    review.undo(proposal_id=stopped.pk, by=world.owner)
    # Taking back what a person approved is no stop.
    world.approve(stopped)
    review.undo(proposal_id=stopped.pk, by=world.owner)
    failed = propose(world)
    ship(well=False)
    recovery.retry(proposal_id=failed.pk, by=world.owner)
    ship()
    (line,) = today(world.owner).lines
    assert (line.shipped, line.stopped, line.rolled_back, line.failed) == (2, 1, 1, 1)


def test_samples_are_counted_by_what_was_said_of_them(world):
    proposals = [propose(world) for _ in range(3)]
    ship()
    for proposal, opinion in zip(proposals, ("right", "wrong"), strict=False):
        sampling.judge(proposal_id=proposal.pk, by=world.owner, opinion=Sample.Opinion(opinion), note="Not them.")
    assert today(world.owner).opinions == {"right": 1, "wrong": 1, "": 1}


def test_what_people_decided_and_how_long_it_waited(world):
    for number, verdict in enumerate(("approve", "approve", "reject")):
        proposal = propose(world, "ads.budget")
        made_at = datetime.now(UTC) - timedelta(minutes=10 * (number + 1))
        _move("approvals_revision", proposal.revision_id, "created_at", made_at)
        world.decide(proposal, verdict, reason_code="too_risky")
    review.undo(proposal_id=proposal.pk, by=world.owner)
    found = today(world.owner)
    assert found.decided == {"approve": 2, "reject": 1}
    assert timedelta(minutes=20) <= found.median_wait < timedelta(minutes=21)


def test_a_day_is_the_readers(world):
    propose(world)
    ship()
    # 23:30 in New York on the 31st is already the 1st in UTC.
    _move("approvals_dispatch", Dispatch.objects.get().pk, "delivered_at", datetime(2026, 11, 1, 3, 30, tzinfo=UTC))
    new_york = ZoneInfo("America/New_York")
    assert digest(world.owner, day=date(2026, 10, 31), zone=new_york).total("shipped") == 1
    assert digest(world.owner, day=date(2026, 10, 31), zone=UTC).total("shipped") == 0
    assert digest(world.owner, day=date(2026, 11, 1), zone=UTC).total("shipped") == 1
    # The clocks go back on the 1st: that day has 25 hours.
    long_day = digest(world.owner, day=date(2026, 11, 1), zone=new_york)
    assert long_day.until.astimezone(UTC) - long_day.since.astimezone(UTC) == timedelta(hours=25)


def test_other_days_are_not_today(world):
    propose(world)
    ship()
    assert today(world.owner).total("shipped") == 1
    assert today(world.owner, -1).lines == today(world.owner, 1).lines == []


def test_other_peoples_surfaces_are_not_counted(world):
    propose(world)
    failed = propose(world)
    world.approve(propose(world, "ads.budget"))
    ship(well=False)
    recovery.retry(proposal_id=failed.pk, by=world.owner)
    ship()
    review.undo(proposal_id=propose(world).pk, by=world.owner)
    assert today(world.owner).total("failed") == 2
    stranger = worlds.person("lawyer", "Legal")
    found = today(stranger)
    assert (found.lines, found.opinions, found.decided) == ([], {}, {})
    auditor = worlds.person("auditor", permissions=("view_all_proposals",))
    assert today(auditor).total("failed") == 2
    assert today(auditor).decided == {"approve": 1}


def test_it_asks_a_fixed_number_of_questions(world):
    for _ in range(3):
        propose(world)
    ship()
    auditor = User.objects.get(pk=worlds.person("auditor", permissions=("view_all_proposals",)).pk)
    auditor.has_perm("approvals.view_all_proposals")
    with CaptureQueriesContext(connection) as captured:
        today(auditor)
    assert len(captured) == 10
    assert Decision.objects.count() == 0


def test_what_people_had_approved_and_was_rolled_back_is_counted(world):
    approved = world.approve(world.propose("ads.budget", content={"rollback": {"amount": 1}}))
    ship()
    recovery.roll_back(proposal_id=approved.pk, by=world.owner)
    by_itself = propose(world)
    ship()
    recovery.roll_back(proposal_id=by_itself.pk, by=world.owner)
    ship()
    found = today(world.owner)
    assert found.rolled_back_after_approval == 1
    assert found.total("rolled_back") == 1
    assert [(one.surface, one.shipped, one.rolled_back) for one in found.volumes] == [
        ("ads.budget", 1, 1),
        ("crm.segments", 1, 0),
    ]


def test_a_surface_speaks_in_its_own_numbers(world):
    titles = [{"sku": number, "title": "New"} for number in range(156)]
    for _ in range(2):
        world.propose("crm.segments", content={"payload": {"titles": titles, "locales": ["en"], "serial": _}})
    world.propose("crm.journeys", currency="USD", content={"amount": 400, "audience_size": 12_000})
    ship()
    journeys, segments = today(world.owner).volumes
    assert (segments.counted, segments.shipped) == (("titles", 312), 2)
    assert volumes.line(segments) == "312 titles · 2 proposals shipped"
    assert volumes.line(journeys) == "400.00 USD · 12,000 people · 1 proposal shipped"


def _move(table: str, key: object, column: str, at: datetime) -> None:
    """Let something have happened at another time; the triggers that forbid it are off for a moment."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f"UPDATE {table} SET {column} = %s WHERE id = %s", [at, key])
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
