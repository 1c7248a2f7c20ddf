"""A policy of a thousand rules: what it adds to a submission, how soon it is in force, how long its replay takes."""

import time
from itertools import count
from statistics import median
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import connection

from approvals.lifecycle import submission
from approvals.replays import recorded_cases
from approvals.replays.recorded_cases import Window
from audit.clock import database_now
from bench import data, servers, submit
from bench.fill import fill
from bench.load import run
from policies.engine.policy import compile_policy
from policies.engine.simulation import Replay
from policies.engine.simulation_figures import Tally
from policies.models import Activation, Agent
from policies.publishing import publish
from policies.publishing.current import load_current

RULES: Final = 1_000
ROUNDS: Final = 5
ACTIVATIONS: Final = 7
RECORDED: Final = 100_000


def measure() -> dict[str, Any]:
    """Return `submit_cost_ratio`, `activate_ms` and `replay_100k_s`."""
    key = data.fresh_portal()
    agent, bare = Agent.objects.get(slug="pacer"), publish.document()
    return {
        "submit_cost_ratio": submit_cost_ratio(key, bare),
        "activate_ms": activate_ms(agent, bare),
        "replay_100k_s": replay_seconds(agent, bare),
    }


def submit_cost_ratio(key: str, bare: dict[str, Any]) -> float:
    """Return what submissions under a thousand rules cost over HTTP, to those under none; both take turns."""
    versions = data.store(bare), data.store(data.with_rules(bare, number=RULES))
    ratios, turn = [], count()
    with servers.web("hitlportal.wsgi:application") as port:
        for number in range(-1, ROUNDS):
            requests = submit.WARM_UP if number < 0 else submit.REQUESTS
            # Anyone who goes second finds what the first one left in memory, so they change places.
            order = versions if number % 2 == 0 else versions[::-1]
            took = {}
            for version in order:
                Activation.objects.create(version=version, at=database_now())
                sent = submit.portal_requests(key, next(turn), requests)
                took[version.number] = submit.expect_created(run(port, sent, clients=submit.CLIENTS)).seconds
            if number >= 0:
                ratios.append(took[versions[1].number] / took[versions[0].number])
    return round(median(ratios), 3)


def activate_ms(agent: Agent, bare: dict[str, Any]) -> float:
    """Return the milliseconds from asking for a version of a thousand rules until an evaluation uses it.

    Each version has one rule more than the one before it, so that it tightens and one person may activate it.
    """
    person = User.objects.create_superuser("publisher")
    put_in_force = data.store(data.with_rules(bare, number=RULES))
    Activation.objects.create(version=put_in_force, at=database_now())
    taken = []
    for number in range(1, ACTIVATIONS + 1):
        version = data.store(data.with_rules(bare, number=RULES + number))
        begun = time.perf_counter()
        publish.activate(version=version, by=person)
        submission.evaluate(agent=agent, draft=data.draft())
        taken.append(time.perf_counter() - begun)
        used = load_current(agent="pacer", surface=data.SURFACE).policy.number
        if used != version.number:
            raise RuntimeError(f"Version {used} is in force, not {version.number}.")
    return round(median(taken) * 1000, 1)


def replay_seconds(agent: Agent, bare: dict[str, Any]) -> float:
    """Return the seconds that a draft of a thousand rules takes against the recorded proposals."""
    submission.submit(agent=agent, draft=data.draft())
    fill(RECORDED)
    begun = time.perf_counter()
    policy = compile_policy(number=0, digest="", document=data.with_rules(bare, number=RULES))
    replay, tally, window = Replay(policy), Tally(), Window(most=RECORDED)
    replay.weigh(recorded_cases.cases(window, replay.needs), tally)
    tally.result(recorded_cases.review_minutes(window))
    taken = time.perf_counter() - begun
    if tally.cases != RECORDED:
        raise RuntimeError(f"{tally.cases} proposals were judged, not {RECORDED}.")
    connection.close()
    return round(taken, 1)
