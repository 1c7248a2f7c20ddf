"""Trust as pages show it: all agents on all surfaces, and one of them in full. Reads what `trust.figures` computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import connection

from approvals.models import Demotion, Recommendation, TrustCase, TrustFigures
from approvals.people import eligibility
from approvals.trust.cases import ADDS
from approvals.trust.counts import Pair
from policies.engine.policy import TierPolicy
from policies.models import Mandate
from policies.publishing.publish import active_policy
from policies.trust import measures
from policies.trust.measures import Measures

SEE: Final = "policies.view_mandate"
MOST: Final = 1_000
WEEKS: Final = 12
Status = Recommendation.Status

_BY: Final = """
SELECT {key}, tenth, {sums} FROM approvals_trustcount
 WHERE agent = %(agent)s AND surface = %(surface)s AND day >= %(since)s GROUP BY 1, tenth ORDER BY 1 DESC, tenth"""
_REASONS: Final = """
SELECT reason, count(*) FROM approvals_trustcase
 WHERE agent = %(agent)s AND surface = %(surface)s AND kind = 'rejected' AND settled_at >= %(since)s
 GROUP BY reason ORDER BY 2 DESC, 1"""


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One agent on one surface."""

    agent: str
    agent_name: str
    surface: str
    tier: TierPolicy | None
    model: str
    measures: Measures
    step: str
    missing: Sequence[Mapping[str, Any]]
    recommendation: Recommendation | None
    demotion: Demotion | None
    computed_at: datetime | None


@dataclass(frozen=True, slots=True)
class TrustSlice:
    """Measures of a part of the past: a week, or a version of the model."""

    name: date | str
    measures: Measures


@dataclass(frozen=True, slots=True)
class TrustDetail:
    """All that is known of one agent on one surface."""

    row: BoardRow
    weeks: Sequence[TrustSlice]
    models: Sequence[TrustSlice]
    reasons: Sequence[tuple[str, int]]
    median_wait: int | None
    demotions: Sequence[Demotion] = field(default=())
    recommendations: Sequence[Recommendation] = field(default=())


def may_see(person: User) -> bool:
    """Whether somebody may see how far agents are trusted: who sees all proposals, and what agents may do."""
    return person.has_perm(eligibility.SEE_ALL) and person.has_perm(SEE)


def rows(*, agent: str = "", surface: str = "") -> list[BoardRow]:
    """Return every mandate with what is known, by surface and agent. Five queries, whatever there is."""
    tiers = active_policy().tiers
    mandates = Mandate.objects.select_related("agent").order_by("surface_id", "agent_id")
    mandates = mandates.filter(**({"agent": agent} if agent else {}), **({"surface": surface} if surface else {}))
    known = {(row.agent_id, row.surface_id): row for row in TrustFigures.objects.all()}
    live = Recommendation.objects.filter(status__in=[Status.OPEN, Status.ASKED]).select_related("to_tier")
    waiting = {(row.agent_id, row.surface_id): row for row in live}
    last = Demotion.objects.order_by("agent_id", "surface_id", "-at").distinct("agent_id", "surface_id")
    lost = {(row.agent_id, row.surface_id): row for row in last.defer("evidence")}
    board_rows = []
    for mandate in mandates[:MOST]:
        key = (mandate.agent_id, mandate.surface_id)
        figures = known.get(key)
        board_rows.append(
            BoardRow(
                agent=mandate.agent_id,
                agent_name=mandate.agent.name,
                surface=mandate.surface_id,
                tier=tiers.get(mandate.tier_id),
                model=figures.model if figures else "",
                measures=measures.from_json(figures.measures if figures else []),
                step=figures.step if figures else "",
                missing=figures.missing if figures else (),
                recommendation=waiting.get(key),
                demotion=lost.get(key),
                computed_at=figures.computed_at if figures else None,
            )
        )
    return board_rows


def detail(pair: Pair, *, since: datetime) -> TrustDetail | None:
    """Return all that is known of one pair since a time; None where the agent has no mandate there."""
    pair_rows = rows(agent=pair.agent, surface=pair.surface)
    if not pair_rows:
        return None
    words = {**pair._asdict(), "since": since}
    with connection.cursor() as cursor:
        cursor.execute(_REASONS, words)
        reasons = [(str(reason), int(number)) for reason, number in cursor.fetchall()]
    own = {"agent": pair.agent, "surface": pair.surface}
    waits = TrustCase.objects.filter(**own, settled_at__gte=since, wait_seconds__isnull=False)
    return TrustDetail(
        row=pair_rows[0],
        weeks=_slices("date_trunc('week', day)::date", words)[:WEEKS],
        models=_slices("model", words),
        reasons=reasons,
        median_wait=_median(waits.order_by("wait_seconds").values_list("wait_seconds", flat=True)),
        demotions=list(Demotion.objects.filter(**own)[:20]),
        recommendations=list(Recommendation.objects.filter(**own).select_related("to_tier")[:20]),
    )


def _median(seconds: Any) -> int | None:
    """Return the middle one of sorted seconds, without reading the others."""
    number = seconds.count()
    return seconds[(number - 1) // 2] if number else None


def _slices(key: str, words: Mapping[str, Any]) -> list[TrustSlice]:
    sums = ", ".join(f'sum("{name}")::bigint' for name in ADDS)
    with connection.cursor() as cursor:
        cursor.execute(_BY.format(key=key, sums=sums), {**words, "since": words["since"].date()})
        lines = cursor.fetchall()
    parts: dict[Any, list[dict[str, int]]] = {}
    for name, _tenth, *values in lines:
        parts.setdefault(name, []).append(dict(zip(ADDS, values, strict=True)))
    return [TrustSlice(name, one) for name, part in parts.items() if (one := Measures.of(part)).total.proposals]
