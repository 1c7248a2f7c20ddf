"""Approvals a proposal has and still needs, and what this person's approval would do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.errors import NotEligible
from approvals.models import OPEN, Proposal, State, Timer
from approvals.people import coverage, eligibility, held_roles, votes
from approvals.people.tally import Explained, Need, Result, Vote
from approvals.presentation import participants, words
from policies.engine.policy import Policy


@dataclass(frozen=True, slots=True)
class ApprovalLine:
    """One name whose approval is required."""

    name: str
    approved_by: str
    missing: str
    mark: str
    """met, open, later or stuck."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call for help: the role that is called, and when, if nobody answers."""

    role: str
    when: str
    may_decide: bool


def context(person: User, proposal: Proposal, *, policy: Policy, state: State) -> Mapping[str, Any]:
    """Return what templates/approvals/needed.html shows; nothing unless the proposal waits. About eight queries."""
    if state not in OPEN:
        return {"needed": [], "needed_effect": "", "needed_calls": [], "needed_is_stuck": False}
    explanation = votes.explained(proposal)
    stuck = coverage.of(proposal, policy)
    names = _names(explanation)
    lines = [
        _line(need, names, is_stuck=(need.stage, need.name) in stuck and not need.is_met) for need in explanation.needs
    ]
    return {
        "needed": lines,
        "needed_effect": effect(person, proposal, explanation, policy=policy),
        "needed_calls": _calls(proposal),
        "needed_is_stuck": any(line.mark == "stuck" for line in lines),
        "needed_has_stages": len({need.stage for need in explanation.needs}) > 1,
        "needed_distinct": proposal.distinct_people and len(explanation.needs) > 1,
    }


def effect(person: User, proposal: Proposal, explanation: Explained, *, policy: Policy) -> str:
    """Say what an approval by `person` would do now; nothing where they may not approve."""
    surface = policy.surfaces.get(proposal.surface_id)
    if surface is None:
        return ""
    try:
        right = eligibility.right(person, proposal, surface, approving=True)
    except NotEligible:
        return ""
    absent = right.absence.person if right.absence else None
    roles = right.roles if absent else held_roles.own(person)
    vote = Vote(str(person.pk), roles, is_approval=True, on_behalf_of=str(absent.pk) if absent else "")
    after = votes.explained(proposal, vote)
    sentence = _effect(explanation, after)
    if absent is None:
        return sentence
    return _("You decide for %(person)s, who is away. %(effect)s") % {
        "person": absent.get_username(),
        "effect": sentence,
    }


def _effect(before: Explained, after: Explained) -> str:
    if after.outcome is Result.APPROVED:
        return _("Your approval is the last one needed.")
    if [need.missing for need in after.needs] == [need.missing for need in before.needs]:
        sentence = ngettext(
            "Your approval isn’t enough on its own. %s still has to approve.",
            "Your approval isn’t enough on its own. %s still have to approve.",
            len(after.unmet),
        )
    else:
        sentence = ngettext(
            "After yours, %s still has to approve.", "After yours, %s still have to approve.", len(after.unmet)
        )
    return sentence % participants.spoken(after.unmet)


def still_missing(proposal: Proposal) -> str:
    """Return whose approvals are missing now, as one says it. One query."""
    return participants.spoken(votes.explained(proposal).unmet)


def _names(explanation: Explained) -> Mapping[str, str]:
    people = {int(voter) for need in explanation.needs for voter in need.approved_by}
    if not people:
        return {}
    return {str(key): name for key, name in User.objects.filter(pk__in=people).values_list("pk", "username")}


def _line(need: Need, names: Mapping[str, str], *, is_stuck: bool) -> ApprovalLine:
    who = participants.spoken([need])
    if need.is_met:
        missing, mark = "", "met"
    elif is_stuck:
        missing, mark = _("No one can approve as %s.") % who, "stuck"
    else:
        more = ngettext("Needs %(count)s more from %(who)s", "Needs %(count)s more from %(who)s", need.missing)
        is_first = need.missing == 1 and not need.approved_by
        missing = _("Needs %s") % who if is_first else more % {"count": need.missing, "who": who}
        mark = "open" if need.is_open else "later"
    return ApprovalLine(
        participants.called(need), ", ".join(names.get(voter, voter) for voter in need.approved_by), missing, mark
    )


def _calls(proposal: Proposal) -> list[Call]:
    coming = Timer.objects.filter(proposal=proposal, kind=Timer.Kind.LEVEL, fired_at=None, due_at__isnull=False)
    return [Call(timer.role, words.moment(_due(timer)), timer.widens) for timer in coming.order_by("share", "level")]


def _due(timer: Timer) -> datetime:
    assert timer.due_at is not None
    return timer.due_at
