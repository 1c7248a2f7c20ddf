"""Proposals that nobody can approve, for administrators: which role is empty, and what helps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.admin.review.actions import page_url
from approvals.models import Proposal, State
from approvals.people import coverage, eligibility
from approvals.presentation import words
from policies.engine.policy import Policy

KEEPS: Final = "policies.change_requirement"
MOST_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class StuckProposal:
    """One proposal that nobody can approve, and whose approval it wants."""

    url: str
    title: str
    surface: str
    wants: str
    left: SafeString | str


@dataclass(frozen=True, slots=True)
class Help:
    """Something that helps, and where it is done."""

    words: str
    url: str


@dataclass(frozen=True, slots=True)
class Stuck:
    """All of it: the first lines, how many more there are, and what to do next."""

    heading: str
    lines: Sequence[StuckProposal]
    more: int
    helps: Sequence[Help]


def of(person: User, *, policy: Policy, now: datetime) -> Stuck | None:
    """Return what stands still, for anyone who may see everything and changes requirements; None if nothing does.

    One query where nothing does, two where something does.
    """
    if not (person.has_perm(KEEPS) and person.has_perm(eligibility.SEE_ALL)):
        return None
    wants: dict[object, list[str]] = {}
    for unmet in coverage.everywhere(policy):
        wants.setdefault(unmet.proposal, []).append(_(" or ").join(unmet.roles))
    if not wants:
        return None
    shown = list(wants)[:MOST_SHOWN]
    rows = Proposal.objects.only("pk", "title", "state", "deadline_at", "surface_id").in_bulk(shown)
    return Stuck(
        heading=_heading(len(wants)),
        lines=[_line(rows[key], wants[key], now=now) for key in shown if key in rows],
        more=len(wants) - len(shown),
        helps=_helps(person),
    )


def _heading(number: int) -> str:
    if number >= coverage.MOST:
        return _("Many proposals that nobody can approve")
    sentence = ngettext("%s proposal that nobody can approve", "%s proposals that nobody can approve", number)
    return sentence % words.number(number)


def _line(row: Proposal, wants: Sequence[str], *, now: datetime) -> StuckProposal:
    return StuckProposal(
        url=page_url(row.pk),
        title=row.title,
        surface=row.surface_id,
        wants=_("Wants %s.") % ", ".join(wants),
        left=words.time_left(row, state=State(row.state), now=now),
    )


def _helps(person: User) -> list[Help]:
    """Return what helps those that wait, and then what helps those to come."""
    if person.has_perm("auth.change_user"):
        now = _("Give the role to somebody who neither owns the agent nor wrote the revision")
    else:
        now = _("Ask a superuser to give the role to somebody who neither owns the agent nor wrote the revision")
    people = reverse("admin:auth_user_changelist") if person.has_perm("auth.view_user") else ""
    later = _("For proposals to come: change whose approvals the surface needs, and publish")
    return [Help(now, people), Help(later, reverse("admin:policies_requirement_changelist"))]
