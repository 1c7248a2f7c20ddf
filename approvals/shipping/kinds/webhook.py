"""Webhook: the portal posts the approved bytes, signed, to an address of yours."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from approvals.outbox import backoff, http, signing
from approvals.shipping.kinds.connector_kind import Delivered, NotDelivered, Parcel
from approvals.uploads import dispatched_rows
from audit import canonical
from audit.canonical import InvalidJson
from policies.models import Connector

GONE: Final = 410
LEASE_MARGIN: Final = timedelta(seconds=30)
RECEIPT_CHARACTERS: Final = 10_000


class Webhook:
    """Posts with the headers of Standard Webhooks; any answer of the 200s is a receipt, and 410 ends it."""

    is_carried = True

    def lease(self, connector: Connector) -> timedelta:
        return timedelta(seconds=connector.timeout_seconds) + LEASE_MARGIN

    def carry(self, connector: Connector, parcel: Parcel) -> Delivered | NotDelivered:
        try:
            headers = signing.json_headers(connector.secret, message_id=parcel.message_id, body=parcel.body)
            answer = http.post(
                connector.url,
                body=parcel.body,
                headers={
                    **headers,
                    "HITL-Grant": parcel.grant,
                    **parcel.trace,
                    **dispatched_rows.headers(parcel.message_id, parcel.body),
                },
                timeout_seconds=connector.timeout_seconds,
            )
        except signing.InvalidSecret as error:
            return NotDelivered(str(error), is_final=True)
        except http.DeliveryRefused as error:
            return NotDelivered(error.reason, is_final=True)
        except http.DeliveryFailed as error:
            return NotDelivered(error.reason, is_final=not error.retryable)
        if 200 <= answer.status < 300:
            return Delivered(_receipt(answer), http_status=answer.status)
        return NotDelivered(
            f"The receiver answered {answer.status}.",
            is_final=answer.status == GONE,
            http_status=answer.status,
            after=backoff.retry_after(answer.headers, datetime.now(UTC)),
        )


def _receipt(answer: http.Answer) -> Any:
    text = answer.body.decode("utf-8", "replace").replace("\x00", "")
    try:
        # Strictly: NaN, an escaped U+0000 or deep nesting would fail later, when the action is done.
        receipt: Any = canonical.parse(answer.body)
    except InvalidJson:
        receipt = text[:RECEIPT_CHARACTERS]
    return {
        "status": answer.status,
        "answer": receipt if len(text) <= RECEIPT_CHARACTERS else text[:RECEIPT_CHARACTERS],
    }
