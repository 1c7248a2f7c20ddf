"""Shipping: from a person's approval to the first byte of the webhook, through a whole running portal."""

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from django.conf import settings

from approvals.lifecycle import review, submission
from approvals.lifecycle.review import SeenRevision
from approvals.models import Decision
from approvals.shipping import claims, dispatches
from bench import data, decide, servers
from bench.costs import Costs
from bench.environment import BEHIND_PROXY
from bench.load import percentile
from policies.models import Agent, Connector

APPROVALS = 60
WARM_UP = 5
SHIPPINGS = 100
LONGEST_SECONDS = 10.0


def measure() -> dict[str, Any]:
    """Return `p95_ms` and `median_ms` from sending the approval to the webhook's first byte here."""
    with _receiver() as (url, arrivals):
        key = data.fresh_portal(url)
        with servers.portal() as port:
            agent = _client(port, headers={"Authorization": f"Bearer {key}"})
            person = _person(port)
            waits = [_approve(agent, person, arrivals) for _ in range(WARM_UP + APPROVALS)][WARM_UP:]
    return {
        "p95_ms": round(percentile(waits, 0.95) * 1000, 1),
        "median_ms": round(percentile(waits, 0.5) * 1000, 1),
        "approvals": APPROVALS,
        **_costs(),
    }


def _costs() -> dict[str, Any]:
    """Return what one shipping costs in this process, without the network: round trips, commits, log, time."""
    data.fresh_portal()
    agent, reviewer = Agent.objects.get(pk="pacer"), decide.reviewer("reviewer")
    for number in range(1, SHIPPINGS + 1):
        proposal = submission.submit(agent=agent, draft=data.draft(number))
        seen = SeenRevision(proposal.revision.number, proposal.revision.digest)
        review.decide(proposal_id=proposal.pk, seen=seen, by=reviewer, verdict=Decision.Verdict.APPROVE)
    costs, used, begun = Costs(), time.process_time(), time.perf_counter()
    with costs.counted():
        for _ in range(SHIPPINGS):
            claim = claims.claim_next(worker="bench", kind=Connector.Kind.WEBHOOK)
            assert claim is not None, "as many are due as were approved"
            dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={}, http_status=200)
    took, used = time.perf_counter() - begun, time.process_time() - used
    each = {"mean_ms": round(took * 1000 / SHIPPINGS, 2), "cpu_ms": round(used * 1000 / SHIPPINGS, 2)}
    return {**costs.each(SHIPPINGS), **each}


class _Arrivals:
    """When the first byte of each webhook came in, by its id."""

    def __init__(self) -> None:
        self._times: dict[str, float] = {}
        self._changed = threading.Condition()

    def add(self, message_id: str, moment: float) -> None:
        with self._changed:
            self._times.setdefault(message_id, moment)
            self._changed.notify_all()

    def wait_for_next(self, known: int) -> float:
        """Return when the arrival after the first `known` came. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._times) > known, LONGEST_SECONDS):
                raise TimeoutError(f"No webhook within {LONGEST_SECONDS} seconds of the approval.")
            return list(self._times.values())[known]

    def __len__(self) -> int:
        with self._changed:
            return len(self._times)


@contextmanager
def _receiver() -> Iterator[tuple[str, _Arrivals]]:
    """Listen for webhooks on this machine and note when their first byte comes."""
    arrivals = _Arrivals()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            first = self.rfile.read(1)
            moment = time.perf_counter()
            if not first:
                return
            headers = {}
            self.rfile.readline()
            while (line := self.rfile.readline().strip()) != b"":
                name, _, value = line.partition(b":")
                headers[name.lower()] = value.strip()
            self.rfile.read(int(headers[b"content-length"]))
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            arrivals.add(headers[b"webhook-id"].decode(), moment)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", arrivals
        server.shutdown()


def _client(port: int, **options: Any) -> httpx.Client:
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=LONGEST_SECONDS, **options)
    client.headers.update(BEHIND_PROXY)
    return client


def _person(port: int) -> httpx.Client:
    """Return a client that is logged in as somebody who may decide."""
    key = decide.session_key(decide.reviewer("channel-owner"))
    token = "a" * 32
    return _client(
        port,
        cookies={settings.SESSION_COOKIE_NAME: key, settings.CSRF_COOKIE_NAME: token},
        headers={"X-CSRFToken": token, "Referer": f"https://127.0.0.1:{port}/"},
    )


def _approve(agent: httpx.Client, person: httpx.Client, arrivals: _Arrivals) -> float:
    """Propose, approve, and return the seconds from sending the approval to the webhook's first byte."""
    proposal = agent.post("/api/v1/proposals/", json=data.ACTION).raise_for_status().json()
    revision = proposal["revision"]
    decision = {"verdict": "approve", "revision": revision["number"], "digest": revision["digest"]}
    known, begun = len(arrivals), time.perf_counter()
    answer = person.post(f"/api/v1/proposals/{proposal['id']}/decisions/", json=decision)
    if answer.status_code != 200:
        raise RuntimeError(f"The approval was answered {answer.status_code}: {answer.text}")
    return arrivals.wait_for_next(known) - begun
