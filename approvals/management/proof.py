"""Proof of who works at the command line: as at a signature, with password and second factor."""

import getpass
import sys

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from approvals.people import signature
from policies.accounts import second_factor


def person(username: str) -> User:
    """Return an active user by name. Raises CommandError."""
    account = User.objects.filter(username=username, is_active=True).first()
    if account is None:
        raise CommandError(_("There is no active user %s.") % username)
    return account


def prove(who: User) -> None:
    """Ask for the password, and for the second factor where there is one. Raises ProposalError.

    COMMAND_PASSWORD and COMMAND_CODE answer where they are set; else a terminal does, or the lines that are piped in.
    """
    if second_factor.is_required("publish") and not second_factor.is_enrolled(who):
        raise CommandError(_("This needs a second factor. Set one up under “Account” in the portal, then do it again."))
    password = settings.COMMAND_PASSWORD or _secret(_("Password of %s: ") % who.username)
    code = ""
    if second_factor.is_enrolled(who):
        code = settings.COMMAND_CODE or _secret(_("Code from the app: "))
    signature.sign(who, password, code=code)


def _secret(prompt: str) -> str:
    """Ask without an echo; where nobody sits at a terminal, read a line."""
    return getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
