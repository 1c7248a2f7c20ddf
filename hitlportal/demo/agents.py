"""The demo's agents: a program of its own that proposes over HTTP and waits for what becomes of it.

Run as `python -m hitlportal.demo.agents FOLDER`. It knows the portal's address and its keys, nothing else.
"""

import json
import sys
import threading
import time
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx

from hitlportal.demo.memory import Folder, Memory
from hitlportal.demo.scenario import proposals
from hitlportal.demo.scenario.proposals import Act

WAIT_SECONDS: Final = 20
SHORT_PAUSE_SECONDS: Final = 5.0
LONG_PAUSE_SECONDS: Final = 30.0
# People need time: the agents propose nothing new while so many proposals are unsettled.
MOST_UNSETTLED: Final = 8
SETTLED: Final = frozenset({"blocked", "rejected", "taken_over", "withdrawn", "expired", "shipped", "rolled_back"})


def say(agent: str, text: str) -> None:
    """Print one event at once."""
    sys.stdout.write(f"{agent}: {text}\n")
    sys.stdout.flush()


class Agents:
    """All agents of the demo over one HTTP client, each with its own key."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._unsettled = threading.Semaphore(MOST_UNSETTLED)
        self._http = httpx.Client(base_url=memory.portal, timeout=WAIT_SECONDS + 15, trust_env=False)

    def run(self) -> None:
        """Propose at a human pace, for ever; a rehearsal ends after the opening and then only waits."""
        self._wait_for_the_portal()
        opening = proposals.rehearsed() if self._memory.is_rehearsal else proposals.opening()
        for number, act in enumerate(chain(opening, [] if self._memory.is_rehearsal else proposals.further())):
            if number and not self._memory.is_rehearsal:
                time.sleep(SHORT_PAUSE_SECONDS if number < len(opening) else LONG_PAUSE_SECONDS)
            self._unsettled.acquire()
            threading.Thread(target=self._follow, args=(act,), daemon=True).start()
        threading.Event().wait()

    def _wait_for_the_portal(self) -> None:
        while True:
            try:
                if self._http.get("/readyz").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.3)

    def _follow(self, act: Act) -> None:
        try:
            proposal = self._ask(act, "POST", "/api/v1/proposals/", json=body(act)).json()
            say(act.agent, f"proposes “{proposal['title']}” → {_meaning(proposal)}")
            self._wait(act, proposal)
        except httpx.HTTPStatusError as refused:
            say(act.agent, f"was refused: {refused.response.status_code} {refused.response.text[:300]}")
        finally:
            self._unsettled.release()

    def _wait(self, act: Act, proposal: dict[str, Any]) -> None:
        """Wait with the portal's own waiting call until people, the policy or time have settled it."""
        state, etag = proposal["state"], ""
        while state not in SETTLED:
            headers = {"Prefer": f"wait={WAIT_SECONDS}", **({"If-None-Match": etag} if etag else {})}
            answer = self._ask(act, "GET", f"/api/v1/proposals/{proposal['id']}/", headers=headers)
            if answer.status_code == httpx.codes.NOT_MODIFIED:
                continue
            etag, proposal = answer.headers["ETag"], answer.json()
            if proposal["state"] != state:
                state = proposal["state"]
                say(act.agent, f"“{proposal['title']}” → {_meaning(proposal)}")
            if state == "returned":
                self._revise(act, proposal)

    def _revise(self, act: Act, proposal: dict[str, Any]) -> None:
        address = f"/api/v1/proposals/{proposal['id']}"
        if act.second is None:
            self._ask(act, "POST", f"{address}/withdraw/")
        else:
            self._ask(act, "POST", f"{address}/revisions/", json=act.second)

    def _ask(self, act: Act, method: str, path: str, **request: Any) -> httpx.Response:
        """Call the portal as the agent; patient with a portal that is busy or starts again."""
        headers = {"Authorization": f"Bearer {self._memory.keys[act.agent]}", **request.pop("headers", {})}
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid4())
        while True:
            try:
                answer = self._http.request(method, path, headers=headers, **request)
            except httpx.TransportError:
                time.sleep(1)
                continue
            if answer.status_code in {429, 502, 503, 504}:
                time.sleep(1)
                continue
            if answer.status_code != httpx.codes.NOT_MODIFIED:
                answer.raise_for_status()
            return answer


def body(act: Act) -> dict[str, Any]:
    """Return what the agent sends; when it wants an answer counts from now."""
    if act.within is None:
        return act.proposal
    return {**act.proposal, "expires_at": (datetime.now(UTC) + act.within).isoformat()}


def _meaning(proposal: dict[str, Any]) -> str:
    """Say in a few words what state a proposal is in, and why."""
    verdict, state = proposal["verdict"], str(proposal["state"])
    if state == "blocked":
        return f"blocked: {verdict['reasons'][0]['text']}"
    if state == "pending":
        roles = " and ".join(sorted({row["role"] for row in proposal["requirements"]}))
        return f"pending: waits for {roles} ({verdict['tier']})"
    if state == "approved":
        by = "people" if proposal["decisions"] else "the policy"
        return f"approved by {by}; ships at {str(proposal['release_at'])[11:19]} UTC unless somebody stops it"
    if state == "shipped" and proposal["dispatch"]:
        return f"shipped; the executor answered {json.dumps(proposal['dispatch']['receipt']['answer'])}"
    return state


if __name__ == "__main__":
    Agents(Folder(Path(sys.argv[1])).load()).run()
