"""Kinds of entries about rows that people add, change and delete on the admin's pages."""

from collections.abc import Collection
from typing import Final

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from audit.kinds.kind import Kind, Shapes
from audit.kinds.shapes import FLAG, TEXT, TEXTS, WORD

# Django's own account of a change, which names fields and no values; or a sentence.
_CHANGES: Final[Shapes] = {"changes": {"type": "array", "items": {"type": ["object", "string"]}}}
_NOTHING: Final[Shapes] = {}
_WORDS: Final = {
    "added": _("{what} was added on an admin page."),
    "changed": _("{what} was changed on an admin page: which fields."),
    "deleted": _("{what} was deleted on an admin page."),
}
_KEPT: Final = ("added", "changed")
"""What happens to rows to which the history refers."""


def of_table(
    model: str,
    what: str | Promise,
    *,
    acts: Collection[str] = tuple(_WORDS),
    data: Shapes = _NOTHING,
    otherwise: Shapes = _NOTHING,
) -> list[Kind]:
    """Return the kinds of what may happen to rows of a model; `otherwise` is how else such a row may be added."""
    return [
        Kind(
            f"{model}.{act}",
            format_lazy(_WORDS[act], what=what),
            {**_CHANGES, **data},
            otherwise=otherwise if act == "added" else _NOTHING,
        )
        for act in acts
    ]


_PERSON: Final[Shapes] = {
    "roles": TEXTS,
    "permissions": TEXTS,
    "is_active": FLAG,
    "is_staff": FLAG,
    "is_superuser": FLAG,
}

KINDS: Final = (
    *of_table("agent", _("An agent"), acts=_KEPT),
    *of_table("calendar", _("A business calendar")),
    *of_table("connector", _("A connector"), acts=_KEPT),
    *of_table("escalation", _("A step of an escalation")),
    *of_table("guardrail", _("A guardrail")),
    *of_table("limit", _("A limit")),
    *of_table("policytest", _("A test of the policy")),
    *of_table("requirement", _("A requirement for approval")),
    *of_table("rule", _("A rule")),
    *of_table("surface", _("A surface"), acts=_KEPT),
    *of_table("tier", _("A tier"), acts=_KEPT),
    # Who signs in through the identity provider for the first time is added by that.
    *of_table("user", _("An account"), data=_PERSON, otherwise={"by": WORD}),
    *of_table("group", _("A role"), data={"name": TEXT, "permissions": TEXTS}),
)
