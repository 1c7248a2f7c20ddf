"""The pages of the kill switch: stop shipping, and let it go on."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.admin.actions import person_of
from approvals.models import Dispatch, DispatchStatus
from policies import switches
from policies.loosenings import LooseningRefused
from policies.models import EVERYWHERE, KillSwitch
from policies.switches import SwitchRefused

Frame = Mapping[str, Any]


class EngageForm(forms.Form):
    """Where to stop, and why."""

    scope = forms.ChoiceField(label=gettext_lazy("What stops"))
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=500,
        help_text=gettext_lazy("A few words. Everybody sees them on every page."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        free = KillSwitch.objects.filter(is_engaged=False)
        scopes = self.fields["scope"]
        assert isinstance(scopes, forms.ChoiceField)
        surfaces = free.exclude(surface=None).order_by("surface").values_list("scope", "surface")
        agents = free.exclude(agent=None).order_by("agent").values_list("scope", "agent")
        scopes.choices = [
            *([(EVERYWHERE, _("Everything"))] if free.filter(scope=EVERYWHERE).exists() else []),
            (_("One surface"), list(surfaces)),
            (_("One agent"), list(agents)),
        ]


def overview(request: HttpRequest, frame: Frame) -> HttpResponse:
    """List the switches that are engaged."""
    context = {**frame, "title": _("Kill switches"), "engaged": switches.engaged(), "numbers": _numbers(Q())}
    return TemplateResponse(request, "approvals/switches.html", context)


def engage(request: HttpRequest, frame: Frame) -> HttpResponse:
    """Ask where to stop and why (GET), and stop (POST)."""
    if not request.user.has_perm("policies.engage_killswitch"):
        raise PermissionDenied
    form = EngageForm(request.POST if request.method == "POST" else None, initial={"scope": request.GET.get("scope")})
    if request.method == "POST" and form.is_valid():
        try:
            switch = switches.engage(by=person_of(request), **form.cleaned_data)
        except (SwitchRefused, KillSwitch.DoesNotExist) as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Stopped: %s. Nothing there ships until it is released.") % switch.scope)
            return HttpResponseRedirect(reverse("admin:switches"))
    context = {**frame, "title": _("Stop shipping?"), "form": form, "numbers": _numbers(Q())}
    return TemplateResponse(request, "approvals/switch_engage.html", context)


def release(request: HttpRequest, scope: str, frame: Frame) -> HttpResponse:
    """Ask whether shipping may go on (GET), and ask a second person to let it (POST)."""
    if not request.user.has_perm("policies.release_killswitch"):
        raise PermissionDenied
    switch = KillSwitch.objects.filter(scope=scope).first()
    if switch is None:
        raise Http404
    if request.method == "POST":
        try:
            switches.ask_release(scope=scope, by=person_of(request), note=request.POST.get("note", ""))
        except (SwitchRefused, LooseningRefused) as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("Asked. %s ships again once a second person has agreed.") % scope)
        return HttpResponseRedirect(reverse("admin:switches"))
    context = {**frame, "title": _("Let it ship again?"), "switch": switch, "numbers": _numbers(_covered(switch))}
    return TemplateResponse(request, "approvals/switch_release.html", context)


def _covered(switch: KillSwitch) -> Q:
    """Return which dispatches a switch stops."""
    if switch.surface_id:
        return Q(proposal__surface=switch.surface_id)
    return Q(proposal__agent=switch.agent_id) if switch.agent_id else Q()


def _numbers(covered: Q) -> dict[str, int]:
    """Count what a switch holds back, and what is with an executor already and cannot be called back."""
    dispatches = Dispatch.objects.filter(covered)
    return {
        "waiting": dispatches.filter(status=DispatchStatus.WAITING).count(),
        "claimed": dispatches.filter(status=DispatchStatus.CLAIMED).count(),
    }
