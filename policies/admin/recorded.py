"""Admin classes whose changes leave an entry in the ledger, and those whose changes wait to be published."""

from typing import Any, TypeVar

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from audit import ledger
from audit.canonical import JsonValue
from audit.clock import database_now
from policies.people import actor

Row = TypeVar("Row", bound=Model)


def person_of(request: HttpRequest) -> User:
    """Return who is signed in; the admin lets nobody else this far."""
    assert isinstance(request.user, User)
    return request.user


class RecordedAdmin(admin.ModelAdmin[Row]):
    """Every change writes a ledger entry naming the fields, in the transaction of the change."""

    show_facets = admin.ShowFacets.NEVER

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._record(request, obj, "added", message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        if message:
            self._record(request, obj, "changed", message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for obj in queryset:
            self._record(request, obj, "deleted", [])
        return super().log_deletions(request, queryset)

    def _record(self, request: HttpRequest, obj: Any, what: str, message: Any) -> None:
        thing = self.opts.model_name
        ledger.record(
            f"{thing}.{what}",
            subject=f"{thing}:{obj.pk}",
            actor=actor(person_of(request)),
            at=database_now(),
            data={"changes": message if isinstance(message, list) else [str(message)], **self.facts(obj)},
        )

    def facts(self, obj: Row) -> dict[str, JsonValue]:
        """Return what else the entry should tell of a row."""
        return {}


class DraftedAdmin(RecordedAdmin[Row]):
    """What is saved here is a draft: it counts once it is published."""

    def response_add(self, request: HttpRequest, obj: Row, post_url_continue: str | None = None) -> HttpResponse:
        """Say that it is a draft, after Django's own words."""
        response = super().response_add(request, obj, post_url_continue)
        _tell(request)
        return response

    def response_change(self, request: HttpRequest, obj: Row) -> HttpResponse:
        """Say that it is a draft, after Django's own words."""
        response = super().response_change(request, obj)
        _tell(request)
        return response


def _tell(request: HttpRequest) -> None:
    messages.info(request, _("This is a draft. It counts once it is published."))


class KeptAdmin(DraftedAdmin[Row]):
    """Rows to which history refers, so that they are never deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """Never. A surface is disabled instead."""
        return False
