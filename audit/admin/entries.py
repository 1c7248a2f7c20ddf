"""The ledger, to read."""

from collections.abc import Iterable
from typing import Any, Final

from django.contrib import admin
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audit.models import Entry
from audit.readonly import ReadOnlyAdmin, pretty

# Steps from kind to kind along the index, where DISTINCT would read every entry.
_KINDS: Final = """
WITH RECURSIVE kinds AS (
    (SELECT kind FROM audit_entry ORDER BY kind LIMIT 1)
    UNION ALL
    SELECT (SELECT kind FROM audit_entry WHERE kind > kinds.kind ORDER BY kind LIMIT 1)
      FROM kinds WHERE kind IS NOT NULL
)
SELECT kind FROM kinds WHERE kind IS NOT NULL
"""


class KindFilter(admin.SimpleListFilter):
    title = _("what happened")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Iterable[tuple[Any, Any]]:
        with connection.cursor() as cursor:
            cursor.execute(_KINDS)
            return [(kind, kind) for (kind,) in cursor.fetchall()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        return queryset.filter(kind=self.value()) if self.value() else None


class ActorFilter(admin.SimpleListFilter):
    title = _("who")
    parameter_name = "who"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Iterable[tuple[Any, Any]]:
        return [
            ("user:", _("a person")),
            ("agent:", _("an agent")),
            ("worker:", _("a worker")),
            ("system", _("the portal")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        return queryset.filter(actor__startswith=self.value()) if self.value() else None


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin[Entry]):
    """What happened, in order. Search names a subject or an actor exactly, such as proposal:0192… or user:7."""

    list_display = ("at", "kind", "subject", "who")
    list_filter = (KindFilter, ActorFilter, "at")
    search_fields = ("subject",)
    search_help_text = _("A subject or an actor, e.g. proposal:0192…, surface:ads.budget, user:7; or an actor's name")
    ordering = ("-id",)
    fields = readonly_fields = ("id", "at", "kind", "subject", "actor", "actor_name", "facts")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Entry], search_term: str
    ) -> tuple[QuerySet[Entry], bool]:
        term = search_term.strip().replace("\x00", "")
        if not term:
            return queryset, False
        if term.startswith(("user:", "agent:", "worker:")):
            return queryset.filter(subject=term) | queryset.filter(actor=term), False
        if ":" in term:
            return queryset.filter(subject=term), False
        return queryset.filter(actor_name=term) | queryset.filter(subject__endswith=f":{term}"), False

    @admin.display(description=_("who"))
    def who(self, row: Entry) -> str:
        return f"{row.actor_name} ({row.actor})" if row.actor_name else row.actor

    @admin.display(description=_("data"))
    def facts(self, row: Entry) -> SafeString:
        return pretty(row.data)
