"""Context a reviewer needs before deciding: the same action asked for again, and figures that have moved since."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q
from django.urls import reverse
from django.utils.safestring import SafeString

from approvals.admin.review import forms
from approvals.errors import NotEligible
from approvals.evaluation import conflicts
from approvals.models import OPEN, Decision, Proposal, State
from approvals.people import eligibility
from approvals.presentation import words
from policies.engine.policy import Policy

MOST: Final = 5


@dataclass(frozen=True, slots=True)
class Twin:
    """A proposal that asks for exactly the same; `reject` are the fields of one click, None where there is none."""

    title: str
    url: str
    state: State
    agent: str
    proposed: SafeString
    reject: dict[str, str] | None
    reject_url: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A target to which something else has shipped since this was proposed; no title where the person may not see."""

    target: str
    title: str
    url: str
    ago: SafeString


def context(person: User, proposal: Proposal, *, state: State, now: datetime, policy: Policy) -> dict[str, Any]:
    """Return what the template of both draws, of a proposal that came through `conflicts.with_signs`.

    Asks the database nothing where there is neither.
    """
    signs: Any = proposal
    has_twin = signs.has_twin or proposal.verdict.facts.get("twins")
    return {
        "twins": twins(person, proposal, now=now, policy=policy) if has_twin else (),
        "moved": moved(person, proposal, now=now) if signs.may_be_stale and state in OPEN else (),
    }


def twins(person: User, proposal: Proposal, *, now: datetime, policy: Policy) -> list[Twin]:
    """Return what asks for the same and is live, or was when this was proposed and has shipped since."""
    named = [twin["proposal"] for twin in proposal.verdict.facts.get("twins", ())]
    same = Q(pk__in=conflicts.twins(proposal).values("pk")) | Q(pk__in=named, state=State.SHIPPED)
    # Any: the annotations are no fields that the type knows.
    rows: Any = eligibility.visible(person).filter(same).as_of_now().select_related("revision", "agent", "surface")
    return [_twin(person, row, proposal, now=now, policy=policy) for row in rows.order_by("pk")[:MOST]]


def _twin(person: User, row: Any, proposal: Proposal, *, now: datetime, policy: Policy) -> Twin:
    state = State(row.state_now)
    may_reject = state in OPEN and _may_decide(person, row, policy)
    fields = {
        "verdict": str(Decision.Verdict.REJECT),
        "reason_code": str(Decision.ReasonCode.DUPLICATE),
        "comment": f"The same as proposal {proposal.pk}.",
        **{name: str(value) for name, value in forms.shown(row).items()},
    }
    return Twin(
        title=row.title,
        url=_page(row.pk),
        state=state,
        agent=row.agent.name,
        proposed=words.ago(row.created_at, now),
        reject=fields if may_reject else None,
        reject_url=reverse("admin:approvals_proposal_decide", args=[row.pk]),
    )


def _may_decide(person: User, proposal: Proposal, policy: Policy) -> bool:
    surface = policy.surfaces.get(proposal.surface_id)
    try:
        return surface is not None and bool(eligibility.require(person, proposal, surface))
    except NotEligible:
        return False


def moved(person: User, proposal: Proposal, *, now: datetime) -> list[Moved]:
    """Return to which targets of a proposal something has shipped since its agent looked at them."""
    rows = list(conflicts.shipped_since(proposal)[:MOST])
    others = [row.proposal_id for row in rows]
    titles = dict(eligibility.visible(person).filter(pk__in=others).values_list("pk", "title")) if others else {}
    return [
        Moved(row.target, titles.get(row.proposal_id, ""), _page(row.proposal_id), words.ago(row.at, now))
        for row in rows
    ]


def _page(proposal_id: UUID) -> str:
    return reverse("admin:approvals_proposal_change", args=[proposal_id])
