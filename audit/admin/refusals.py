"""Turn a save that the database refuses into a sentence; nothing has changed then."""

import logging
from collections.abc import Callable
from typing import Any, Final, TypeVar

from django.contrib import admin, messages
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.db.models import Model, ProtectedError, RestrictedError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.text import capfirst
from django.utils.translation import gettext as _

log = logging.getLogger(__name__)

Row = TypeVar("Row", bound=Model)

NAMED: Final = "23503"
TAKEN: Final = "23505"
CONTRADICTS: Final = "23514"


class RefusableAdmin(admin.ModelAdmin[Row]):
    """Whatever a trigger, a constraint or a key refuses comes back as a message on the page it was sent from.

    Keys are checked at the end of a transaction, which is after Django has said that all went well. Here they
    are checked before, and what was said is taken back.
    """

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Add or change a row."""
        return _attempt(request, lambda: super(RefusableAdmin, self).changeform_view(
            request, object_id, form_url, extra_context
        ))  # fmt: skip

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """Delete a row."""
        return _attempt(request, lambda: super(RefusableAdmin, self).delete_view(request, object_id, extra_context))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """List the rows, or do something with those that are chosen."""
        frame = {"title": capfirst(self.opts.verbose_name_plural)} | (extra_context or {})
        return _attempt(request, lambda: super(RefusableAdmin, self).changelist_view(request, frame))


def _attempt(request: HttpRequest, view: Callable[[], HttpResponse]) -> HttpResponse:
    if request.method != "POST":
        return view()
    shown: Any = messages.get_messages(request)
    before = len(shown._queued_messages)  # noqa: SLF001  # nothing else takes a message back
    try:
        with transaction.atomic():
            response = view()
            connection.check_constraints()
    except (OperationalError, InterfaceError):
        raise  # the database is away or busy, and refuses nothing
    except DatabaseError as error:
        log.warning("%s was refused: %s", request.path, type(error).__name__)
        del shown._queued_messages[before:]  # noqa: SLF001
        messages.error(request, _sentence(error))
        return HttpResponseRedirect(request.get_full_path())
    return response


def _sentence(error: DatabaseError) -> str:
    """Say in a sentence what a person can understand of a refusal."""
    cause = error.__cause__
    state = str(getattr(cause, "sqlstate", "") or "")
    if isinstance(error, ProtectedError | RestrictedError):
        rows = sorted({str(row._meta.verbose_name) for row in getattr(error, "protected_objects", ())})
        return _("Nothing was changed: it is still named by other rows (%s).") % ", ".join(rows)
    diagnostics = getattr(cause, "diag", None)
    table = str(getattr(diagnostics, "table_name", "") or "").partition("_")[2]
    if state == NAMED:
        return _("Nothing was changed: it is named by other rows, or names one that is gone (%s).") % table
    if state == TAKEN:
        return _("Nothing was changed: there is one like it already (%s).") % table
    if state == CONTRADICTS:
        rule = str(getattr(diagnostics, "constraint_name", "")).replace("_", " ")
        return _("Nothing was changed: some of the fields contradict each other (%s).") % rule
    return _("Nothing was changed: the database refused it, because it may not be changed or deleted like this.")
