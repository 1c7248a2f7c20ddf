"""The rows that a dispatch names, for the holder of its claim or its grant."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from approvals.errors import LeaseLost
from approvals.models import Dispatch, DispatchStatus, Upload
from approvals.uploads import stored_rows
from policies.engine import references
from policies.models import Agent

HEADER: Final = "HITL-Rows"
"""Tells a webhook's receiver where the rows are that the body names; the grant opens them."""
TIME: Final = timedelta(minutes=15)
"""How much longer a grant is good where rows have to be fetched and written."""


def claimed_by(executor: Agent, dispatch_id: UUID, *, fence: int) -> Dispatch:
    """Return a dispatch that an executor has claimed. Raises Dispatch.DoesNotExist, or LeaseLost."""
    dispatch: Dispatch = _dispatches().get(connector__executor=executor, pk=dispatch_id)
    if dispatch.status != DispatchStatus.CLAIMED or dispatch.fence != fence:
        raise LeaseLost("Another worker has this dispatch now, or it is finished.")
    return dispatch


def granted(grant: dict[str, Any], dispatch_id: UUID) -> Dispatch:
    """Return the dispatch that a genuine grant is for. Raises Dispatch.DoesNotExist for any other."""
    dispatch: Dispatch = _dispatches().get(pk=dispatch_id)
    if grant["jti"] != str(dispatch_id) or grant["digest"] != dispatch.digest:
        raise Dispatch.DoesNotExist
    return dispatch


def _dispatches() -> Any:
    return Dispatch.objects.select_related("revision")


def upload_of(dispatch: Dispatch, member: str) -> Upload:
    """Return the rows that a dispatch names in a field, or in its only one. Raises Upload.DoesNotExist."""
    for reference in references.read_bytes(dispatch.body):
        if member in {"", reference.member} and (upload := stored_rows.named(reference)) is not None:
            return upload
    raise Upload.DoesNotExist


def stream(upload: Upload) -> Iterator[bytes]:
    """Yield the rows' bytes in constant memory; breaks off before the end where they are not those approved."""
    return stored_rows.stream(upload)


def address(dispatch_id: UUID) -> str:
    """Return where the rows of a dispatch are, for the holder of its grant."""
    return f"{settings.SITE_URL}/api/v1/dispatches/{dispatch_id}/rows/"


def time_for(body: bytes) -> timedelta:
    """Return how much longer the grant for a payload has to be good; nothing where it names no rows."""
    return TIME if references.read_bytes(body) else timedelta(0)


def headers(dispatch_id: UUID, body: bytes) -> dict[str, str]:
    """Return what a webhook's receiver is told beside a body: where its rows are, if it names any."""
    return {HEADER: address(dispatch_id)} if references.read_bytes(body) else {}
