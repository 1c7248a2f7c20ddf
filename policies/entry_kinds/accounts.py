"""Kinds of entries about accounts and roles: what they may do, and what they prove themselves with."""

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from audit.kinds.kind import Kind, Shapes
from audit.kinds.shapes import COUNT, FLAG, ID, TEXT, TEXTS, WORD

_AGREED: Final[Shapes] = {"loosening": ID}
# An account, a role, or nothing where it is gone.
_STANDING: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"roles": TEXTS, "permissions": TEXTS, "is_active": FLAG, "is_staff": FLAG, "is_superuser": FLAG},
    "additionalProperties": False,
}
_BOTH: Final[Shapes] = {"before": _STANDING, "after": _STANDING}

KINDS: Final = (
    Kind("role.made", _("The portal made a role that comes with it."), {"permissions": TEXTS}),
    Kind("account.roles_changed", _("What an account may do has changed, whichever way it was done."), _BOTH),
    Kind("role.permissions_changed", _("What a role may do has changed, whichever way it was done."), _BOTH),
    Kind("portal.second_person", _("There are two people now who can agree to what loosens the policy.")),
    Kind("user.rights_given", _("Two people gave an account more rights."), {"given": TEXTS, **_AGREED}),
    Kind("group.rights_given", _("Two people gave a role more rights."), {"given": TEXTS, **_AGREED}),
    Kind(
        "tuning.given",
        _("Two people let a role tune a surface."),
        {"surface": WORD, "name": TEXT, **_AGREED},
    ),
    Kind("tuning.taken_away", _("A role tunes a surface no longer."), {"surface": WORD, "name": TEXT}),
    Kind("user.sessions_ended", _("Sessions of an account were ended."), {"sessions": COUNT}),
    Kind("user.second_factor_added", _("An account got a second factor."), {"kind": WORD}),
    Kind("user.second_factor_removed", _("A second factor of an account was removed."), {"kind": WORD}),
    Kind("user.second_factor_locked", _("Somebody entered too many wrong codes for an account.")),
)
