"""The pages of a batch: look at many proposals at once, confirm, and see what became of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.admin.batch import result as batch_result
from approvals.admin.batch import rows
from approvals.admin.records.filters import policy_of, reader_of
from approvals.admin.review import actions
from approvals.admin.review.actions import person_of
from approvals.errors import NotInBatch
from approvals.lifecycle import batches
from approvals.lifecycle.batches import MOST, BatchResult
from approvals.lifecycle.review import SeenRevision
from approvals.models import Decision
from approvals.models.verdicts import BATCHES
from approvals.people import eligibility
from approvals.queue.search import read_id
from policies.publishing.publish import active_policy

Frame = Mapping[str, Any]
ASK: Final = {str(verdict): verdict for verdict in BATCHES}
"""These buttons ask for confirmation; with `_now` behind them they decide."""


class ReasonForm(forms.Form):
    """One reason for all of them."""

    reason_code = forms.ChoiceField(
        label=gettext_lazy("Reason (if rejecting)"),
        required=False,
        choices=[("", gettext_lazy("Choose one …")), *Decision.ReasonCode.choices],
    )
    comment = forms.CharField(
        label=gettext_lazy("Comment for all of them (optional)"),
        required=False,
        max_length=5000,
        widget=forms.Textarea({"rows": 2}),
    )

    def complain(self, verdict: Decision.Verdict) -> bool:
        """Say at the field what `verdict` lacks; return whether it lacks anything. Call it on a valid form."""
        code, comment = self.cleaned_data["reason_code"], self.cleaned_data["comment"].strip()
        if not BATCHES[verdict].reason_missing:
            return bool(self.errors)
        if not code:
            self.add_error("reason_code", str(BATCHES[verdict].reason_missing))
        elif code == Decision.ReasonCode.OTHER and not comment:
            self.add_error("comment", _("Say in a few words what the other reason is."))
        return bool(self.errors)


@dataclass(frozen=True, slots=True)
class Sent:
    """What the page sent back: all that was on it, and what was still ticked."""

    shown: Mapping[UUID, str]
    ticked: Mapping[UUID, str]

    @property
    def choice(self) -> rows.BatchSelection:
        return rows.BatchSelection(self.shown, frozenset(self.ticked.values()))

    @property
    def items(self) -> list[tuple[UUID, SeenRevision]]:
        return [(key, _seen(value)) for key, value in self.ticked.items()]


def page(request: HttpRequest, frame: Frame) -> HttpResponse:
    """Show many proposals (GET, and POST to update the totals), ask whether to decide on them, and decide (POST)."""
    if request.method != "POST":
        ids = _asked_for(request)
        form = ReasonForm()
        return _show(request, frame, ids=ids[:MOST], form=form, is_cut=len(ids) > MOST)
    sent = Sent(_named(request, "shown"), _named(request, "item"))
    form, step = ReasonForm(request.POST), request.POST.get("step", "")
    verdict = ASK.get(step.removesuffix("_now"))
    if not form.is_valid() or verdict is None or form.complain(verdict):
        return _show(request, frame, ids=list(sent.shown)[:MOST], form=form, choice=sent.choice)
    if not sent.ticked:
        messages.error(request, _("Nothing was ticked, so nothing was decided."))
        return _show(request, frame, ids=list(sent.shown)[:MOST], form=form, choice=sent.choice)
    if step == str(verdict):
        return _confirm(request, frame, sent=sent, form=form, verdict=verdict)
    return _answer(request, _decide(request, sent=sent, form=form, verdict=verdict), verdict=verdict)


def _asked_for(request: HttpRequest) -> list[UUID]:
    """Return which proposals the address names. Raises Http404 for one whose like is asked for and not seen."""
    if "alike" not in request.GET:
        return list(dict.fromkeys(key for text in request.GET.getlist("id") if (key := read_id(text)) is not None))
    person, key = person_of(request), read_id(request.GET["alike"])
    one = None if key is None else eligibility.visible(person).filter(pk=key).first()
    if one is None:
        raise Http404
    return rows.alike(person, one, active_policy())


def _named(request: HttpRequest, name: str) -> dict[UUID, str]:
    """Return the values `id:revision:digest` of a field by id; what is none of ours is left out."""
    named = {}
    for value in request.POST.getlist(name):
        key, _colon, seen = value.partition(":")
        number, _colon, digest = seen.partition(":")
        if (proposal_id := read_id(key)) is not None and number.isdecimal() and len(number) < 10 and digest:
            named[proposal_id] = value
    return named


def _seen(value: str) -> SeenRevision:
    number, _colon, digest = value.partition(":")[2].partition(":")
    return SeenRevision(int(number), digest)


def _show(
    request: HttpRequest,
    frame: Frame,
    *,
    ids: Sequence[UUID],
    form: ReasonForm,
    choice: rows.BatchSelection | None = None,
    is_cut: bool = False,
) -> HttpResponse:
    batch = rows.load(reader_of(request), ids, policy_of(request), choice=choice)
    context = {"title": _("Review as a batch"), "batch": batch, "form": form, "is_cut": is_cut, "most": MOST}
    context["choices"] = BATCHES.items()
    return _draw(request, "approvals/batch/batch.html", {**frame, **context})


def _confirm(
    request: HttpRequest, frame: Frame, *, sent: Sent, form: ReasonForm, verdict: Decision.Verdict
) -> HttpResponse:
    batch = rows.load(reader_of(request), list(sent.shown)[:MOST], policy_of(request), choice=sent.choice)
    number = len(batch.chosen)
    if not number:
        messages.error(request, _("None of these can be reviewed as a batch any more. Nothing was decided."))
        return _show(request, frame, ids=list(sent.shown)[:MOST], form=form, choice=sent.choice)
    context = {
        "title": BATCHES[verdict].title % number,
        "batch": batch,
        "form": form,
        "verdict": verdict,
        "words": BATCHES[verdict],
        "yes": str(BATCHES[verdict].confirm) % batch.totals.number,
        "left_out": len(sent.ticked) - number,
    }
    return _draw(request, "approvals/batch/confirm.html", {**frame, **context})


def _decide(
    request: HttpRequest, *, sent: Sent, form: ReasonForm, verdict: Decision.Verdict
) -> BatchResult | actions.Refused:
    has_reason = bool(BATCHES[verdict].reason_missing)
    try:
        return batches.decide_all(
            items=sent.items,
            by=person_of(request),
            verdict=verdict,
            reason_code=form.cleaned_data["reason_code"] if has_reason else "",
            comment=form.cleaned_data["comment"],
        )
    except NotInBatch as refusal:
        return actions.Refused(refusal)


def _answer(request: HttpRequest, result: BatchResult | actions.Refused, *, verdict: Decision.Verdict) -> HttpResponse:
    if isinstance(result, actions.Refused):
        messages.error(request, f"{result.why} {_('Nothing was changed.')}")
        return HttpResponseRedirect(reverse("admin:desk_batch"))
    batch_result.remember(request, result, verdict=verdict)
    return HttpResponseRedirect(reverse("admin:desk_batch_result", args=[result.batch]))


def _draw(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    response = TemplateResponse(request, template, {**context, "is_nav_sidebar_enabled": False})
    response["Cache-Control"] = "no-store"  # what was decided must not come back with the back button
    return response
