"""Browsers that have proved whose they are: by signing in, or by a link that was sent to the person's mailbox.

A cookie says so. It opens nothing: a known browser's wrong passwords are counted apart, so that what
strangers do elsewhere, even at the same address, does not slow it down.
"""

import hashlib
import json
import secrets
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase

COOKIE: Final = "known_device"
KEPT_FOR: Final = timedelta(days=90)
MOST_PEOPLE: Final = 5
_SALT: Final = "hitlportal.accounts.sign_in.known_devices"
_PATH: Final = "/accounts/"


def find(request: HttpRequest, username: str) -> str | None:
    """Return what names this browser as one of the account's own; None if it is not known."""
    return _held(request).get(_short(username))


def remember(request: HttpRequest, response: HttpResponseBase, username: str) -> None:
    """Make the browser that gets `response` known for an account; of many accounts the latest are kept."""
    held = _held(request)
    number = held.pop(_short(username), "") or secrets.token_urlsafe(12)
    kept = dict([*held.items(), (_short(username), number)][-MOST_PEOPLE:])
    response.set_cookie(
        COOKIE,
        signing.dumps(kept, salt=_SALT),
        max_age=KEPT_FOR,
        path=_PATH,
        secure=bool(settings.SESSION_COOKIE_SECURE),
        httponly=True,
        samesite="Lax",
    )


def _held(request: HttpRequest) -> dict[str, str]:
    try:
        held = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=KEPT_FOR)
    except (signing.BadSignature, json.JSONDecodeError):
        return {}
    return dict(held)


def _short(username: str) -> str:
    return hashlib.sha256(username.lower().encode()).hexdigest()[:16]
