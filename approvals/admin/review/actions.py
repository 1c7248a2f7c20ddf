"""Actions on the review page and the desk: each is a POST that a use case carries out.

An act returns what became of it; the review page, the desk, the edit form and the batch each answer in their way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.admin.review import approvals, forms
from approvals.admin.review import page as review_page
from approvals.cards import evidence, showing
from approvals.errors import NotEligible, ProposalError, ReasonRequired, SignatureRequired, StaleRevision
from approvals.evaluation import conflicts
from approvals.lifecycle import review
from approvals.models import Decision, Proposal, State
from approvals.people import held_roles, signature
from approvals.shipping import recovery

Frame = Mapping[str, Any]

MOST_OF_A_TITLE: Final = 60
ENDS: Final = (".", "!", "?", "…")


def person_of(request: HttpRequest) -> User:
    """Return who is signed in; the admin lets nobody else this far."""
    assert isinstance(request.user, User)
    return request.user


def page_url(proposal_id: UUID, *, seen: int | None = None) -> str:
    """Return the address of a review page; `seen` makes it show what changed since that revision."""
    address = reverse("admin:approvals_proposal_change", args=[proposal_id])
    return f"{address}?seen={seen}" if seen else address


@dataclass(frozen=True, slots=True)
class Done:
    """An act that was carried out; `what` says what it led to where the proposal's state does not."""

    proposal: Proposal
    what: str = ""

    def sentence(self, *, is_named: bool = False) -> str:
        """Return what is told; with the proposal's title where the next page shows another one."""
        return self.what or done(self.proposal, is_named=is_named)


@dataclass(frozen=True, slots=True)
class Stale:
    """The revision of number `seen`, which the person saw, is not the current one any more. Nothing was done."""

    seen: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A use case refused. Nothing was done."""

    why: ProposalError


@dataclass(frozen=True, slots=True)
class Invalid:
    """A form that was not accepted, with what is wrong in it. Nothing was done."""

    form: Form


Result = Done | Stale | Refused | Invalid


def answer(request: HttpRequest, frame: Frame, proposal_id: UUID, result: Result) -> HttpResponse:
    """Answer on the review page, to which every act there leads back."""
    match result:
        case Done():
            messages.success(request, result.sentence())
            return HttpResponseRedirect(page_url(proposal_id))
        case Stale(seen=seen):
            return HttpResponseRedirect(page_url(proposal_id, seen=seen))
        case Refused(why=why):
            return _refused(request, proposal_id, why)
        case Invalid(form=form):
            page = review_page.load(person_of(request), proposal_id)
            return review_page.render(request, page, frame, failed=form)


def decide(request: HttpRequest, proposal_id: UUID) -> Result:
    """Approve, reject, send back or take over, as the form's `verdict` says."""
    person = person_of(request)
    held_roles.remember(person)  # for the pages before and after: the use case reads them afresh
    page = review_page.load(person, proposal_id)
    verdict = request.POST.get("verdict", "")
    if verdict not in forms.DECISION_FORMS:
        raise Http404
    kind = forms.form_for(verdict, needs_signature=page.offers.needs_signature)
    form = forms.offered(kind(request.POST, auto_id=f"{verdict}_%s"), page.proposal)
    if not form.is_valid():
        return Invalid(form)
    try:
        return Done(_decide(person, proposal_id, Decision.Verdict(verdict), form))
    except (ReasonRequired, SignatureRequired) as refusal:
        form.add_error(_field_of(refusal, form), str(refusal))
        return Invalid(form)
    except StaleRevision:
        return Stale(form.seen().number)
    except ProposalError as refusal:
        return Refused(refusal)


def _decide(person: User, proposal_id: UUID, verdict: Decision.Verdict, form: forms.SeenForm) -> Proposal:
    words = form.cleaned_data
    is_signed = isinstance(form, forms.SignForm)
    if is_signed:
        signature.sign(person, words["password"], code=words["code"], passkey=words["passkey"])
    return review.decide(
        proposal_id=proposal_id,
        seen=form.seen(),
        by=person,
        verdict=verdict,
        reason_code=words.get("reason_code", ""),
        comment=words.get("comment", ""),
        is_signed=is_signed,
        ticked=words.get("checklist", ()),
    )


def _field_of(refusal: ProposalError, form: Form) -> str | None:
    field = refusal.field if isinstance(refusal, ReasonRequired | SignatureRequired) else None
    return field if field in form.fields else None


def undo(request: HttpRequest, proposal_id: UUID) -> Result:
    """Take an approval or a rejection back."""
    person = person_of(request)
    review_page.load(person, proposal_id)
    try:
        proposal = review.undo(proposal_id=proposal_id, by=person, comment=_comment(request))
    except ProposalError as refusal:
        return Refused(refusal)
    return Done(proposal, _("Undone. The proposal waits for a decision again."))


def retry(request: HttpRequest, proposal_id: UUID) -> Result:
    """Try a failed dispatch again."""
    person = person_of(request)
    review_page.load(person, proposal_id)
    try:
        proposal = recovery.retry(proposal_id=proposal_id, by=person)
    except ProposalError as refusal:
        return Refused(refusal)
    return Done(proposal, _("Trying again."))


def roll_back(request: HttpRequest, proposal_id: UUID, frame: Frame) -> HttpResponse:
    """Ask whether to roll back (GET), and order it (POST)."""
    person = person_of(request)
    page = review_page.load(person, proposal_id)
    form = forms.CommentForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        context = {
            **frame,
            "title": _("Roll back?"),
            "is_nav_sidebar_enabled": False,
            "opts": Proposal._meta,
            "proposal": page.proposal,
            "page": page,
            "form": form,
            **_way_back(page),
        }
        return TemplateResponse(request, "approvals/roll_back.html", context)
    return answer(request, frame, proposal_id, _roll_back(person, proposal_id, form.cleaned_data["comment"]))


def _roll_back(person: User, proposal_id: UUID, comment: str) -> Result:
    try:
        proposal = recovery.roll_back(proposal_id=proposal_id, by=person, comment=comment)
    except ProposalError as refusal:
        return Refused(refusal)
    return Done(proposal, _("Rolling back. This page shows the receipt once it is done."))


def _way_back(page: review_page.ReviewPage) -> dict[str, Any]:
    """Return what rolling back does, in the words of the surface's card and field by field."""
    proposal = page.proposal
    way_back = proposal.revision.rollback
    if way_back is None:
        return {}
    return {
        "card": showing.way_back_card(proposal, surface=page.surface),
        "table": evidence.field_table(showing.shipped_before(proposal), way_back),
        "as_json": evidence.as_text(way_back),
    }


def _refused(request: HttpRequest, proposal_id: UUID, refusal: ProposalError) -> HttpResponse:
    """Say why nothing was done, and show how the proposal is now."""
    advice = "" if isinstance(refusal, NotEligible) else _("This is its current status.")
    messages.error(request, f"{refusal} {_('Nothing was changed.')} {advice}".strip())
    return HttpResponseRedirect(page_url(proposal_id))


def done(proposal: Proposal, *, is_named: bool = False) -> str:
    """Say what a decision has led to; on a line of its own, how it can still be undone."""
    sentences = {
        State.APPROVED: (_("Approved"), "\n" + _("It ships in a moment; until then you can undo it.")),
        State.REJECTED: (_("Rejected"), "\n" + _("You can undo it until the deadline.")),
        State.RETURNED: (_("Sent back"), " " + _("The agent is told and can revise it.")),
        State.TAKEN_OVER: (_("Taken over"), " " + _("It won’t ship. Do it by hand.")),
        State.EDITED: (_("Saved as a new revision"), " " + _("It needs approval now.")),
        State.BLOCKED: (_("The policy blocks this revision"), " " + _("Nothing will ship.")),
    }
    what, rest = sentences.get(State(proposal.state)) or (_("Recorded"), " " + _still_waiting(proposal))
    if is_named:
        what = f"{what}: {Truncator(' '.join(proposal.title.split())).chars(MOST_OF_A_TITLE)}"
    return f"{what}{'' if what.endswith(ENDS) else '.'}{_once_more(proposal)}{rest}"


def _once_more(proposal: Proposal) -> str:
    """Say of what was just approved that the same is still asked for elsewhere."""
    others = conflicts.twins(proposal).count() if proposal.state == State.APPROVED else 0
    if not others:
        return ""
    sentence = ngettext(
        "There is a duplicate of this: decide on it too, or it happens twice.",
        "There are %(number)s duplicates of this: decide on them too, or it happens again.",
        others,
    )
    return " " + sentence % {"number": others}


def _still_waiting(proposal: Proposal) -> str:
    return _("Still needs %s.") % approvals.still_missing(proposal)


def _comment(request: HttpRequest) -> str:
    return request.POST.get("comment", "")[:5000].replace("\x00", "")
