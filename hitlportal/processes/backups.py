"""Backups of the database: made and restored by PostgreSQL's own programs, of a version that fits the server."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils.translation import gettext as _
from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo

from hitlportal.embedded import placement
from hitlportal.processes import portal
from policies.models import KillSwitch
from policies.registry import kill_switches

SYSTEM_FOLDERS: Final = Path("/usr/lib/postgresql")
# Who was signed in, and what is counted for a while: neither belongs into a backup, and sessions open doors.
LEFT_OUT: Final = ("django_session", "usersessions_usersession", "portal_cache")
# From this version on pg_restore writes a setting that older servers do not know.
KNOWS_TRANSACTION_TIMEOUT: Final = 17
NEW_SCHEMA: Final = """
DROP SCHEMA public CASCADE;
CREATE SCHEMA public AUTHORIZATION pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC;
"""


class BackupRefused(RuntimeError):
    """It cannot be backed up, or restored, like this; the message says why, and nothing was changed."""


@dataclass(frozen=True, slots=True)
class Client:
    """PostgreSQL's client programs of one major version, and the folder they are in."""

    major: int
    folder: Path


@dataclass(frozen=True, slots=True)
class Archive:
    """What a backup says of itself: by which version it was made, and of which server."""

    made_at: str
    server: int
    client: int


def clients() -> list[Client]:
    """Return the client programs of this machine, one of each version, the newest first."""
    folders = [placement.packaged_binaries(), *sorted(SYSTEM_FOLDERS.glob("*/bin"))]
    folders += [Path(part) for part in os.get_exec_path() if part]
    by_major: dict[int, Client] = {}
    for folder in folders:
        with suppress(OSError, ValueError, subprocess.CalledProcessError):
            version = subprocess.run([str(folder / "pg_dump"), "--version"], check=True, capture_output=True, text=True)
            major = _major(version.stdout.partition(")")[2])
            by_major.setdefault(major, Client(major, folder))
    return [by_major[major] for major in sorted(by_major, reverse=True)]


def to_dump(known: Sequence[Client], *, server: int) -> Client:
    """Return the programs that read a server of this version: its own, or else the next newer. Raises BackupRefused."""
    fitting = [client for client in known if client.major >= server]
    if not fitting:
        raise BackupRefused(
            _("The server is PostgreSQL %(server)d, and pg_dump here is of version %(here)s: an older one cannot read "
              "it. Install the client of version %(server)d (Debian: postgresql-client-%(server)d).")
            % {"server": server, "here": _versions(known)}
        )  # fmt: skip
    return min(fitting, key=lambda client: client.major)


def to_restore(known: Sequence[Client], archive: Archive, *, server: int) -> Client:
    """Return the programs that read `archive` and write to a server of this version. Raises BackupRefused."""
    if archive.server > server:
        raise BackupRefused(
            _("The backup was made of PostgreSQL %(then)d, and this server is older: version %(server)d. Restore into "
              "version %(then)d or newer.") % {"then": archive.server, "server": server}
        )  # fmt: skip
    fitting = [
        client
        for client in known
        if client.major >= archive.client and (client.major < KNOWS_TRANSACTION_TIMEOUT or client.major <= server)
    ]
    if not fitting:
        raise BackupRefused(
            _("Restoring this backup into PostgreSQL %(server)d needs pg_restore of version %(client)d to %(server)d; "
              "here is %(here)s. Install the client of version %(server)d (Debian: postgresql-client-%(server)d).")
            % {"server": server, "client": archive.client, "here": _versions(known)}
        )  # fmt: skip
    return max(fitting, key=lambda client: client.major)


def dump(file: Path) -> Client:
    """Write a backup of the database to a new file that only its owner reads. The portal may run meanwhile."""
    client = to_dump(clients(), server=server_version())
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    if file.exists():
        raise BackupRefused(_("%s exists already. Choose another name.") % file)
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BackupRefused(f"{file}: {error.strerror}.") from error
    left_out = [f"--exclude-table-data=public.{table}" for table in LEFT_OUT]
    try:
        # Not by its standard output: it goes back to the beginning at the end, to say where each table is.
        with _database() as database:
            _run(client, "pg_dump", "--format=custom", *left_out, *database, f"--file={draft}")
        os.fsync(descriptor)
        os.link(draft, file)  # unlike a rename it never replaces a file that came meanwhile
    except FileExistsError as error:
        raise BackupRefused(_("%s exists already. Choose another name.") % file) from error
    finally:
        os.close(descriptor)
        draft.unlink()
    return client


def read(file: Path) -> Archive:
    """Return what a backup says of itself. Raises BackupRefused where it is none, or newer than all programs here."""
    if not file.is_file():
        raise BackupRefused(_("There is no file %s.") % file)
    known = clients()
    head = _run(known[0], "pg_restore", "--list", str(file)).decode("utf-8", "replace")
    says = dict(re.findall(r"^; +(.+?): (.+)$", head.replace("Archive created at", "Made at:"), re.MULTILINE))
    return Archive(
        made_at=says["Made at"].strip(),
        server=_major(says["Dumped from database version"]),
        client=_major(says["Dumped by pg_dump version"]),
    )


def restore(file: Path, archive: Archive, *, via: str) -> KillSwitch:
    """Put the backup in place of the whole database, all or nothing, and let nothing ship from it.

    The kill switch is engaged before anybody else can see the restored rows, and the database is brought up to
    date. A portal that starts meanwhile waits. Raises BackupRefused; then the database is as it was.
    """
    client = to_restore(clients(), archive, server=server_version())
    with portal.alone():
        require_stopped()
        settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("wb", dir=settings.VAR_DIR, prefix="restore-", suffix=".sql") as script:
            script.write(NEW_SCHEMA.encode())
            script.flush()
            _run(client, "pg_restore", "--no-owner", "--no-privileges", "--file=-", str(file), stdout=script)
            script.seek(0, os.SEEK_END)
            script.write(kill_switches.ENGAGE_RESTORED.encode())
            script.flush()
            words = [f"--set={name}={value}" for name, value in {"via": via, "reason": _reason(archive)}.items()]
            options = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", *words]
            with _database() as database:
                _run(client, "psql", *options, "--output=/dev/null", f"--file={script.name}", *database)
        call_command("migrate", interactive=False, verbosity=0)
        return kill_switches.record_restored(via=via)


def _reason(archive: Archive) -> str:
    return _("Restored from the backup of %s. Compare first with what the receivers know.") % archive.made_at


def server_version() -> int:
    """Return the major version of the server."""
    connection.ensure_connection()
    return int(connection.connection.info.server_version // 10000)


def is_empty() -> bool:
    """Whether nothing is lost by a restore."""
    return not connection.introspection.table_names()


def require_stopped() -> None:
    """Raise BackupRefused while anybody else is connected to the database, as every part of the portal is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND usesysid IS NOT NULL"
        )
        (others,) = cursor.fetchone()
    if others:
        raise BackupRefused(
            _("The portal is running, or somebody else uses the database (%d connections). Stop web, worker and beat "
              "on every machine first. Nothing was changed.") % others
        )  # fmt: skip


@contextmanager
def _database() -> Iterator[list[str]]:
    """Tell PostgreSQL's programs how to reach the database; the password in a file, which no list of programs shows."""
    known = {option.keyword.decode() for option in Conninfo.get_defaults()} - {"password"}
    params = connection.get_connection_params()
    wanted = {name: value for name, value in params.items() if name in known}
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as secret:
        if password := params.get("password"):
            secret.write("*:*:*:*:" + re.sub(r"([:\\])", r"\\\1", str(password)) + "\n")
            secret.flush()
            wanted["passfile"] = secret.name
        yield ["--no-password", f"--dbname={make_conninfo(**wanted)}"]


def _run(client: Client, program: str, *arguments: str, stdout: Any = subprocess.PIPE) -> bytes:
    """Run one of PostgreSQL's programs. Raises BackupRefused with what it said."""
    finished = subprocess.run(
        [str(client.folder / program), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
    )
    if finished.returncode:
        message = finished.stderr.decode("utf-8", "replace").strip()
        raise BackupRefused(
            _("%(program)s of version %(version)d failed, and nothing was changed: %(said)s")
            % {"program": program, "version": client.major, "said": message[-2000:]}
        )
    return finished.stdout or b""


def _major(text: str) -> int:
    match = re.search(r"\d+", text)
    if match is None:
        raise ValueError(text)
    return int(match.group())


def _versions(known: Iterable[Client]) -> str:
    return ", ".join(str(client.major) for client in known) or _("not installed")
