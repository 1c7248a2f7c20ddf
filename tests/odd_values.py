"""Values that nobody means, and the addresses and parameters of the portal to try them on.

Addresses come from the resolver, and parameters from what the views really read, so that a new one of
either is tried by itself.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes
from uuid import UUID
from zlib import crc32

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.handlers import wsgi
from django.http import QueryDict
from django.http import request as http_request
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern

from approvals.api import filters

TEXTS = (
    "",
    "\0",
    "x" * 5000,
    "-1",
    "2147483648",
    "9223372036854775808",
    "9" * 30,
    "9" * 5000,
    "1e400",
    "nan",
    "0000-01-01",
    "0001-01-01",
    "9999-12-31",
    "10000-01-01",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "²",
    "\u202etxt\u2066",
    "a/b",
    "%2F",
    "_00",
    "[]",
    '{"a":1}',
    "'\"\\",
    "00000000-0000-0000-0000-000000000000",
)
BROKEN = (b"\xff\xfe", b"\xed\xa0\x80", b"\xc3")
"""No UTF-8: bytes that never occur, half of a surrogate pair, half a character."""
BYTES = (*(text.encode() for text in TEXTS), *BROKEN)
ESCAPED = tuple(quote_from_bytes(data, safe="") for data in BYTES)
"""As they stand in an address."""
FEW = ("%00", "9" * 30, "0001-01-01T00%3A00%3A00%2B23%3A59", "9999-12-31", "%FF%FE", "")
"""The ones that break most; for callers whom the same code has refused already."""
FEW_LATIN = tuple(unquote_to_bytes(text).decode("latin-1") for text in FEW)
LATIN = tuple(data.decode("latin-1") for data in BYTES)
"""As a WSGI server hands headers on."""
THIRDS = 3


def in_turns(values: Sequence[str], few: Sequence[str], place: str) -> list[str]:
    """`few`, and a third of the other values: `place` says which, so each value meets a third of all places."""
    others = [value for value in values if value not in few]
    return [*few, *others[crc32(place.encode()) % THIRDS :: THIRDS]]


class Route(str):
    """A route of the portal as the resolver writes it: `admin/desk/<uuid:object_id>/`."""

    __slots__ = ("is_ours",)
    is_ours: bool
    """Whether the view behind it is our own; Django's pages for a model are the same for each model."""


def routes(patterns: Iterable[Any] | None = None, prefix: str = "") -> Iterator[Route]:
    """Every route of the portal."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if _is_a_repetition(pattern):
            continue
        text = str(pattern.pattern)
        for part in _of_regex(text) if isinstance(pattern.pattern, RegexPattern) else [text]:
            if isinstance(pattern, URLResolver):
                yield from routes(pattern.url_patterns, prefix + part)
            elif isinstance(pattern, URLPattern):
                route = Route(prefix + part)
                route.is_ours = not pattern.callback.__module__.startswith("django.")
                yield route


def _is_a_repetition(pattern: Any) -> bool:
    """The histories share one class, so one of them stands for all."""
    return str(pattern.pattern).startswith("policies/historical") and "historicalagent/" not in str(pattern.pattern)


def _of_regex(regex: str) -> list[str]:
    """The few regular expressions: a page for each app, and whatever no route names."""
    apps = re.fullmatch(r"\^\(\?P<app_label>(.*)\)/\$", regex)
    if apps:
        return [f"{app}/" for app in apps[1].split("|")]
    return [regex.strip("^$").replace("(?P<url>.*)", "") + "<path:anything>/"]


def groups() -> dict[str, list[Route]]:
    """The routes by what they are about, a handful each, so that each has a test of its own."""
    known = {f"{model._meta.app_label}/{model._meta.model_name}" for model in admin.site._registry}
    found: dict[str, list[Route]] = {}
    for route in sorted(set(routes())):
        parts = route.split("/")
        size = 3 if "/".join(parts[1:3]) in known else 2
        found.setdefault("/".join(part for part in parts[:size] if "<" not in part), []).append(route)
    return {
        f"{name} {start // A_HANDFUL + 1}": together[start : start + A_HANDFUL]
        for name, together in found.items()
        for start in range(0, len(together), A_HANDFUL)
    }


A_HANDFUL = 3
PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")


def filled(route: str, rows: dict[str, Any], **odd: str) -> str:
    """The address of a route, with real values but for those in `odd`. Names that are not known get something."""

    def value(match: re.Match[str]) -> str:
        kind, name = match[1], match[2]
        if name in odd:
            return odd[name]
        if name in rows:
            return str(rows[name])
        return str(rows["proposal_id"]) if kind == "uuid" else "1"

    return "/" + PARAMETER.sub(value, route)


def a_row(route: str) -> Any:
    """A row of the model that a route of the admin is about, written as the admin writes it; None for none."""
    for model in admin.site._registry:
        if f"/{model._meta.app_label}/{model._meta.model_name}/" in f"/{route}":
            row = model._default_manager.order_by("pk").first()
            return None if row is None else row.pk if isinstance(row.pk, UUID) else str(row.pk).replace("_", "_5F")
    return None


class Names:
    """The names of parameters that the portal asks for while this listens."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: set[str] = set()
        noted = self.read

        class Listening(QueryDict):
            def __getitem__(self, key: str) -> Any:
                noted.add(key)
                return super().__getitem__(key)

            def __contains__(self, key: object) -> bool:
                noted.add(str(key))
                return super().__contains__(key)

            def get(self, key: str, default: Any = None) -> Any:
                noted.add(key)
                return super().get(key, default)

            def getlist(self, key: str, default: Any = None) -> Any:
                noted.add(key)
                return super().getlist(key, default)

        monkeypatch.setattr(wsgi, "QueryDict", Listening)
        monkeypatch.setattr(http_request, "QueryDict", Listening)


def listed_names(route: str) -> set[str]:
    """The parameters that a list takes from all there are, rather than asks for: those of its filters."""
    if route == "api/v1/proposals/":
        return set(filters.FILTERS)
    for model, model_admin in admin.site._registry.items():
        if route == f"admin/{model._meta.app_label}/{model._meta.model_name}/":
            return _names_of_list(model_admin)
    return set()


def _names_of_list(model_admin: Any) -> set[str]:
    request = RequestFactory().get("/")
    request.user = User.objects.get(username="root")
    names = {"q", "o", "p", "e", "all", "_facets", "_popup", "_to_field"}
    # A list takes a condition on any field of its model; one field of a kind stands for the others.
    kinds = {type(field): field.name for field in model_admin.model._meta.concrete_fields}
    names.update(f"{name}__{lookup}" for name in kinds.values() for lookup in ("gte", "in"))
    for found in model_admin.get_changelist_instance(request).filter_specs:
        names.update(name for name in found.expected_parameters() if name)
    return names
