"""The page of standing approvals: ask for one after seeing what it would have let through, and end one at once."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.admin.review.actions import person_of
from approvals.trust import board, evidence
from approvals.trust.counts import Pair
from audit.clock import database_now
from policies.facts.facts import Facts
from policies.models import Agent, Loosening, StandingApproval, Surface
from policies.models.standing_approval import MOST_USES
from policies.publishing import loosenings
from policies.publishing.current import StandingBounds
from policies.publishing.loosenings import LooseningRefused
from policies.publishing.publish import active_policy
from policies.registry.standing import approvals

Frame = Mapping[str, Any]
NAME: Final = "standing_approvals"
SHOWN: Final = 100


class StandingApprovalForm(forms.Form):
    """This agent, this action, up to this much, so many times, until then."""

    agent = forms.ModelChoiceField(Agent.objects.order_by("name"), label=gettext_lazy("Agent"))
    surface = forms.ModelChoiceField(Surface.objects.order_by("slug"), label=gettext_lazy("Surface"))
    action = forms.CharField(label=gettext_lazy("Action"), max_length=120)
    most_amount = forms.DecimalField(
        label=gettext_lazy("Amount at most"),
        required=False,
        min_value=0,
        max_digits=19,
        decimal_places=4,
        help_text=gettext_lazy("Of each proposal, in the surface's currency. Empty: only proposals without an amount."),
    )
    most_uses = forms.IntegerField(label=gettext_lazy("Times at most"), min_value=1, max_value=MOST_USES)
    ends_at = forms.DateTimeField(
        label=gettext_lazy("Until"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=gettext_lazy("It ends automatically then, after 31 days at most."),
    )
    note = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("For the second person, who has to agree."),
    )


def page(request: HttpRequest, frame: Frame) -> HttpResponse:
    """Show standing approvals and the form (GET); try one on the past, ask for it, or end one (POST)."""
    person = person_of(request)
    if not board.may_see(person):
        raise PermissionDenied
    if request.method == "POST" and request.POST.get("do") == "end":
        return _end(request, person)
    form = StandingApprovalForm(request.POST if request.method == "POST" else None, initial=_initial(request))
    tried = None
    if request.method == "POST" and form.is_valid():
        if request.POST.get("do") == "ask":
            try:
                approvals.ask(by=person, **form.cleaned_data)
            except LooseningRefused as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, _("Asked for. It counts once a second person agrees."))
                return _back()
        tried = _tried(form.cleaned_data)
    return _show(request, frame, person, form, tried)


def _initial(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET[name][:120] for name in ("agent", "surface", "action") if name in request.GET}


def _end(request: HttpRequest, person: User) -> HttpResponse:
    number = request.POST.get("standing_approval", "")
    if not (number.isdecimal() and len(number) < 19):
        raise Http404
    try:
        approvals.end(standing_approval_id=int(number), by=person)
    except StandingApproval.DoesNotExist as error:
        raise Http404 from error
    except LooseningRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Ended. What passed by it and has not shipped waits for people now."))
    return _back()


def _back() -> HttpResponse:
    return HttpResponseRedirect(reverse(f"admin:{NAME}"))


def _tried(wanted: Mapping[str, Any]) -> dict[str, int]:
    """Return what the standing approval would have let through of the agent's last proposals, as often as it may."""
    policy = active_policy()
    here = policy.surfaces.get(wanted["surface"].pk)
    amount = wanted["most_amount"]
    currency = here.currency if here else ""
    most = None if amount is None else float(amount)
    bounds = StandingBounds(0, wanted["action"], most, currency, wanted["most_uses"])

    def covered(facts: Facts) -> Facts:
        is_covered = bounds.covers(action=facts.action, amount=facts.amount, currency=facts.currency)
        return replace(facts, standing_approval="0" if is_covered else "")

    return evidence.replay(Pair(wanted["agent"].pk, wanted["surface"].pk), policy, change=covered)


def _show(
    request: HttpRequest, frame: Frame, person: User, form: StandingApprovalForm, tried: dict[str, int] | None
) -> HttpResponse:
    at = database_now()
    given = StandingApproval.objects.select_related("agent", "loosening")
    waiting = Loosening.objects.filter(kind=Loosening.Kind.STANDING, status=Loosening.Status.WAITING)
    context = {
        **frame,
        "title": _("Standing approvals"),
        "is_nav_sidebar_enabled": False,
        "form": form,
        "tried": tried,
        "live": list(given.filter(ended_at=None, ends_at__gt=at)[:SHOWN]),
        "ended": list(given.exclude(ended_at=None, ends_at__gt=at)[:SHOWN]),
        "waiting": list(waiting[:SHOWN]),
        "may_ask": person.has_perm(loosenings.ASK),
        "may_end": person.has_perm(approvals.END),
    }
    return TemplateResponse(request, "approvals/trust/standing.html", context)


PAGES: Final[dict[str, tuple[str, Callable[..., HttpResponseBase]]]] = {NAME: ("trust/standing-approvals/", page)}
