"""`manage.py kill_switch`: stop shipping at once, see what is stopped, and let it go on, as two people."""

import socket
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from approvals.errors import ProposalError
from approvals.management import proof
from policies.models import EVERYWHERE, KillSwitch, Loosening
from policies.publishing import loosenings
from policies.publishing.loosenings import LooseningRefused
from policies.registry import agreement, kill_switches
from policies.registry.kill_switches import SwitchRefused

ENGAGE = "policies.engage_killswitch"


class Command(BaseCommand):
    """Engaging asks nobody; releasing takes two people, each of whom proves who they are."""

    help = _("Stop shipping (engage), see what is stopped (status), or let it go on (release), which takes two people.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the three subcommands with what each needs."""
        parsers = parser.add_subparsers(dest="subcommand", required=True)
        engage = parsers.add_parser("engage", help=_("Stop shipping at once."))
        engage.add_argument("--reason", required=True, help=_("Why, in a few words. Everybody sees them."))
        engage.add_argument("--as", dest="person", metavar="USERNAME", default="", help=_("Who stops it."))
        release = parsers.add_parser("release", help=_("Ask for a release, or agree to what another person asked."))
        release.add_argument("--as", dest="person", metavar="USERNAME", required=True, help=_("Who you are."))
        release.add_argument("--note", default="", help=_("Why, for the person who is to agree."))
        for one in (engage, release):
            where = one.add_mutually_exclusive_group()
            where.add_argument("--surface", metavar="SLUG", default="", help=_("Only this surface."))
            where.add_argument("--agent", metavar="SLUG", default="", help=_("Only this agent."))
        parsers.add_parser("status", help=_("Say what is stopped, since when, by whom and why."))

    def handle(self, *args: Any, subcommand: str, **options: Any) -> None:
        """Run the subcommand. What is refused changes nothing, and the exit code is 1."""
        try:
            getattr(self, f"_{subcommand}")(**options)
        except (SwitchRefused, LooseningRefused, ProposalError) as refusal:
            raise CommandError(str(refusal)) from refusal
        except KillSwitch.DoesNotExist as error:
            raise CommandError(_("There is no such surface or agent.")) from error

    def _engage(self, *, reason: str, person: str, **options: Any) -> None:
        by = proof.person(person) if person else None
        if by is not None:
            loosenings.require(by, ENGAGE)
        scope = _scope(options)
        kill_switches.engage(scope=scope, by=by, reason=reason, via=_("command line of %s") % socket.gethostname())
        self.stdout.write(_("Stopped: %s. Nothing there ships until it is released.") % scope)

    def _release(self, *, person: str, note: str, **options: Any) -> None:
        by, scope = proof.person(person), _scope(options)
        switch = KillSwitch.objects.get(scope=scope)
        loosening = kill_switches.waiting_release(switch)
        loosenings.require(
            by, kill_switches.RELEASE if loosening is None or loosening.asked_by_id == by.pk else loosenings.AGREE
        )
        proof.prove(by)
        if loosening is None or loosening.asked_by_id == by.pk:
            kill_switches.ask_release(scope=scope, by=by, note=note)
            address = f"{settings.SITE_URL}/admin/policies/publish/"
            self.stdout.write(_("Asked. %(scope)s ships again once a second person has agreed, by this command or at "
                                "%(address)s") % {"scope": scope, "address": address})  # fmt: skip
            return
        agreed = agreement.agree(loosening_id=loosening.pk, by=by)
        if agreed.status != Loosening.Status.DONE:
            raise CommandError(_("It is not the same any more, so nothing was released. Look again with status."))
        self.stdout.write(_("Released: %s ships again.") % scope)

    def _status(self, **options: Any) -> None:
        engaged = kill_switches.engaged()
        for switch in engaged:
            since = f"{switch.engaged_at:%Y-%m-%d %H:%M:%S} UTC"
            self.stdout.write(f"{switch.scope}  {since}  {switch.engaged_by_name}: {switch.reason}")
            if loosening := kill_switches.waiting_release(switch):
                self.stdout.write(
                    _("  %s has asked for the release; a second person has to agree.") % loosening.asked_by_name
                )
        if not engaged:
            self.stdout.write(_("No kill switch is engaged."))


def _scope(options: dict[str, Any]) -> str:
    if options["surface"]:
        return f"surface:{options['surface']}"
    return f"agent:{options['agent']}" if options["agent"] else EVERYWHERE
