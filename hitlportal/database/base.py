"""Django's PostgreSQL engine with fewer trips to the server: none to ask whether it is there, and none for BEGIN."""

from __future__ import annotations

import select
from typing import Any

from django.db.backends.postgresql import base
from psycopg import ClientCursor
from psycopg.pq import ConnStatus, TransactionStatus

_Wrapper: Any = base.DatabaseWrapper  # the stubs know psycopg 2's, and not what lies below
_Cursor: Any = base.Cursor
_ServerSideCursor: Any = base.ServerSideCursor


class DatabaseWrapper(_Wrapper):  # type: ignore[misc]
    """A connection that is looked at instead of asked, and whose transactions begin with their first statement.

    psycopg stays in autocommit, so that it sends no BEGIN by itself; COMMIT and ROLLBACK are its own.
    """

    begins_along = False
    """Whether BEGIN goes along. Where an isolation level is set, or parameters travel apart, psycopg sends it."""

    def get_connection_params(self) -> dict[str, Any]:
        """Return how to connect, with cursors that begin transactions."""
        params: dict[str, Any] = super().get_connection_params()
        has_level = "isolation_level" in self.settings_dict["OPTIONS"]
        self.begins_along = params["cursor_factory"] is base.Cursor and not has_level
        if self.begins_along:
            params["cursor_factory"] = BeginningCursor
        return params

    def is_usable(self) -> bool:
        """Tell whether the server still holds the connection: it has said nothing since. In doubt, ask it."""
        if self.connection is None:
            return False
        link = self.connection.pgconn
        if link.status == ConnStatus.OK and link.transaction_status == TransactionStatus.IDLE:
            poll = select.poll()
            poll.register(link.socket, select.POLLIN | select.POLLPRI)
            if not poll.poll(0):
                return True
        return bool(super().is_usable())

    def create_cursor(self, name: str | None = None) -> Any:
        """Return a cursor. A named one lives as long as its transaction, where there is one."""
        if name is None or not self.begins_along or self.autocommit:
            return super().create_cursor(name)
        begin(self.connection)
        return _ServerSideCursor(self.connection, name=name, scrollable=False, withhold=False)

    def _start_transaction_under_autocommit(self) -> None:
        # Django calls this where a transaction has to be begun by hand, and then logs no BEGIN.
        self._set_autocommit(autocommit=False)

    def _set_autocommit(self, autocommit: bool) -> None:
        if not self.begins_along:
            super()._set_autocommit(autocommit)
            return
        if not self.connection.autocommit:
            super()._set_autocommit(True)
        self.connection.begins_along = not autocommit

    def _commit(self) -> None:
        # Nothing was begun, or the last statement came with its own COMMIT.
        if self.connection is None or not is_due(self.connection):
            super()._commit()


class BeginningCursor(_Cursor):  # type: ignore[misc]
    """Sends a BEGIN that is due in one message with the first statement."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        """Run `query`, after a BEGIN that is due."""
        if not isinstance(query, str):
            begin(self.connection)
        if not is_due(self.connection):
            return super().execute(query, params, **options)
        super().execute(f"BEGIN;{query}", params, **options)
        self.nextset()
        return self

    def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
        """Run `query` many times, after a BEGIN that is due."""
        begin(self.connection)
        super().executemany(query, params_seq, **options)

    def copy(self, statement: Any, params: Any = None, **options: Any) -> Any:
        """Copy rows, after a BEGIN that is due."""
        begin(self.connection)
        return super().copy(statement, params, **options)


def is_due(connection: Any) -> bool:
    """Tell whether the next statement has to begin a transaction.

    psycopg is asked, nothing is remembered: a message that PostgreSQL could not read has begun nothing.
    """
    is_along = getattr(connection, "begins_along", False)
    return is_along and connection.pgconn.transaction_status == TransactionStatus.IDLE


def begin(connection: Any) -> None:
    """Begin a transaction that is due, in a trip of its own."""
    if is_due(connection):
        ClientCursor(connection).execute("BEGIN")
