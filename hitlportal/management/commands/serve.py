"""`manage.py serve`: the whole portal as one command."""

from __future__ import annotations

import os
import signal
import threading
import zlib
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from hitlportal.embedded.server import EmbeddedPostgresFailed
from hitlportal.health.versions import OtherVersion
from hitlportal.processes import portal
from hitlportal.processes.supervisor import ChildrenFailed, Supervisor

READY_SECONDS = 60
COLOURS = {"web": 32, "worker": 36, "beat": 35, "portal": 33}


class Command(BaseCommand):
    """Runs web, worker and beat until Ctrl-C or SIGTERM."""

    help = _("Run the portal: web, worker and beat.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whether anything may ship."""
        parser.add_argument(
            "--held",
            action="store_true",
            help=_("Engage the kill switch for everything before anything starts, as after a restore."),
        )

    def handle(self, *args: Any, held: bool, **options: Any) -> None:
        """Prepare, start, tell when ready, and stop cleanly."""
        environment = settings.ENVIRONMENT
        self._lock = threading.Lock()
        supervisor = Supervisor(self.emit)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: supervisor.request_stop())
        if os.geteuid() == 0 and not settings.DEBUG:
            self.emit("portal", _("The portal runs as root; give it a user of its own"))
        try:
            portal.require_free_port(environment)
            portal.prepare()
            if held:
                switch = portal.hold()
                self.emit("portal", _("Held: nothing ships until people release it (%s)") % switch.reason)
            portal.add_programs(supervisor, environment)
            supervisor.start()
            supervisor.wait_ready(portal.readiness_probe(environment), timeout_seconds=READY_SECONDS)
            if not supervisor.is_stopping:
                self.emit("portal", _("HITL Portal is ready at %s/admin/") % environment.site_url)
            supervisor.wait()
        except (portal.PortTaken, ChildrenFailed, EmbeddedPostgresFailed, OtherVersion) as problem:
            raise CommandError(str(problem)) from problem
        finally:
            supervisor.stop()
        self.emit("portal", _("HITL Portal has stopped"))

    def emit(self, name: str, line: str) -> None:
        """Print one line of one program, under its name."""
        label = f"{name:>7} |"
        if self.stdout.isatty() and "NO_COLOR" not in os.environ:
            label = f"\x1b[{COLOURS.get(name, 31 + zlib.crc32(name.encode()) % 6)}m{label}\x1b[0m"
        with self._lock:
            self.stdout.write(f"{label} {line}")
            self.stdout.flush()
