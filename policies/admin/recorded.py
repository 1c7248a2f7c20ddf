"""Admin classes whose changes leave an entry in the ledger, and those whose changes wait to be published."""

from typing import Any, TypeVar
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import User
from django.db.models import DurationField, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.admin.refusals import RefusableAdmin
from audit.canonical import JsonValue
from audit.clock import database_now
from audit.ledger import entries
from policies.actors import actor
from policies.admin.durations import DurationInWords

Row = TypeVar("Row", bound=Model)


def person_of(request: HttpRequest) -> User:
    """Return who is signed in; the admin lets nobody else this far."""
    assert isinstance(request.user, User)
    return request.user


class RecordedAdmin(RefusableAdmin[Row]):
    """Every change writes a ledger entry naming the fields, in the transaction of the change."""

    show_facets = admin.ShowFacets.NEVER
    formfield_overrides = {DurationField: {"form_class": DurationInWords}}  # as Django declares it

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Lead to the row's field history, which knows every change and not only those made on these pages."""
        tracked = getattr(self.model, "history", None)
        if tracked is None or self.get_object(request, object_id) is None or not self.has_view_permission(request):
            return super().history_view(request, object_id, extra_context)
        kept = tracked.model
        if kept not in self.admin_site._registry or not request.user.has_perm(  # noqa: SLF001
            f"{kept._meta.app_label}.view_{kept._meta.model_name}"
        ):
            return super().history_view(request, object_id, extra_context)
        address = reverse(f"admin:{kept._meta.app_label}_{kept._meta.model_name}_changelist")
        return HttpResponseRedirect(f"{address}?{urlencode({'q': unquote(object_id)})}")

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
        entries.record(
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
