"""`manage.py create_agent`: register an agent and show its key once."""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from policies.registry import registration, signing_secrets
from policies.registry.registration import AgentExists, Application, RegistrationRefused


class Command(BaseCommand):
    """Registers an agent with its mandates."""

    help = _("Register an agent with its mandates and print its API key once.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take name, mandates and owner."""
        parser.add_argument("name", metavar="NAME", help=_("Its slug, e.g. budget-pacer."))
        parser.add_argument(
            "--surface",
            metavar="SLUG:TIER",
            action="append",
            default=[],
            help=_("A surface and the least oversight there, e.g. ads.budget:single. Repeat it for each surface."),
        )
        parser.add_argument("--owner", metavar="USERNAME", required=True, help=_("The person who answers for it."))
        parser.add_argument("--title", default="", help=_("Its name for people, e.g. 'Budget pacer'."))
        parser.add_argument("--model", default="", help=_("The model it runs on."))
        parser.add_argument(
            "--callback-host", metavar="HOST", action="append", default=[], help=_("Where callbacks may go.")
        )
        parser.add_argument(
            "--executes",
            metavar="CONNECTOR",
            action="append",
            default=[],
            help=_("Make a pull connector of this name whose work the agent fetches."),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Register it, and show what is never shown again."""
        application = Application(
            slug=options["name"],
            name=options["title"],
            model=options["model"],
            owner=_person(options["owner"]),
            mandates=_mandates(options["surface"]),
            callback_hosts=options["callback_host"],
            callback_secret=signing_secrets.new(),
            executes=options["executes"],
        )
        try:
            registered = registration.register(application, by=None)
        except AgentExists as problem:
            advice = _("Change its mandates, or give it another key, in the admin under Agents.")
            raise CommandError(f"{problem} {advice}") from problem
        except RegistrationRefused as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(_("Agent %s is registered. What follows is shown once; keep it now.") % application.slug)
        self.stdout.write(f"key              {registered.key.text}")
        self.stdout.write(f"callback secret  {application.callback_secret}")


def _person(username: str) -> User:
    person = User.objects.filter(username=username, is_active=True).first()
    if person is None:
        raise CommandError(_("There is no active user %s. Make one with manage.py createsuperuser.") % username)
    return person


def _mandates(words: Iterable[str]) -> dict[str, str]:
    mandates: dict[str, str] = {}
    for word in words:
        surface, colon, tier = word.partition(":")
        if not (surface and colon and tier):
            raise CommandError(_("--surface %s: say SURFACE:TIER, e.g. ads.budget:single.") % word)
        if surface in mandates:
            raise CommandError(_("--surface %s: this surface is named twice.") % word)
        mandates[surface] = tier
    return mandates
