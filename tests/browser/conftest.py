"""A real browser against a real server; what it writes to its console fails the test."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests import world as worlds
from tests.world import World

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
DESK = {"width": 1360, "height": 850}
PHONE = {"width": 390, "height": 844}
PASSWORD = "a long enough password"
PATIENCE_MS = 30_000
"""How long a page is waited for: beside other work it takes many times as long as alone."""
expect.set_options(timeout=PATIENCE_MS)

OpenAs = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    # Playwright keeps an event loop in this thread, where Django would refuse to ask the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    if not CHROMIUM.exists() and not os.environ.get("CI"):
        pytest.skip("Chromium is not installed at /usr/bin/chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def world(live_server: LiveServer) -> World:
    made = worlds.build()
    for boss in ("boss", "second-boss"):
        worlds.person(boss, worlds.OWNER, permissions=("engage_killswitch", *worlds.PUBLISHING, "view_loosening"))
    return made


@pytest.fixture
def open_as(browser: Browser, live_server: LiveServer) -> Iterator[OpenAs]:
    """Give a function that opens a page as somebody; at the end no page may have complained of anything."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_as(person: User | str | None, address: str = "/admin/", **options: object) -> Page:
        context = browser.new_context(base_url=live_server.url, **{"viewport": DESK, **options})
        contexts.append(context)
        if person is not None:
            who = person if isinstance(person, User) else User.objects.get(username=person)
            context.add_cookies([_session(who, live_server.url)])
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: complaints.append(f"{page.url}: {message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: _stays_here(request.url, live_server.url, complaints))
        page.goto(address)
        return page

    yield open_as
    for context in contexts:
        context.close()
    _let_the_server_finish()
    assert complaints == []


def _let_the_server_finish(seconds: float = PATIENCE_MS / 1000) -> None:
    """Wait for requests that nobody waits for any more, or the tables would be emptied while they use them."""
    until = time.monotonic() + seconds
    while any("process_request_thread" in thread.name for thread in threading.enumerate()):
        if time.monotonic() > until:
            pytest.fail("The server is still answering a request.")
        time.sleep(0.01)


def _session(person: User, url: str) -> dict[str, str]:
    client = Client()
    client.force_login(person)
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "url": url}


def _stays_here(address: str, server: str, complaints: list[str]) -> None:
    if not address.startswith((server, "data:", "about:")):
        complaints.append(f"a request left for {address}")
