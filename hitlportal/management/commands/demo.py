"""`manage.py demo`: the portal to try, with sample people, agents and an executor."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from argparse import SUPPRESS, ArgumentParser
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from hitlportal.demo import run as demo_run
from hitlportal.demo import stage
from hitlportal.demo.rehearsal import Step
from hitlportal.demo.run import Demo
from hitlportal.embedded.server import EmbeddedPostgresFailed
from hitlportal.health.versions import OtherVersion
from hitlportal.processes import portal
from hitlportal.processes.supervisor import ChildrenFailed

FOLDER = "demo"
COLOURS = {"agents": 36, "executor": 32, "demo": 33, "mail": 35}


class Command(BaseCommand):
    """Runs the demo until Ctrl-C; with --check, once and without a person."""

    help = _("Try the portal with sample people, agents and an executor. Ctrl-C stops everything.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whether a person is there."""
        parser.add_argument(
            "--check",
            action="store_true",
            help=_("Without a person: approve, wait for the receipts, check, exit 0 or 1."),
        )
        parser.add_argument("--apart", action="store_true", help=SUPPRESS)

    def handle(self, *args: Any, check: bool, apart: bool, **options: Any) -> None:
        """Go into an environment of the demo's own, and run there."""
        self._lock = threading.Lock()
        self._began = time.monotonic()
        try:
            if not apart:
                self._go_apart(check=check)
            self._run(check=check)
        except (portal.PortTaken, demo_run.DemoRuns, ChildrenFailed, EmbeddedPostgresFailed, OtherVersion) as problem:
            raise CommandError(str(problem)) from problem

    def _go_apart(self, *, check: bool) -> None:
        """Become the same command in the demo's own environment, state folder and database."""
        wanted = settings.ENVIRONMENT.port
        port = demo_run.free_port(wanted)
        if port != wanted:
            self.emit(
                "demo", _("Port %(wanted)d is taken, so the demo is on %(port)d") % {"wanted": wanted, "port": port}
            )
        command = [
            sys.executable,
            str(settings.BASE_DIR / "manage.py"),
            "demo",
            "--apart",
            *(["--check"] if check else []),
        ]
        sys.stdout.flush()
        os.chdir(settings.BASE_DIR)
        os.execve(sys.executable, command, demo_run.environment(settings.VAR_DIR / FOLDER, port, os.environ))  # noqa: S606

    def _run(self, *, check: bool) -> None:
        self.emit("demo", _("Setting up in %s; the first time takes half a minute") % settings.VAR_DIR)
        run = Demo.make(settings.ENVIRONMENT, is_rehearsal=check, tell=self.emit)
        run.make_room(agrees=partial(self._agrees, check=check))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: run.supervisor.request_stop())
        is_good = True
        try:
            run.start()
            if check:
                is_good = self._check(run)
            elif not run.supervisor.is_stopping:
                self._welcome(run)
                run.supervisor.wait()
        finally:
            run.supervisor.stop()
        self.emit("demo", _("The demo has stopped"))
        if not is_good:
            sys.exit(1)

    def _agrees(self, question: str, *, check: bool) -> bool:
        """Ask a person; without one, a check agrees by itself and anything else does not."""
        if check:
            self.emit("demo", _("Another version left a demo here; it is deleted, and this one starts afresh"))
            return True
        if not sys.stdin.isatty():
            return False
        return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}

    def _check(self, run: Demo) -> bool:
        is_good, steps = run.rehearse()
        for step in steps:
            self._tell(step)
        seconds = time.monotonic() - self._began
        verdict = (
            _("Everything went as it should") if is_good else _("Something is wrong; the log is %s") % run.folder.log
        )
        self.emit("demo", f"{verdict} ({seconds:.0f} s)")
        return is_good

    def _tell(self, step: Step) -> None:
        self.stdout.write(f"  {_('ok') if step.is_ok else _('FAILED'):<7} {step.name:<43} {step.seen}")

    def _welcome(self, run: Demo) -> None:
        passwords = run.memory.passwords
        lines = [
            "",
            _("HITL Portal is ready: %s/") % run.memory.portal,
            "",
            *(
                f"  {username:<11} {passwords[username]:<16} {what}"
                for username, what in (
                    (stage.MANAGER, _("decides: approves, edits, rejects, stops")),
                    (stage.PRODUCT, _("signs prices, as the manager may")),
                    (stage.FINANCE, _("signs prices too; each needs both")),
                    (stage.LEGAL, _("signs e-mails to many people, and who is excluded from them")),
                    (stage.EXECUTIVE, _("is called when they do not answer; agrees to a looser policy")),
                    (stage.COMPLIANCE, _("sees everything, changes nothing")),
                    (stage.ADMIN, _("owns the agents, sets the policy")),
                )
            ),
            "",
            _("What to do first"),
            _("  1. Sign in as manager. “Move $4,000 from Search to Social” is on your desk."),
            _("     Read what would change and why, then press A. It ships ten seconds later, unless you undo it."),
            _("  2. A new headline for an ad ships automatically. Here its hold is %d seconds, not half an hour:")
            % run.hold_in_force.total_seconds(),
            _("     open it and choose Undo in time, and it needs your decision instead."),
            _("  3. “Lower the starter plan” needs your signature: a reason and your password."),
            _("     Finance has to sign too. Do it as finance; or wait, and three minutes after it was proposed"),
            _("     the Executive is called by e-mail and may sign in Finance's place. E-mails are printed here."),
            _("  4. One proposal is blocked: its agent has no mandate on that surface. Its page says so."),
            "",
            _("Agents keep proposing. Ctrl-C stops everything; the next demo continues where this one stopped."),
            _("Logins are kept in %(memory)s, whole e-mails in %(mail)s; the log is %(log)s.")
            % {"memory": run.folder.memory, "mail": run.folder.mail, "log": run.folder.log},
            "",
        ]
        with self._lock:
            self.stdout.write("\n".join(lines))

    def emit(self, name: str, line: str) -> None:
        """Print one line of one program, under its name."""
        label = f"{name:>8} |"
        if self.stdout.isatty() and "NO_COLOR" not in os.environ:
            label = f"\x1b[{COLOURS.get(name, 31)}m{label}\x1b[0m"
        with self._lock:
            self.stdout.write(f"{label} {line}")
            self.stdout.flush()
