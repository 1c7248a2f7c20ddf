"""Quick list on the desk: many of low risk, each decided by itself with one key, without leaving the list."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from approvals.admin.desk import page as desk_page
from approvals.admin.desk import quick_rows, rows
from approvals.admin.desk import recent as desk_recent
from approvals.admin.records.filters import policy_of, reader_of
from approvals.admin.review import actions
from approvals.errors import NotInBatch, ProposalError
from approvals.lifecycle import review
from approvals.lifecycle.review import SeenRevision
from approvals.models import Decision, Proposal
from approvals.queue import turns

Frame = Mapping[str, Any]
REASONS: Final = [reason for reason in Decision.ReasonCode if reason != Decision.ReasonCode.OTHER]
"""The reasons that need no words; each has a number as its key."""
VIA: Final = "quick list"


@dataclass(frozen=True, slots=True)
class QuickResult:
    """What became of one line: what to say of it, and whether it can be taken back."""

    proposal: Proposal
    sentence: str
    level: str = "success"
    may_undo: bool = False
    is_done: bool = False
    """Whether there is nothing left to do for this person, though it still waits."""


def page(request: HttpRequest, frame: Frame) -> HttpResponse:
    """Show the list (GET); do with one line what a button says (POST)."""
    if request.method == "POST":
        return _act(request)
    person, policy = reader_of(request), policy_of(request)
    listed = rows.listed(person, policy, rows.wanted(request.GET))
    quick = quick_rows.load(person, listed)
    context = {
        **frame,
        "title": _("Quick list"),
        "is_nav_sidebar_enabled": False,
        "quick": quick,
        "reasons": _reasons(),
        "people": quick_rows.helpers(person, quick.rows, policy, most=desk_page.MOST_PEOPLE),
        "query": rows.query(listed.wanted),
        "wanted": listed.wanted,
        "has_keys": request.COOKIES.get(desk_page.KEYS_COOKIE) != "off",
        "recent": [row for row in desk_recent.recent(person, policy) if row.offers.may_undo],
    }
    return _answer(TemplateResponse(request, "approvals/desk/quick.html", context))


def _reasons() -> list[tuple[int, str, str]]:
    return [(number, str(reason.value), str(reason.label)) for number, reason in enumerate(REASONS, start=1)]


def _act(request: HttpRequest) -> HttpResponse:
    """Do what the pressed button says: it names the act and the proposal. Raises Http404 for what one may not see."""
    act, _colon, text = request.POST.get("step", "").partition(":")
    try:
        proposal_id = UUID(text)
    except ValueError as fault:
        raise Http404 from fault
    person = actions.person_of(request)
    # Not as a reader: roles are read afresh for the decision.
    line = quick_rows.find(person, proposal_id, policy_of(request))
    if line is None or act not in ACTS:
        raise Http404
    row, why_not = line
    try:
        if why_not and act != "undo":
            raise NotInBatch(why_not)
        result = ACTS[act](request, person, row.proposal)
    except ProposalError as refusal:
        result = QuickResult(row.proposal, f"{refusal} {_('Nothing was changed.')}", level="error")
    if request.htmx:  # type: ignore[attr-defined]
        return _line(request, result, proposal_id)
    messages.add_message(request, messages.SUCCESS if result.level == "success" else messages.ERROR, _named(result))
    query = rows.query(rows.wanted(request.GET))
    return HttpResponseRedirect(reverse("admin:desk_quick") + (f"?{query}" if query else ""))


def _named(result: QuickResult) -> str:
    return f"{' '.join(result.proposal.title.split())}: {result.sentence}"


def _line(request: HttpRequest, result: QuickResult, proposal_id: UUID) -> HttpResponse:
    """Draw the line anew, with what became of it."""
    line = quick_rows.find(actions.person_of(request), proposal_id, policy_of(request))
    row, why_not = line or (None, "")
    context = {
        "proposal": row.proposal if row else result.proposal,
        "row": row,
        "result": result,
        "is_open": row is not None and not why_not and not result.is_done,
        "reasons": _reasons(),
    }
    return _answer(TemplateResponse(request, "approvals/desk/quick_row.html", context))


def _answer(response: TemplateResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"  # what was decided must not come back with the back button
    return response


def _seen(request: HttpRequest, proposal: Proposal) -> SeenRevision:
    """Return the revision that was on the screen."""
    number, _colon, digest = request.POST.get(f"seen:{proposal.pk}", "").partition(":")
    return SeenRevision(int(number) if number.isdecimal() and len(number) <= 6 else 0, digest[:71])


def _decide(
    request: HttpRequest, person: User, proposal: Proposal, verdict: Decision.Verdict, code: str
) -> QuickResult:
    decided = review.decide(
        proposal_id=proposal.pk,
        seen=_seen(request, proposal),
        by=person,
        verdict=verdict,
        reason_code=code,
        via=VIA,
        from_line=True,
    )
    sentence = actions.done(decided).replace("\n", " ")
    return QuickResult(decided, sentence, may_undo=decided.state in {"approved", "rejected"})


def _approve(request: HttpRequest, person: User, proposal: Proposal) -> QuickResult:
    return _decide(request, person, proposal, Decision.Verdict.APPROVE, "")


def _reject(request: HttpRequest, person: User, proposal: Proposal) -> QuickResult:
    code = request.POST.get(f"reason:{proposal.pk}", "")
    return _decide(request, person, proposal, Decision.Verdict.REJECT, code)


def _assign(request: HttpRequest, person: User, proposal: Proposal) -> QuickResult:
    chosen = request.POST.get("to", "")
    is_id = chosen.isdecimal() and chosen.isascii() and len(chosen) <= 18
    to = User.objects.filter(pk=chosen, is_active=True).first() if is_id else None
    if to is None:
        return QuickResult(proposal, _("Choose above who to assign it to."), level="error")
    turns.reassign(proposal_id=proposal.pk, to=to, by=person)
    sentence = _("Assigned to %s. Others can still decide.") % to.get_username()
    return QuickResult(proposal, sentence, is_done=to.pk != person.pk)


def _undo(request: HttpRequest, person: User, proposal: Proposal) -> QuickResult:
    undone = review.undo(proposal_id=proposal.pk, by=person)
    return QuickResult(undone, _("Undone. The proposal waits for a decision again."))


ACTS: Final[Mapping[str, Callable[[HttpRequest, User, Proposal], QuickResult]]] = {
    "approve": _approve,
    "reject": _reject,
    "assign": _assign,
    "undo": _undo,
}
