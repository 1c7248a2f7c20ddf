"""Submitting a proposal, bare and in realistic conditions, against a bare Django REST service with the same columns."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from statistics import median
from typing import Any

from bench import data, servers
from bench.environment import BEHIND_PROXY, CHECKOUT
from bench.load import Result, request, run

REQUESTS = 400
CLIENTS = 4
ROUNDS = 5
WARM_UP = 60


def measure() -> dict[str, Any]:
    """Return `ratio` (portal's proposals a second to the floor's) and `p95_ratio`, medians of the rounds.

    Both run in two set-ups, one process of threads and two of one thread each, of which the one that stores more
    counts. `realistic_ratio` is the same with rules, a limit, people to tell and callbacks.
    """
    key = data.fresh_portal()
    token = prepare_floor()
    with (
        servers.web("hitlportal.wsgi:application") as portal_threads,
        servers.web("hitlportal.wsgi:application", workers=2, threads=1) as portal_processes,
        servers.web("bench.floor.wsgi:application") as threads,
        servers.web("bench.floor.wsgi:application", workers=2, threads=1) as processes,
    ):
        portals, floors = (portal_threads, portal_processes), (threads, processes)
        turn = count()
        bare = _rounds(portals, floors, key, token, turn, callback_url=None)
        data.make_realistic()
        realistic = _rounds(portals, floors, key, token, turn, callback_url=data.CALLBACK)
    return {**bare, **{f"realistic_{name}": value for name, value in realistic.items()}, "rounds": ROUNDS}


def _rounds(
    portals: tuple[int, int],
    floors: tuple[int, int],
    key: str,
    token: str,
    turn: Iterator[int],
    *,
    callback_url: str | None,
) -> dict[str, float]:
    """Let portals and floors take the same, side by side and taking turns in going first, and compare the stronger."""
    results: dict[int, list[Result]] = {port: [] for port in (*portals, *floors)}
    for number in range(-1, ROUNDS):
        order = [*portals, *floors] if number % 2 else [*floors, *portals]
        for port in order:
            this, size = next(turn), WARM_UP if number < 0 else REQUESTS
            if port in portals:
                sent = portal_requests(key, this, size, callback_url=callback_url)
            else:
                sent = _floor_requests(token, this, size)
            result = expect_created(run(port, sent, clients=CLIENTS))
            if number >= 0:
                results[port].append(result)
    ours, theirs = (max((results[port] for port in ports), key=_stored) for ports in (portals, floors))
    pairs = list(zip(ours, theirs, strict=True))
    return {
        "ratio": round(median(mine.per_second / floor.per_second for mine, floor in pairs), 2),
        "p95_ratio": round(median(mine.percentile(0.95) / floor.percentile(0.95) for mine, floor in pairs), 2),
        "per_second": round(median(mine.per_second for mine in ours), 1),
        "floor_per_second": round(median(floor.per_second for floor in theirs), 1),
        "p95_ms": round(median(mine.percentile(0.95) for mine in ours), 1),
        "floor_p95_ms": round(median(floor.percentile(0.95) for floor in theirs), 1),
    }


def _stored(results: list[Result]) -> float:
    return median(one.per_second for one in results)


def prepare_floor() -> str:
    """Make the floor's database anew; return the token of its one user."""
    data.fresh_database("floor")
    on_floor("django", "migrate", "--run-syncdb", "--verbosity=0")
    on_floor("django", "createsuperuser", "--noinput", "--username=agent", "--email=agent@example.com")
    return on_floor("django", "drf_create_token", "agent").split()[2]


def on_floor(*arguments: str) -> str:
    """Run a module of Python's in the floor's environment; return what it prints."""
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "bench.floor.settings", "DJANGO_SUPERUSER_PASSWORD": "bench"}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout


def expect_created(result: Result) -> Result:
    """Return `result` if every proposal was taken. Raises RuntimeError."""
    if set(result.statuses) != {201}:
        raise RuntimeError(f"Not every request was answered 201: {dict(result.statuses)}")
    return result


def portal_requests(key: str, number: int, count: int, *, callback_url: str | None = None) -> list[bytes]:
    """Return `count` proposals to send to the portal; `number` tells one round from another."""
    more = {"callback_url": callback_url} if callback_url else {}
    headers = {"Authorization": f"Bearer {key}", **BEHIND_PROXY}
    return [
        request(
            "/api/v1/proposals/",
            headers={**headers, "Idempotency-Key": f"{number}-{index}"},
            body=json.dumps(action(number, index) | more).encode(),
        )
        for index in range(count)
    ]


def action(number: int, index: int) -> dict[str, Any]:
    """Return a proposal with targets and a sum of its own: what names one target, or asks for the same, waits."""
    amount = round(4000 - (number * 1_000 + index) % 9_000 / 100, 2)
    targets = [f"campaign:{number}-{index}-search", f"campaign:{number}-{index}-social"]
    return {
        **data.ACTION,
        "payload": {**data.ACTION["payload"], "amount": amount},
        "amount": amount,
        "targets": targets,
    }


def floor_action(number: int, index: int) -> dict[str, Any]:
    """Return the same as the floor takes it."""
    fields = {"agent": "pacer", "tier": "single", "owner": data.OWNER, "reference": f"{number}-{index}"}
    return {**action(number, index), **fields}


def _floor_requests(token: str, number: int, count: int) -> list[bytes]:
    headers = {"Authorization": f"Token {token}"}
    return [
        request(
            "/api/v1/proposals/",
            headers=headers,
            body=json.dumps(floor_action(number, index)).encode(),
        )
        for index in range(count)
    ]
