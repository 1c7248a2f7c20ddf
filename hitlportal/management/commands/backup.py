"""`manage.py backup`: the whole database as one file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from hitlportal.processes import backups
from hitlportal.processes.backups import BackupRefused


class Command(BaseCommand):
    """Changes nothing, and may run while the portal works."""

    help = _("Write the database to a file, as pg_dump does; the portal may run meanwhile.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take where to."""
        parser.add_argument("file", metavar="FILE", type=Path, help=_("A new file; only you may read it."))

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        """Write it, and say what is not in it."""
        try:
            client = backups.dump(file.absolute())
        except BackupRefused as problem:
            raise CommandError(str(problem)) from problem
        facts = {"file": file, "size": f"{file.stat().st_size:,}", "version": client.major}
        self.stdout.write(_("%(file)s: %(size)s bytes, by pg_dump %(version)s.") % facts)
        self.stdout.write(_("Keep SECRET_KEY and the two signing keys too, but in another place: they are not in it."))
