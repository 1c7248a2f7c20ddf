"""Figures of agents on surfaces: what is known, what the next step misses, and whether what was earned is lost.

The only writer of TrustFigures. Each pair costs about ten short queries, whatever its past: sums of days and the cases
of one day, the last few hundred judged proposals, and a look into an index each for the rest.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.utils.translation import gettext as _

from approvals.models import Demotion, TrustCase, TrustFigures
from approvals.trust.cases import ADDS
from approvals.trust.counts import Pair
from audit.clock import database_now
from audit.models import Entry
from policies.engine import risk
from policies.engine.policy import Policy, TierPolicy
from policies.models import Agent, Mandate, Surface
from policies.publishing.publish import active_policy
from policies.trust import steps
from policies.trust.loss import Loss, Watched, loss
from policies.trust.measures import Measures
from policies.trust.steps import CRITERIA, Missing, StepRecord

WINDOW: Final = timedelta(days=180)
LATELY: Final = 500
"""So many judged proposals the rolling record looks back."""
SURFACE_WINDOW: Final = timedelta(days=1)

_SUMS: Final = """
SELECT tenth, {totals}
  FROM (SELECT tenth, {names} FROM approvals_trustcount
         WHERE agent = %(agent)s AND surface = %(surface)s AND day > %(day)s
           AND (%(model)s::text IS NULL OR model = %(model)s)
         UNION ALL
        SELECT tenth, {adds} FROM approvals_trustcase
         WHERE agent = %(agent)s AND surface = %(surface)s AND settled_at >= %(since)s AND settled_at < %(next)s
           AND (%(model)s::text IS NULL OR model = %(model)s)) AS parts
 GROUP BY tenth ORDER BY tenth"""
_FILLED: Final = {
    "names": ", ".join(f'"{name}"' for name in ADDS),
    "adds": ", ".join(ADDS.values()),
    "totals": ", ".join(f'sum("{name}")::bigint AS "{name}"' for name in ADDS),
}


@dataclass(frozen=True, slots=True)
class TrustPlace:
    """An agent on a surface as it stands now."""

    pair: Pair
    tier: TierPolicy | None
    """Of its mandate, as it is in force."""
    step: TierPolicy | None
    """The next looser tier; None where there is none to be earned."""
    model: str
    began_at: datetime
    """When it got that tier, or proposed here for the first time."""
    lost_at: datetime | None


def measures(pair: Pair, *, since: datetime, model: str | None = None) -> Measures:
    """Return the measures of what was settled since a time, of one version of the model or of all. One query."""
    day = since.astimezone(UTC).date()
    following = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    words = {**pair._asdict(), "model": model, "day": day, "since": since, "next": following}
    with connection.cursor() as cursor:
        cursor.execute(_SUMS.format(**_FILLED), words)
        assert cursor.description is not None
        names = [column.name for column in cursor.description]
        return Measures.of(dict(zip(names, row, strict=True)) for row in cursor.fetchall())


def refresh(pairs: Iterable[Pair]) -> None:
    """Compute the figures of these pairs anew."""
    policy, at = active_policy(), database_now()
    for pair in sorted(set(pairs)):
        place = place_of(pair, policy, at=at)
        if place is not None:
            _keep(place, at=at)


def _keep(place: TrustPlace, *, at: datetime) -> None:
    pair = place.pair
    since = max(at - WINDOW, place.lost_at or at - WINDOW)
    record = record_of(place, measures(pair, since=since, model=place.model), at=at)
    rows = [] if place.step is None else steps.missing(record, CRITERIA[place.step.posture])
    lost = loss_of(place, at=at)
    TrustFigures.objects.update_or_create(
        agent_id=pair.agent,
        surface_id=pair.surface,
        defaults={
            "model": place.model,
            "measures": record.measures.stored(),
            "step": place.step.slug if place.step else "",
            "missing": [{**asdict(row), "weeks": weeks(pair, [row], at=at)} for row in rows],
            "is_earned": place.step is not None and not rows and lost is None,
            "loss": None if lost is None else {"why": str(lost.cause), "figures": dict(lost.figures)},
            "computed_at": at,
        },
    )


def weeks(pair: Pair, rows: list[Missing], *, at: datetime) -> int | None:
    """Return in about how many weeks what is missing is there, at the pace of the last four."""
    month = timedelta(weeks=4)
    return steps.weeks(rows, a_week=measures(pair, since=at - month).total.decided / 4)


def place_of(pair: Pair, policy: Policy, *, at: datetime) -> TrustPlace | None:
    """Return how a pair stands; None where the agent or the surface is not there."""
    if not Agent.objects.filter(pk=pair.agent).exists() or not Surface.objects.filter(pk=pair.surface).exists():
        return None
    mandate = Mandate.objects.filter(agent=pair.agent, surface=pair.surface).first()
    tier = policy.tiers.get(mandate.tier_id) if mandate else None
    cases = TrustCase.objects.filter(agent=pair.agent, surface=pair.surface)
    first = cases.order_by("settled_at").values_list("settled_at", flat=True).first()
    lost = Demotion.objects.filter(agent=pair.agent, surface=pair.surface).order_by("-at").first()
    given = Entry.objects.filter(
        subject=f"agent:{pair.agent}", kind="mandate.given", data__surface=pair.surface
    ).order_by("-id").first()  # fmt: skip
    model = cases.order_by("-proposal_id").values_list("model", flat=True).first()
    return TrustPlace(
        pair=pair,
        tier=tier,
        step=_next(tier, policy, pair.surface),
        model=model or "",
        began_at=given.at if given else first or at,
        lost_at=lost.at if lost else None,
    )


def _next(tier: TierPolicy | None, policy: Policy, surface: str) -> TierPolicy | None:
    """Return the step that comes next: never below the surface's floor, and none from what is stricter than usual."""
    here = policy.surfaces.get(surface)
    if tier is None or here is None or policy.single is None or _strictness(tier) > _strictness(policy.single):
        return None
    looser = [one for one in policy.tiers.values() if _strictness(one) < _strictness(tier)]
    step = max(looser, key=_strictness, default=None)
    return step if step is not None and _strictness(step) >= _strictness(here.floor) else None


def _strictness(tier: TierPolicy) -> tuple[bool, int]:
    return not tier.is_automatic, tier.rank


def record_of(place: TrustPlace, known: Measures, *, at: datetime) -> StepRecord:
    """Return what is known when the next step is weighed."""
    began = max(place.began_at, place.lost_at or place.began_at)
    last = (
        TrustCase.objects.filter(agent=place.pair.agent, surface=place.pair.surface, problem_at__isnull=False)
        .filter(has_incident=True)
        .order_by("-problem_at")
        .values_list("problem_at", flat=True)
        .first()
    )
    return StepRecord(
        measures=known,
        since_step=measures(place.pair, since=began, model=place.model).total.decided,
        step_age=at - began,
        quiet_for=at - last if last else None,
        lost_ago=at - place.lost_at if place.lost_at else None,
    )


def loss_of(place: TrustPlace, *, at: datetime) -> Loss | None:
    """Return why what was earned is lost; nothing of what people decide anyway."""
    if place.tier is None or not place.tier.is_automatic:
        return None
    pair, since = place.pair, max(place.began_at, at - WINDOW)
    surface = Surface.objects.only(*risk.WORDS).get(pk=pair.surface)
    own = TrustCase.objects.filter(agent=pair.agent, surface=pair.surface)
    return loss(
        Watched(
            posture=place.tier.posture,
            measures=measures(pair, since=since, model=place.model),
            lately=_lately(place, since=since),
            new_models=_new_models(place),
            is_high_risk=risk.is_high({word: bool(getattr(surface, word)) for word in risk.WORDS}),
            incidents=own.filter(has_incident=True, problem_at__gte=since).count(),
            rolled_back=own.filter(is_rolled_back=True, problem_at__gte=since).count(),
            problems_on_surface=problems(pair.surface, since=max(since, at - SURFACE_WINDOW)),
        )
    )


def problems(surface: str, *, since: datetime) -> int:
    """Return how many incidents, roll backs and wrong samples there were on a surface, of all agents."""
    return TrustCase.objects.filter(surface=surface, problem_at__gte=since).count()


def _lately(place: TrustPlace, *, since: datetime) -> list[bool]:
    judged = TrustCase.objects.filter(
        agent=place.pair.agent, surface=place.pair.surface, model=place.model, settled_at__gte=since,
        is_right__isnull=False,
    )  # fmt: skip
    flags: list[Any] = list(judged.order_by("-settled_at", "-proposal_id").values_list("is_right", flat=True)[:LATELY])
    return flags[::-1]


def _new_models(place: TrustPlace) -> tuple[str, ...]:
    """Return the version that runs now, if it had proposed nothing before the agent got its tier, and others had."""
    own = TrustCase.objects.filter(agent=place.pair.agent, surface=place.pair.surface)
    before = own.filter(settled_at__lt=place.began_at)
    if not place.model or not before.exists() or before.filter(model=place.model).exists():
        return ()
    return (place.model,)


def label(why: str) -> str:
    """Return why something was lost, in words."""
    return str(Demotion.Why(why).label) if why in Demotion.Why.values else _("Unknown")
