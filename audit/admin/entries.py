"""The ledger, to read."""

from collections.abc import Iterable
from typing import Any, Final

from django.contrib import admin
from django.db import connection
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audit.kinds import registry
from audit.ledger import search
from audit.models import Checkpoint, Entry, Leaf
from audit.readonly import ReadOnlyAdmin, pretty
from audit.verification import runs

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


LATEST: Final = 1_000
MOST: Final = 50


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


class ModelFilter(admin.SimpleListFilter):
    """Entries about proposals of a model; those are offered that the latest entries name."""

    title = _("model")
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Iterable[tuple[Any, Any]]:
        latest = Entry.objects.order_by("-id").values_list("data__model", flat=True)[:LATEST]
        models = [model for model in latest if isinstance(model, dict)]
        names = {f"{model.get('name', '')} {model.get('version', '')}".strip() for model in models}
        return [(name, name) for name in sorted(names - {""})[:MOST]]

    def has_output(self) -> bool:
        return bool(self.lookup_choices or self.value())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        return queryset.filter(search.of_model(self.value() or "", "data__")) if self.value() else None


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin[Entry]):
    """What happened, in order. Search names a subject, an actor or a model exactly, such as proposal:0192… or user:7.

    A filter that is not offered any more is still answered, so that a kept link goes on working.
    """

    change_list_template = "audit/entries.html"
    list_display = ("at", "what", "subject", "who")
    list_filter = (KindFilter, ActorFilter, ModelFilter, "at")
    search_fields = ("subject",)
    search_help_text = _(
        "A subject or an actor, e.g. proposal:0192…, surface:ads.budget, user:7; an actor's name; "
        "or a model, e.g. pacer 2026-11-01"
    )
    ordering = ("-id",)
    fields = readonly_fields = (
        "id", "index", "at", "kind", "meaning", "subject", "actor", "actor_name", "facts", "request_id", "trace_id",
        "commits_to",
    )  # fmt: skip

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The entries, below what the last verification found and when the ledger was last signed."""
        state = {"verification": runs.latest(), "checkpoint": Checkpoint.objects.first()}
        return super().changelist_view(request, state | (extra_context or {}))

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
        named = Q(actor_name=term) | Q(subject__endswith=f":{term}") | search.of_model(term, "data__")
        return queryset.filter(named), False

    @admin.display(description=_("what happened"), ordering="kind")
    def what(self, row: Entry) -> SafeString:
        return format_html('<span title="{}">{}</span>', registry.meaning(row.kind), row.kind)

    @admin.display(description=_("in words"))
    def meaning(self, row: Entry) -> str:
        return registry.meaning(row.kind) or str(_("A kind that this version of the portal does not know."))

    @admin.display(description=_("who"))
    def who(self, row: Entry) -> str:
        return f"{row.actor_name} ({row.actor})" if row.actor_name else row.actor

    @admin.display(description=_("index in the ledger"))
    def index(self, row: Entry) -> str:
        leaf = Leaf.objects.filter(entry=row).first()
        return str(leaf.index) if leaf else str(_("not in order yet"))

    @admin.display(description=_("commitment"))
    def commits_to(self, row: Entry) -> str:
        return bytes(row.commitment).hex()

    @admin.display(description=_("data"))
    def facts(self, row: Entry) -> SafeString:
        return pretty(row.data)
