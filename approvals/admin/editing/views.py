"""The edit page: change the payload, see what the policy says of it, save it, or save and approve it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.admin.editing.form import PayloadForm
from approvals.admin.review import actions
from approvals.admin.review import page as review_page
from approvals.admin.review.actions import page_url, person_of
from approvals.admin.review.forms import PASSWORD, ChecklistForm, SecondFactorForm, shown
from approvals.admin.review.page import ReviewPage
from approvals.cards import evidence
from approvals.errors import InvalidProposal, ProposalError, ReasonRequired, SignatureRequired, StaleRevision
from approvals.evaluation.judgement import Judgement
from approvals.lifecycle import review
from approvals.lifecycle.review import SeenRevision
from approvals.models import Proposal
from approvals.people import signature
from policies.engine import references
from policies.models import Tier

LIVE: Final = "checked"
"""The part of the page that follows the typing; htmx names it in its requests."""


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
class CheckedEdit:
    """What the policy would say of the edit, and what the edit changes."""

    judged: Judgement
    changes: evidence.FieldTable
    tier_was: Tier | None
    tier_becomes: Tier | None
    agents_number: int
    """Of the agent's revision with which the edit is compared."""

    @property
    def is_stricter(self) -> bool:
        """Whether the edit takes more oversight than the proposal does now."""
        was, becomes = self.tier_was, self.tier_becomes
        return was is not None and becomes is not None and becomes.rank > was.rank


@dataclass(slots=True)
class Desk:
    """One person's edit of one proposal, as far as it has come."""

    page: ReviewPage
    form: PayloadForm
    approval: ApprovalForm
    as_json: bool
    checked: CheckedEdit | None = None

    def seen(self) -> SeenRevision:
        """Return the revision that the form began with; call it on a valid form."""
        return SeenRevision(self.form.cleaned_data["revision"], self.form.cleaned_data["digest"])


def edit(request: HttpRequest, proposal_id: UUID, frame: Mapping[str, Any]) -> HttpResponse:
    """Show the form (GET); check the edit, save it, or save and approve it (POST)."""
    page = review_page.load(person_of(request), proposal_id)
    if not page.offers.may_decide:
        messages.error(request, page.offers.why_not or _("This proposal cannot be edited now."))
        return HttpResponseRedirect(page_url(proposal_id))
    if request.method == "POST" and (seen := _outdated(request, page)):
        return _replaced(request, proposal_id, seen)
    desk = _desk(request, page)
    is_answer = request.method == "POST" and not {"add", "remove"} & request.POST.keys()
    is_valid = is_answer and desk.form.is_valid() and desk.approval.is_valid()
    return _answer(request, desk, frame, _carry_out(request, desk) if is_valid else None)


def _answer(request: HttpRequest, desk: Desk, frame: Mapping[str, Any], result: actions.Result | None) -> HttpResponse:
    """Lead on where the edit is over; else show the form again, or what comes of it while somebody types."""
    proposal_id = desk.page.proposal.pk
    match result:
        case actions.Stale(seen=seen):
            return _replaced(request, proposal_id, seen)
        case actions.Done() | actions.Refused():
            return actions.answer(request, frame, proposal_id, result)
    return _said(request, desk) if _is_live(request) else _render(request, desk, frame)


def _is_live(request: HttpRequest) -> bool:
    """Whether the page asks while somebody types."""
    return request.headers.get("HX-Target") == LIVE


def _outdated(request: HttpRequest, page: ReviewPage) -> int | None:
    """Return the number of the revision that the form began with, if there is a newer one by now."""
    seen = request.POST.get("revision", "")
    is_number = seen.isdecimal() and len(seen) <= 6
    return int(seen) if is_number and int(seen) < page.proposal.revision.number else None


def _replaced(request: HttpRequest, proposal_id: UUID, seen: int) -> HttpResponse:
    """Show what somebody has changed since; while one types, only say so."""
    if _is_live(request):
        return TemplateResponse(request, "approvals/edit_checked.html", {"replaced": page_url(proposal_id, seen=seen)})
    return HttpResponseRedirect(page_url(proposal_id, seen=seen))


def _carry_out(request: HttpRequest, desk: Desk) -> actions.Result | None:
    """Save the edit, or save and approve it; None where it was only checked."""
    try:
        if "check" in request.POST:
            desk.checked = _check(desk)
            return None
        return actions.Done(_save(desk, person_of(request), is_approval="approve" in request.POST))
    except InvalidProposal as refusal:
        desk.form.add_faults(refusal.errors)
        return actions.Invalid(desk.form)
    except (SignatureRequired, ReasonRequired) as refusal:
        desk.approval.add_error(refusal.field, str(refusal))
        return actions.Invalid(desk.approval)
    except StaleRevision:
        return actions.Stale(desk.seen().number)
    except ProposalError as refusal:
        return actions.Refused(refusal)


def _desk(request: HttpRequest, page: ReviewPage) -> Desk:
    sent = request.POST if request.method == "POST" else None
    as_json = (sent or request.GET).get("as") == "json"
    schema = page.surface.payload_schema if page.surface else {}
    payload = page.proposal.revision.payload
    facts = {"schema": schema, "payload": payload, "as_json": as_json}
    if sent is not None and {"add", "remove"} & sent.keys():
        form = PayloadForm.with_rows(sent, is_part=bool(request.htmx), **facts)  # type: ignore[attr-defined]
        approval = ApprovalForm(initial={name: sent.get(name, "") for name in ("comment",)})
        return Desk(page, form, approval.offer(page.proposal), as_json)
    form = PayloadForm(sent, initial=shown(page.proposal), **facts)
    return Desk(page, form, ApprovalForm(sent).offer(page.proposal), as_json)


def _check(desk: Desk) -> CheckedEdit:
    proposal = desk.page.proposal
    payload = desk.form.payload()
    judged = review.preview_edit(proposal=proposal, payload=payload, rollback=_rollback(desk))
    agents = proposal.revisions.filter(agent__isnull=False).order_by("-number").first() or proposal.revision
    becomes = judged.verdict.tier
    return CheckedEdit(
        judged=judged,
        changes=evidence.changed_fields(agents.payload, payload),
        tier_was=proposal.tier,
        tier_becomes=Tier.objects.filter(pk=becomes.slug).first() if becomes else None,
        agents_number=agents.number,
    )


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


def _said(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Say what comes of the edit so far, for the page on which somebody is typing. Nothing is stored."""
    sentences = list(desk.form.said())
    context = {"checked": desk.checked, "form": desk.form, "faults": _faults(desk.form), "said": sentences}
    return TemplateResponse(request, "approvals/edit_live.html", context)


def _faults(form: PayloadForm) -> list[tuple[str, str]]:
    """Return `(label, sentence)` of everything that does not fit yet."""
    faults = [
        (str(form[name].label) if name in form.fields else "", str(sentence))
        for name, sentences in form.errors.items()
        for sentence in sentences
    ]
    return faults + [("", sentence) for sentences in form.placed.values() for sentence in sentences]


def _render(request: HttpRequest, desk: Desk, frame: Mapping[str, Any]) -> HttpResponse:
    context = {
        **frame,
        "title": _("Edit: %s") % desk.page.proposal.title,
        "is_nav_sidebar_enabled": False,
        "opts": Proposal._meta,
        "page": desk.page,
        "proposal": desk.page.proposal,
        "has_named_rows": bool(references.read_bytes(bytes(desk.page.proposal.revision.body))),
        "form": desk.form,
        "approval": desk.approval,
        "as_json": desk.as_json,
        "checked": desk.checked,
    }
    response = TemplateResponse(request, "approvals/edit.html", context)
    response["Cache-Control"] = "no-store"
    return response
