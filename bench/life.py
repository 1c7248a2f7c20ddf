"""The whole life of proposals: 4 clients submit, 4 reviewers approve over the API, a local receiver takes what ships.

The floor does all of it in one process: it stores, saves the approval with its field history, posts to the receiver
and saves the receipt. It runs in two set-ups (one process of threads, two of one thread each) and the portal with one
web worker and with two; the stronger set-up of each counts.
"""

import http.client
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

import psutil
from django.conf import settings

from bench import data, decide, servers, submit
from bench.environment import BEHIND_PROXY
from bench.load import percentile
from bench.receiver import Arrivals, receiver

PROPOSALS = 200
CLIENTS = 4
PATIENCE_SECONDS = 120.0
TOKEN = "a" * 32

Created = tuple[str, float]
Post = Callable[[str, Mapping[str, Any]], dict[str, Any]]


def measure() -> dict[str, Any]:
    """Return what a second holds of each step, the time from decision to effect, and their ratios to the floor's."""
    floors = [_floor(workers, threads) for workers, threads in ((1, 8), (2, 1))]
    floor, ours = (max(runs, key=itemgetter("decided_per_s")) for runs in (floors, [_portal(1), _portal(2)]))
    ratios = {
        "created_ratio": ours["created_per_s"] / floor["created_per_s"],
        "decided_ratio": ours["decided_per_s"] / floor["decided_per_s"],
        "effect_p95_ratio": ours["effect_p95_ms"] / floor["effect_p95_ms"],
        "cpu_ratio": ours["cpu_ms"] / floor["cpu_ms"],
    }
    rounded = {name: round(value, 2) for name, value in ratios.items()}
    return {**rounded, **ours, **{f"floor_{name}": value for name, value in floor.items()}, "proposals": PROPOSALS}


def _portal(web_workers: int) -> dict[str, float]:
    with receiver() as (url, arrivals):
        key = data.fresh_portal(url)
        sessions = [decide.session_key(decide.reviewer(f"reviewer-{number}")) for number in range(CLIENTS)]
        with servers.portal(web_workers) as port:
            agents = [_poster(port, {"Authorization": f"Bearer {key}"}) for _ in range(CLIENTS)]
            people = [_poster(port, _as_person(port, session)) for session in sessions]
            return _live(agents, people, arrivals, submit.action, _decision)


def _floor(workers: int, threads: int) -> dict[str, float]:
    with receiver() as (url, arrivals):
        token = submit.prepare_floor()
        env = {"FLOOR_RECEIVER": url}
        with servers.web("bench.floor.wsgi:application", workers=workers, threads=threads, env=env) as port:
            posts = [_poster(port, {"Authorization": f"Token {token}"}) for _ in range(2 * CLIENTS)]
            return _live(posts[:CLIENTS], posts[CLIENTS:], arrivals, submit.floor_action, _floor_decision)


def _as_person(port: int, session: str) -> dict[str, str]:
    cookies = {settings.SESSION_COOKIE_NAME: session, settings.CSRF_COOKIE_NAME: TOKEN}
    return {
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        "X-CSRFToken": TOKEN,
        "Referer": f"https://127.0.0.1:{port}/",
    }


def _decision(created: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    revision = created["revision"]
    body = {"verdict": "approve", "revision": revision["number"], "digest": revision["digest"]}
    return f"/api/v1/proposals/{created['id']}/decisions/", body


def _floor_decision(created: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return f"/api/v1/proposals/{created['id']}/approve/", {}


def _live(
    agents: list[Post],
    people: list[Post],
    arrivals: Arrivals,
    action: Callable[[int, int], dict[str, Any]],
    decision: Callable[[Mapping[str, Any]], tuple[str, dict[str, Any]]],
) -> dict[str, float]:
    """Submit everything, then decide on everything; return the figures."""
    for warm, post in enumerate(agents):
        post("/api/v1/proposals/", action(9, warm))
    created: list[dict[str, Any]] = []
    decided: dict[str, float] = {}

    def propose(post: Post, number: int) -> None:
        created.append(post("/api/v1/proposals/", action(1, number)))

    def approve(post: Post, one: dict[str, Any]) -> None:
        begun = time.perf_counter()
        post(*decision(one))
        decided[str(one["id"])] = begun

    with _processor_time() as used:
        create_seconds = _each(agents, list(range(PROPOSALS)), propose)
        decide_seconds = _each(people, list(created), approve)
        arrivals.wait_for(PROPOSALS, PATIENCE_SECONDS)
    effects = [moment - decided[name] for name, moment in arrivals.by_proposal().items()]
    return {
        "created_per_s": round(PROPOSALS / create_seconds, 1),
        "decided_per_s": round(PROPOSALS / decide_seconds, 1),
        "effect_p50_ms": round(percentile(effects, 0.5) * 1000, 1),
        "effect_p95_ms": round(percentile(effects, 0.95) * 1000, 1),
        "effect_p99_ms": round(percentile(effects, 0.99) * 1000, 1),
        "cpu_ms": round(used[0] * 1000 / PROPOSALS, 1),
    }


def _each(posts: list[Post], items: list[Any], act: Callable[[Post, Any], None]) -> float:
    """Let each client take the next item until none is left; return the seconds. Raises what a client met first."""
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)
    faults: list[Exception] = []

    def work(post: Post) -> None:
        try:
            while True:
                act(post, waiting.get_nowait())
        except queue.Empty:
            return
        except Exception as fault:  # noqa: BLE001  # told below, by the thread that measures
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(post,)) for post in posts]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return time.perf_counter() - begun


def _poster(port: int, headers: Mapping[str, str]) -> Post:
    """Return what posts JSON over one connection that stays open, and returns the JSON of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    sent = {"Content-Type": "application/json", **BEHIND_PROXY, **headers}

    def post(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        connection.request("POST", path, json.dumps(body), sent)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status not in {200, 201}:
            raise RuntimeError(f"{path} was answered {answer.status}: {said.decode()}")
        return dict(json.loads(said))

    return post


@contextmanager
def _processor_time() -> Iterator[list[float]]:
    """Give the seconds of processor time that this process's children, and PostgreSQL's, use meanwhile."""
    before, used = _times(), [0.0]
    yield used
    used[0] = sum(seconds - before.get(pid, 0.0) for pid, seconds in _times().items())


def _times() -> dict[int, float]:
    found = {}
    for process in [*psutil.Process().children(recursive=True), *servers.of_database()]:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        found[process.pid] = times.user + times.system
    return found
