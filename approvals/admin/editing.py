"""The edit page: change the payload, see what the policy says of it, save it, or save and approve it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals import review, signature
from approvals.admin import cards, review_page
from approvals.admin.actions import done, page_url, person_of, refused
from approvals.admin.forms import PASSWORD, ChecklistForm, SecondFactorForm, shown
from approvals.admin.payload_form import PayloadForm
from approvals.admin.review_page import Page
from approvals.errors import InvalidProposal, ProposalError, ReasonRequired, SignatureRequired, StaleRevision
from approvals.judging import Judgement
from approvals.models import Proposal
from approvals.review import SeenRevision


class ApprovalForm(SecondFactorForm, ChecklistForm):
    """What approving in the same act needs besides."""

    comment = forms.CharField(
        label=gettext_lazy("Why you approve it"), required=False, max_length=5000, widget=forms.Textarea({"rows": 2})
    )
    password = forms.CharField(
        label=gettext_lazy("Your password (where it needs a signature)"),
        required=False,
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(PASSWORD),
    )


@dataclass(frozen=True, slots=True)
class Checked:
    """What the policy would say of the edit, and what the edit changes."""

    judged: Judgement
    changes: cards.FieldTable
    tier_was: str | None


@dataclass(slots=True)
class Desk:
    """One person's edit of one proposal, as far as it has come."""

    page: Page
    form: PayloadForm
    approval: ApprovalForm
    as_json: bool
    checked: Checked | None = None

    def seen(self) -> SeenRevision:
        """Return the revision that the form began with; call it on a valid form."""
        return SeenRevision(self.form.cleaned_data["revision"], self.form.cleaned_data["digest"])


def edit(request: HttpRequest, proposal_id: UUID, frame: Mapping[str, Any]) -> HttpResponse:
    """Show the form (GET); check the edit, save it, or save and approve it (POST)."""
    person = person_of(request)
    page = review_page.load(person, proposal_id)
    if not page.offers.may_decide:
        messages.error(request, page.offers.why_not or _("This proposal cannot be edited now."))
        return HttpResponseRedirect(page_url(proposal_id))
    desk = _desk(request, page)
    if request.method == "POST" and desk.form.is_valid() and desk.approval.is_valid():
        try:
            if (proposal := _carry_out(request, desk, person)) is not None:
                messages.success(request, done(proposal))
                return HttpResponseRedirect(page_url(proposal_id))
        except StaleRevision:
            return HttpResponseRedirect(page_url(proposal_id, seen=desk.seen().number))
        except ProposalError as refusal:
            return refused(request, proposal_id, refusal)
    return _render(request, desk, frame)


def _carry_out(request: HttpRequest, desk: Desk, person: User) -> Proposal | None:
    """Save the edit and return the proposal; None where it was only checked, or has faults to show."""
    try:
        if "check" in request.POST:
            desk.checked = _check(desk)
            return None
        return _save(desk, person, is_approval="approve" in request.POST)
    except InvalidProposal as refusal:
        desk.form.add_faults(refusal.errors)
    except (SignatureRequired, ReasonRequired) as refusal:
        desk.approval.add_error(refusal.field, str(refusal))
    return None


def _desk(request: HttpRequest, page: Page) -> Desk:
    sent = request.POST if request.method == "POST" else None
    as_json = (sent or request.GET).get("as") == "json"
    schema = page.surface.payload_schema if page.surface else {}
    payload = page.proposal.revision.payload
    form = PayloadForm(sent, schema=schema, payload=payload, as_json=as_json, initial=shown(page.proposal))
    return Desk(page, form, ApprovalForm(sent).offer(page.proposal), as_json)


def _check(desk: Desk) -> Checked:
    proposal = desk.page.proposal
    payload = desk.form.payload()
    judged = review.preview_edit(proposal=proposal, payload=payload, rollback=_rollback(desk))
    return Checked(judged, cards.changed_fields(proposal.revision.payload, payload), proposal.tier_id)


def _save(desk: Desk, person: User, *, is_approval: bool) -> Proposal:
    seen = desk.seen()
    content = {"payload": desk.form.payload(), "rollback": _rollback(desk), "note": desk.form.cleaned_data["note"]}
    if not is_approval:
        return review.edit(proposal_id=desk.page.proposal.pk, seen=seen, by=person, **content)
    words = desk.approval.cleaned_data
    is_signed = any(words[name] for name in ("password", "code", "passkey"))
    if is_signed:
        signature.sign(person, words["password"], code=words["code"], passkey=words["passkey"])
    return review.edit_and_approve(
        proposal_id=desk.page.proposal.pk,
        seen=seen,
        by=person,
        comment=words["comment"],
        is_signed=is_signed,
        ticked=words["checklist"],
        **content,
    )


def _rollback(desk: Desk) -> Any:
    return desk.form.cleaned_data.get("rollback")


def _render(request: HttpRequest, desk: Desk, frame: Mapping[str, Any]) -> HttpResponse:
    context = {
        **frame,
        "title": _("Edit: %s") % desk.page.proposal.title,
        "is_nav_sidebar_enabled": False,
        "opts": Proposal._meta,
        "page": desk.page,
        "proposal": desk.page.proposal,
        "form": desk.form,
        "approval": desk.approval,
        "as_json": desk.as_json,
        "checked": desk.checked,
    }
    response = TemplateResponse(request, "approvals/edit.html", context)
    response["Cache-Control"] = "no-store"
    return response
