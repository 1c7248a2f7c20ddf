"""`manage.py bootstrap`: roles, tiers and sample surfaces."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _

from policies.registry import bootstrap, signing_secrets
from policies.registry.bootstrap import Line, SampleInvalid


class Command(BaseCommand):
    """Makes what a new portal needs; run again, it changes nothing."""

    help = _("Make roles, tiers and sample surfaces, and publish the first policy. What is there is never changed.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the address of a receiver, if the sample surfaces are to ship."""
        parser.add_argument(
            "--connector",
            metavar="URL",
            default="",
            help=_("Also make a webhook connector to this address for the sample surfaces that have none."),
        )

    def handle(self, *args: Any, connector: str, **options: Any) -> None:
        """Make it and tell what was made and what was kept."""
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError(_("The database is not up to date. Run manage.py migrate first."))
        secret = signing_secrets.new() if connector else ""
        try:
            done = bootstrap.bootstrap(connector_url=connector, connector_secret=secret)
        except SampleInvalid as problem:
            raise CommandError(str(problem)) from problem
        for line in done.lines:
            self.stdout.write(f"{_told(line):<15} {line.thing} {line.name}")
        if any(line.thing == "connector" and line.is_made for line in done.lines):
            self.stdout.write(_("The connector signs with %s (shown once; keep it).") % secret)
        self.stdout.write(_("Policy version %s is in force.") % done.version.number)
        if done.is_draft:
            self.stdout.write(_("The tables say something else: publish it in the admin, under Policies."))


def _told(line: Line) -> str:
    if line.is_made:
        return _("made")
    return _("kept as changed") if line.differs else _("kept")
