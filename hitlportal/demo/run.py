"""Runs the demo: the whole portal, an executor and agents, in a state folder apart from everything else."""

from __future__ import annotations

import fcntl
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Final
from urllib.parse import quote

from django.utils.translation import gettext as _

from audit.clock import database_now
from hitlportal.demo import fresh, stage
from hitlportal.demo.memory import Folder, Memory
from hitlportal.demo.post import Post
from hitlportal.demo.rehearsal import Rehearsal, Step
from hitlportal.environment.environment import Environment
from hitlportal.processes import portal
from hitlportal.processes.nursery.nursery import Nursery
from hitlportal.processes.supervisor import Supervisor

HOLD: Final = timedelta(seconds=20)
UNDO: Final = timedelta(seconds=10)
REHEARSAL_HOLD: Final = timedelta(seconds=8)
REHEARSAL_UNDO: Final = timedelta(seconds=3)
POST_SECONDS: Final = 0.5
READY_SECONDS: Final = 60
# A rehearsal is over within a minute of its start, unless the machine was slow to set it up.
MINUTE_SECONDS: Final = 55.0
LEAST_REHEARSAL_SECONDS: Final = 45.0
PORTS_TO_TRY: Final = 20
# The demo is a trial on this machine. What the environment says about a real portal must not reach it.
SETTINGS: Final = (
    "AGENT_RATE_PER_MINUTE", "ALLOWED_HOSTS", "COMMAND_CODE", "COMMAND_PASSWORD", "DATABASE_URL", "DEBUG",
    "DEFAULT_FROM_EMAIL", "DJANGO_SETTINGS_MODULE", "EMAIL_URL", "EMBEDDED_DATABASE", "GRANT_RETIRED_KEYS",
    "GRANT_SIGNING_KEY", "HOST", "LEDGER_RETIRED_KEYS", "LEDGER_SIGNING_KEY", "LLM_API_KEY", "LLM_BASE_URL",
    "LLM_MODEL", "METRICS_TOKEN", "NOTICE_WORKERS", "OIDC_CLIENT_ID",
    "OIDC_CLIENT_SECRET", "OIDC_GROUPS_CLAIM", "OIDC_GROUP_MAP", "OIDC_ISSUER", "OIDC_NAME",
    "OIDC_UNMAPPED", "OUTBOUND_ALLOWED_NETWORKS", "PORT", "REDIS_URL", "REQUIRE_SECOND_FACTOR", "SECRET_KEY",
    "SECRET_KEY_FALLBACKS", "SITE_URL", "SLACK_API_URL", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET",
    "TLS_CERTIFICATE", "TLS_PRIVATE_KEY", "TRUST_X_FORWARDED_PROTO", "UPLOAD_MAX_BYTES", "UPLOAD_MAX_ROWS",
    "VAR_DIR", "WEB_THREADS", "WEB_WORKERS",
)  # fmt: skip


class DemoRuns(RuntimeError):
    """Another demo uses the same state folder."""


def environment(var: Path, port: int, present: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a demo whose state is in `var`: `present` without any portal's settings."""
    dropped = {*SETTINGS, *(f"{name}_FILE" for name in SETTINGS)}
    return {
        **{name: value for name, value in present.items() if name not in dropped},
        "DEBUG": "true",
        # E-mail comes to nobody: each is a file, and the demo tells of it.
        "EMAIL_URL": f"filemail:///{quote(str(Folder(var.absolute()).mail))}",
        "LOG_LEVEL": present.get("LOG_LEVEL") or "WARNING",
        "OUTBOUND_ALLOWED_NETWORKS": "127.0.0.1/32",
        "PORT": str(port),
        "VAR_DIR": str(var),
        # One process with many threads starts sooner than two, and serves a demo as well.
        "WEB_THREADS": "32",
        "WEB_WORKERS": "1",
    }


def free_port(wanted: int) -> int:
    """Return `wanted`, or the next port after it that nobody uses. Raises PortTaken if there is none near."""
    for port in range(wanted, min(wanted + PORTS_TO_TRY, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise portal.PortTaken(_("No port from %d on is free. Choose another with PORT=…") % wanted)


@dataclass
class Demo:
    """One run. `tell(name, line)` receives what the agents, the executor and the demo itself have to say."""

    environment: Environment
    supervisor: Supervisor
    nursery: Nursery
    memory: Memory
    folder: Folder
    is_rehearsal: bool
    tell: Callable[[str, str], None]

    @classmethod
    def make(cls, environment: Environment, *, is_rehearsal: bool, tell: Callable[[str, str], None]) -> Demo:
        """Open the state folder and its log. Raises DemoRuns if another demo is there."""
        folder = Folder(environment.var)
        folder.path.mkdir(parents=True, exist_ok=True)
        _lock(folder.path / "demo.lock")
        log = folder.log.open("a", encoding="utf-8")
        nursery = Nursery()
        supervisor = Supervisor(_sorter(log, tell), nursery=nursery)
        return cls(environment, supervisor, nursery, folder.load(), folder, is_rehearsal, tell)

    @property
    def hold(self) -> timedelta:
        return REHEARSAL_HOLD if self.is_rehearsal else HOLD

    @property
    def undo(self) -> timedelta:
        return REHEARSAL_UNDO if self.is_rehearsal else UNDO

    def make_room(self, *, agrees: Callable[[str], bool]) -> None:
        """Start afresh in a folder of another version, if a person agrees. Raises OtherVersion if not."""
        fresh.make_room(self.folder, agrees=agrees)
        self.memory = self.folder.load()

    def start(self) -> None:
        """Migrate, set the stage, start everything, and return when the portal is ready."""
        portal.require_free_port(self.environment)
        self.nursery.start()
        portal.prepare()
        self.memory.portal = self.environment.site_url
        self.memory.executor_port = free_port(self.environment.port + 1)
        self.memory.is_rehearsal = self.is_rehearsal
        self.hold_in_force = stage.prepare(self.memory, hold=self.hold, undo=self.undo)
        self.folder.save(self.memory)
        portal.add_programs(self.supervisor, self.environment)
        for name in ("executor", "agents"):
            self.supervisor.add(name, [sys.executable, "-m", f"hitlportal.demo.{name}", str(self.folder.path)])
        self.supervisor.start()
        threading.Thread(target=self._tell_of_mail, name="post", daemon=True).start()
        self.supervisor.wait_ready(portal.readiness_probe(self.environment), timeout_seconds=READY_SECONDS)

    def rehearse(self) -> tuple[bool, list[Step]]:
        """Let the robot go through everything; return whether all went well, and its steps."""
        until = max(self._began + MINUTE_SECONDS, time.monotonic() + LEAST_REHEARSAL_SECONDS)
        rehearsal = Rehearsal(self.memory, self.folder, mails=self.post.mails, since=self._since, until=until)
        return rehearsal.run(), rehearsal.steps

    def _tell_of_mail(self) -> None:
        while not self.supervisor.is_stopping:
            for mail in self.post.read():
                for line in mail.lines():
                    self.tell("mail", line)
            time.sleep(POST_SECONDS)

    def __post_init__(self) -> None:
        self.post = Post(self.folder.mail)
        self._began = time.monotonic()
        self._since = database_now()
        self.hold_in_force = self.hold


def _sorter(log: IO[str], tell: Callable[[str, str], None]) -> Callable[[str, str], None]:
    """Return what sorts the programs' lines: agents and executor for the reader, the rest into the log."""
    lock = threading.Lock()

    def emit(name: str, line: str) -> None:
        if name in {"agents", "executor"}:
            tell(name, line)
            return
        with lock:
            log.write(f"{name:>7} | {line}\n")
            log.flush()

    return emit


def _lock(path: Path) -> None:
    """Hold a lock on `path` until this process ends. Raises DemoRuns if another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DemoRuns(_("A demo runs already, with its state in %s. Stop it first.") % path.parent) from error
