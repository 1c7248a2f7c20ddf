"""Admin pages that only show: what is governed changes through use cases, never by hand."""

import json
from typing import Any, TypeVar

from django.contrib import admin
from django.db.models import BinaryField, Model
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from audit.paging import CappedChangeList, CappedPaginator

Row = TypeVar("Row", bound=Model)


class ReadOnlyAdmin(admin.ModelAdmin[Row]):
    """Lists and shows rows to anyone who may view them; nobody adds, changes or deletes, superusers neither."""

    actions = None
    list_per_page = 50
    list_max_show_all = 0
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CappedChangeList]:
        """A list that counts no further than it must."""
        return CappedChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, over the whole width of the page: these have many columns."""
        frame = {"title": capfirst(self.opts.verbose_name_plural), "is_nav_sidebar_enabled": False}
        return super().changelist_view(request, frame | (extra_context or {}))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Take no condition on bytes from an address: text cannot be compared with them."""
        is_of_bytes = lookup.partition("__")[0] in {
            field.name for field in self.opts.concrete_fields if isinstance(field, BinaryField)
        }
        return not is_of_bytes and super().lookup_allowed(lookup, value, request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False


def pretty(value: Any) -> SafeString:
    """Write a JSON value so that people can read it, as text and nothing else."""
    return format_html('<pre class="json">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True))
