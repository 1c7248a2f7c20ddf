"""Whatever stands in an address, a query, a form, a header or a cookie: never a fault of ours."""

import json
import logging
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

import pytest
from django.conf import settings as portal_settings
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client

from approvals.admin.desk.page import KEYS_COOKIE
from approvals.messaging.slack import signatures
from approvals.models import Decision, Dispatch
from approvals.notices import occasions
from hitlportal.middleware import TIME_ZONE_COOKIE
from policies.models import ApiKey
from policies.registry import agents, bootstrap
from tests import world as worlds
from tests.kept import kept
from tests.odd_values import (
    ESCAPED,
    FEW,
    FEW_LATIN,
    LATIN,
    PARAMETER,
    Names,
    a_row,
    filled,
    groups,
    in_turns,
    listed_names,
)
from tests.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore:DateTimeField .* received a naive datetime")]
GROUPS = groups()
OF_OTHERS = {
    "cache-control", "content-length", "etag", "idempotency-replayed", "location", "permissions-policy", "vary",
}  # fmt: skip
"""Headers that the code names, but in answers, its own and those of others."""
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@kept
def portal() -> World:
    """Something of most things."""
    world = worlds.build()
    bootstrap.bootstrap()
    world.propose()
    world.approve(world.propose())
    occasions.fan_out()
    return world


@pytest.fixture
def world(settings: Any) -> Iterator[World]:
    """The portal behind a proxy whose headers are believed."""
    settings.SLACK_SIGNING_SECRET = "a secret"
    settings.AGENT_RATE_PER_MINUTE = 1_000_000
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    logging.disable(logging.CRITICAL)
    yield portal()
    logging.disable(logging.NOTSET)


class Visitors:
    """Anonymous, an agent, the manager who owns the surfaces, and a superuser."""

    def __init__(self, world: World) -> None:
        key = agents.issue_key(agent=world.agent, by=None)
        dispatch = Dispatch.objects.get()
        self.rows: dict[str, Any] = {
            "proposal_id": dispatch.proposal_id,
            "dispatch_id": dispatch.pk,
            "key_id": ApiKey.objects.get().pk,
            "id": world.owner.pk,
            "batch": Decision.objects.get().pk,
        }
        root = User.objects.create_superuser("root", password="a long enough password")
        names = ("anonymous", "agent", "manager", "superuser")
        self.clients = {name: Client(raise_request_exception=False) for name in names}
        self.clients["manager"].force_login(world.owner)
        self.clients["superuser"].force_login(root)
        self.headers = {"agent": {"Authorization": f"Bearer {key.text}"}}
        self.faults: list[str] = []

    def address(self, route: str) -> str:
        """The address of a route with real values; where it takes an odd one it says so: `{name}`."""
        row = a_row(route)
        return filled(route, self.rows if row is None else {**self.rows, "object_id": row})

    def visit(self, who: str, method: str, address: str, body: str = "", **more: Any) -> None:
        """Ask, undo whatever it did, and note a fault."""
        headers = {**self.headers.get(who, {}), **more.pop("headers", {})}
        kind = more.pop("content_type", FORM)
        with transaction.atomic():
            answer = self.clients[who].generic(method, address, body, kind, headers=headers, **more)
            transaction.set_rollback(True)
        if answer.status_code >= 500:
            self.faults.append(f"{answer.status_code} {who} {method} {address[:150]} {body[:80]!r} {headers}"[:400])


@pytest.fixture
def visitors(world: World) -> Iterator[Visitors]:
    """Visitors of each kind; at the end nothing of ours has failed."""
    visitors = Visitors(world)
    yield visitors
    assert not visitors.faults, "\n".join(visitors.faults)


@pytest.mark.parametrize("group", [name for name, routes in GROUPS.items() if any("<" in route for route in routes)])
def test_odd_values_in_a_path_are_no_fault(group: str, visitors: Visitors) -> None:
    for route in GROUPS[group]:
        row = a_row(route)
        rows = visitors.rows if row is None else {**visitors.rows, "object_id": row}
        for name in (match[2] for match in PARAMETER.finditer(route)):
            for value in ESCAPED if route.is_ours else FEW:
                visitors.visit("superuser", "GET", filled(route, rows, **{name: value}))
            for value in FEW[:3]:
                visitors.visit("superuser", "POST", filled(route, rows, **{name: value}))
                for who in ("anonymous", "agent", "manager"):
                    visitors.visit(who, "GET", filled(route, rows, **{name: value}))


@pytest.mark.parametrize("group", GROUPS)
def test_odd_values_in_a_query_are_no_fault(group: str, visitors: Visitors, monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch)
    for route in GROUPS[group]:
        address = visitors.address(route)
        names.read.clear()
        for who in visitors.clients:
            visitors.visit(who, "GET", address)
        asked = sorted(names.read | listed_names(route))
        for number, name in enumerate(asked):
            # Two each, in turns; more values follow, in all of them at once.
            for value in (FEW[number % len(FEW)], FEW[(number + 1) % len(FEW)]):
                visitors.visit("agent" if "api" in group else "superuser", "GET", f"{address}?{name}={value}")
        for value in in_turns(ESCAPED, FEW, route) if asked and route.is_ours else FEW:
            everywhere = "&".join(f"{name}={value}&{name}={value}" for name in [*asked, value])
            for who in visitors.clients if value in FEW[:2] else ("superuser",):
                visitors.visit(who, "GET", f"{address}?{everywhere}")


@pytest.mark.parametrize("group", GROUPS)
def test_odd_values_in_a_form_are_no_fault(group: str, visitors: Visitors, monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch)
    for route in GROUPS[group]:
        address = visitors.address(route)
        names.read.clear()
        for who in ("anonymous", "manager", "superuser"):
            visitors.visit(who, "POST", address, "csrfmiddlewaretoken=x")
        asked = sorted(names.read - {"csrfmiddlewaretoken"})
        for value in in_turns(ESCAPED, FEW, route) if asked and (route.is_ours or route.endswith("/add/")) else FEW[:3]:
            everywhere = "&".join(f"{name}={value}" for name in asked)
            visitors.visit("superuser", "POST", address, everywhere)
        for name in asked if route.is_ours else ():
            for value in FEW[:2]:
                visitors.visit("superuser", "POST", address, f"{name}={value}")


HEADERS = (
    "Accept", "Accept-Language", "Content-Type", "Cookie", "Host", "If-None-Match", "Idempotency-Key", "Prefer",
    "Authorization", "Origin", "Referer", "User-Agent", "HX-Request", "HX-Target", "HX-Current-URL", "HX-Trigger",
    "X-CSRFToken", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Requested-With",
    "X-Slack-Request-Timestamp", "X-Slack-Signature", "webhook-id", "webhook-timestamp", "webhook-signature",
    "Transfer-Encoding", "HITL-Grant", "traceparent",
)  # fmt: skip
READING_HEADERS = (
    "/", "/admin/", "/admin/desk/", "/admin/switches/engage/", "/accounts/login/", "/metrics", "/readyz",
    "/hooks/slack/", "/decide/x/", "/api/v1/proposals/", "/api/v1/dispatches/claim/", "/api/nowhere/",
)  # fmt: skip
COOKIES = (
    portal_settings.SESSION_COOKIE_NAME, portal_settings.CSRF_COOKIE_NAME, portal_settings.LANGUAGE_COOKIE_NAME,
    "messages", TIME_ZONE_COOKIE, KEYS_COOKIE,
)  # fmt: skip


def test_every_header_that_the_code_reads_is_tried() -> None:
    named = re.compile(r"""headers(?:\.get\(|\[)"([\w-]+)"|META(?:\.get\(|\[)"HTTP_(\w+)"|"HTTP_(\w+)" in""")
    tried = {name.lower() for name in HEADERS}
    for app in ("approvals", "audit", "hitlportal", "policies"):
        for file in (portal_settings.BASE_DIR / app).rglob("*.py"):
            for match in named.finditer(file.read_text(encoding="utf-8")):
                name = next(filter(None, match.groups())).replace("_", "-").lower()
                assert name in tried | OF_OTHERS, (file, name)


@pytest.mark.parametrize("header", HEADERS)
def test_odd_values_in_a_header_are_no_fault(header: str, visitors: Visitors) -> None:
    environ = _environ(header)
    for address in READING_HEADERS:
        for value in FEW_LATIN:
            visitors.visit("agent" if "/api/" in address else "superuser", "GET", address, **{environ: value})
        for value in FEW_LATIN[2:4]:
            visitors.visit("superuser", "POST", address, "x=1", **{environ: value})
            visitors.visit("agent", "POST", address, "{}", **{"content_type": JSON, environ: value})
            visitors.visit("anonymous", "GET", address, **{environ: value})


@pytest.mark.parametrize("address", READING_HEADERS)
def test_the_same_odd_value_in_most_headers_is_no_fault(address: str, visitors: Visitors) -> None:
    most = [_environ(header) for header in HEADERS if header not in {"Host", "Authorization", "Cookie"}]
    for value in LATIN:
        for who in visitors.clients:
            visitors.visit(who, "GET", address, **dict.fromkeys(most, value))


def _environ(header: str) -> str:
    name = header.upper().replace("-", "_")
    return name if name.startswith("CONTENT_") else f"HTTP_{name}"


@pytest.mark.parametrize("cookie", COOKIES)
def test_odd_values_in_a_cookie_are_no_fault(cookie: str, visitors: Visitors) -> None:
    for value in (
        *in_turns(LATIN, FEW_LATIN, cookie),
        '"\\000\\000\\000\\000\\000\\000\\000\\000\\000"',
        '"' + "\\377" * 40 + '"',
    ):
        for address in ("/admin/", "/admin/desk/", "/accounts/login/", "/api/v1/proposals/"):
            for who in ("anonymous", "superuser"):
                kept = "; ".join(f"{name}={one.value}" for name, one in visitors.clients[who].cookies.items())
                visitors.visit(who, "GET", address, HTTP_COOKIE=f"{kept}; {cookie}={value}")
        visitors.visit("anonymous", "POST", "/accounts/login/", "login=a&password=b", HTTP_COOKIE=f"{cookie}={value}")


def test_an_odd_time_is_no_call_of_slack(visitors: Visitors) -> None:
    for timestamp in (*LATIN, "999999999999"):
        signature = signatures.sign("a secret", timestamp=timestamp, body=b"payload=")
        headers = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature}
        visitors.visit("anonymous", "POST", "/hooks/slack/", "payload=", headers=headers)


def test_an_odd_press_is_no_fault(visitors: Visitors) -> None:
    now = str(int(time.time()))
    for value in ESCAPED:
        for body in (f"payload={value}", press(unquote(value))):
            signature = signatures.sign("a secret", timestamp=now, body=body.encode())
            headers = {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": signature}
            visitors.visit("anonymous", "POST", "/hooks/slack/", body, headers=headers)


def press(text: str) -> str:
    """A button pressed in Slack, with `text` wherever it says something."""
    action = {"action_id": "approve", "value": text, "block_id": text, "selected_option": {"value": text}}
    said = {"type": "block_actions", "actions": [action], "user": {"id": text}, "response_url": text}
    return f"payload={quote(json.dumps(said))}"


@pytest.mark.parametrize("path", ["/static/%00", "/static/a%00b.css", "/%00", "/%FF%FE", "/favicon.ico%00"])
def test_what_is_no_address_is_no_fault(path: str, visitors: Visitors) -> None:
    for who in visitors.clients:
        visitors.visit(who, "GET", path)
