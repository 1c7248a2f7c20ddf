"""Costs of some work in the database: round trips, commits, bytes of write-ahead log."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection
from django.test.utils import CaptureQueriesContext


@dataclass
class Costs:
    """Counts what goes on inside `counted`, and says how much that is for each of so many."""

    round_trips: int = 0
    commits: int = 0
    wal_bytes: int = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count what this process asks; the log grows by what everybody writes, so let nobody else write."""
        began = _written()
        with _log_of_any_length(), CaptureQueriesContext(connection) as captured:
            yield
            asked = [query["sql"] for query in captured.captured_queries]
        self.round_trips += len(asked)
        self.commits += sum(sql.endswith("COMMIT") for sql in asked)
        self.wal_bytes += _written() - began

    def each(self, number: int) -> dict[str, float]:
        """Return the figures of one of `number`."""
        return {
            "round_trips": round(self.round_trips / number, 1),
            "commits": round(self.commits / number, 1),
            "wal_bytes": round(self.wal_bytes / number),
        }


@contextmanager
def _log_of_any_length() -> Iterator[None]:
    """Let Django remember more than the last 9,000 statements."""
    log = connection.queries_log
    connection.queries_log = type(log)(maxlen=None)
    try:
        yield
    finally:
        connection.queries_log = log


def _written() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        return int(cursor.fetchone()[0])
