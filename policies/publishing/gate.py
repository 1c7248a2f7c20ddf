"""The gate between judging and changing what is judged by.

Judging, deciding and claiming share the gate until the commit. Changing what a verdict rests on (the
version in force, an agent's status, its mandates) closes it first, before any row is locked: so nothing is judged
by what has just been replaced, and of every claim it is certain which version was in force.
"""

from typing import Final

from django.db import connection

GATE: Final = 0x48495402
"""The number of an advisory lock; it only has to be the same everywhere."""

SHARE: Final = f"SELECT pg_advisory_xact_lock_shared({GATE})"
"""A statement of its own: a statement sees the database as it was when it began, not when its lock was granted."""


def close_gate() -> None:
    """Wait until nobody is being judged, and let nobody be judged until this transaction ends.

    Never call it where another transaction could hold the gate and wait for a row that this one has locked.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [GATE])
