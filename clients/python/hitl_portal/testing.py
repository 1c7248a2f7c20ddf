"""A portal for tests: decides as it is told, in memory and without a network.

portal = FakePortal(decides="reject", because="Too early.")
portal.propose(...)
portal.decide(proposal, "approve", payload={...})     # a person edits and approves
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final, Literal

import httpx

from hitl_portal.client.answers import Proposal
from hitl_portal.client.async_portal import AsyncPortal
from hitl_portal.client.portal import Portal, identifier

Decides = Literal["nothing", "approve", "reject", "return", "expire", "block", "take_over"]
URL: Final = "http://fake-portal.invalid"
KEY: Final = "hitl_fake_key_of_a_test"
_STATES: Final = {
    "nothing": "pending",
    "approve": "approved",
    "reject": "rejected",
    "return": "returned",
    "expire": "expired",
    "block": "blocked",
    "take_over": "taken_over",
}
_MAY_REVISE: Final = ("pending", "returned")
_VERDICT: Final = {"outcome": "require_approval", "tier": "single", "reasons": []}


class FakePortal(Portal):
    """A `Portal` whose far side is this object. `proposals` holds what was proposed, in order.

    `decides` is what becomes of each new proposal. With `ships`, what is approved has shipped at once and its receipt
    is `receipt`; without, it waits to be consumed.
    """

    def __init__(
        self, decides: Decides = "nothing", *, because: str = "", ships: bool = True, receipt: Any = None
    ) -> None:
        super().__init__(URL, KEY, transport=httpx.MockTransport(self._handle))
        self.proposals: list[dict[str, Any]] = []
        self.decides, self.because, self.ships, self.receipt = decides, because, ships, receipt
        self.is_down = False
        self._kept: dict[str, tuple[bytes, httpx.Response]] = {}
        self._consumed: set[str] = set()
        self._changed = threading.Condition()

    def asynchronous(self) -> AsyncPortal:
        """Return an AsyncPortal before the same far side."""
        return AsyncPortal(URL, KEY, transport=httpx.MockTransport(self._handle_async))

    def decide(
        self,
        proposal: Proposal | str,
        decides: Decides,
        *,
        because: str = "",
        payload: Mapping[str, Any] | None = None,
    ) -> None:
        """Decide as a person would; with `payload` that person has edited it first."""
        with self._changed:
            shown = self._shown(identifier(proposal))
            if payload is not None:
                self._write(shown, payload, author="A person")
            self._settle(shown, decides, because)
            self._changed.notify_all()

    def _settle(self, shown: dict[str, Any], decides: Decides, because: str) -> None:
        shown["state"] = _STATES[decides]
        if decides in {"approve", "reject", "return", "take_over"}:
            decision = {"verdict": decides, "comment": because, "reason_code": "", "roles": ["Tester"], "at": _now()}
            shown["decisions"] = [*shown["decisions"], decision]
        if decides == "block":
            shown["verdict"] = {"outcome": "deny", "tier": None, "reasons": [{"text": because, "is_deciding": True}]}
        if decides == "approve" and self.ships:
            self._ship(shown, self.receipt)
        elif decides == "approve":
            shown["release_at"] = _now()

    def _ship(self, shown: dict[str, Any], receipt: Any) -> None:
        shown["state"] = "shipped"
        shown["dispatch"] = {"id": shown["id"], "status": "delivered", "receipt": receipt, "last_error": ""}

    def _shown(self, proposal_id: str) -> dict[str, Any]:
        return next(shown for shown in self.proposals if shown["id"] == proposal_id)

    def _write(self, shown: dict[str, Any], payload: Mapping[str, Any], author: str) -> None:
        text = json.dumps(payload, sort_keys=True).encode()
        number = shown["revision"]["number"] + 1 if "revision" in shown else 1
        digest = "sha256:" + hashlib.sha256(text).hexdigest()
        shown["revision"] = {"number": number, "digest": digest, "author": author, "payload": dict(payload), "note": ""}

    def _handle(self, request: httpx.Request) -> httpx.Response:
        known, until = _held(request)
        with self._changed:
            answer = self._answer(request)
            while answer.status_code == 200 and answer.headers.get("etag") == known and time.monotonic() < until:
                self._changed.wait(until - time.monotonic())
                answer = self._answer(request)
        return _unchanged(answer, known)

    async def _handle_async(self, request: httpx.Request) -> httpx.Response:
        known, until = _held(request)
        while True:
            with self._changed:
                answer = self._answer(request)
            if answer.headers.get("etag") != known or time.monotonic() >= until:
                return _unchanged(answer, known)
            await asyncio.sleep(0.01)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.is_down:
            raise httpx.ConnectError("The fake portal is down.", request=request)
        key = request.headers.get("idempotency-key")
        if key is None or request.method != "POST":
            return self._route(request)
        asked = request.url.raw_path + b"\n" + request.content
        if key in self._kept:
            before, answer = self._kept[key]
            if before != asked:
                return _problem(422, "idempotency_key_reused", "This key was used for another request.")
            return httpx.Response(answer.status_code, content=answer.content, headers={"Idempotency-Replayed": "true"})
        answer = self._route(request)
        if answer.is_success:
            self._kept[key] = (asked, answer)
        return answer

    def _route(self, request: httpx.Request) -> httpx.Response:
        parts = [part for part in request.url.path.split("/") if part][2:]
        body = json.loads(request.content or b"{}")
        plain: dict[tuple[str, ...], Callable[[], httpx.Response]] = {
            ("proposals",): lambda: self._propose(body),
            ("evaluations",): lambda: httpx.Response(200, json={"verdict": _VERDICT}),
            ("surfaces",): lambda: httpx.Response(200, json={"results": []}),
            ("dispatches", "claim"): lambda: httpx.Response(204),
        }
        if tuple(parts) in plain:
            return plain[tuple(parts)]()
        if parts[0] == "proposals" and any(shown["id"] == parts[1] for shown in self.proposals):
            shown = self._shown(parts[1])
            return self._change(shown, parts[2], body) if len(parts) > 2 else _whole(200, shown)
        if parts[0] == "dispatches" and len(parts) == 3:
            return self._report(parts[1], body)
        return _problem(404, "not_found", "There is no such thing here.")

    def _propose(self, body: dict[str, Any]) -> httpx.Response:
        shown: dict[str, Any] = {
            "id": str(uuid.uuid4()), "agent": "fake", "decisions": [], "dispatch": None, "release_at": None,
            "deadline_at": _now(timedelta(hours=1)), "verdict": _VERDICT,
            "requirements": [{"stage": 1, "name": "owner", "role": "Tester", "approvals": 1, "denials": 1}],
            **{name: value for name, value in body.items() if name != "payload"},
        }  # fmt: skip
        self._write(shown, body["payload"], author="fake")
        self._settle(shown, self.decides, self.because)
        self.proposals.append(shown)
        return _whole(201, shown)

    def _change(self, shown: dict[str, Any], what: str, body: dict[str, Any]) -> httpx.Response:
        steps: dict[str, Callable[[], httpx.Response]] = {
            "withdraw": lambda: self._withdraw(shown),
            "revisions": lambda: self._revise(shown, body),
            "outcomes": lambda: httpx.Response(201, json={**body, "proposal": shown["id"], "kind": "measured"}),
            "consume": lambda: self._consume(shown),
        }
        return steps[what]() if what in steps else _problem(404, "not_found", "There is no such thing here.")

    def _withdraw(self, shown: dict[str, Any]) -> httpx.Response:
        if shown["state"] not in {"pending", "edited", "returned", "approved"}:
            return _problem(409, "state_conflict", f"It is {shown['state']}.")
        shown["state"] = "withdrawn"
        self._changed.notify_all()
        return _whole(200, shown)

    def _revise(self, shown: dict[str, Any], body: dict[str, Any]) -> httpx.Response:
        if shown["state"] not in _MAY_REVISE:
            return _problem(409, "state_conflict", f"It is {shown['state']}.")
        self._write(shown, body["payload"], author="fake")
        self._settle(shown, self.decides if self.decides != "return" else "nothing", self.because)
        self._changed.notify_all()
        return _whole(201, shown)

    def _consume(self, shown: dict[str, Any]) -> httpx.Response:
        if shown["state"] != "approved" or shown["id"] in self._consumed:
            return _problem(409, "state_conflict", "This approval was spent already, or there is none.")
        self._consumed.add(shown["id"])
        work = {name: shown[name] for name in ("id", "surface", "action")} | {"fence": 1, "kind": "execute"}
        return httpx.Response(200, json={**work, "payload": shown["revision"]["payload"]})

    def _report(self, proposal_id: str, body: dict[str, Any]) -> httpx.Response:
        if proposal_id not in self._consumed:
            return _problem(404, "not_found", "There is no such thing here.")
        shown = self._shown(proposal_id)
        if body["status"] == "delivered":
            self._ship(shown, body.get("receipt"))
        else:
            shown["state"] = "failed"
            shown["dispatch"] = {"id": proposal_id, "status": "failed", "receipt": None, "last_error": body["error"]}
        self._changed.notify_all()
        return httpx.Response(200, json=shown["dispatch"])


def _whole(status: int, shown: Mapping[str, Any]) -> httpx.Response:
    text = json.dumps(shown).encode()
    return httpx.Response(status, content=text, headers={"ETag": f'"{hashlib.sha256(text).hexdigest()[:32]}"'})


def _unchanged(answer: httpx.Response, known: str | None) -> httpx.Response:
    is_known = answer.status_code == 200 and known is not None and answer.headers.get("etag") == known
    return httpx.Response(304, headers={"ETag": known or ""}) if is_known else answer


def _held(request: httpx.Request) -> tuple[str | None, float]:
    """Return the entity tag that the client knows, and until when its answer may be held back."""
    known = request.headers.get("if-none-match")
    seconds = request.headers.get("prefer", "").partition("=")[2]
    return known, time.monotonic() + (float(seconds) if known and seconds else 0)


def _problem(status: int, code: str, detail: str) -> httpx.Response:
    return httpx.Response(status, json={"status": status, "code": code, "title": detail, "detail": detail})


def _now(later: timedelta = timedelta(0)) -> str:
    return (datetime.now(timezone.utc) + later).isoformat()
