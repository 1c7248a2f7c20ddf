"""The card of a proposal, and its effect in one sentence. What a card cannot draw is left to the field table."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.crypto import salted_hmac

from approvals.cards import registry
from approvals.cards.asked import CardSubject, Other
from approvals.evaluation import conflicts
from approvals.models import WAITING, Proposal, State
from approvals.people import eligibility
from approvals.presentation import marks, words
from policies import differences
from policies.engine.policy import SurfacePolicy

LOG = logging.getLogger(__name__)
MOST_OTHERS: Final = 10


@dataclass(frozen=True, slots=True)
class Card:
    """What `template` draws as `shown`."""

    kind: str
    template: str
    shown: object


def card(proposal: Proposal, *, viewer: User, surface: SurfacePolicy | None) -> Card | None:
    """Return the card of a proposal's surface; None where the field table alone shows it."""
    return _drawn(proposal, _asked(proposal, surface, viewer=viewer))


def way_back_card(proposal: Proposal, *, surface: SurfacePolicy | None) -> Card | None:
    """Return the card of what rolling back does to what has shipped; None where the field table alone shows it."""
    way_back = proposal.revision.rollback
    if way_back is None:
        return None
    return _drawn(
        proposal, replace(_asked(proposal, surface), payload=way_back, before=shipped_before(proposal), lot="way back")
    )


def shipped_before(proposal: Proposal) -> Any:
    """Return what has shipped, as the state before the rollback; None where that names other fields."""
    shipped, way_back = (differences.leaves(of) for of in (proposal.revision.payload, proposal.revision.rollback))
    return proposal.revision.payload if differences.describes_same_fields(shipped, way_back) else None


def _drawn(proposal: Proposal, subject: CardSubject) -> Card | None:
    kind = proposal.surface.card
    presenter = registry.presenter(kind)
    if presenter is None or kind == registry.FIELDS:
        return None
    try:
        shown = presenter.present(subject)
    except Exception:  # one odd payload must not keep people from the page on which they reject it
        LOG.exception("The card %s cannot draw proposal %s.", kind, proposal.pk)
        return None
    return None if shown is None else Card(kind, f"{kind}/card.html", shown)


def effect(proposal: Proposal, surface: SurfacePolicy | None, *, state: State, now: datetime) -> str:
    """Say in one or two sentences what approving does, as the card knows it, or what was done."""
    sentence = _sentence(proposal, surface) if state in WAITING else None
    if sentence is None:
        return words.effect(proposal, surface, state=state, now=now)
    return f"{sentence} {words.way_back(proposal, state)}".strip()


def _sentence(proposal: Proposal, surface: SurfacePolicy | None) -> str | None:
    presenter = registry.presenter(proposal.surface.card)
    if presenter is None:
        return None
    wait = surface.undo_window if surface else proposal.surface.undo_window
    try:
        return presenter.effect(_asked(proposal, surface), when=words.later(wait))
    except Exception:  # one odd payload must not take a whole list from everybody
        LOG.exception("The card %s has no words for proposal %s.", proposal.surface.card, proposal.pk)
        return None


def _asked(proposal: Proposal, surface: SurfacePolicy | None, *, viewer: User | None = None) -> CardSubject:
    revision = proposal.revision
    subject = CardSubject(
        payload=revision.payload,
        before=revision.before,
        action=proposal.action,
        currency=proposal.currency,
        params=surface.params if surface else {},
    )
    if viewer is None:
        return subject
    address = reverse("admin:approvals_proposal_preview", args=[proposal.pk])
    return replace(
        subject,
        # Always the same rows of one revision, and none that its agent could have aimed at.
        lot=salted_hmac("approvals.cards", revision.digest).hexdigest(),
        spans=marks.spans(subject.payload, proposal.verdict.facts.get("findings", [])),
        preview_url=f"{address}?revision={revision.number}",
        others=partial(_others, proposal, viewer),
    )


def _others(proposal: Proposal, viewer: User) -> Sequence[Other]:
    """Return the live proposals that name one of its targets and that the viewer may see. One query."""
    if not proposal.targets:
        return ()
    # Any: the annotation is no field that the type knows.
    rows = (
        eligibility.visible(viewer)
        .filter(state__in=conflicts.LIVE, targets__overlap=proposal.targets)
        .exclude(pk=proposal.pk)
        .only("pk", "title", "state")
        .order_by("-pk")[:MOST_OTHERS]
    )
    return [
        Other(row.title, reverse("admin:approvals_proposal_change", args=[row.pk]), str(State(row.state).label))
        for row in rows
    ]
