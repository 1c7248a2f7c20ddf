"""`manage.py serve`: the whole portal as one command."""

from __future__ import annotations

import os
import signal
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from hitlportal.embedded.base import server_in_use
from hitlportal.embedded.server import EmbeddedPostgresFailed
from hitlportal.health.versions import OtherVersion
from hitlportal.processes import portal
from hitlportal.processes.nursery import serving
from hitlportal.processes.nursery.nursery import Nursery

# One process shares nothing with others; web is several.
ALONE = (("worker",), ("shipper",), ("beat",))


class Command(BaseCommand):
    """Runs web, workers and beat until Ctrl-C or SIGTERM."""

    help = _("Run the portal: web, workers and beat.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whether anything may ship."""
        parser.add_argument(
            "--held",
            action="store_true",
            help=_("Engage the kill switch for everything before anything starts, as after a restore."),
        )
        parser.add_argument(
            "--only",
            action="append",
            choices=portal.PROGRAMS,
            help=_(
                "Run this program alone, and the others elsewhere. Several: --only web --only beat. "
                "Web, worker and beat together are the whole portal, as without --only: then the worker ships too."
            ),
        )

    def handle(self, *args: Any, held: bool, only: list[str] | None, **options: Any) -> None:
        """Prepare, then become the supervisor, which needs no Django: it starts, tells when ready, stops cleanly."""
        programs = tuple(name for name in portal.PROGRAMS if name in only) if only else portal.EVERYTHING
        environment, terminal, nursery = settings.ENVIRONMENT, serving.Terminal(), Nursery()
        asked_to_stop: list[int] = []
        for number in serving.STOPS:
            signal.signal(number, lambda number, _frame: asked_to_stop.append(number))
        if os.geteuid() == 0 and not settings.DEBUG:
            terminal.emit("portal", _("The portal runs as root; give it a user of its own"))
        try:
            if "web" in programs:
                portal.require_free_port(environment)
            if programs not in ALONE:
                nursery.start()
            portal.prepare()
            if held:
                switch = portal.hold()
                terminal.emit("portal", _("Held: nothing ships until people release it (%s)") % switch.reason)
            # From here on they wait for the supervisor: one that came after the question would be heard by nobody.
            signal.pthread_sigmask(signal.SIG_BLOCK, serving.STOPS)
            if not asked_to_stop:
                serving.become(self.plan(programs, nursery))
        except (portal.PortTaken, EmbeddedPostgresFailed, OtherVersion) as problem:
            raise CommandError(str(problem)) from problem
        finally:
            nursery.stop()
        terminal.emit("portal", _("HITL Portal has stopped"))

    @staticmethod
    def plan(programs: Sequence[str], nursery: Nursery) -> serving.Plan:
        """Return what the supervisor is to do."""
        environment = settings.ENVIRONMENT
        is_web, server = "web" in programs, server_in_use()
        ready = _("HITL Portal is ready at %s/admin/") % environment.site_url
        return serving.Plan(
            programs=portal.command_lines(environment, programs),
            ready=ready if is_web else _("Runs: %s") % ", ".join(programs),
            stopped=_("HITL Portal has stopped"),
            probe=asdict(portal.readiness_probe(environment)) if is_web else None,
            postgres=server.hand_over() if server else None,
            nursery=nursery.hand_over(),
        )
