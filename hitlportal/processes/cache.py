"""The cache in PostgreSQL, with an `add` that only one can win."""

from __future__ import annotations

import base64
import pickle
from datetime import UTC, datetime
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import connections, router
from django.utils import timezone


class PortalCache(DatabaseCache):
    """Django's, whose `add` reads and then writes: of two that find an expired row, both would win.

    Sign-in limits take their lock with `add`, so here it is one statement.
    """

    def add(self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Store `value` unless there is one that has not expired; return whether it was stored."""
        name = self.make_and_validate_key(key, version=version)
        until = self.get_backend_timeout(timeout)
        expires = datetime.max.replace(tzinfo=UTC) if until is None else datetime.fromtimestamp(until, tz=UTC)
        stored = base64.b64encode(pickle.dumps(value, self.pickle_protocol)).decode("ascii")
        database = connections[router.db_for_write(self.cache_model_class)]
        table = database.ops.quote_name(self._table)  # type: ignore[attr-defined]  # missing in the stubs
        with database.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} AS kept (cache_key, value, expires) VALUES (%s, %s, %s) "  # noqa: S608  # our own table
                "ON CONFLICT (cache_key) DO UPDATE SET value = EXCLUDED.value, expires = EXCLUDED.expires "
                "WHERE kept.expires < %s",
                [name, stored, expires.replace(microsecond=0), timezone.now()],
            )
            return bool(cursor.rowcount)

    def forget_expired(self, *, most: int) -> int:
        """Delete up to `most` rows that have expired; return how many. Rows that another one holds are skipped."""
        database = connections[router.db_for_write(self.cache_model_class)]
        table = database.ops.quote_name(self._table)  # type: ignore[attr-defined]  # missing in the stubs
        with database.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {table} WHERE cache_key IN (SELECT cache_key FROM {table} "  # noqa: S608  # our own table
                "WHERE expires < %s LIMIT %s FOR UPDATE SKIP LOCKED)",
                [timezone.now(), most],
            )
            return int(cursor.rowcount)
