"""The forms of the review page: each carries the revision that was on the screen."""

from dataclasses import dataclass
from typing import Self, cast

from django import forms
from django.forms.boundfield import BoundWidget
from django.utils.translation import gettext_lazy as _

from approvals.lifecycle.review import SeenRevision
from approvals.models import Assessment, Decision, Proposal

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
        said = Assessment.objects.filter(revision=proposal.revision_id) if items else ()
        self._assessments = {assessment.item: assessment for assessment in said}
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


class RejectForm(SeenForm):
    reason_code = forms.ChoiceField(
        label=_("Why"), choices=Decision.ReasonCode.choices, required=False, widget=forms.RadioSelect
    )
    comment = forms.CharField(label=_("Comment"), required=False, max_length=5000, widget=forms.Textarea({"rows": 2}))


class SendBackForm(SeenForm):
    comment = forms.CharField(
        label=_("What the agent should change"), required=False, max_length=5000, widget=forms.Textarea({"rows": 3})
    )


class TakeOverForm(SeenForm):
    comment = forms.CharField(
        label=_("Comment (optional)"), required=False, max_length=5000, widget=forms.Textarea({"rows": 2})
    )


class CommentForm(forms.Form):
    comment = forms.CharField(
        label=_("Comment (optional)"), required=False, max_length=5000, widget=forms.Textarea({"rows": 2})
    )


DECISION_FORMS: dict[str, type[SeenForm]] = {
    Decision.Verdict.APPROVE: ApproveForm,
    Decision.Verdict.REJECT: RejectForm,
    Decision.Verdict.SEND_BACK: SendBackForm,
    Decision.Verdict.TAKE_OVER: TakeOverForm,
}


def form_for(verdict: str, *, needs_signature: bool) -> type[SeenForm]:
    """Return the form of one kind of decision. Raises KeyError for a kind that nobody can choose."""
    if verdict == Decision.Verdict.APPROVE and needs_signature:
        return SignForm
    return DECISION_FORMS[verdict]


def offered(form: SeenForm, proposal: Proposal) -> SeenForm:
    """Return `form` as `proposal` wants it."""
    return form.offer(proposal) if isinstance(form, ChecklistForm) else form


def shown(proposal: Proposal) -> dict[str, object]:
    """Return what the forms of a page carry: the revision that the page shows."""
    return {"revision": proposal.revision.number, "digest": proposal.revision.digest}
