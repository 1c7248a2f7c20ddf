"""What holds for every answer of the portal."""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.core.exceptions import BadRequest, ValidationError
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

View = Callable[[HttpRequest], HttpResponseBase]

API_PREFIX = "/api/"
METRICS_PATH = "/metrics"
SAFE_METHODS: Final = {"GET", "HEAD", "OPTIONS", "TRACE"}
NOTED_EVERY: Final = timedelta(minutes=1)
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
                _("Agent keys are for the API under /api/ only.\n"),
                status=403,
                content_type="text/plain; charset=utf-8",
            )
        return get_response(request)

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
    """Keep, for a person's list of sessions, when something was last done in each. Reading leaves no trace."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.method not in SAFE_METHODS and isinstance(request.user, User) and request.session.session_key:
            _note(request, request.user, request.session.session_key)
        return get_response(request)

    return middleware


def _note(request: HttpRequest, person: User, key: str) -> None:
    adapter, now = get_adapter(), timezone.now()
    facts = {"ip": adapter.get_client_ip(request), "user_agent": adapter.get_http_user_agent(request)[:200]}
    row, is_new = UserSession.objects.get_or_create(session_key=key, defaults={"user": person, **facts})
    if not is_new and row.user_id == person.pk and row.last_seen_at < now - NOTED_EVERY:
        UserSession.objects.filter(pk=row.pk).update(last_seen_at=now, **facts)
