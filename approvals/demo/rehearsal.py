"""The demo without a person: a robot signs in, approves over the admin's own forms, and checks."""

import json
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

import httpx

from approvals import invariants
from approvals.demo import scenario, stage
from approvals.demo.browser import Browser, PageUnexpected
from approvals.demo.memory import Folder, Memory

POLL_SECONDS: Final = 0.3


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was to happen, whether it did, and what was seen."""

    name: str
    is_ok: bool
    seen: str


class Missing(RuntimeError):
    """Something did not happen in time; the message says what."""


class Rehearsal:
    """Runs once; `steps` fills while it runs. `until` is a monotonic time in seconds."""

    def __init__(self, memory: Memory, folder: Folder, *, since: datetime, until: float) -> None:
        self.steps: list[Step] = []
        self._memory = memory
        self._folder = folder
        self._since = since
        self._until = until
        self._http = httpx.Client(base_url=memory.portal, timeout=10, trust_env=False)

    def run(self) -> bool:
        """Go through all steps; return whether everything happened as it should."""
        for name, step in (
            ("four agents' proposals arrive", self._proposals_arrive),
            ("the policy blocks what has no mandate", self._blocked),
            ("the price waits for a signature", self._price_waits),
            ("the manager approves the budget shift", self._approve),
            ("the budget shift ships once", lambda: self._ships("budget")),
            ("the e-mail ships by itself", lambda: self._ships("email")),
            ("the invariants hold", _invariants),
        ):
            try:
                self.steps.append(Step(name, is_ok=True, seen=step()))
            except (Missing, PageUnexpected, httpx.HTTPError) as problem:
                self.steps.append(Step(name, is_ok=False, seen=f"{type(problem).__name__}: {problem}"))
                return False
        return True

    def _proposals_arrive(self) -> str:
        for act in scenario.opening():
            self._await(f"a proposal by {act.agent} on {act.proposal['surface']}", partial(self._find, act.name))
        return ", ".join(f"{act.proposal['surface']}: {self._state(act.name)}" for act in scenario.opening())

    def _blocked(self) -> str:
        proposal = self._find("segment")
        _require(proposal is not None and proposal["state"] == "blocked", f"not blocked: {proposal}")
        return str(proposal["verdict"]["reasons"][0]["text"]) if proposal else ""

    def _price_waits(self) -> str:
        proposal = self._find("price") or {}
        found = (proposal.get("state"), proposal.get("verdict", {}).get("tier"))
        _require(found == ("pending", "signature"), f"it is {found}")
        return f"pending, owner {proposal['owner']}"

    def _approve(self) -> str:
        proposal = self._find("budget")
        _require(proposal is not None and proposal["state"] == "pending", f"not pending: {proposal}")
        assert proposal is not None
        with closing(Browser(self._memory.portal)) as browser:
            self._decide(browser, proposal)
        _require(self._state("budget") in {"approved", "shipped"}, f"it is {self._state('budget')} afterwards")
        return f"form sent, now {self._state('budget')}"

    def _decide(self, browser: Browser, proposal: dict[str, Any]) -> None:
        """Sign in, find the proposal in the list, open its page and send the form that approves it."""
        browser.sign_in(stage.MANAGER, self._memory.passwords[stage.MANAGER])
        listed = browser.open("/admin/approvals/proposal/")
        _require(any(proposal["id"] in link for link in listed.links), "the list of proposals does not show it")
        page = browser.open(f"/admin/approvals/proposal/{proposal['id']}/")
        after = browser.send(page, page.form(verdict="approve"))
        _require(after.status == httpx.codes.OK, f"the form was answered with {after.status}")

    def _ships(self, name: str) -> str:
        proposal = self._await(f"{name} to be shipped", lambda: self._find_in(name, "shipped"))
        done = [line for line in self._journal() if line["proposal"] == proposal["id"]]
        _require(len(done) == 1, f"the executor executed it {len(done)} times")
        _require(done[0]["digest"] == proposal["revision"]["digest"], "the executor got another digest")
        _require(bool(proposal["dispatch"]["receipt"]), "it has no receipt")
        return f"grant verified, receipt {proposal['dispatch']['receipt']['status']}, {done[0]['digest'][:19]}…"

    def _find(self, name: str) -> dict[str, Any] | None:
        """Return this run's proposal of that act, as its agent sees it."""
        act = next(act for act in scenario.opening() if act.name == name)
        answer = self._http.get(
            "/api/v1/proposals/",
            params={"surface": act.proposal["surface"]},
            headers={"Authorization": f"Bearer {self._memory.keys[act.agent]}"},
        )
        answer.raise_for_status()
        new = [row for row in answer.json()["results"] if datetime.fromisoformat(row["created_at"]) >= self._since]
        return new[0] if new else None

    def _find_in(self, name: str, state: str) -> dict[str, Any] | None:
        found = self._find(name)
        if found is not None and found["state"] == "failed":
            raise Missing(f"{name} failed: {found['dispatch']}")
        return found if found is not None and found["state"] == state else None

    def _state(self, name: str) -> str:
        found = self._find(name)
        return str(found["state"]) if found else "missing"

    def _journal(self) -> list[dict[str, Any]]:
        if not self._folder.journal.exists():
            return []
        return [json.loads(line) for line in self._folder.journal.read_text(encoding="utf-8").splitlines()]

    def _await(self, what: str, probe: Callable[[], dict[str, Any] | None]) -> dict[str, Any]:
        while time.monotonic() < self._until:
            found = probe()
            if found is not None:
                return found
            time.sleep(POLL_SECONDS)
        raise Missing(f"Waited in vain for {what}.")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Missing(otherwise)


def _invariants() -> str:
    results = list(invariants.check())
    broken = [f"{result.code}: {result.breach.text}" for result in results if result.breach is not None]
    _require(not broken, "; ".join(broken))
    return ", ".join(result.code for result in results)
