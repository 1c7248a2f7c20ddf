"""Kinds of ledger entries about signing in."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from audit.kinds.kind import Kind
from audit.kinds.shapes import TEXTS, WORD

KINDS: Final = (
    Kind("user.signed_in", _("Somebody signed in; the data say by which proofs."), {"with": TEXTS}),
    Kind("user.sign_in_failed", _("Somebody entered a wrong password for an account.")),
    Kind("user.sign_in_locked", _("Somebody failed too often to sign in to an account; at most once an hour.")),
    Kind("user.identity_connected", _("An account can be signed in to by the identity provider."), {"issuer": WORD}),
    Kind("user.identity_disconnected", _("The identity provider signs in to an account no longer."), {"issuer": WORD}),
    Kind(
        "user.roles_changed",
        _("The groups that the identity provider names gave an account other roles."),
        {"by": WORD, "added": TEXTS, "removed": TEXTS},
    ),
)
