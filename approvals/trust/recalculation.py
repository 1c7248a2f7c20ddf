"""Recalculate trust: what has changed, every few seconds, and all of it once a day.

Nothing of this runs in the transaction of a decision: it looks for ledger entries that were committed since.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models.functions import Now

from approvals.models import TrustFigures, TrustProgress
from approvals.trust import counts, demotions, figures, recommendations
from approvals.trust.counts import Pair, Recount
from audit.clock import database_now
from audit.models import Entry
from policies.models import Mandate
from policies.trust.loss import MOST_PROBLEMS

logger = logging.getLogger(__name__)
EVERY: Final = timedelta(days=1)
LATELY_GIVEN: Final = 50
# By their numbers: to find them by their time, the planner might read the whole ledger.
_NEWEST: Final = "SELECT at FROM audit_entry ORDER BY id DESC LIMIT 100"
LOOKS_ANYWAY_SECONDS: Final = 60
IS_DUE: Final = f"""
SELECT NOT EXISTS (SELECT FROM approvals_trustprogress WHERE counted_until IS NOT NULL)
    OR EXISTS (SELECT FROM approvals_trustprogress AS progress
                WHERE progress.counted_until < clock_timestamp() - interval '{LOOKS_ANYWAY_SECONDS} seconds'
                   OR EXISTS (SELECT FROM ({_NEWEST}) AS newest WHERE newest.at >= progress.counted_until))
"""  # noqa: S608  # made of constants
"""Whether `recalculate` may have anything to do. It is done every minute anyway: a crash may have left something."""


def recalculate(*, most: int = 500) -> int:
    """Count what has changed, compute the figures it touches, and demote or recommend; return how much was counted.

    Counting and the figures are one transaction; each demotion and recommendation is one of its own. What a crash left
    undone between them stands in the figures, and is done by the next round.
    """
    with transaction.atomic():
        if not counts.try_alone():
            return 0
        changed, pairs = counts.count_changed(most=most)
        figures.refresh({*pairs, *_moved(), *_beside(pairs)})
    demotions.demote_due()
    recommendations.recommend_due()
    return changed


def recount_due(*, most: int) -> int:
    """Count everything anew if that was not done for a day; return how many times it was, as sweeps do."""
    progress = TrustProgress.objects.filter(pk=1, recounted_at__gt=Now() - EVERY)
    if progress.exists():
        return 0
    recount()
    return 1


def recount() -> Recount:
    """Count everything anew and compute all figures, since time alone moves their windows."""
    recounted = counts.recount()
    if recounted.differences:
        logger.warning("%s sums of trust were not what counting anew gave; they are mended.", recounted.differences)
    with transaction.atomic():
        counts.wait_alone()
        rows = Mandate.objects.values_list("agent_id", "surface_id")
        figures.refresh(Pair(*row) for row in rows)
    demotions.demote_due()
    recommendations.recommend_due()
    return recounted


def _moved() -> Iterable[Pair]:
    """Return pairs whose tier has changed since their figures were computed."""
    given = Entry.objects.filter(kind="mandate.given").order_by("-id")[:LATELY_GIVEN]
    known = {Pair(row.agent_id, row.surface_id): row.computed_at for row in TrustFigures.objects.all()}
    pairs = {Pair(entry.subject.removeprefix("agent:"), entry.data["surface"]): entry.at for entry in reversed(given)}
    return [pair for pair, at in pairs.items() if pair in known and known[pair] < at]


def _beside(pairs: Iterable[Pair]) -> Iterable[Pair]:
    """Return all pairs on surfaces where so much goes wrong that everything that ships by itself is stopped."""
    since = database_now() - figures.SURFACE_WINDOW
    bad = [
        surface
        for surface in {pair.surface for pair in pairs}
        if figures.problems(surface, since=since) >= MOST_PROBLEMS
    ]
    return [Pair(*row) for row in Mandate.objects.filter(surface__in=bad).values_list("agent_id", "surface_id")]
