"""The gate: the agent's own process runs a tool after consuming its approval, once.

An approval that was consumed is spent, whatever happens to the process then. So a crash in between means that the
tool has run at most once, and never twice.
"""

from __future__ import annotations

import json
import time
from typing import Any, Final

from hitl_portal.client import operations, waiting
from hitl_portal.client.asks import Ask, Pause, Steps, answered
from hitl_portal.client.operations import PROPOSALS, Work
from hitl_portal.errors import CallRefused, WaitTimedOut

NOT_YET: Final = "not_yet"
"""The portal's code for what is approved and may be consumed later: it is held back, or a kill switch is engaged."""
ASK_EVERY_SECONDS: Final = 2.0


def consume(proposal_id: str, *, timeout: float | None) -> Steps[Work]:
    """Wait for the approval of a proposal and spend it. Raises what `wait` raises, and CallRefused the second time."""
    ends_at = None if timeout is None else time.monotonic() + max(timeout, 0)
    while True:
        left = None if ends_at is None else ends_at - time.monotonic()
        proposal = yield from waiting.wait(proposal_id, until="decided", timeout=left)
        try:
            return (yield from spend(proposal.id))
        except CallRefused as refused:
            if refused.code != NOT_YET:
                raise
        if ends_at is not None and time.monotonic() + ASK_EVERY_SECONDS >= ends_at:
            raise WaitTimedOut(proposal_id, proposal)
        yield Pause(ASK_EVERY_SECONDS)


def spend(proposal_id: str) -> Steps[Work]:
    """Consume the approval now. Asked once: an answer that got lost has spent it all the same."""
    answer = yield from answered(Ask("POST", f"{PROPOSALS}{proposal_id}/consume/", b"{}", is_repeatable=False))
    return Work(answer.json())


class Record:
    """What came of the tool that ran."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.result: Any = None
        self.error: BaseException | None = None

    def steps(self) -> Steps[None]:
        """Report it; a portal that is away by now does not undo what was done."""
        body: dict[str, Any]
        if self.error is None:
            body = {"status": "delivered", "receipt": _plain(self.result)}
        else:
            body = {"status": "failed", "error": type(self.error).__name__, "retry": False}
        yield from operations.report(self._work, body)


def _plain(result: Any) -> Any:
    try:
        return json.loads(json.dumps(result, allow_nan=False))
    except (TypeError, ValueError):
        return {"text": str(result)[:2000]}
