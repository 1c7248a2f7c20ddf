"""The review page: everything that a decision needs, on one screen."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from approvals.admin.review import approvals, forms, twins
from approvals.admin.review.conflicts import beside
from approvals.admin.review.history import story
from approvals.admin.rows import section
from approvals.cards import evidence, showing
from approvals.evaluation import conflicts
from approvals.models import WAITING, Dispatch, Proposal, Revision, State
from approvals.outcomes import reports
from approvals.people import eligibility
from approvals.presentation import confidence, marks, participants, words
from approvals.queue.available_actions import Offers, offers
from policies import currencies
from policies.engine import references
from policies.engine.policy import Policy, SurfacePolicy
from policies.models import KillSwitch
from policies.publishing.current import scopes
from policies.publishing.publish import active_policy
from policies.registry import kill_switches

MAX_RAW: Final = 20_000
HOLDABLE: Final = (*WAITING, State.APPROVED)


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """One proposal as one person sees it now, by the database's clock."""

    proposal: Proposal
    policy: Policy
    state: State
    now: datetime
    offers: Offers

    @property
    def surface(self) -> SurfacePolicy | None:
        return self.policy.surfaces.get(self.proposal.surface_id)


def load(person: User, proposal_id: UUID, *, policy: Policy | None = None) -> ReviewPage:
    """Return the page of one proposal. Raises Http404 for what `person` may not see.

    `policy` is the one in force, where it has been read already.
    """
    # Any: the annotations are no fields that the type knows.
    proposal: Any = (
        conflicts.with_signs(eligibility.visible(person))
        .as_of_now()
        .annotate(time_now=Now())
        .select_related("revision", "verdict", "agent", "surface", "tier", "assignment__to")
        .filter(pk=proposal_id)
        .first()
    )
    if proposal is None:
        raise Http404
    state, policy = State(proposal.state_now), policy or active_policy()
    may = offers(person, proposal, state=state, policy=policy)
    return ReviewPage(proposal, policy, state, proposal.time_now, may)


def render(
    request: HttpRequest, page: ReviewPage, frame: Mapping[str, Any], *, failed: Form | None = None
) -> HttpResponse:
    """Draw the page inside the admin's `frame`; `failed` is the form that was sent and not accepted."""
    events = story(page.proposal, now=page.now)
    assert isinstance(request.user, User)
    context = {
        **frame,
        "title": page.proposal.title,
        "is_nav_sidebar_enabled": False,
        "opts": Proposal._meta,
        "story": events,
        "progress": _progress(page, (row.dispatch for row in events.dispatches)),
        "replaced": replaced(request.GET.get("seen", ""), page, events.revisions),
        **pieces(request.user, page, failed=failed),
        **approvals.context(request.user, page.proposal, policy=page.policy, state=page.state),
    }
    response = TemplateResponse(request, "approvals/review.html", context)
    response["Cache-Control"] = "no-store"  # what was decided must not come back with the back button
    return response


def follow(request: HttpRequest, page: ReviewPage) -> HttpResponse:
    """Draw again what shipping changes, for the page that looks again; nothing where nothing has changed."""
    if request.GET.get("was") == _progress(page, page.proposal.dispatches.order_by("id")):
        return HttpResponse(status=204)
    assert isinstance(request.user, User)
    events = story(page.proposal, now=page.now)
    context = {
        "is_part": True,
        "story": events,
        "progress": _progress(page, (row.dispatch for row in events.dispatches)),
        **pieces(request.user, page),
    }
    response = TemplateResponse(request, "approvals/progress.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _progress(page: ReviewPage, dispatches: Iterable[Dispatch]) -> str:
    """Return what differs as soon as there is something new to show of a proposal on its way."""
    return "-".join((page.state.value, *(f"{row.status}{row.fence}" for row in dispatches)))


def pieces(
    person: User, page: ReviewPage, *, failed: Form | None = None, engaged: Sequence[KillSwitch] | None = None
) -> dict[str, Any]:
    """Return what the templates in `approvals/review/` draw, on the review page and on the desk.

    `engaged` are the engaged kill switches, where they have been read already.
    """
    return {
        "page": page,
        "proposal": page.proposal,
        "revision": page.proposal.revision,
        "choices": forms.choices(_forms(page, failed)),
        "failed": failed,
        "card": showing.card(page.proposal, viewer=person, surface=page.surface),
        **beside(person, page.proposal, page.state),
        **twins.context(person, page.proposal, state=page.state, now=page.now, policy=page.policy),
        "latest": _latest(page.proposal),
        "may_report": reports.may_report(person, page.proposal),
        "where": addresses(page.proposal),
        "is_held": page.state in HOLDABLE and _is_stopped(page.proposal, engaged),
        **_facts(page),
        **section.context(page.proposal, page.proposal.revision),
    }


def addresses(proposal: Proposal) -> dict[str, str]:
    """Return where the forms of the review page lead."""
    names = ("decide", "edit", "undo", "retry")
    return {name: reverse(f"admin:approvals_proposal_{name}", args=[proposal.pk]) for name in names}


def _facts(page: ReviewPage) -> dict[str, Any]:
    proposal, now = page.proposal, page.now
    payload = proposal.revision.payload
    reasons = _reasons(proposal.verdict.reasons)
    raw = bytes(proposal.revision.body)
    decided = participants.decided(proposal, page.state)
    findings = proposal.verdict.facts.get("findings", [])
    return {
        "state": page.state,
        "effect": showing.effect(proposal, page.surface, state=page.state, now=now),
        "time_left": words.time_left(proposal, state=page.state, now=now),
        "seconds_left": _seconds_left(page),
        "is_urgent": page.state in WAITING and (proposal.deadline_at - now).total_seconds() < 3600,
        "decided": decided,
        "needs": participants.needs(proposal) if decided is None or decided.who else "",  # nobody was asked
        "may_reject": participants.may_reject(proposal),
        "proposed": words.ago(proposal.created_at, now),
        "deadline": words.moment(proposal.deadline_at),
        **confidence.context(proposal, page.surface),
        "amount": None if proposal.amount is None else currencies.money(proposal.amount, proposal.currency),
        "audience": None if proposal.audience_size is None else words.number(proposal.audience_size),
        "table": evidence.field_table(
            proposal.revision.before, references.without(payload), marks.spans(payload, findings)
        ),
        "findings": _findings(findings, reasons),
        "raw_size": len(raw),
        "is_raw_short": len(raw) <= MAX_RAW,
        "raw": json.dumps(payload, indent=2, ensure_ascii=False) if len(raw) <= MAX_RAW else "",
        "metrics": evidence.metrics(proposal.metrics),
        "evidence": evidence.evidence(proposal.evidence),
        "expected": evidence.expected(proposal.expected_outcome),
        "trigger": evidence.field_table(None, proposal.trigger).differing if proposal.trigger else [],
        "agent_model": evidence.field_table(None, proposal.model).differing if proposal.model else [],
        "reasons": reasons,
    }


def _reasons(reasons: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the reasons, the deciding one first; what is said several times only once, with how often."""
    by_text: dict[tuple[Any, ...], dict[str, Any]] = {}
    for reason in sorted(reasons, key=lambda reason: not reason.get("is_deciding")):
        key = tuple(reason.get(name) for name in ("text", "source", "tier", "outcome"))
        by_text.setdefault(key, {**reason, "times": 0})["times"] += 1
    return list(by_text.values())


def _findings(findings: Iterable[Mapping[str, Any]], reasons: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what the checks found; `is_told` where a reason above it says the same and there is a quotation."""
    texts = {reason["text"] for reason in reasons}
    return [{**finding, "is_told": bool(finding.get("excerpt")) and finding["text"] in texts} for finding in findings]


def _seconds_left(page: ReviewPage) -> int | None:
    """Return the seconds until the deadline or, once approved, until it ships; None where no time runs."""
    until = {State.APPROVED: page.proposal.release_at}.get(page.state)
    if page.state in WAITING:
        until = page.proposal.deadline_at
    return None if until is None or until <= page.now else int((until - page.now).total_seconds())


def _is_stopped(proposal: Proposal, engaged: Sequence[KillSwitch] | None) -> bool:
    covering = scopes(agent=proposal.agent_id, surface=proposal.surface_id)
    return any(switch.scope in covering for switch in (kill_switches.engaged() if engaged is None else engaged))


def _forms(page: ReviewPage, failed: Form | None) -> dict[str, Form]:
    """Return a form for each decision that is offered; the one that failed comes back as it was sent."""
    made: dict[str, Form] = {}
    for verdict in forms.DECISION_FORMS:
        kind = forms.form_for(verdict, needs_signature=page.offers.needs_signature)
        form = forms.offered(kind(initial=forms.shown(page.proposal), auto_id=f"{verdict}_%s"), page.proposal)
        made[str(verdict)] = failed if type(failed) is kind and failed.auto_id == form.auto_id else form
    return made


@dataclass(frozen=True, slots=True)
class Latest:
    """What the current revision changed: against the agent's last one where a person wrote it, else the one before."""

    number: int
    author: str
    note: str
    than: int
    changes: evidence.FieldTable


def _latest(proposal: Proposal) -> Latest | None:
    """Return what is new in a proposal that is not as it was first proposed. One query where there is something."""
    current = proposal.revision
    if current.number == 1:
        return None
    before = proposal.revisions.filter(number__lt=current.number).order_by("-number")
    old = (before if current.agent_id else before.filter(agent__isnull=False)).first()
    if old is None:
        return None
    changes = evidence.changed_fields(old.payload, current.payload)
    return Latest(current.number, current.author_name, current.note, old.number, changes)


@dataclass(frozen=True, slots=True)
class Replaced:
    """A newer revision than the one the person had on the screen."""

    seen: int
    current: Revision
    changes: evidence.FieldTable | None


def replaced(seen: str, page: ReviewPage, revisions: Iterable[Revision]) -> Replaced | None:
    """Return what changed since revision number `seen`, as an address names it; it is looked for in `revisions`."""
    current = page.proposal.revision
    if not seen.isdecimal() or len(seen) > 6 or not 0 < int(seen) < current.number:
        return None
    old = next((revision for revision in revisions if revision.number == int(seen)), None)
    changes = evidence.changed_fields(old.payload, current.payload) if old else None
    return Replaced(int(seen), current, changes)
