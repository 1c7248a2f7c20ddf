"""The button that takes a list out as CSV, for the lists of proposals, decisions and dispatches."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from approvals.admin.review.actions import person_of
from approvals.figures import exports
from approvals.figures.exports import ExportTooLarge
from audit.readonly import ReadOnlyAdmin

Row = TypeVar("Row", bound=Model)


class ExportingAdmin(ReadOnlyAdmin[Row]):
    """A list that anyone who sees it may download, exactly as it is filtered."""

    change_list_template = "approvals/list.html"
    export_of: str
    """What the ledger and the file call the rows."""
    export_header: Sequence[str] = ()
    export_chunk = exports.CHUNK
    """How many rows are read at a time; fewer where each brings its payload."""
    time_field = "created_at"
    time_range = ""
    """The name of the range over `time_field`."""

    def get_ordering(self, request: HttpRequest) -> list[Any] | tuple[Any, ...]:
        """By time where a stretch of time is chosen: then an index leads to it, however long ago it is."""
        is_narrowed = any(request.GET.get(f"{self.time_range}_{end}") for end in ("from", "to"))
        return (f"-{self.time_field}", "-id") if is_narrowed else super().get_ordering(request)

    def export_rows(self, keys: Sequence[Any]) -> Iterable[Row]:
        """Read some rows by their keys, with whatever their cells need."""
        raise NotImplementedError

    def export_cells(self, row: Row) -> Sequence[Any]:
        """Return the values of one row, as `export_header` names them."""
        raise NotImplementedError

    @property
    def export_name(self) -> str:
        """The name of the address, within the admin."""
        return f"{self.opts.app_label}_{self.opts.model_name}_export"

    def export_url(self) -> URLPattern:
        """Return the address of the download, beside that of the list."""
        return path("export/", self.admin_site.admin_view(require_POST(self.export)), name=self.export_name)

    def get_urls(self) -> list[URLPattern]:
        return [self.export_url(), *super().get_urls()]

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """Send the filtered list; back to it with a word where it is too long."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        address = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        back = HttpResponseRedirect(f"{address}?{request.GET.urlencode()}")
        if request.POST.get("format") != "csv":
            return back
        filters = {name: str(value) for name, value in request.GET.items() if name not in {"p", "e", "o"} and value}
        try:
            rows = self.get_changelist_instance(request).get_queryset(request)
            begun = exports.begin(what=self.export_of, rows=rows, by=person_of(request), filters=filters)
        except IncorrectLookupParameters:
            messages.error(request, _("This filter cannot be read. Nothing was exported."))
            return back
        except ExportTooLarge as refusal:
            messages.error(request, str(refusal))
            return back
        pieces = exports.lines(
            begun,
            header=self.export_header,
            fetch=self.export_rows,
            cells=self.export_cells,
            chunk=self.export_chunk,
        )
        answer = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
        name = f"{self.export_of}-{timezone.localtime(begun.at):%Y-%m-%d-%H%M}.csv"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        answer["Cache-Control"] = "no-store"
        return answer
