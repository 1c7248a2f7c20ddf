"""The forms of the review page: each carries the revision that was on the screen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, cast

from django import forms
from django.forms.boundfield import BoundWidget
from django.utils.translation import gettext_lazy as _

from approvals.lifecycle.review import SeenRevision
from approvals.models import Assessment, Decision, Proposal
from approvals.models.verdicts import CHOICES, VERDICTS, Choice

PASSWORD = {"autocomplete": "current-password"}
CODE = {"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}


class SeenForm(forms.Form):
    """Names the revision that the person saw."""

    revision = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    digest = forms.CharField(max_length=71, widget=forms.HiddenInput)

    def seen(self) -> SeenRevision:
        """Return what was on the screen; call it on a valid form."""
        return SeenRevision(self.cleaned_data["revision"], self.cleaned_data["digest"])


@dataclass(frozen=True, slots=True)
class Tick:
    """One box of a checklist, and what a model said of it."""

    box: BoundWidget
    assessment: Assessment | None


class ChecklistForm(forms.Form):
    """What has to be ticked before something is approved."""

    checklist = forms.MultipleChoiceField(
        label=_("Checklist"), required=False, choices=(), widget=forms.CheckboxSelectMultiple
    )

    def offer(self, proposal: Proposal) -> Self:
        """Show the checklist of `proposal`, with what a model said of its current revision."""
        items = [(item["slug"], item["text"]) for item in proposal.checklist]
        cast(forms.MultipleChoiceField, self.fields["checklist"]).choices = items
        assessments = Assessment.objects.filter(revision=proposal.revision_id) if items else ()
        self._assessments = {assessment.item: assessment for assessment in assessments}
        return self

    def ticks(self) -> list[Tick]:
        """Return the boxes to tick; call `offer` first."""
        return [Tick(box, self._assessments.get(str(box.data["value"]))) for box in self["checklist"]]


class ApproveForm(ChecklistForm, SeenForm):
    comment = forms.CharField(
        label=_("Comment (optional)"), required=False, max_length=5000, widget=forms.Textarea({"rows": 2})
    )


class SecondFactorForm(forms.Form):
    """What proves a second factor. `approvals/second_factor.html` shows it to those who have one."""

    code = forms.CharField(
        label=_("Code from your app, or a recovery code"),
        required=False,
        max_length=40,
        widget=forms.TextInput(CODE),
    )
    passkey = forms.JSONField(required=False, widget=forms.HiddenInput)


class SignForm(SecondFactorForm, ApproveForm):
    """Approving where the tier wants a signature."""

    comment = forms.CharField(
        label=_("Why you approve it"), required=False, max_length=5000, widget=forms.Textarea({"rows": 2})
    )
    password = forms.CharField(
        label=_("Your password"), required=False, max_length=4096, strip=False, widget=forms.PasswordInput(PASSWORD)
    )


class CommentForm(forms.Form):
    comment = forms.CharField(
        label=_("Comment (optional)"), required=False, max_length=5000, widget=forms.Textarea({"rows": 2})
    )


def _form_of(verdict: Decision.Verdict, choice: Choice) -> type[SeenForm]:
    """Return the form of one row of the table of verdicts."""
    if VERDICTS[verdict].is_approval:
        return ApproveForm
    fields: dict[str, forms.Field] = {}
    if choice.reason_missing:
        fields["reason_code"] = forms.ChoiceField(
            label=_("Why"), choices=Decision.ReasonCode.choices, required=False, widget=forms.RadioSelect
        )
    fields["comment"] = forms.CharField(
        label=choice.comment,
        required=False,
        max_length=5000,
        widget=forms.Textarea({"rows": choice.comment_rows}),
    )
    return type(f"{verdict.name.title().replace('_', '')}Form", (SeenForm,), fields)


DECISION_FORMS: dict[str, type[SeenForm]] = {verdict: _form_of(verdict, choice) for verdict, choice in CHOICES.items()}


def form_for(verdict: str, *, needs_signature: bool) -> type[SeenForm]:
    """Return the form of one kind of decision. Raises KeyError for a kind that nobody can choose."""
    kind = DECISION_FORMS[verdict]
    return SignForm if needs_signature and kind is ApproveForm else kind


@dataclass(frozen=True, slots=True)
class OfferedChoice:
    """A verdict as a page offers it, with its form; `verdict` stands at the button."""

    verdict: str
    choice: Choice
    form: forms.Form
    is_approval: bool


def choices(made: Mapping[str, forms.Form]) -> list[OfferedChoice]:
    """Return the choices for which there is a form, in the table's order."""
    return [
        OfferedChoice(str(verdict), choice, made[verdict], VERDICTS[verdict].is_approval)
        for verdict, choice in CHOICES.items()
        if verdict in made
    ]


def offered(form: SeenForm, proposal: Proposal) -> SeenForm:
    """Return `form` as `proposal` wants it."""
    return form.offer(proposal) if isinstance(form, ChecklistForm) else form


def shown(proposal: Proposal) -> dict[str, object]:
    """Return what the forms of a page carry: the revision that the page shows."""
    return {"revision": proposal.revision.number, "digest": proposal.revision.digest}
