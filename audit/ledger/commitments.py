"""Leaves of entries, and commitments that bind them to data that may name people. PURE.

A leaf holds kind, subject, actor and time in the open, and of everything else a salted commitment. Without the salt
nobody can guess what it commits to; when data and salt are erased, the leaf and every proof of it stay.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from audit import canonical
from audit.json_faults import INTEGER_LIMIT

SALT_SIZE: Final = 16
VERSION: Final = 1
_DOMAIN: Final = b"hitl-portal/entry/v1\n"


def document(*, actor_name: str, data: Mapping[str, Any], request_id: str, trace_id: str) -> bytes:
    """Write what a leaf commits to, as canonical JSON. Raises InvalidJson."""
    return canonical.encode(
        {"actor_name": actor_name, "data": dict(data), "request_id": request_id, "trace_id": trace_id}
    )


def commit(salt: bytes, written: bytes) -> bytes:
    """Return the commitment to a written document."""
    return hashlib.sha256(_DOMAIN + salt + written).digest()


def leaf(*, kind: str, subject: str, actor: str, at: datetime, commitment: bytes) -> bytes:
    """Write the leaf of an entry, as canonical JSON."""
    return canonical.encode(
        {
            "actor": actor,
            "at": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "commitment": commitment.hex(),
            "kind": kind,
            "subject": subject,
            "v": VERSION,
        }
    )


def read_back(stored: str) -> Any:
    """Read data as the database writes it, so that `document` writes it as it did before.

    PostgreSQL writes 1e22 as a whole number, which canonical JSON would refuse.
    """
    return json.loads(stored, parse_int=_number)


def _number(literal: str) -> int | float:
    number = int(literal)
    return number if -INTEGER_LIMIT < number < INTEGER_LIMIT else float(literal)
