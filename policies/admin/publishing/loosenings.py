"""Requests to relax the policy, and their answers; people answer on the page where it is published."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.readonly import ReadOnlyAdmin, pretty
from policies.models import Loosening


@admin.register(Loosening)
class LooseningAdmin(ReadOnlyAdmin[Loosening]):
    list_display = ("kind", "subject", "standing", "asked_by_name", "asked_at", "answered_by_name", "answered_at")
    list_filter = ("status", "kind")
    search_fields = ("subject", "asked_by_name", "answered_by_name")
    fields = readonly_fields = (
        "kind", "subject", "standing", "note", "asked_by_name", "asked_at", "answered_by_name", "answered_at", "base",
        "what",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("base").defer("base__document")

    @admin.display(description=gettext_lazy("standing"), ordering="status")
    def standing(self, row: Loosening) -> SafeString | str:
        if row.status != Loosening.Status.WAITING:
            return row.get_status_display()
        return format_html('<a href="{}">{}</a>', reverse("admin:policies_publish"), _("waits: agree or refuse…"))

    @admin.display(description=gettext_lazy("change"))
    def what(self, row: Loosening) -> SafeString:
        return pretty(row.change)
