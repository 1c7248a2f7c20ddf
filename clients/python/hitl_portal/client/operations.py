"""The calls of the API, each as the steps that make it. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from hitl_portal.client import keys
from hitl_portal.client.answers import Evaluation, Proposal
from hitl_portal.client.asks import TRIES, Answered, Ask, Steps, answered, written

if TYPE_CHECKING:
    from typing_extensions import TypedDict

    class ProposalFields(TypedDict, total=False):
        """What a proposal may say besides surface, action, title and payload; docs/api.md explains each."""

        rationale: str
        trigger: dict[str, Any] | None
        evidence: list[dict[str, Any]]
        metrics: list[dict[str, Any]]
        expected_outcome: dict[str, Any] | None
        confidence: float | None
        amount: float | None
        currency: str | None
        audience_size: int | None
        before: Any
        rollback: dict[str, Any] | None
        targets: list[str]
        tags: list[str]
        model: dict[str, str] | None
        callback_url: str | None
        callback_when: str | None
        expires_at: datetime | str | None


V1: Final = "/api/v1/"
PROPOSALS: Final = f"{V1}proposals/"


def proposal_body(
    *, surface: str, action: str, title: str, payload: Mapping[str, Any], fields: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the body of a proposal, with times as text."""
    body = {"surface": surface, "action": action, "title": title, "payload": dict(payload), **fields}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in body.items()}


def propose(body: dict[str, Any], *, idempotency_key: str | None, traceparent: str | None = None) -> Steps[Proposal]:
    """Submit a proposal; with the same key it is submitted once, however often this is called."""
    headers = {"Idempotency-Key": idempotency_key or keys.of_proposal(body)}
    if traceparent:
        headers["traceparent"] = traceparent
    return shown((yield from answered(Ask("POST", PROPOSALS, written(body), headers))))


def evaluate(body: dict[str, Any]) -> Steps[Evaluation]:
    """Ask for the verdict that a proposal would get."""
    answer = yield from answered(Ask("POST", f"{V1}evaluations/", written(body)))
    return Evaluation(answer.json())


def get(proposal_id: str, *, known: str = "", wait_seconds: int = 0, tries: int = TRIES) -> Steps[Proposal | None]:
    """Look at a proposal; None where it is still as `known`, its entity tag, after `wait_seconds`."""
    headers = {"If-None-Match": known} if known else {}
    if known and wait_seconds:
        headers["Prefer"] = f"wait={wait_seconds}"
    ask = Ask("GET", f"{PROPOSALS}{proposal_id}/", None, headers, wait_seconds=wait_seconds)
    answer = yield from answered(ask, tries=tries)
    return None if answer.status == 304 else shown(answer)


def surfaces() -> Steps[list[dict[str, Any]]]:
    """List the surfaces on which the agent may propose."""
    answer = yield from answered(Ask("GET", f"{V1}surfaces/"))
    return list(answer.json()["results"])


def withdraw(proposal_id: str) -> Steps[Proposal]:
    """Take a proposal back."""
    return (yield from _change(proposal_id, "withdraw", {}, keys.derived("withdraw", proposal_id)))


def revise(proposal_id: str, payload: Mapping[str, Any], *, since: int, fields: Mapping[str, Any]) -> Steps[Proposal]:
    """Put a new payload in the place of revision number `since`."""
    body = {"payload": dict(payload), **fields}
    key = keys.derived("revise", proposal_id, since, body)
    return (yield from _change(proposal_id, "revisions", body, key))


def report_outcome(proposal_id: str, body: dict[str, Any]) -> Steps[dict[str, Any]]:
    """Report what a shipped action did; the same report twice is one report."""
    headers = {"Idempotency-Key": keys.derived("outcome", proposal_id, body)}
    answer = yield from answered(Ask("POST", f"{PROPOSALS}{proposal_id}/outcomes/", written(body), headers))
    return answer.json()


def _change(proposal_id: str, what: str, body: dict[str, Any], key: str) -> Steps[Proposal]:
    ask = Ask("POST", f"{PROPOSALS}{proposal_id}/{what}/", written(body), {"Idempotency-Key": key})
    return shown((yield from answered(ask)))


@dataclass(frozen=True)
class Work:
    """One dispatch in this executor's hands, until its lease runs out."""

    raw: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The dispatch; the same however often it is handed out, so remember it to execute it once."""
        return str(self.raw["id"])

    @property
    def place(self) -> tuple[str, str]:
        """Its surface and action."""
        return str(self.raw["surface"]), str(self.raw["action"])

    @property
    def kind(self) -> str:
        """`execute`, or `rollback` to reverse it."""
        return str(self.raw["kind"])

    @property
    def payload(self) -> dict[str, Any]:
        """What was approved."""
        return dict(self.raw["payload"])


def claim() -> Steps[Work | None]:
    """Claim what there is to execute. Not repeated where it may have been heard: the lease would be nobody's."""
    answer = yield from answered(Ask("POST", f"{V1}dispatches/claim/", b"{}", is_repeatable=False))
    return None if answer.status == 204 else Work(answer.json())


def renew(work: Work) -> Steps[dict[str, Any]]:
    """Ask for more time for `work`."""
    ask = Ask("POST", f"{V1}dispatches/{work.id}/renew/", written({"fence": work.raw["fence"]}))
    return (yield from answered(ask, tries=2)).json()


def report(work: Work, result: Mapping[str, Any]) -> Steps[dict[str, Any]]:
    """Say what came of `work`. The portal takes a repeat of the same claim's receipt for the same."""
    body = {"fence": work.raw["fence"], **result}
    answer = yield from answered(Ask("POST", f"{V1}dispatches/{work.id}/receipt/", written(body)))
    return answer.json()


def shown(answer: Answered) -> Proposal:
    """Read an answer that shows a proposal."""
    is_replayed = answer.headers.get("idempotency-replayed") == "true"
    return Proposal(answer.json(), answer.headers.get("etag", ""), is_replayed)


def outcome_body(*, metric: str, value: float, observed_at: datetime | str, unit: str, note: str) -> dict[str, Any]:
    """Return the body of a report."""
    at = observed_at.isoformat() if isinstance(observed_at, datetime) else observed_at
    return {"metric": metric, "value": value, "observed_at": at, "unit": unit, "note": note}
