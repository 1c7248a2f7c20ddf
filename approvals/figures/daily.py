"""One day in numbers: what shipped by itself and how that went, and what people decided. Reads and changes nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Final

from django.contrib.auth.models import User
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import (
    Aggregate,
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    QuerySet,
    Sum,
    UUIDField,
)
from django.db.models.functions import Abs, Cast, Substr

from approvals.figures.monitoring import approved_by_people, by_itself
from approvals.models import Decision, Dispatch, DispatchStatus, Proposal, Sample
from approvals.models.verdicts import CHOICES
from approvals.people import eligibility
from audit.models import Entry

_SUBJECT: Final = "proposal:"


@dataclass(frozen=True, slots=True)
class DailyLine:
    """What became, on one day, of what one agent ships by itself on one surface."""

    surface: str
    agent: str
    shipped: int = 0
    stopped: int = 0
    rolled_back: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class DailyVolume:
    """What shipped on one surface, by itself or by people, in its own numbers.

    `counted` names what payloads list, such as titles, and how many; `rolled_back` is what people had approved.
    """

    surface: str
    name: str
    shipped: int = 0
    rolled_back: int = 0
    people: int = 0
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    counted: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class DailyFigures:
    """One day. `opinions` counts samples picked on that day by what was said of them since, "" for nothing yet."""

    day: date
    since: datetime
    until: datetime
    lines: Sequence[DailyLine]
    opinions: Mapping[str, int] = field(default_factory=dict)
    decided: Mapping[str, int] = field(default_factory=dict)
    """People's decisions by verdict."""
    volumes: Sequence[DailyVolume] = ()
    median_wait: timedelta | None = None
    """From the making of a revision to what a person decided on it; None where nobody decided."""

    @property
    def rolled_back_after_approval(self) -> int:
        """How much that people had approved was rolled back."""
        return sum(volume.rolled_back for volume in self.volumes)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing happened at all."""
        return not (self.lines or self.opinions or self.decided or self.volumes)

    def total(self, name: str) -> int:
        """Return the sum of one column of `lines`."""
        return sum(getattr(line, name) for line in self.lines)


def digest(person: User, *, day: date, zone: tzinfo) -> DailyFigures:
    """Count one calendar day of `zone`, as far as `person` may see. Each query is bounded to the day by an index."""
    since = datetime.combine(day, time.min, tzinfo=zone)
    until = datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)
    everything = person.has_perm(eligibility.SEE_ALL)
    seen = _Seen(None if everything else eligibility.visible(person), since, until)
    columns = {
        "shipped": seen.shipped(),
        "stopped": seen.stopped(),
        "rolled_back": seen.rolled_back(),
        "failed": seen.failed(),
    }
    decided, median_wait = seen.decided()
    return DailyFigures(
        day=day,
        since=since,
        until=until,
        lines=_lines(columns),
        opinions=seen.opinions(),
        volumes=seen.volumes(),
        decided=decided,
        median_wait=median_wait,
    )


def _lines(columns: Mapping[str, Mapping[tuple[str, str], int]]) -> list[DailyLine]:
    keys = sorted({key for column in columns.values() for key in column})
    return [
        DailyLine(
            surface=surface,
            agent=agent,
            shipped=columns["shipped"].get((surface, agent), 0),
            stopped=columns["stopped"].get((surface, agent), 0),
            rolled_back=columns["rolled_back"].get((surface, agent), 0),
            failed=columns["failed"].get((surface, agent), 0),
        )
        for surface, agent in keys
    ]


def _by_surface_and_agent(rows: "QuerySet[Any]") -> dict[tuple[str, str], int]:
    places = rows.order_by().values_list("proposal__surface", "proposal__agent").annotate(number=Count("pk"))
    return {(surface, agent): number for surface, agent, number in places}


class _Median(Aggregate):
    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a person may see of the time from `since` to before `until`; of `proposals` only, if they are given."""

    proposals: "QuerySet[Proposal] | None"
    since: datetime
    until: datetime

    def _mine(self, rows: "QuerySet[Any]", at: str) -> "QuerySet[Any]":
        mine = rows.filter(**{f"{at}__gte": self.since, f"{at}__lt": self.until})
        return mine if self.proposals is None else mine.filter(proposal__in=self.proposals)

    def _delivered(self, kind: str) -> dict[tuple[str, str], int]:
        done = Dispatch.objects.filter(kind=kind, status=DispatchStatus.DELIVERED)
        return _by_surface_and_agent(by_itself(self._mine(done, "delivered_at")))

    def shipped(self) -> dict[tuple[str, str], int]:
        return self._delivered(Dispatch.Kind.EXECUTE)

    def rolled_back(self) -> dict[tuple[str, str], int]:
        return self._delivered(Dispatch.Kind.ROLLBACK)

    def volumes(self) -> list[DailyVolume]:
        """All that shipped and what people had approved of what was rolled back, by surface. Three queries."""
        done = Dispatch.objects.filter(status=DispatchStatus.DELIVERED)
        shipped = self._mine(done.filter(kind=Dispatch.Kind.EXECUTE), "delivered_at")
        places = shipped.order_by().values_list("proposal__surface", "proposal__surface__name", "proposal__currency")
        sums = places.annotate(
            number=Count("pk"), people=Sum("proposal__audience_size"), amount=Sum(Abs("proposal__amount"))
        )
        undone = self._mine(done.filter(kind=Dispatch.Kind.ROLLBACK), "delivered_at").filter(approved_by_people())
        backs = (
            undone.order_by().values_list("proposal__surface", "proposal__surface__name").annotate(number=Count("pk"))
        )
        volumes: dict[str, DailyVolume] = {}
        for surface, name, currency, more, people, amount in sums:
            known = volumes.get(surface) or DailyVolume(surface, name)
            amounts = {**known.amounts, **({currency: amount} if amount else {})}
            reached, shipped_here = known.people + (people or 0), known.shipped + more
            volumes[surface] = replace(known, shipped=shipped_here, people=reached, amounts=amounts)
        for surface, name, number in backs:
            volumes[surface] = replace(volumes.get(surface) or DailyVolume(surface, name), rolled_back=number)
        counted = _counted(shipped)
        return [replace(volumes[key], counted=counted.get(key)) for key in sorted(volumes)]

    def stopped(self) -> dict[tuple[str, str], int]:
        """An undo takes back the policy's own word where no person had said anything of the revision before."""
        undone = self._mine(Decision.objects.filter(verdict=Decision.Verdict.UNDO), "at")
        earlier = Decision.objects.filter(revision=OuterRef("revision"), id__lt=OuterRef("id"))
        return _by_surface_and_agent(undone.filter(~Exists(earlier)))

    def failed(self) -> dict[tuple[str, str], int]:
        """From the ledger: what failed and was retried since does not look failed any more."""
        entries = Entry.objects.filter(kind="proposal.failed", at__gte=self.since, at__lt=self.until)
        ids = entries.annotate(found=Cast(Substr("subject", len(_SUBJECT) + 1), UUIDField())).values_list(
            "found", flat=True
        )
        times: dict[Any, int] = {}
        for proposal_id in ids:
            times[proposal_id] = times.get(proposal_id, 0) + 1
        dispatches = Dispatch.objects.filter(kind=Dispatch.Kind.EXECUTE, proposal__in=list(times))
        if self.proposals is not None:
            dispatches = dispatches.filter(proposal__in=self.proposals)
        rows = by_itself(dispatches).values_list("proposal__surface", "proposal__agent", "proposal")
        return _summed(((surface, agent), times[proposal]) for surface, agent, proposal in rows)

    def opinions(self) -> dict[str, int]:
        rows = self._mine(Sample.objects.all(), "picked_at").order_by().values_list("opinion")
        return dict(rows.annotate(number=Count("pk")))

    def decided(self) -> tuple[dict[str, int], timedelta | None]:
        rows = self._mine(Decision.objects.filter(verdict__in=CHOICES), "at")
        numbers = dict(rows.order_by().values_list("verdict").annotate(number=Count("pk")))
        wait = ExpressionWrapper(F("at") - F("revision__created_at"), output_field=DurationField())
        figures = rows.order_by().aggregate(median=_Median(wait, output_field=DurationField()))
        return numbers, figures["median"]


_LISTED: Final = """
SELECT surface_id, name, sum(length)::bigint FROM (
  SELECT DISTINCT ON (revision.id) proposal.surface_id, part.key AS name, jsonb_array_length(part.value) AS length
    FROM approvals_revision AS revision JOIN approvals_proposal AS proposal ON proposal.id = revision.proposal_id
   CROSS JOIN LATERAL (SELECT convert_from(revision.body, 'UTF8')::jsonb AS body) AS payload
   CROSS JOIN LATERAL
         jsonb_each(CASE WHEN jsonb_typeof(payload.body) = 'object' THEN payload.body ELSE '{}' END) AS part
   WHERE revision.id IN (%s) AND octet_length(revision.body) <= 1000000 AND jsonb_typeof(part.value) = 'array'
   ORDER BY revision.id, length DESC, name
) AS listed GROUP BY surface_id, name ORDER BY surface_id, 3, name"""


def _counted(shipped: "QuerySet[Dispatch]") -> dict[str, tuple[str, int]]:
    """Return what payloads list on each surface, and how many: of several lists the longest. One query."""
    try:
        revisions, values = shipped.order_by().values("revision").query.sql_with_params()
    except EmptyResultSet:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_LISTED.replace("%s", revisions), values)
        return {surface: (name, number) for surface, name, number in cursor.fetchall() if number}


def _summed(parts: Iterable[tuple[tuple[str, str], int]]) -> dict[tuple[str, str], int]:
    sums: dict[tuple[str, str], int] = {}
    for key, number in parts:
        sums[key] = sums.get(key, 0) + number
    return sums
