"""Submitting a proposal, against a bare Django REST service that stores the same columns."""

import json
import os
import subprocess
import sys
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
    """Return `ratio` (portal's proposals a second to the floor's) and `p95_ratio`, medians of the rounds."""
    key = data.fresh_portal()
    token = _prepare_floor()
    with servers.web("hitlportal.wsgi:application") as portal, servers.web("bench.floor.wsgi:application") as floor:
        rounds = []
        for number in range(-1, ROUNDS):
            count = WARM_UP if number < 0 else REQUESTS
            # Side by side and taking turns, so that a noisy neighbour meets both.
            ours = expect_created(run(portal, portal_requests(key, number, count), clients=CLIENTS))
            theirs = expect_created(run(floor, _floor_requests(token, number, count), clients=CLIENTS))
            if number >= 0:
                rounds.append((ours, theirs))
    return {
        "ratio": round(median(ours.per_second / theirs.per_second for ours, theirs in rounds), 2),
        "p95_ratio": round(median(ours.percentile(0.95) / theirs.percentile(0.95) for ours, theirs in rounds), 2),
        "per_second": round(median(ours.per_second for ours, _ in rounds)),
        "floor_per_second": round(median(theirs.per_second for _, theirs in rounds)),
        "p95_ms": round(median(ours.percentile(0.95) for ours, _ in rounds), 1),
        "floor_p95_ms": round(median(theirs.percentile(0.95) for _, theirs in rounds), 1),
        "rounds": ROUNDS,
    }


def _prepare_floor() -> str:
    """Make the floor's database anew; return the token of its one user."""
    data.fresh_database("floor")
    _floor("migrate", "--run-syncdb", "--verbosity=0")
    _floor("createsuperuser", "--noinput", "--username=agent", "--email=agent@example.com")
    return _floor("drf_create_token", "agent").split()[2]


def _floor(*arguments: str) -> str:
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "bench.floor.settings", "DJANGO_SUPERUSER_PASSWORD": "bench"}
    command = [sys.executable, "-m", "django", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout


def expect_created(result: Result) -> Result:
    """Return `result` if every proposal was taken. Raises RuntimeError."""
    if set(result.statuses) != {201}:
        raise RuntimeError(f"Not every request was answered 201: {dict(result.statuses)}")
    return result


def portal_requests(key: str, number: int, count: int) -> list[bytes]:
    """Return `count` proposals to send to the portal; `number` tells one round from another."""
    headers = {"Authorization": f"Bearer {key}", **BEHIND_PROXY}
    return [
        request(
            "/api/v1/proposals/",
            headers={**headers, "Idempotency-Key": f"{number}-{index}"},
            body=json.dumps(_action(number, index)).encode(),
        )
        for index in range(count)
    ]


def _action(number: int, index: int) -> dict[str, Any]:
    """Return a proposal with targets and a sum of its own: what names one target, or asks for the same, waits."""
    amount = round(4000 - (number * 1_000 + index) % 9_000 / 10_000, 4)
    targets = [f"campaign:{number}-{index}-search", f"campaign:{number}-{index}-social"]
    return {
        **data.ACTION,
        "payload": {**data.ACTION["payload"], "amount": amount},
        "amount": amount,
        "targets": targets,
    }


def _floor_requests(token: str, number: int, count: int) -> list[bytes]:
    headers = {"Authorization": f"Token {token}"}
    fields = {"agent": "pacer", "tier": "single", "owner": data.OWNER}
    return [
        request(
            "/api/v1/proposals/",
            headers=headers,
            body=json.dumps({**_action(number, index), **fields, "reference": f"{number}-{index}"}).encode(),
        )
        for index in range(count)
    ]
