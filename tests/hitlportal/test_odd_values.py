"""Whatever stands in an address, a query, a form, a header or a cookie: never a fault of ours."""

import logging
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from django.conf import settings as portal_settings
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client

from approvals.models import Decision, Dispatch
from approvals.notices import occasions
from policies.models import ApiKey
from policies.registry import agents, bootstrap
from tests import world as worlds
from tests.odd_values import ESCAPED, FEW, LATIN, PARAMETER, Names, a_row, filled, groups, listed_names
from tests.world import World

pytestmark = pytest.mark.django_db
GROUPS = groups()
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def world(settings: Any) -> Iterator[World]:
    """Something of most things; behind a proxy, whose headers are believed."""
    settings.SLACK_SIGNING_SECRET = "a secret"
    settings.AGENT_RATE_PER_MINUTE = 1_000_000
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    world = worlds.build()
    bootstrap.bootstrap()
    world.propose()
    world.approve(world.propose())
    occasions.fan_out()
    logging.disable(logging.CRITICAL)
    yield world
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
    """Who come; at the end nothing of ours has failed."""
    visitors = Visitors(world)
    yield visitors
    assert not visitors.faults, "\n".join(visitors.faults)


@pytest.mark.parametrize("group", [name for name, routes in GROUPS.items() if any("<" in route for route in routes)])
def test_odd_values_in_a_path_are_no_fault(group: str, visitors: Visitors) -> None:
    for route in GROUPS[group]:
        row = a_row(route)
        rows = visitors.rows if row is None else {**visitors.rows, "object_id": row}
        for name in (match[2] for match in PARAMETER.finditer(route)):
            for value in ESCAPED:
                visitors.visit("superuser", "GET", filled(route, rows, **{name: value}))
            for value in FEW:
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
        for name in asked:
            for value in ESCAPED:
                visitors.visit("agent" if "api" in group else "superuser", "GET", f"{address}?{name}={value}")
        for value in FEW:
            everywhere = "&".join(f"{name}={value}&{name}={value}" for name in asked)
            for who in visitors.clients:
                visitors.visit(who, "GET", f"{address}?{everywhere}&{value}={value}&id__in={value}")


@pytest.mark.parametrize("group", GROUPS)
def test_odd_values_in_a_form_are_no_fault(group: str, visitors: Visitors, monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch)
    for route in GROUPS[group]:
        address = visitors.address(route)
        names.read.clear()
        for who in ("anonymous", "manager", "superuser"):
            visitors.visit(who, "POST", address, "csrfmiddlewaretoken=x")
        asked = sorted(names.read - {"csrfmiddlewaretoken"})
        for value in ESCAPED:
            everywhere = "&".join(f"{name}={value}" for name in asked)
            visitors.visit("superuser", "POST", address, everywhere)
        for value in FEW:
            for name in asked:
                visitors.visit("superuser", "POST", address, f"{name}={value}")
