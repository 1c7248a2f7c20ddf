"""The demo without a person: a robot signs in, approves over the admin's own forms, and checks."""

import json
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

import httpx

from approvals import invariants
from approvals.models import Timer
from hitlportal.demo import stage
from hitlportal.demo.browser import Browser, Page, PageUnexpected
from hitlportal.demo.memory import Folder, Memory
from hitlportal.demo.post import Mail
from hitlportal.demo.scenario import proposals

POLL_SECONDS: Final = 0.3
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was to happen, whether it did, and what was seen."""

    name: str
    is_ok: bool
    seen: str


class Missing(RuntimeError):
    """Something did not happen in time; the message says what."""


class Rehearsal:
    """Runs once; `steps` fills while it runs. `mails` fills by itself; `until` is a monotonic time in seconds."""

    def __init__(self, memory: Memory, folder: Folder, *, mails: Sequence[Mail], since: datetime, until: float) -> None:
        self.steps: list[Step] = []
        self._mails = mails
        self._memory = memory
        self._folder = folder
        self._since = since
        self._until = until
        self._http = httpx.Client(base_url=memory.portal, timeout=10, trust_env=False)

    def run(self) -> bool:
        """Go through all steps; return whether everything happened as it should."""
        for name, step in (
            ("the agents' proposals arrive", self._proposals_arrive),
            ("the policy blocks what has no mandate", self._blocked),
            ("a price waits for Product and Finance", self._price_waits),
            ("the manager approves the budget shift", self._approve),
            ("Product signs the price", self._product_signs),
            ("Product and Finance sign another price", self._both_sign),
            ("Finance is silent: the Executive is called", self._executive_is_called),
            ("the Executive signs in its place", self._executive_signs),
            ("the budget shift ships once", lambda: self._ships("budget")),
            ("the ad text ships by itself", lambda: self._ships("creative")),
            ("the price that escalated ships once", lambda: self._ships("price")),
            ("the price both signed ships once", self._ships_without_a_call),
            ("the invariants hold", _invariants),
        ):
            try:
                self.steps.append(Step(name, is_ok=True, seen=step()))
            except (Missing, PageUnexpected, httpx.HTTPError) as problem:
                self.steps.append(Step(name, is_ok=False, seen=f"{type(problem).__name__}: {problem}"))
                return False
        return True

    def _proposals_arrive(self) -> str:
        for act in proposals.rehearsed():
            self._await(f"a proposal by {act.agent} on {act.proposal['surface']}", partial(self._find, act.name))
        return ", ".join(f"{act.name}: {self._state(act.name)}" for act in proposals.rehearsed())

    def _blocked(self) -> str:
        proposal = self._require_state("segment", "blocked")
        return str(proposal["verdict"]["reasons"][0]["text"])

    def _price_waits(self) -> str:
        proposal = self._find("price") or {}
        standing = (proposal.get("state"), proposal.get("verdict", {}).get("tier"))
        _require(standing == ("pending", "signature"), f"it is {standing}")
        roles = {stage.PRODUCT, stage.FINANCE}
        mails = self._await("e-mails to Product and Finance", lambda: self._mailed(proposal["title"], roles))
        return f"pending (signature); {len(mails)} e-mails ask for it"

    def _approve(self) -> str:
        proposal = self._require_state("budget", "pending")
        with closing(Browser(self._memory.portal)) as browser:
            self._decide(browser, proposal)
        _require(self._state("budget") in {"approved", "shipped"}, f"it is {self._state('budget')} afterwards")
        return f"form sent, now {self._state('budget')}"

    def _decide(self, browser: Browser, proposal: dict[str, Any]) -> None:
        """Sign in, find the proposal in the list, open its page and send the form that approves it."""
        self._sign_in(browser, stage.MANAGER)
        listed = browser.open("/admin/approvals/proposal/")
        _require(any(proposal["id"] in link for link in listed.links), "the list of proposals does not show it")
        page = browser.open(_page_of(proposal))
        after = browser.send(page, page.form(verdict="approve"))
        _require(after.status == httpx.codes.OK, f"the form was answered with {after.status}")

    def _product_signs(self) -> str:
        proposal = self._require_state("price", "pending")
        with closing(Browser(self._memory.portal)) as browser:
            self._sign_in(browser, stage.PRODUCT)
            page = browser.open(_page_of(proposal))
            browser.send(page, page.form(verdict="approve"))
            _require(self._decided_by("price") == [], "it was approved without a password and a reason")
            self._sign(browser, proposal, stage.PRODUCT)
        _require(self._decided_by("price") == [stage.PRODUCT], f"decided by {self._decided_by('price')}")
        self._require_state("price", "pending")
        return "not without password and reason; then signed, and still pending"

    def _both_sign(self) -> str:
        proposal = self._require_state("team price", "pending")
        for person in (stage.PRODUCT, stage.FINANCE):
            with closing(Browser(self._memory.portal)) as browser:
                self._sign_in(browser, person)
                self._sign(browser, proposal, person)
        _require(self._state("team price") in {"approved", "shipped"}, f"it is {self._state('team price')}")
        return f"signed by {' and '.join(self._decided_by('team price'))}"

    def _executive_is_called(self) -> str:
        proposal = self._require_state("price", "pending")
        fired = Timer.objects.filter(
            proposal=proposal["id"], kind=Timer.Kind.LEVEL, role=stage.EXECUTIVE_ROLE, fired_at__isnull=False
        )
        timer = self._await("the timer that calls the Executive", fired.first)
        (mail,) = self._await("its e-mail", lambda: self._mailed(proposal["title"], {stage.EXECUTIVE}))
        _require(mail.subject.startswith("Escalated to you"), f"the e-mail says {mail.subject!r}")
        _require(mail.url.endswith(_page_of(proposal)), f"the e-mail leads to {mail.url}")
        _require(stage.FINANCE not in self._decided_by("price"), "Finance has answered")
        assert timer.fired_at is not None
        waited = (timer.fired_at - datetime.fromisoformat(proposal["created_at"])).total_seconds()
        return f"after {waited:.0f} s; e-mail to {mail.to}"

    def _executive_signs(self) -> str:
        proposal = self._require_state("price", "pending")
        with closing(Browser(self._memory.portal)) as browser:
            self._sign_in(browser, stage.EXECUTIVE)
            self._sign(browser, proposal, stage.EXECUTIVE)
        _require(self._state("price") in {"approved", "shipped"}, f"it is {self._state('price')} afterwards")
        return f"signed by {' and '.join(self._decided_by('price'))}"

    def _sign(self, browser: Browser, proposal: dict[str, Any], person: str) -> Page:
        page = browser.open(_page_of(proposal))
        return browser.send(
            page, page.form(verdict="approve"), comment=f"{person} agrees", password=self._memory.passwords[person]
        )

    def _sign_in(self, browser: Browser, person: str) -> None:
        browser.sign_in(person, self._memory.passwords[person])

    def _mailed(self, title: str, people: Collection[str]) -> list[Mail] | None:
        """Return the e-mails about a proposal to `people`, once each of them has one."""
        mails = [mail for mail in self._mails if title in mail.subject and mail.to.partition("@")[0] in people]
        return mails if {mail.to.partition("@")[0] for mail in mails} == {*people} else None

    def _ships_without_a_call(self) -> str:
        seen = self._ships("team price")
        title = self._require_state("team price", "shipped")["title"]
        _require(self._mailed(title, {stage.EXECUTIVE}) is None, "the Executive was called for it")
        return f"nobody was called; {seen}"

    def _ships(self, name: str) -> str:
        proposal = self._await(f"{name} to be shipped", lambda: self._find_in(name, "shipped"))
        done = [line for line in self._journal() if line["proposal"] == proposal["id"]]
        _require(len(done) == 1, f"the executor executed it {len(done)} times")
        _require(done[0]["digest"] == proposal["revision"]["digest"], "the executor got another digest")
        _require(bool(proposal["dispatch"]["receipt"]), "it has no receipt")
        return f"grant verified, receipt {proposal['dispatch']['receipt']['status']}, {done[0]['digest'][:19]}…"

    def _find(self, name: str) -> dict[str, Any] | None:
        """Return this run's proposal of that act, as its agent sees it."""
        act = next(act for act in proposals.rehearsed() if act.name == name)
        answer = self._http.get(
            "/api/v1/proposals/",
            params={"surface": act.proposal["surface"]},
            headers={"Authorization": f"Bearer {self._memory.keys[act.agent]}"},
        )
        answer.raise_for_status()
        rows = [row for row in answer.json()["results"] if row["title"] == act.proposal["title"]]
        new = [row for row in rows if datetime.fromisoformat(row["created_at"]) >= self._since]
        return new[0] if new else None

    def _find_in(self, name: str, state: str) -> dict[str, Any] | None:
        proposal = self._find(name)
        if proposal is not None and proposal["state"] == "failed":
            raise Missing(f"{name} failed: {proposal['dispatch']}")
        return proposal if proposal is not None and proposal["state"] == state else None

    def _state(self, name: str) -> str:
        proposal = self._find(name)
        return str(proposal["state"]) if proposal else "missing"

    def _require_state(self, name: str, state: str) -> dict[str, Any]:
        proposal = self._find(name)
        if proposal is None or proposal["state"] != state:
            raise Missing(f"not {state}: {proposal}")
        return proposal

    def _decided_by(self, name: str) -> list[str]:
        proposal = self._find(name)
        return [decision["by"] for decision in proposal["decisions"]] if proposal else []

    def _journal(self) -> list[dict[str, Any]]:
        if not self._folder.journal.exists():
            return []
        return [json.loads(line) for line in self._folder.journal.read_text(encoding="utf-8").splitlines()]

    def _await(self, what: str, probe: Callable[[], Found | None]) -> Found:
        while time.monotonic() < self._until:
            result = probe()
            if result is not None:
                return result
            time.sleep(POLL_SECONDS)
        raise Missing(f"Waited in vain for {what}.")


def _page_of(proposal: dict[str, Any]) -> str:
    return f"/admin/approvals/proposal/{proposal['id']}/"


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Missing(otherwise)


def _invariants() -> str:
    results = list(invariants.check())
    broken = [f"{result.code}: {result.breach.text}" for result in results if result.breach is not None]
    _require(not broken, "; ".join(broken))
    return ", ".join(result.code for result in results)
