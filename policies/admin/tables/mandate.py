"""Mandates. Giving less oversight takes a second person; everything else happens at once."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.admin.refusals import RefusableAdmin
from policies.admin.recorded import person_of
from policies.models import Mandate
from policies.publishing.loosenings import LooseningRefused
from policies.registry import mandates


class MandateForm(forms.ModelForm[Mandate]):
    note = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("Needed where this gives less oversight: a second person reads it and has to agree."),
    )

    class Meta:
        model = Mandate
        fields = ("agent", "surface", "tier")


@admin.register(Mandate)
class MandateAdmin(RefusableAdmin[Mandate]):
    form = MandateForm
    list_display = ("agent", "surface", "tier")
    list_filter = ("tier",)
    list_select_related = ("agent", "surface", "tier")
    search_fields = ("agent__slug", "surface__slug")
    show_facets = admin.ShowFacets.NEVER
    fields = ("agent", "surface", "tier", "note")

    def get_readonly_fields(self, request: HttpRequest, obj: Mandate | None = None) -> tuple[str, ...]:
        return ("agent", "surface") if obj else ()

    def _changeform_view(
        self, request: HttpRequest, object_id: str | None, form_url: str, extra_context: dict[str, Any] | None
    ) -> HttpResponse:
        """Show refusals of the use case beside the form, as any other mistake."""
        try:
            return super()._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[misc, no-any-return]
        except LooseningRefused as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Mandate, form: Any, change: bool) -> None:
        """Give the mandate, or ask a second person to."""
        given = mandates.give(
            agent=obj.agent,
            surface=obj.surface,
            tier=obj.tier,
            by=person_of(request),
            note=form.cleaned_data.get("note", ""),
        )
        if isinstance(given, Mandate):
            obj.pk = given.pk

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The use case has written the entry; of what is only asked for, there is no row to log yet."""
        return super().log_addition(request, obj, message) if obj.pk else None

    def response_add(self, request: HttpRequest, obj: Mandate, post_url_continue: str | None = None) -> HttpResponse:
        return self._response(request, obj)

    def response_change(self, request: HttpRequest, obj: Mandate) -> HttpResponse:
        return self._response(request, obj)

    def _response(self, request: HttpRequest, obj: Mandate) -> HttpResponse:
        """Say what is so now: read again, as it may only have been asked for."""
        now = Mandate.objects.filter(agent=obj.agent, surface=obj.surface).first()
        words = {"agent": obj.agent_id, "surface": obj.surface_id, "tier": obj.tier_id}
        if now is not None and now.tier_id == obj.tier_id:
            messages.success(request, _("%(agent)s on %(surface)s: at least %(tier)s.") % words)
        else:
            messages.warning(request, _("Asked. %(agent)s gets %(tier)s once a second person has agreed.") % words)
        return HttpResponseRedirect(reverse("admin:policies_mandate_changelist"))

    def delete_model(self, request: HttpRequest, obj: Mandate) -> None:
        """Take it away; that is more oversight, and happens at once."""
        mandates.take_away(mandate=obj, by=person_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Mandate]) -> None:
        for mandate in queryset:
            mandates.take_away(mandate=mandate, by=person_of(request))
