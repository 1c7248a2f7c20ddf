"""The other proposals that name the same target, to be shown beside this one."""

from dataclasses import dataclass, replace
from typing import Any, Final

from django.contrib.auth.models import User
from django.urls import reverse

from approvals.cards import evidence, reading
from approvals.evaluation import conflicts
from approvals.models import Proposal, State
from approvals.people import eligibility
from policies.engine import references

MOST_FIELDS: Final = 8


@dataclass(frozen=True, slots=True)
class Side:
    """One of two proposals that name the same target, as far as the person may see it."""

    title: str
    state: State
    surface: str
    agent: str
    fields: list[evidence.Field]
    left_out: int
    url: str = ""


@dataclass(frozen=True, slots=True)
class Rival:
    """Another proposal with a target in common; `side` is None where the person may not see it."""

    targets: list[str]
    side: Side | None
    is_live: bool
    """It may still ship; else it has shipped just now."""


def beside(person: User, proposal: Proposal, state: State) -> dict[str, Any]:
    """Return what the template of the conflicts draws: the rivals, and where there are any, this proposal."""
    conflicting = rivals(person, proposal)
    return {
        "rivals": conflicting,
        "own_side": side(proposal, state) if conflicting else None,
        "has_live_rival": any(rival.is_live for rival in conflicting),
    }


def rivals(person: User, proposal: Proposal) -> list[Rival]:
    """Return the unresolved conflicts of `proposal`, the newest first. Two queries."""
    rows = list(conflicts.of(proposal)[: conflicts.MOST])
    others = [row.newer if row.older_id == proposal.pk else row.older for row in rows]
    if not others:
        return []
    ids = [other.pk for other in others]
    # Any: the annotation is no field that the type knows.
    visible: Any = eligibility.visible(person).filter(pk__in=ids).as_of_now()
    states = {row.pk: row.state_now for row in visible.only("pk", "state")}
    return [
        Rival(
            sorted(set(proposal.targets) & set(other.targets)),
            side(other, State(states[other.pk])) if other.pk in states else None,
            is_live=states.get(other.pk, other.state) in conflicts.LIVE,
        )
        for other in others
    ]


def _brief(field: evidence.Field) -> evidence.Field:
    return replace(field, old=reading.short(field.old), new=reading.short(field.new))


def side(proposal: Proposal, state: State) -> Side:
    """Return one side of the comparison."""
    table = evidence.field_table(proposal.revision.before, references.summed_up(proposal.revision.payload))
    fields = list(table.differing)
    return Side(
        title=proposal.title,
        state=state,
        surface=proposal.surface_id,
        agent=proposal.agent_id,
        fields=[_brief(field) for field in fields[:MOST_FIELDS]],
        left_out=max(len(fields) - MOST_FIELDS, 0),
        url=reverse("admin:approvals_proposal_change", args=[proposal.pk]),
    )
