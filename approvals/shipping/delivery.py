"""Carry claimed work to the far side and bring the answer back. No transaction is open while it talks."""

import os
import socket
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from approvals.errors import LeaseLost
from approvals.outbox import backoff, callbacks, http, signing
from approvals.outbox.callbacks import CallbackClaim
from approvals.shipping import dispatches
from approvals.shipping.dispatches import Claim
from audit import canonical
from audit.canonical import InvalidJson
from policies.models import Connector

GONE: Final = 410
RECEIPT_CHARACTERS: Final = 10_000


def ship_due(*, most: int = 50) -> int:
    """Ship what is due by webhook, one after the other, at most `most`; return how many were tried."""
    for tried in range(most):
        claim = dispatches.claim_next(worker=worker_name(), kind=Connector.Kind.WEBHOOK)
        if claim is None:
            return tried
        ship(claim)
    return most


def ship(claim: Claim) -> None:
    """Send one claimed dispatch to its webhook and record the receipt, or why there is none."""
    connector = claim.dispatch.connector
    assert connector is not None, "a claimed dispatch has a connector"
    try:
        _ship(claim, connector)
    except LeaseLost:
        # Too slow: whoever holds the lease now repeats it under the same id.
        return


def _ship(claim: Claim, connector: Connector) -> None:
    complete = partial(dispatches.complete, dispatch_id=claim.dispatch.pk, fence=claim.fence)
    postpone = partial(dispatches.postpone, dispatch_id=claim.dispatch.pk, fence=claim.fence)
    try:
        headers = _headers(connector.secret, message_id=claim.dispatch.pk, body=claim.body)
        answer = http.post(
            connector.url,
            body=claim.body,
            headers={**headers, "HITL-Grant": claim.grant},
            timeout_seconds=connector.timeout_seconds,
        )
    except signing.InvalidSecret as error:
        postpone(error=str(error), is_final=True)
    except http.DeliveryRefused as error:
        postpone(error=error.reason, is_final=True)
    except http.DeliveryFailed as error:
        postpone(error=error.reason, is_final=not error.retryable)
    else:
        if 200 <= answer.status < 300:
            complete(receipt=_receipt(answer), http_status=answer.status)
        else:
            postpone(
                error=f"The receiver answered {answer.status}.",
                is_final=answer.status == GONE,
                http_status=answer.status,
                after=_asked_to_wait(answer),
            )


def deliver_callbacks(*, most: int = 50) -> int:
    """Send the callbacks that are due, at most `most`; return how many were tried."""
    for tried in range(most):
        claim = callbacks.claim_next()
        if claim is None:
            return tried
        _deliver(claim)
    return most


def _deliver(claim: CallbackClaim) -> None:
    try:
        headers = _headers(claim.secret, message_id=claim.callback.pk, body=claim.body)
        answer = http.post(claim.callback.url, body=claim.body, headers=headers)
    except signing.InvalidSecret as error:
        callbacks.settle(claim, error=str(error), is_final=True)
    except http.DeliveryRefused as error:
        callbacks.settle(claim, error=error.reason, is_final=True)
    except http.DeliveryFailed as error:
        callbacks.settle(claim, error=error.reason, is_final=not error.retryable)
    else:
        error_text = "" if 200 <= answer.status < 300 else f"The agent answered {answer.status}."
        callbacks.settle(claim, error=error_text, is_final=answer.status == GONE, after=_asked_to_wait(answer))


def _headers(secret: str, *, message_id: UUID, body: bytes) -> dict[str, str]:
    signed = signing.headers(secret=secret, message_id=str(message_id), at=datetime.now(UTC), body=body)
    return {"Content-Type": "application/json", **signed}


def worker_name() -> str:
    """Return who works here, for the record of attempts: host, process and thread."""
    return f"{socket.gethostname()}/{os.getpid()}/{threading.get_ident()}"


def _receipt(answer: http.Answer) -> Any:
    text = answer.body.decode("utf-8", "replace").replace("\x00", "")
    try:
        # Strictly: NaN, an escaped U+0000 or deep nesting would fail later, when the action is done.
        said: Any = canonical.parse(answer.body)
    except InvalidJson:
        said = text[:RECEIPT_CHARACTERS]
    return {"status": answer.status, "answer": said if len(text) <= RECEIPT_CHARACTERS else text[:RECEIPT_CHARACTERS]}


def _asked_to_wait(answer: http.Answer) -> timedelta | None:
    return backoff.retry_after(answer.headers, datetime.now(UTC))
