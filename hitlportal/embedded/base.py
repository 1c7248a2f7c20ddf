"""Django's PostgreSQL engine, which starts the embedded server before the first connection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db import connection

from hitlportal.database import base
from hitlportal.embedded.server import EmbeddedPostgres

ENGINE = "hitlportal.embedded"
_servers: dict[Path, EmbeddedPostgres] = {}


class EmbeddedDatabaseWrapper(base.DatabaseWrapper):
    """A connection to the embedded PostgreSQL whose folder is `settings_dict["FOLDER"]`."""

    def get_connection_params(self) -> dict[str, Any]:
        """Start the server if no process has, and return how to reach it."""
        folder = Path(self.settings_dict["FOLDER"])
        server = _servers.setdefault(folder, EmbeddedPostgres(folder))
        self.settings_dict["HOST"] = str(server.ensure_running())
        return dict(super().get_connection_params())


DatabaseWrapper = EmbeddedDatabaseWrapper  # the name by which Django finds it


def server_in_use() -> EmbeddedPostgres | None:
    """Return the server behind the default database, which runs by then; None if the database is another one."""
    wanted = connection.settings_dict
    if wanted["ENGINE"] != ENGINE:
        return None
    connection.ensure_connection()
    return _servers[Path(wanted["FOLDER"])]
