"""What holds for every answer of the portal."""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

View = Callable[[HttpRequest], HttpResponseBase]

API_PREFIX = "/api/"
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


def refuse_bearer_outside_api(get_response: View) -> View:
    """Refuse agent keys outside the API: there they could only be a mistake or an attack."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        scheme = request.headers.get("Authorization", "").strip().split(" ", 1)[0]
        if scheme.lower() == "bearer" and not request.path_info.startswith(API_PREFIX):
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
