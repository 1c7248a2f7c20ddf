"""The overview: today's numbers, what is due, what is stuck and which agents need a look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.admin.oversight import behind, charts, stuck
from approvals.admin.review.actions import page_url
from approvals.figures import trend
from approvals.figures.trend import Scope, Trouble
from approvals.models import OPEN, WAITING, Dispatch, DispatchStatus, Proposal, State
from approvals.people import eligibility
from approvals.presentation import words
from audit.clock import database_now
from policies.models import KillSwitch
from policies.publishing.publish import active_policy
from policies.registry import kill_switches

MOST_COUNTED: Final = 1_000
MOST_DUE: Final = 6
SOON: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its words and where it leads; `needs_care` marks what should be nought."""

    number: str
    words: str
    url: str
    needs_care: bool = False


@dataclass(frozen=True, slots=True)
class DueProposal:
    """One of the next proposals to run out of time."""

    url: str
    title: str
    left: SafeString | str
    surface: str
    is_urgent: bool


@dataclass(frozen=True, slots=True)
class HeldDispatches:
    """How many dispatches an engaged kill switch holds back, as far as the person may see them."""

    switch: KillSwitch
    number: str
    url: str


@dataclass(frozen=True, slots=True)
class Look:
    """An agent that needs a look, and why."""

    name: str
    url: str
    sentences: Sequence[str]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as the page shows it: one picture for each theme, and what it shows in words."""

    heading: str
    alternative: str
    light: str
    dark: str


@dataclass(frozen=True, slots=True)
class FirstStep:
    """Something to do first in a portal in which nothing has happened yet."""

    words: str
    url: str


def figures(scope: Scope) -> list[Figure]:
    """Return the numbers of the overview as the person may see them."""
    person, visible = scope.person, scope.proposals
    if not (person.has_perm(eligibility.SEE) or scope.sees_all):
        return []
    proposals = reverse("admin:approvals_proposal_changelist")
    soon = _count(visible.filter(state__in=OPEN, deadline_at__gt=Now(), deadline_at__lte=Now() + SOON))
    failed = _count(scope.within(Dispatch.objects.filter(status=DispatchStatus.FAILED)))
    stopped = len(kill_switches.engaged())
    dead = reverse("admin:approvals_dispatch_changelist") + "?letters=dead"
    if not person.has_perm("approvals.view_dispatch"):
        dead = f"{proposals}?state=failed"
    return [
        _waiting(person, visible, proposals),
        Figure(_shown(soon), _("due within the hour"), f"{proposals}?due=hour", needs_care=soon > 0),
        Figure(_shown(failed), _("failed dispatches"), dead, needs_care=failed > 0),
        Figure(_shown(stopped), _("kill switches engaged"), reverse("admin:switches"), needs_care=stopped > 0),
    ]


def home(person: User) -> Mapping[str, Any]:
    """Return what the overview shows to `person`; nothing but the list of pages to who may see no proposals."""
    scope = Scope(person)
    shown = figures(scope)
    if not shown:
        return {"figures": shown}
    now = database_now()
    context = {
        "figures": shown,
        "may_decide": person.has_perm(eligibility.DECIDE),
        "due": due(scope, now=now),
        "held": held(scope),
        "looks": [_look(person, trouble) for trouble in trend.troubles(scope, at=now)],
        "records": _records(person),
        "behind": behind.of(person),
        "stuck": stuck.of(person, policy=active_policy(), now=now),
    }
    days = trend.days(scope, at=now)
    if trend.is_new(scope, days):
        return {**context, "steps": first_steps(person), "is_new": True}
    table = [(day, "—" if day.wait is None else words.span(day.wait)) for day in days]
    return {**context, "days": table, "charts": [_chart(name, days) for name in charts.CHARTS]}


def due(scope: Scope, *, now: datetime) -> list[DueProposal]:
    """Return what runs out of time next: what waits for the person, or for anybody where they decide nothing."""
    rows: QuerySet[Proposal] = scope.proposals
    if scope.person.has_perm(eligibility.DECIDE):
        rows = eligibility.waiting_for(scope.person, rows, active_policy())
    rows = rows.filter(state__in=WAITING, deadline_at__gt=Now()).order_by("deadline_at")
    return [
        DueProposal(
            url=page_url(row.pk),
            title=row.title,
            left=words.time_left(row, state=State(row.state), now=now),
            surface=row.surface_id,
            is_urgent=row.deadline_at - now < SOON,
        )
        for row in rows.only("pk", "title", "state", "deadline_at", "surface_id")[:MOST_DUE]
    ]


def held(scope: Scope) -> list[HeldDispatches]:
    """Return what each engaged kill switch holds back."""
    waiting = scope.within(Dispatch.objects.filter(status=DispatchStatus.WAITING))
    address = reverse("admin:approvals_dispatch_changelist") + "?status__exact=waiting"
    if not scope.person.has_perm("approvals.view_dispatch"):
        address = reverse("admin:approvals_proposal_changelist") + "?state=approved"
    return [
        HeldDispatches(switch, _shown(_count(waiting.filter(covered(switch)))), address)
        for switch in kill_switches.engaged()
    ]


def covered(switch: KillSwitch) -> Q:
    """Return which dispatches a switch stops."""
    if switch.surface_id:
        return Q(proposal__surface=switch.surface_id)
    return Q(proposal__agent=switch.agent_id) if switch.agent_id else Q()


def first_steps(person: User) -> list[FirstStep]:
    """Return what `person` can do so that proposals come in."""
    wanted = [
        ("policies.view_surface", _("See who owns each surface, and how strictly it is watched"),
         "policies_surface_changelist"),
        ("policies.add_agent", _("Register an agent"), "policies_agent_add"),
        ("policies.add_mandate", _("Give it a mandate for a surface"), "policies_mandate_add"),
        ("policies.add_apikey", _("Issue its key, on the agent’s own page"), "policies_agent_changelist"),
        ("policies.ask_loosening", _("Publish the policy, so that it counts"), "policies_publish"),
    ]  # fmt: skip
    return [
        FirstStep(label, reverse(f"admin:{name}")) for permission, label, name in wanted if person.has_perm(permission)
    ]


def _waiting(person: User, visible: "QuerySet[Proposal]", proposals: str) -> Figure:
    """What waits for the person; who decides nothing sees what waits for anybody."""
    if person.has_perm(eligibility.DECIDE):
        mine = _count(eligibility.waiting_for(person, visible, active_policy()))
        return Figure(_shown(mine), _("for you to decide"), f"{proposals}?state=mine&o=3")
    number = _count(visible.filter(state__in=OPEN, deadline_at__gt=Now()))
    return Figure(_shown(number), _("for people to decide"), f"{proposals}?state=pending")


def _look(person: User, of: Trouble) -> Look:
    sentences = [_("Suspended: every proposal is blocked.")] if of.is_suspended else []
    for number, one, many in (
        (of.failed, _("%s dispatch failed."), _("%s dispatches failed.")),
        (of.rolled_back, _("%s action was rolled back."), _("%s actions were rolled back.")),
    ):
        if number:
            sentences.append((one if number == 1 else many) % words.number(number))
    if of.rejected:
        sentences.append(
            ngettext("%(rejected)s of %(decided)s decision was a rejection.",
                     "%(rejected)s of %(decided)s decisions were rejections.", of.decided)
            % {"rejected": words.number(of.rejected), "decided": words.number(of.decided)}
        )  # fmt: skip
    url = reverse("admin:approvals_proposal_changelist") + f"?agent={of.slug}"
    if person.has_perm("policies.view_agent"):
        url = reverse("admin:policies_agent_change", args=[of.slug])
    return Look(of.name, url, sentences)


def _chart(name: str, days: Sequence[trend.Day]) -> Chart:
    headings = {"queue": _("Waiting at the end of each day"), "wait": _("Median time to a decision")}
    light, dark = (reverse(f"admin:chart_{name}_{theme}") for theme in charts.THEMES)
    return Chart(headings[name], charts.alternative(name, days), light, dark)


def _records(person: User) -> list[FirstStep]:
    """Return where somebody looks things up who decides nothing."""
    if person.has_perm(eligibility.DECIDE):
        return []
    pages = [
        ("approvals.view_decision", _("Every decision, with filters and a download"), "approvals_decision_changelist"),
        ("approvals.view_dispatch", _("What was shipped, and what failed"), "approvals_dispatch_changelist"),
        ("audit.view_entry", _("The ledger: everything that happened"), "audit_entry_changelist"),
        ("policies.view_policyversion", _("Every version of the policy"), "policies_policyversion_changelist"),
    ]
    return [
        FirstStep(label, reverse(f"admin:{name}")) for permission, label, name in pages if person.has_perm(permission)
    ]


def _count(rows: "QuerySet[Any]") -> int:
    """Count no further than anybody reads."""
    return rows.order_by().values("pk")[: MOST_COUNTED + 1].count()


def _shown(number: int) -> str:
    return words.number(number) if number <= MOST_COUNTED else _("over %s") % words.number(MOST_COUNTED)
