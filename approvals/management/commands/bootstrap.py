"""`manage.py bootstrap`: roles, tiers, sample surfaces and the starter policy."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _

from policies.publishing import drafts
from policies.registry import bootstrap, signing_secrets
from policies.registry.bootstrap import SampleInvalid
from policies.registry.starter import Line

MOST: Final = 10.0**15
"""No amount reaches it."""


class Command(BaseCommand):
    """Makes what a new portal needs; run again, it changes nothing."""

    help = _("Make roles, tiers, sample surfaces and a starter policy, and publish the first. What is there is kept.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the address of a receiver, if the sample surfaces are to ship."""
        parser.add_argument(
            "--connector",
            metavar="URL",
            default="",
            help=_("Also make a webhook connector to this address for the sample surfaces that have none."),
        )

        parser.add_argument(
            "--weekly-budget",
            metavar="AMOUNT",
            type=_amount,
            default=None,
            help=_("What the ads budget surface may spend in a week, in its currency, where that is made now."),
        )

        parser.add_argument(
            "--without-starter-policy",
            action="store_true",
            help=_("Make no rules, limits, requirements and tests for the sample surfaces."),
        )

    def handle(self, *args: Any, connector: str, weekly_budget: float | None, **options: Any) -> None:
        """Make it and tell what was made and what was kept."""
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError(_("The database is not up to date. Run manage.py migrate first."))
        secret = signing_secrets.new() if connector else ""
        try:
            done = bootstrap.bootstrap(
                connector_url=connector,
                connector_secret=secret,
                weekly_budget=weekly_budget,
                with_starter=not options["without_starter_policy"],
            )
        except SampleInvalid as problem:
            raise CommandError(str(problem)) from problem
        for line in done.lines:
            sentence = f"{_told(line):<15} {line.thing} {line.name}"
            self.stdout.write(f"{sentence} ({line.left_out})" if line.left_out else sentence)
        if any(line.thing == "connector" and line.is_made for line in done.lines):
            self.stdout.write(_("The connector signs with %s (shown once; keep it).") % secret)
        self.stdout.write(_("Policy version %s is in force.") % done.version.number)
        if done.is_draft:
            self.stdout.write(_("The tables say something else: publish it in the admin, under Policies."))
        self._tell_notes()

    def _tell_notes(self) -> None:
        """Tell what more waits for people than has to; while nobody holds any role, one sentence says so."""
        notes = drafts.pending().warnings
        if not any(drafts.members().values()):
            notes = tuple(note for note in notes if note.field == "params")
            self.stdout.write(
                _("Note: nobody holds a role yet. Make people in the admin, under Users, and give them their roles.")
            )
        for note in notes:
            self.stdout.write(_("Note: {thing} {id}: {text}").format(thing=note.thing, id=note.id, text=note.text))


def _amount(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = 0
    if not 0 < amount < MOST:
        raise ArgumentTypeError(_("This must be an amount above 0, such as 40000."))
    return int(amount) if amount == int(amount) else amount


def _told(line: Line) -> str:
    if line.is_made:
        return _("made")
    if line.left_out:
        return _("left out")
    return _("kept as changed") if line.differs else _("kept")
