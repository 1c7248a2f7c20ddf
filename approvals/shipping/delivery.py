"""Carry claimed work to the far side and bring the answer back. No transaction is open while it talks."""

import os
import socket
import threading
from datetime import UTC, datetime, timedelta
from typing import Final

from approvals.errors import LeaseLost
from approvals.outbox import backoff, callbacks, http, signing
from approvals.outbox.callbacks import CallbackClaim
from approvals.shipping import claims, dispatches, kinds
from approvals.shipping.claims import Claim
from approvals.shipping.kinds import Delivered, NotDelivered, Parcel

GONE: Final = 410


def ship_due(*, most: int = 50) -> int:
    """Ship what is due and the portal carries itself, one after the other, at most `most`; return how many."""
    for tried in range(most):
        claim = _claim()
        if claim is None:
            return tried
        ship(claim)
    return most


def _claim() -> Claim | None:
    for kind in kinds.CARRIED:
        if claim := claims.claim_next(worker=worker_name(), kind=kind):
            return claim
    return None


def ship(claim: Claim) -> None:
    """Take one claimed dispatch to the far side, and record the receipt or why there is none."""
    connector = claim.dispatch.connector
    assert connector is not None, "a claimed dispatch has a connector"
    trace = claim.dispatch.proposal.trace()
    parcel = Parcel(message_id=claim.dispatch.pk, body=claim.body, grant=claim.grant, trace=trace)
    try:
        _record(claim, kinds.of(connector).carry(connector, parcel))
    except LeaseLost:
        # Too slow: the holder of the lease now repeats it under the same id.
        return


def _record(claim: Claim, answer: Delivered | NotDelivered) -> None:
    match answer:
        case Delivered(receipt, http_status):
            dispatches.complete(
                dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt=receipt, http_status=http_status
            )
        case NotDelivered(error, is_final, http_status, after):
            dispatches.postpone(
                dispatch_id=claim.dispatch.pk,
                fence=claim.fence,
                error=error,
                is_final=is_final,
                http_status=http_status,
                after=after,
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
        headers = signing.json_headers(claim.secret, message_id=claim.callback.pk, body=claim.body)
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


def worker_name() -> str:
    """Return who works here, for the record of attempts: host, process and thread."""
    return f"{socket.gethostname()}/{os.getpid()}/{threading.get_ident()}"


def _asked_to_wait(answer: http.Answer) -> timedelta | None:
    return backoff.retry_after(answer.headers, datetime.now(UTC))
