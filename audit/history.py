"""Field history to look at: who changed what and when. Convenience, never evidence; that is the ledger."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audit.readonly import ReadOnlyAdmin

MOST_PEOPLE = 200


class WhoFilter(admin.SimpleListFilter):
    title = _("who")
    parameter_name = "who"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Iterable[tuple[Any, Any]]:
        people = get_user_model().objects.filter(is_staff=True).order_by("username")[:MOST_PEOPLE]
        return [("0", _("the portal")), *((str(person.pk), person.get_username()) for person in people)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        who = self.value() or ""
        if not who.isdecimal() or len(who) > 9:
            return None
        return queryset.filter(history_user=None if who == "0" else int(who))


class HistoryAdmin(ReadOnlyAdmin[Any]):
    """The rows that simple-history keeps of one model, read-only for everybody."""

    list_display = ("history_date", "record", "what_happened", "who")
    list_filter = (WhoFilter, "history_type", "history_date")
    ordering = ("-history_id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("history_user")

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Search by the key of what changed."""
        return (f"{self._tracked()._meta.pk.name}__exact",)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        key = self._tracked()._meta.pk
        if not search_term.strip():
            return queryset, False
        try:
            return queryset.filter(**{key.name: key.to_python(search_term.strip())}), False
        except ValidationError:
            return queryset.none(), False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """What changed first, then the row as it was."""
        return ["history_date", "what_happened", "who", "changes", *(field.name for field in self._tracked_fields())]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_fields(request, obj)

    @admin.display(description=_("row"))
    def record(self, row: Any) -> str:
        return str(getattr(row, self._tracked()._meta.pk.attname))

    @admin.display(description=_("what happened"), ordering="history_type")
    def what_happened(self, row: Any) -> str:
        return str(row.get_history_type_display())

    @admin.display(description=_("who"))
    def who(self, row: Any) -> str:
        return str(row.history_user) if row.history_user_id else str(_("the portal"))

    @admin.display(description=_("changes"))
    def changes(self, row: Any) -> SafeString | str:
        """Show each field that differs from the row's state before."""
        before = row.prev_record
        if before is None:
            return "—"
        names = [field.attname for field in self._tracked_fields()]
        pairs = [(name, getattr(before, name), getattr(row, name)) for name in names]
        lines = [(name, str(old)[:500], str(new)[:500]) for name, old, new in pairs if old != new]
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {} → <strong>{}</strong></li>", lines))

    def _tracked(self) -> type[Model]:
        tracked: type[Model] = self.model.instance_type
        return tracked

    def _tracked_fields(self) -> list[Any]:
        own = {"history_id", "history_date", "history_change_reason", "history_type", "history_user"}
        return [field for field in self.model._meta.concrete_fields if field.name not in own]


def register(*models: Any) -> None:
    """Show the history of these models in the admin."""
    for model in models:
        admin.site.register(model.history.model, HistoryAdmin)
