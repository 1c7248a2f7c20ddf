"""`manage.py make_signing_key`: a new key for grants."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from approvals.shipping import grants
from hitlportal.environment.environment import new_signing_key


class Command(BaseCommand):
    """Makes an Ed25519 key; the key goes to stdout alone, so that it can go straight into a file."""

    help = _("Print a new Ed25519 key for signing grants, and its key id.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the key to stdout, and what to do with it to stderr."""
        pem = new_signing_key()
        self.stdout.write(pem.strip())
        self.stderr.write(_("kid %s") % grants.key_id(pem))
        self.stderr.write(
            _("Put the key into GRANT_SIGNING_KEY, and the public half of the one it replaces into GRANT_RETIRED_KEYS.")
        )
