"""Middleware for every answer of the portal."""

from __future__ import annotations

import functools
import secrets
import threading
import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from csp.utils import build_policy
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import BadRequest, ValidationError
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from approvals.api.http import reading
from audit.ledger import entries
from audit.ledger.entries import Cause

View = Callable[[HttpRequest], HttpResponseBase]

API_PREFIX = ("/api/", "/mcp/")
"""What agents call, with their keys."""
METRICS_PATH = "/metrics"
REQUEST_ID: Final = "X-Request-Id"
BEARER: Final = "bearer "
SAFE_METHODS: Final = {"GET", "HEAD", "OPTIONS", "TRACE"}
NOTED_EVERY: Final = timedelta(minutes=1)
MOST_NOTED: Final = 10_000
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "publickey-credentials-create",
        "usb",
    )
)


def name_request(get_response: View) -> View:
    """Give each request an id, which the answer and every ledger entry of it name, beside the trace of the caller."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        request_id = secrets.token_hex(16)
        with entries.caused_by(Cause(request_id, reading.traceparent(request)[3:35])):
            response = get_response(request)
        response.headers[REQUEST_ID] = request_id
        return response

    return middleware


def permissions_policy(get_response: View) -> View:
    """Tell browsers that no page here needs a device."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        return response

    return middleware


def refuse_nul(get_response: View) -> View:
    """Refuse U+0000 in an address, a query, a header or a cookie: nobody means it, and PostgreSQL keeps no such text.

    Bodies are for their readers, and the API's queries too: they refuse it themselves and name the field.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if "\0" in request.path_info:
            raise Http404
        query = "" if request.path_info.startswith(API_PREFIX) else request.META.get("QUERY_STRING", "")
        sent = [value for name, value in request.META.items() if name.startswith(("HTTP_", "CONTENT_"))]
        if "%00" in query or any("\0" in text for text in (query, *sent, *request.COOKIES.values())):
            raise BadRequest(_("U+0000 stands in the request."))
        return get_response(request)

    return middleware


class ImpossibleValues:
    """Answer 400 where a page that only reads was asked for what no column can hold: the year 10000, say.

    The admin's lists take a condition on any field from the address, and PostgreSQL is the first to know.
    Whatever writes has checked its values before, so there the same is a fault of ours.
    """

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """Turn such an exception into a BadRequest."""
        if request.method in SAFE_METHODS and isinstance(exception, DataError | OverflowError | ValidationError):
            raise BadRequest(_("A value in the address is not possible.")) from exception


def refuse_bearer_outside_api(get_response: View) -> View:
    """Refuse agent keys outside the API: there they could only be a mistake or an attack."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        scheme = request.headers.get("Authorization", "").strip().split(" ", 1)[0]
        is_for_it = request.path_info.startswith(API_PREFIX) or request.path_info == METRICS_PATH
        if scheme.lower() == "bearer" and not is_for_it:
            return HttpResponse(
                _("Agent keys are for the API under /api/ and /mcp/ only.\n"),
                status=403,
                content_type="text/plain; charset=utf-8",
            )
        return get_response(request)

    return middleware


class _ViewAlone(BaseHandler):
    """Calls the view of a request, with no middleware but the one that answers for impossible values."""

    def __init__(self) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        view: Any = self._get_response  # type: ignore[attr-defined]  # what Django's own chain ends in
        self._exception_middleware: list[Any] = [ImpossibleValues(view).process_exception]
        self.call: Any = convert_exception_to_response(view)


def agent_calls(get_response: View) -> View:
    """Answer the API's calls that come with a key at once: sessions, CSRF, messages and languages are for people.

    The headers that all answers of the portal have stand on these as well.
    """
    alone = _ViewAlone()
    headers = {
        "Content-Security-Policy": str(build_policy()),
        "X-Frame-Options": settings.X_FRAME_OPTIONS,
        "Content-Language": settings.LANGUAGE_CODE,
    }

    def middleware(request: HttpRequest) -> HttpResponseBase:
        is_call = request.path_info.startswith(API_PREFIX)
        if not is_call or not request.META.get("HTTP_AUTHORIZATION", "").lower().startswith(BEARER):
            return get_response(request)
        with translation.override(settings.LANGUAGE_CODE):
            response: HttpResponseBase = alone.call(request)
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response

    return middleware


TIME_ZONE_COOKIE = "time_zone"


def reader_time_zone(get_response: View) -> View:
    """Show times in the time zone that the reader's browser named in a cookie; else in the portal's own."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        name = request.COOKIES.get(TIME_ZONE_COOKIE, "")
        if name not in _time_zones():
            return get_response(request)
        with timezone.override(zoneinfo.ZoneInfo(name)):
            return get_response(request)

    return middleware


@functools.cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def note_activity(get_response: View) -> View:
    """Keep, for a person's list of sessions, when something was last done in each. Reading leaves no trace.

    A web process that has noted a session asks nobody about it for a minute.
    """
    noted = _Noted()

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.method not in SAFE_METHODS and isinstance(request.user, User) and request.session.session_key:
            now = timezone.now()
            if noted.is_due(request.session.session_key, now):
                _note(request, request.user, request.session.session_key, now)
        return get_response(request)

    return middleware


class _Noted:
    """When this process last noted each session."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: dict[str, datetime] = {}

    def is_due(self, key: str, now: datetime) -> bool:
        """Whether a session has to be noted again; it counts as noted then."""
        with self._lock:
            if now - self._times.get(key, datetime.min.replace(tzinfo=UTC)) < NOTED_EVERY:
                return False
            if len(self._times) >= MOST_NOTED:
                self._times.clear()
            self._times[key] = now
            return True


def _note(request: HttpRequest, person: User, key: str, now: datetime) -> None:
    adapter = get_adapter()
    facts = {"ip": adapter.get_client_ip(request), "user_agent": adapter.get_http_user_agent(request)[:200]}
    row, is_new = UserSession.objects.get_or_create(session_key=key, defaults={"user": person, **facts})
    if not is_new and row.user_id == person.pk and row.last_seen_at < now - NOTED_EVERY:
        UserSession.objects.filter(pk=row.pk).update(last_seen_at=now, **facts)
