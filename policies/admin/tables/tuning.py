"""Tuning rights. Giving one takes a second person; taking one away happens at once."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from policies.accounts import tuning
from policies.admin.noted_forms import AskingAdmin, NotedForm
from policies.admin.recorded import person_of
from policies.models import Tuning


class TuningForm(NotedForm[Tuning]):
    class Meta:
        model = Tuning
        fields = ("role", "surface")


@admin.register(Tuning)
class TuningAdmin(AskingAdmin[Tuning]):
    """Which role tunes which surface. The use cases write the entries."""

    form = TuningForm
    fields = ("role", "surface", "note")
    list_display = ("role", "surface")
    list_filter = ("role",)
    list_select_related = ("role", "surface")
    search_fields = ("role__name", "surface__slug")

    def has_change_permission(self, request: HttpRequest, obj: Tuning | None = None) -> bool:
        """Never: another role or surface is another right."""
        return False

    def save_model(self, request: HttpRequest, obj: Tuning, form: Any, change: bool) -> None:
        """Ask a second person."""
        tuning.ask(role=obj.role, surface=obj.surface, by=person_of(request), note=form.cleaned_data["note"])

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Log nothing: there is no row yet."""

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Log nothing: the use case has written the entry."""

    def response_add(self, request: HttpRequest, obj: Tuning, post_url_continue: str | None = None) -> HttpResponse:
        """Say that it waits."""
        words = {"role": obj.role_id, "surface": obj.surface_id}
        messages.warning(request, _("Asked. %(role)s tunes %(surface)s once a second person has agreed.") % words)
        return HttpResponseRedirect(reverse("admin:policies_tuning_changelist"))

    def delete_model(self, request: HttpRequest, obj: Tuning) -> None:
        """Take it away, at once."""
        tuning.take_away(tuning=obj, by=person_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Tuning]) -> None:
        """Take all of them away, at once."""
        for row in queryset:
            tuning.take_away(tuning=row, by=person_of(request))
