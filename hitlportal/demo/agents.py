"""The demo's agents: a program of its own that proposes over HTTP and waits for what becomes of it.

Run as `python -m hitlportal.demo.agents FOLDER`. It knows the portal's address and its keys, nothing else.
"""

import json
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx

from hitl_portal import Portal, PortalError, Proposal
from hitlportal.demo.memory import Folder, Memory
from hitlportal.demo.scenario import proposals
from hitlportal.demo.scenario.acts import Act

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
    """All agents of the demo, each with its own key."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._unsettled = threading.Semaphore(MOST_UNSETTLED)

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
                if httpx.get(f"{self._memory.portal}/readyz", trust_env=False).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.3)

    def _follow(self, act: Act) -> None:
        try:
            with Portal(self._memory.portal, self._memory.keys[act.agent]) as portal:
                # The same act may be proposed again and again: each time it is another call.
                with portal.tool_call(run=uuid4().hex):
                    proposal = portal.propose(**body(act))
                say(act.agent, f"proposes “{proposal.raw['title']}” → {_meaning(proposal.raw)}")
                self._wait(portal, act, proposal)
        except PortalError as refused:
            say(act.agent, f"was refused: {refused}")
        finally:
            self._unsettled.release()

    def _wait(self, portal: Portal, act: Act, proposal: Proposal) -> None:
        """Wait until people, the policy or time have settled it, and tell each state on the way."""
        while proposal.state not in SETTLED:
            state = proposal.state
            proposal = portal.changed(proposal)
            if proposal.state != state:
                say(act.agent, f"“{proposal.raw['title']}” → {_meaning(proposal.raw)}")
            if proposal.state == "returned":
                proposal = portal.withdraw(proposal) if act.second is None else _revised(portal, act.second, proposal)


def _revised(portal: Portal, second: dict[str, Any], proposal: Proposal) -> Proposal:
    fields = {name: value for name, value in second.items() if name != "payload"}
    return portal.revise(proposal, second["payload"], **fields)


def body(act: Act) -> dict[str, Any]:
    """Return what the agent sends; when it wants an answer counts from now."""
    if act.within is None:
        return act.proposal
    return {**act.proposal, "expires_at": (datetime.now(UTC) + act.within).isoformat()}


def _meaning(proposal: Mapping[str, Any]) -> str:
    """Say in a few words what state a proposal is in, and why."""
    verdict, state = proposal["verdict"], str(proposal["state"])
    if state == "blocked":
        return f"blocked: {verdict['reasons'][0]['text']}"
    if state == "pending":
        roles = " and ".join(sorted({row["role"] for row in proposal["requirements"]}))
        return f"pending: waits for {roles} ({verdict['tier']})"
    if state == "approved":
        by = "people" if proposal["decisions"] else "the policy"
        return f"approved by {by}; ships at {str(proposal['release_at'])[11:19]} UTC unless someone stops it"
    if state == "shipped" and proposal["dispatch"]:
        return f"shipped; the executor answered {json.dumps(proposal['dispatch']['receipt']['answer'])}"
    return state


if __name__ == "__main__":
    Agents(Folder(Path(sys.argv[1])).load()).run()
