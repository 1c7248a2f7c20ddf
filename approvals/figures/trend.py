"""Trend of review work over the last days: what was waiting, came in and was decided."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db.models import Aggregate, Count, DurationField, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Greatest, Least, Now, TruncDate
from django.utils import timezone

from approvals.models import WAITING, Decision, Dispatch, DispatchStatus, State
from approvals.models.proposal_queries import ProposalQuerySet
from approvals.models.verdicts import CHOICES, ENDING
from approvals.people import eligibility, held_roles
from policies.models import Agent, Mandate

DAYS: Final = 14
LATELY: Final = timedelta(days=7)
KEPT_SECONDS: Final = 60
MANY_REJECTED: Final = 3
REJECTED_SHARE: Final = 0.3
MANY_ROLLED_BACK: Final = 2
UNDECIDED: Final = (State.EXPIRED, State.WITHDRAWN, State.BLOCKED)


@dataclass(frozen=True, slots=True)
class Day:
    """One day in the current time zone.

    `waiting` is what waited at its end, `arrived` what came in for people, `decided` how many decisions
    they took, and `wait` the median time from submission to decision, None where there was none.
    """

    day: date
    waiting: int
    arrived: int
    decided: int
    wait: timedelta | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """What of an agent's lately wants a look: counts of the last seven days."""

    slug: str
    name: str
    is_suspended: bool
    failed: int
    decided: int
    rejected: int
    rolled_back: int


class Scope:
    """What one person may see; their roles are asked for once."""

    def __init__(self, person: User) -> None:
        self.person = person
        self.sees_all = person.has_perm(eligibility.SEE_ALL)
        self.roles = held_roles.own(person)
        self.proposals: ProposalQuerySet = eligibility.visible(person)

    @property
    def audience(self) -> str:
        """A name for what is seen: two people with one name see the same."""
        if self.sees_all:
            return "all"
        seen = "\n".join(sorted(self.roles))
        return hashlib.sha256(seen.encode()).hexdigest() if self.person.has_perm(eligibility.SEE) else "nothing"

    def within(self, rows: "QuerySet[Any]") -> "QuerySet[Any]":
        """Narrow decisions or dispatches to those of proposals that may be seen."""
        return rows if self.sees_all else rows.filter(proposal__in=self.proposals)


class Median(Aggregate):
    """The middle value; PostgreSQL interpolates between two."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


def days(scope: Scope, *, at: datetime) -> list[Day]:
    """Return the last DAYS days of what may be seen, the oldest first. Kept for a minute per audience."""
    key = f"trend:{timezone.get_current_timezone_name()}:{timezone.localdate(at)}:{scope.audience}"
    return cache.get_or_set(key, lambda: _days(scope, at), KEPT_SECONDS) or []


def troubles(scope: Scope, *, at: datetime) -> list[Trouble]:
    """Return the agents with problems lately, as far as they may be seen. Kept for a minute per audience."""
    key = f"troubles:{scope.audience}"
    return cache.get_or_set(key, lambda: _troubles(scope, at), KEPT_SECONDS) or []


def is_new(scope: Scope, shown: Sequence[Day]) -> bool:
    """Whether there is no proposal at all that may be seen, now or in the `shown` days."""
    if any(day.waiting or day.arrived or day.decided for day in shown):
        return False
    # Finding nothing among a million takes a while, so the answer is kept as well.
    return not cache.get_or_set(f"anything:{scope.audience}", scope.proposals.exists, KEPT_SECONDS)


def _days(scope: Scope, at: datetime) -> list[Day]:
    today = timezone.localdate(at)
    first = today - timedelta(days=DAYS - 1)
    since = timezone.make_aware(datetime.combine(first, time.min))
    spans = _spans(scope, since, first)
    arrived = _arrived(scope, since)
    decided = _decided(scope, since)
    shown = [first + timedelta(days=number) for number in range(DAYS)]
    return [
        Day(
            day=day,
            waiting=sum(count for (came, left), count in spans.items() if came <= day and (left is None or left > day)),
            arrived=arrived.get(day, 0),
            decided=decided.get(day, (0, None))[0],
            wait=decided.get(day, (0, None))[1],
        )
        for day in shown
    ]


def _spans(scope: Scope, since: datetime, first: date) -> Mapping[tuple[date, date | None], int]:
    """Count what waited at any time since, by the days on which it came and left; None is "still there".

    What came before counts as of the day before. What was undone in between counts as waiting all the while.
    """
    early = first - timedelta(days=1)
    visible = scope.proposals
    there = visible.filter(state__in=WAITING, deadline_at__gt=Now())
    later = Decision.objects.filter(proposal=OuterRef("proposal"), verdict__in=ENDING, at__gt=OuterRef("at"))
    settled = (
        scope.within(Decision.objects.filter(at__gte=since, verdict__in=ENDING))
        .exclude(proposal__state__in=WAITING)
        .exclude(Exists(later))
    )
    never_settled = ~Exists(Decision.objects.filter(proposal=OuterRef("pk"), verdict__in=ENDING))
    ended = visible.filter(_needs_people(), never_settled, state__in=UNDECIDED, updated_at__gte=since)
    spans: dict[tuple[date, date | None], int] = {}
    for rows, came, left in (
        (there, TruncDate("created_at"), None),
        (settled, TruncDate("proposal__created_at"), TruncDate("at")),
        (ended, TruncDate("created_at"), TruncDate(Least("updated_at", "deadline_at"))),
    ):
        grouped: Any = rows.order_by().annotate(came=Greatest(came, early))
        names: tuple[str, ...] = ("came",)
        if left is not None:
            grouped, names = grouped.annotate(left=left), ("came", "left")
        for row in grouped.values(*names).annotate(number=Count("pk")):
            key = (row["came"], row.get("left"))
            spans[key] = spans.get(key, 0) + row["number"]
    return spans


def _arrived(scope: Scope, since: datetime) -> Mapping[date, int]:
    rows: Any = scope.proposals.filter(_needs_people(), created_at__gte=since).order_by()
    counted = rows.annotate(day=TruncDate("created_at")).values("day").annotate(number=Count("pk"))
    return {row["day"]: row["number"] for row in counted}


def _decided(scope: Scope, since: datetime) -> Mapping[date, tuple[int, timedelta | None]]:
    rows = scope.within(Decision.objects.filter(at__gte=since, verdict__in=CHOICES)).order_by()
    counted = (
        rows.annotate(day=TruncDate("at"))
        .values("day")
        .annotate(number=Count("pk"), wait=Median(F("at") - F("proposal__created_at")))
    )
    return {row["day"]: (row["number"], row["wait"]) for row in counted}


def _needs_people() -> Q:
    return Q(tier__isnull=False) & ~Q(tier__review="none")


def _troubles(scope: Scope, at: datetime) -> list[Trouble]:
    since = at - LATELY
    agents = Agent.objects.all()
    if not scope.sees_all:
        mandates = Mandate.objects.filter(surface__owner__name__in=scope.roles)
        agents = agents.filter(pk__in=mandates.values("agent"))
    failed = dict(
        scope.within(Dispatch.objects.filter(status=DispatchStatus.FAILED, created_at__gte=since))
        .order_by()
        .values_list("proposal__agent")
        .annotate(number=Count("pk"))
    )
    decided = _verdicts(scope, since)
    troubles = []
    for slug, name, status in agents.order_by("slug").values_list("slug", "name", "status"):
        counts = decided.get(slug, {})
        trouble = Trouble(
            slug=slug,
            name=name,
            is_suspended=status == Agent.Status.SUSPENDED,
            failed=failed.get(slug, 0),
            decided=sum(counts.get(verdict, 0) for verdict in CHOICES),
            rejected=counts.get(Decision.Verdict.REJECT, 0),
            rolled_back=counts.get(Decision.Verdict.ROLL_BACK, 0),
        )
        if is_trouble(trouble):
            troubles.append(trouble)
    return sorted(troubles, key=lambda one: (not one.is_suspended, -one.failed, -one.rolled_back, -one.rejected))


def is_trouble(of: Trouble) -> bool:
    """Whether an agent wants a look: suspended, failing, or rejected or rolled back more than once in a while."""
    is_rejected = of.rejected >= MANY_REJECTED and of.rejected >= REJECTED_SHARE * of.decided
    return of.is_suspended or of.failed > 0 or is_rejected or of.rolled_back >= MANY_ROLLED_BACK


def _verdicts(scope: Scope, since: datetime) -> Mapping[str, Mapping[str, int]]:
    rows = scope.within(Decision.objects.filter(at__gte=since)).order_by()
    verdicts: dict[str, dict[str, int]] = {}
    for agent, verdict, number in rows.values_list("proposal__agent", "verdict").annotate(number=Count("pk")):
        verdicts.setdefault(agent, {})[verdict] = number
    return verdicts
