"""What holds for every answer of the portal."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase
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
