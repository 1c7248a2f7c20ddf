"""`manage.py restore`: a backup in place of the database, with the kill switch engaged."""

import socket
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils.translation import gettext as _

from hitlportal.processes import backups
from hitlportal.processes.backups import Archive, BackupRefused


class Command(BaseCommand):
    """Replaces everything, or nothing. Nothing ships afterwards until two people release the kill switch."""

    help = _("Put a backup in place of the database, all or nothing, and engage the kill switch.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file, and whether somebody is there to ask."""
        parser.add_argument("file", metavar="FILE", type=Path, help=_("What manage.py backup, or pg_dump -Fc, wrote."))
        parser.add_argument("--no-input", action="store_false", dest="asks", help=_("Do not ask before overwriting."))

    def handle(self, *args: Any, file: Path, asks: bool, **options: Any) -> None:
        """Ask, restore, and say what to do next."""
        try:
            archive = backups.read(file.absolute())
            backups.require_stopped()
            if asks and not backups.is_empty():
                self._ask(archive)
            switch = backups.restore(file.absolute(), archive, via=_("restore on %s") % socket.gethostname())
        except BackupRefused as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(_("Restored: the backup of %s. The database is up to date.") % archive.made_at)
        self.stdout.write(
            _("The kill switch is engaged: nothing ships until two people release it (%s)") % switch.reason
        )
        self.stdout.write(_("Now run manage.py check_invariants; docs/operations.md says what comes next."))

    def _ask(self, archive: Archive) -> None:
        name = connection.settings_dict["NAME"]
        self.stdout.write(
            _("Everything in the database %(name)s is replaced by the backup of %(made_at)s.")
            % {"name": name, "made_at": archive.made_at}
        )
        try:
            answer = input(_("Type the name of the database to go on: "))
        except EOFError:
            answer = ""
        if answer.strip() != name:
            raise CommandError(_("Nothing was changed. Type the name, or say --no-input where nobody can."))
