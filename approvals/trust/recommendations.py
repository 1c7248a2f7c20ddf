"""Recommendations of less oversight that an agent has earned. The only writer of Recommendation.

The portal only recommends. A person who may ask for less oversight takes the step, and since it loosens, it waits for
a second person like any other mandate that loosens; or somebody declines it and says why.
"""

from datetime import timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from approvals.errors import ReasonRequired, StateConflict
from approvals.models import Recommendation, TrustFigures
from approvals.trust import evidence
from approvals.trust.counts import Pair
from audit.canonical import JsonValue
from audit.clock import database_now
from audit.ledger import entries
from audit.ledger.entries import SYSTEM
from policies import plain_text
from policies.actors import actor
from policies.models import Loosening, Mandate
from policies.publishing import loosenings
from policies.publishing.publish import active_policy
from policies.registry import mandates

DECLINED_FOR: Final = timedelta(days=14)
"""So long a declined step is not recommended again."""
MOST_NOTE: Final = 500
Status = Recommendation.Status


def recommend_due() -> int:
    """Recommend the next step of every pair that has earned it and has no recommendation; return how many."""
    settle_asked()
    earned = TrustFigures.objects.filter(is_earned=True).order_by("pk")
    waiting = set(
        Recommendation.objects.filter(status__in=[Status.OPEN, Status.ASKED]).values_list("agent_id", "surface_id")
    )
    return sum(
        _recommend(figures) is not None for figures in earned if (figures.agent_id, figures.surface_id) not in waiting
    )


@transaction.atomic
def _recommend(figures: TrustFigures) -> Recommendation | None:
    at = database_now()
    own = Recommendation.objects.filter(agent=figures.agent_id, surface=figures.surface_id)
    if own.filter(status=Status.DECLINED, to_tier=figures.step, answered_at__gt=at - DECLINED_FOR).exists():
        return None
    mandate = Mandate.objects.filter(agent=figures.agent_id, surface=figures.surface_id).first()
    if mandate is None:
        return None
    pair = Pair(figures.agent_id, figures.surface_id)
    gathered = evidence.gather(pair, active_policy(), tier=figures.step)
    made, is_new = Recommendation.objects.get_or_create(
        agent_id=pair.agent,
        surface_id=pair.surface,
        status=Status.OPEN,
        defaults={
            "model": figures.model, "from_tier": mandate.tier_id, "to_tier_id": figures.step, "made_at": at,
            "evidence": {**gathered, "measures": figures.measures},
        },
    )  # fmt: skip
    if not is_new:
        return None
    data: dict[str, JsonValue] = {
        "surface": pair.surface,
        "from": made.from_tier,
        "to": figures.step,
        "recommendation": made.pk,
    }
    entries.record("trust.recommended", subject=f"agent:{pair.agent}", actor=SYSTEM, at=at, data=data)
    return made


@transaction.atomic
def accept(*, recommendation_id: int, by: User, note: str) -> Loosening:
    """Ask for the recommended mandate; a second person has to agree, and then it is in force.

    Raises NotAllowed, LooseningRefused where nobody says why, or StateConflict where it is not open any more.
    """
    loosenings.require(by, loosenings.ASK)
    loosenings.one_at_a_time()
    row = _locked(recommendation_id)
    mandate = Mandate.objects.filter(agent=row.agent_id, surface=row.surface_id).first()
    figures = TrustFigures.objects.filter(agent=row.agent_id, surface=row.surface_id).first()
    is_same = mandate is not None and mandate.tier_id == row.from_tier
    if not is_same or figures is None or not figures.is_earned or figures.step != row.to_tier_id:
        raise StateConflict(_("The evidence has changed since. Look at the figures again."))
    loosening = mandates.give(agent=row.agent, surface=row.surface, tier=row.to_tier, by=by, note=note)
    if not isinstance(loosening, Loosening):
        raise StateConflict(_("This step does not loosen anything any more."))
    _answer(row, Status.ASKED, by=by, note=note)
    Recommendation.objects.filter(pk=row.pk).update(loosening=loosening)
    return loosening


@transaction.atomic
def decline(*, recommendation_id: int, by: User, note: str) -> Recommendation:
    """Decline a recommendation, and say why. Raises NotAllowed, ReasonRequired or StateConflict."""
    loosenings.require(by, loosenings.ASK)
    row = _locked(recommendation_id)
    if not plain_text.has_something_visible(note):
        raise ReasonRequired(_("Say in a few words why not."), field="note")
    _answer(row, Status.DECLINED, by=by, note=note)
    return row


def _locked(recommendation_id: int) -> Recommendation:
    row = Recommendation.objects.select_for_update().get(pk=recommendation_id)
    if row.status != Status.OPEN:
        raise StateConflict(_("This was answered already: %s.") % row.get_status_display())
    return row


def _answer(row: Recommendation, status: Recommendation.Status, *, by: User, note: str) -> None:
    row.status, row.answered_by, row.answered_by_name = status, by, actor(by).name
    row.answered_at, row.note = database_now(), plain_text.kept(note)[:MOST_NOTE]
    row.save()
    entries.record(
        "trust.declined" if status == Status.DECLINED else "trust.accepted",
        subject=f"agent:{row.agent_id}",
        actor=actor(by),
        at=row.answered_at,
        data={"surface": row.surface_id, "to": row.to_tier_id, "recommendation": row.pk},
    )


def settle_asked() -> None:
    """Let recommendations follow the requests they led to, and overtake those that somebody passed by."""
    at = database_now()
    waiting = Recommendation.objects.filter(status=Status.ASKED)
    waiting.filter(loosening__status=Loosening.Status.DONE).update(status=Status.DONE)
    waiting.exclude(loosening__status__in=[Loosening.Status.WAITING, Loosening.Status.DONE]).update(
        status=Status.OUTDATED, answered_at=at
    )
    for row in Recommendation.objects.filter(status=Status.OPEN):
        figures = TrustFigures.objects.filter(agent=row.agent_id, surface=row.surface_id).first()
        if figures is None or not figures.is_earned or figures.step != row.to_tier_id:
            Recommendation.objects.filter(pk=row.pk, status=Status.OPEN).update(status=Status.OUTDATED, answered_at=at)
