"""The pages of the kill switch: stop shipping, and let it go on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, F, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.admin.review.actions import person_of
from approvals.models import Dispatch, DispatchStatus
from policies.models import EVERYWHERE, KillSwitch, Loosening
from policies.publishing.loosenings import LooseningRefused
from policies.registry import kill_switches
from policies.registry.kill_switches import SwitchRefused

Frame = Mapping[str, Any]
LIVE: Final = "numbers"
"""The part of the page that follows the choice; htmx names it in its requests."""
OUT: Final = (DispatchStatus.WAITING, DispatchStatus.CLAIMED)


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a switch holds back (`waiting`), and what is with an executor already and cannot be called back."""

    scope: str
    waiting: int
    claimed: int
    switch: KillSwitch | None = None
    is_asked: bool = False


class EngageForm(forms.Form):
    """Where to stop, and why."""

    scope = forms.ChoiceField(label=gettext_lazy("What stops"))
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=500,
        help_text=gettext_lazy("A few words. Everyone sees them on every page."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.free = list(KillSwitch.objects.filter(is_engaged=False).order_by("scope"))
        scopes = self.fields["scope"]
        assert isinstance(scopes, forms.ChoiceField)
        surfaces = [(switch.scope, switch.surface_id) for switch in self.free if switch.surface_id]
        agents = [(switch.scope, switch.agent_id) for switch in self.free if switch.agent_id]
        everything = [switch.scope for switch in self.free if switch.scope == EVERYWHERE]
        scopes.choices = [
            *((scope, _("Everything")) for scope in everything),
            *([(_("One surface"), surfaces)] if surfaces else []),
            *([(_("One agent"), agents)] if agents else []),
        ]
        scopes.widget.attrs.update(
            {
                "hx-get": "",
                "hx-target": f"#{LIVE}",
                # Also once at first: somebody may have chosen before the scripts were there, and browsers
                # bring back what was chosen when a page is loaded again.
                "hx-trigger": "load, change",
                "hx-include": "this",
                "hx-sync": "this:queue last",
            }
        )


def overview(request: HttpRequest, frame: Frame) -> HttpResponse:
    """List the switches that are engaged, and what each holds back."""
    engaged = kill_switches.engaged()
    scopes = set(
        Loosening.objects.filter(
            status=Loosening.Status.WAITING, subject__in=[f"kill_switch:{switch.scope}" for switch in engaged]
        ).values_list("subject", flat=True)
    )
    rows = [_numbers(switch, is_asked=f"kill_switch:{switch.scope}" in scopes) for switch in engaged]
    context = {**frame, "title": _("Kill switches"), "engaged": rows, "all": _of(EVERYWHERE, Q())}
    return TemplateResponse(request, "approvals/switches.html", context)


def engage(request: HttpRequest, frame: Frame) -> HttpResponse:
    """Ask where to stop and why (GET), and stop (POST)."""
    if not request.user.has_perm("policies.engage_killswitch"):
        raise PermissionDenied
    scope = request.GET.get("scope") or EVERYWHERE
    form = EngageForm(request.POST if request.method == "POST" else None, initial={"scope": scope})
    if request.method == "POST" and form.is_valid():
        try:
            switch = kill_switches.engage(by=person_of(request), **form.cleaned_data)
        except (SwitchRefused, KillSwitch.DoesNotExist) as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Stopped: %s. Nothing there ships until it is released.") % switch.scope)
            return HttpResponseRedirect(reverse("admin:switches"))
    context: dict[str, Any] = {"chosen": _chosen(form)}
    if request.headers.get("HX-Target") == LIVE:
        return TemplateResponse(request, "approvals/switch_numbers.html", context)
    context |= {**frame, "title": _("Stop shipping?"), "form": form, "rows": _per_scope(form.free)}
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
            kill_switches.ask_release(scope=scope, by=person_of(request), note=request.POST.get("note", ""))
        except (SwitchRefused, LooseningRefused) as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("Asked. %s ships again once a second person has agreed.") % scope)
        return HttpResponseRedirect(reverse("admin:switches"))
    context = {**frame, "title": _("Let it ship again?"), "switch": switch, "numbers": _numbers(switch)}
    return TemplateResponse(request, "approvals/switch_release.html", context)


def _chosen(form: EngageForm) -> Numbers | None:
    """Return the numbers of the scope that the form shows; None where it can no longer be stopped."""
    scope = form["scope"].value()
    switch = next((switch for switch in form.free if switch.scope == scope), None)
    return _numbers(switch) if switch else None


def _numbers(switch: KillSwitch, *, is_asked: bool = False) -> Numbers:
    covered = Q()
    if switch.surface_id:
        covered = Q(proposal__surface=switch.surface_id)
    elif switch.agent_id:
        covered = Q(proposal__agent=switch.agent_id)
    row = _of(switch.scope, covered)
    return Numbers(switch.scope, row.waiting, row.claimed, switch, is_asked)


def _of(scope: str, covered: Q) -> Numbers:
    counts = dict(
        Dispatch.objects.filter(covered, status__in=OUT).order_by().values_list("status").annotate(number=Count("pk"))
    )
    return Numbers(scope, counts.get(DispatchStatus.WAITING, 0), counts.get(DispatchStatus.CLAIMED, 0))


def _per_scope(free: Sequence[KillSwitch]) -> list[Numbers]:
    """Return the numbers of every scope in which anything is on its way, for the table. Two queries."""
    counts: dict[str, dict[str, int]] = {}
    for kind in ("surface", "agent"):
        rows = Dispatch.objects.filter(status__in=OUT).order_by().values("status", of=F(f"proposal__{kind}"))
        for row in rows.annotate(number=Count("pk")):
            counts.setdefault(f"{kind}:{row['of']}", {})[row["status"]] = row["number"]
    per_scope = [
        Numbers(switch.scope, there.get(DispatchStatus.WAITING, 0), there.get(DispatchStatus.CLAIMED, 0), switch)
        for switch in free
        if (there := counts.get(switch.scope))
    ]
    return sorted(per_scope, key=lambda row: -(row.waiting + row.claimed))
