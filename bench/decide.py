"""Costs of one decision over the API: round trips, commits, write-ahead log and time, in this process."""

import json
import time
from importlib import import_module
from statistics import median
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client

from approvals.lifecycle import submission
from approvals.models import Proposal
from bench import data
from bench.costs import Costs
from bench.environment import BEHIND_PROXY
from policies.models import Agent

DECISIONS = 200
WARM_UP = 20


def measure() -> dict[str, Any]:
    """Return round trips, commits, bytes of write-ahead log, milliseconds and processor time of one decision."""
    data.fresh_portal()
    client = client_of(reviewer("reviewer"))
    agent = Agent.objects.select_related("owner").get(pk="pacer")
    proposals = [submission.submit(agent=agent, draft=data.draft(number)) for number in range(WARM_UP + DECISIONS)]
    for proposal in proposals[:WARM_UP]:
        approve(client, proposal)
    costs, waits, used = Costs(), [], time.process_time()
    with costs.counted():
        for proposal in proposals[WARM_UP:]:
            begun = time.perf_counter()
            approve(client, proposal)
            waits.append(time.perf_counter() - begun)
    used = time.process_time() - used
    return {
        **costs.each(DECISIONS),
        "median_ms": round(median(waits) * 1000, 2),
        "cpu_ms": round(used * 1000 / DECISIONS, 2),
        "decisions": DECISIONS,
    }


def reviewer(name: str) -> User:
    """Make somebody who may decide on what is proposed here."""
    user = User.objects.create_user(name, is_staff=True)
    user.groups.set(Group.objects.filter(name__in=[data.OWNER, "Marketing manager", "Finance"]))
    return user


def session_key(user: User) -> str:
    """Sign `user` in; return the key of the session."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def client_of(user: User) -> Client:
    """Return a client in which `user` is signed in."""
    client = Client(headers=BEHIND_PROXY)
    client.cookies[settings.SESSION_COOKIE_NAME] = session_key(user)
    return client


def approve(client: Client, proposal: Proposal) -> None:
    """Approve a proposal over the API. Raises RuntimeError where that is refused."""
    said = {"verdict": "approve", "revision": proposal.revision.number, "digest": proposal.revision.digest}
    answer = client.post(
        f"/api/v1/proposals/{proposal.pk}/decisions/", json.dumps(said), content_type="application/json"
    )
    if answer.status_code != 200:
        raise RuntimeError(f"The approval was answered {answer.status_code}: {answer.content!r}")
    assert connection.connection is not None, "the client leaves the connection open"
