"""The portal's own programs: what to prepare before they start, and how each is started."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils.translation import gettext as _

from approvals import sweeps
from hitlportal.embedded.base import server_in_use
from hitlportal.environment.environment import Environment
from hitlportal.health import versions
from hitlportal.processes.nursery.readiness import Probe
from hitlportal.processes.supervisor import Supervisor
from policies.models import EVERYWHERE, KillSwitch
from policies.registry import kill_switches

# Any number that all portals agree on; PostgreSQL's advisory locks have no names.
MIGRATION_LOCK = 0x48_49_54_4C
WORKER_CONCURRENCY = 8
NOTICE_CONCURRENCY = 2
LOOPBACKS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # nothing is bound here
# Web threads keep their database connection, and take it along when they idle away. Granian's most.
THREAD_IDLE_SECONDS = 600


class PortTaken(RuntimeError):
    """Another program listens where the portal is to listen."""


@contextmanager
def alone() -> Iterator[None]:
    """Keep every other portal from changing the layout of the database meanwhile, and so from starting."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])


def prepare() -> None:
    """Bring the database up to date and collect static files; the first portal to come does it.

    Raises OtherVersion, and changes nothing, if another version made the database.
    """
    with alone():
        versions.require_known()
        call_command("migrate", interactive=False, verbosity=0)
    if not settings.DEBUG:
        call_command("collectstatic", interactive=False, verbosity=0)


def hold() -> KillSwitch:
    """Let nothing ship until two people release it; call it before a worker starts."""
    return kill_switches.hold(
        scope=EVERYWHERE,
        reason=_("Started with --held, so that somebody looks first."),
        via=_("command line of %s") % socket.gethostname(),
    )


def require_free_port(environment: Environment) -> None:
    """Raise PortTaken if another program listens on the portal's port."""
    family = socket.AF_INET6 if ":" in environment.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((environment.host, environment.port))
        except OSError as error:
            raise PortTaken(
                _(
                    "Port %(port)d on %(host)s cannot be used (%(reason)s). "
                    "Stop the program that uses it, or choose another with PORT=…"
                )
                % {
                    "port": environment.port,
                    "host": environment.host,
                    "reason": error.strerror,
                }
            ) from error


PROGRAMS: Final = ("web", "worker", "shipper", "beat")
EVERYTHING: Final = ("web", "worker", "beat")
"""Here the worker ships and is beat, too, and what people are told has workers of its own (NOTICE_WORKERS)."""


def add_programs(supervisor: Supervisor, environment: Environment) -> None:
    """Register EVERYTHING with the supervisor, and the embedded PostgreSQL if there is one."""
    if server := server_in_use():
        supervisor.keep("postgres", is_alive=server.is_running, revive=server.revive)
    for name, argv in command_lines(environment):
        supervisor.add(name, argv)


def command_lines(environment: Environment, programs: Sequence[str] = EVERYTHING) -> list[tuple[str, list[str]]]:
    """Return the names and command lines of what is to run for some of PROGRAMS.

    Where they are not EVERYTHING, a worker leaves shipping to shippers, here or on another machine, and beat is a
    program and no thread of the worker.
    """
    celery = [sys.executable, "-m", "celery", "--quiet", "--app=hitlportal.celery"]
    level = f"--loglevel={environment.log_level}"
    is_everything = tuple(programs) == EVERYTHING
    notice_workers = environment.notice_workers if is_everything else 0
    work = [sweeps.WORK, *([sweeps.SHIPPING] if is_everything else []), *([] if notice_workers else [sweeps.NOTICES])]
    argvs = {
        "web": _web(environment),
        "worker": [*celery, "worker", level, *_worker(work), *(["--with-beat"] if is_everything else [])],
        "shipper": [*celery, "worker", level, *_worker([sweeps.SHIPPING]), "--hostname=shipper@%h"],
        "beat": [*celery, "beat", f"--pidfile={environment.var / 'beat.pid'}", level],
    }
    lines = [(name, argvs[name]) for name in programs if not (name == "beat" and is_everything)]
    for number in range(1, notice_workers + 1):
        name = "notices" if notice_workers == 1 else f"notices-{number}"
        options = [*_worker([sweeps.NOTICES], threads=NOTICE_CONCURRENCY), f"--hostname={name}@%h"]
        lines.append((name, [*celery, "worker", level, *options]))
    return lines


def _worker(queues: Sequence[str], *, threads: int = WORKER_CONCURRENCY) -> list[str]:
    return [
        f"--queues={','.join(queues)}",
        "--pool=threads",
        f"--concurrency={threads}",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    ]


def _web(environment: Environment) -> list[str]:
    tls: list[str] = []
    if environment.tls_certificate and environment.tls_private_key:
        tls = [
            f"--ssl-certificate={environment.tls_certificate}",
            f"--ssl-keyfile={environment.tls_private_key}",
        ]
    return [
        *(sys.executable, "-m", "granian", "--interface=wsgi"),
        f"--host={environment.host}",
        f"--port={environment.port}",
        f"--workers={environment.web_workers}",
        f"--blocking-threads={environment.web_threads}",
        f"--blocking-threads-idle-timeout={THREAD_IDLE_SECONDS}",
        f"--log-level={environment.log_level.lower()}",
        "--no-ws",
        "--respawn-failed-workers",
        "--workers-kill-timeout=10",
        *tls,
        "hitlportal.wsgi:application",
    ]


def readiness_probe(environment: Environment) -> Probe:
    """Return a question to ask again and again: does this portal's /readyz answer 200?"""
    return Probe(
        host=LOOPBACKS.get(environment.host, environment.host),
        port=environment.port,
        has_tls=environment.tls_certificate is not None,
        public_name=urlsplit(environment.site_url).netloc,
    )
