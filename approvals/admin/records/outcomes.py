"""Outcomes: the list, and the form in which people report what a shipped action did."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.admin.records.dispatches import OfProposalAdmin
from approvals.admin.review import page as review_page
from approvals.admin.review.actions import page_url, person_of
from approvals.errors import InvalidProposal, NotEligible, ProposalError
from approvals.models import Outcome, Proposal
from approvals.outcomes import reports

Kind = Outcome.Kind


class OutcomeForm(forms.Form):
    """What was seen, how much of it, and when."""

    kind = forms.ChoiceField(label=gettext_lazy("What it is"), choices=Kind.choices, widget=forms.RadioSelect)
    metric = forms.CharField(
        label=gettext_lazy("What was measured"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("For example CPA or revenue. An incident or complaint may leave it empty."),
    )
    value = forms.FloatField(
        label=gettext_lazy("Value"),
        required=False,
        widget=forms.NumberInput({"step": "any"}),
        help_text=gettext_lazy("Of an incident or complaint: how many; empty counts as one."),
    )
    unit = forms.CharField(
        label=gettext_lazy("Unit"), max_length=40, required=False, help_text=gettext_lazy("For example USD or %.")
    )
    observed_at = forms.DateTimeField(
        label=gettext_lazy("When it was seen"),
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    note = forms.CharField(
        label=gettext_lazy("What happened"),
        max_length=5000,
        required=False,
        widget=forms.Textarea({"rows": 4}),
        help_text=gettext_lazy("Needed for an incident or complaint."),
    )
    corrects = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Ask for a measured value; an incident is counted as one."""
        cleaned = super().clean() or self.cleaned_data
        kind = cleaned.get("kind")
        if kind == Kind.MEASURED and cleaned.get("value") is None and "value" not in self.errors:
            self.add_error("value", _("Enter what was measured, as a number."))
        elif kind in {Kind.INCIDENT, Kind.COMPLAINT}:
            cleaned["metric"] = cleaned.get("metric") or str(Kind(kind).label)
            cleaned["value"] = 1.0 if cleaned.get("value") is None else cleaned["value"]
        return cleaned

    def add_faults(self, refusal: InvalidProposal) -> None:
        """Put each fault at its field."""
        for fault in refusal.errors:
            name = fault.pointer.removeprefix("/")
            self.add_error(name if name in self.fields and name != "corrects" else None, fault.detail)


def report(request: HttpRequest, proposal_id: UUID, frame: Mapping[str, Any]) -> HttpResponse:
    """Show the form (GET), and record what it says (POST)."""
    person = person_of(request)
    page = review_page.load(person, proposal_id)
    if not person.has_perm(reports.REPORT):
        raise PermissionDenied
    if not reports.may_report(person, page.proposal):
        messages.error(request, _("Results are reported of what has shipped."))
        return HttpResponseRedirect(page_url(proposal_id))
    earlier = _earlier(page.proposal, request.GET.get("corrects", ""))
    form = OutcomeForm(request.POST if request.method == "POST" else None, initial=_initial(earlier))
    if request.method == "POST" and form.is_valid():
        try:
            words = form.cleaned_data | {"kind": Kind(form.cleaned_data["kind"])}
            reports.report_as_person(proposal_id=proposal_id, by=person, **words)
        except InvalidProposal as refusal:
            form.add_faults(refusal)
        except NotEligible as refusal:
            raise PermissionDenied from refusal
        except ProposalError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Saved, with your name."))
            return HttpResponseRedirect(page_url(proposal_id))
    return TemplateResponse(request, "approvals/outcome.html", _context(page.proposal, form, earlier, frame))


def _context(
    proposal: Proposal, form: OutcomeForm, earlier: Outcome | None, frame: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        **frame,
        "title": _("Correct a report") if earlier else _("Report a result or an incident"),
        "is_nav_sidebar_enabled": False,
        "opts": Proposal._meta,
        "proposal": proposal,
        "form": form,
        "earlier": earlier,
    }


def _earlier(proposal: Proposal, corrects: str) -> Outcome | None:
    """Return the report that the address names. Raises Http404 where this proposal has none such."""
    if not corrects:
        return None
    try:
        return Outcome.objects.get(proposal=proposal, pk=UUID(corrects))
    except (Outcome.DoesNotExist, ValueError) as error:
        raise Http404 from error


def _initial(earlier: Outcome | None) -> dict[str, Any]:
    if earlier is None:
        return {"kind": Kind.MEASURED, "observed_at": timezone.now()}
    names = ("kind", "metric", "value", "unit", "observed_at", "note")
    return {name: getattr(earlier, name) for name in names} | {"corrects": earlier.pk}


@admin.register(Outcome)
class OutcomeAdmin(OfProposalAdmin[Outcome]):
    list_display = ("reported_at", "proposal_link", "kind", "metric", "value", "unit", "observed_at", "reporter")
    list_filter = ("kind", "reported_at")
    search_fields = ("metric", "reported_by_name")
    fields = readonly_fields = (
        "proposal_link", "kind", "metric", "value", "unit", "observed_at", "note", "reported_at", "reporter",
        "corrects",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("reported by"))
    def reporter(self, row: Outcome) -> str:
        return row.reported_by_name or str(_("the agent"))
