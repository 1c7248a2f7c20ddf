"""Shapes and keys that several sections of a policy file share. PURE."""

from typing import Final

from policies.policy_files.format.keyed import Key
from policies.policy_files.format.quantities import Currency
from policies.policy_files.format.shapes import Choice, Flag, ListOf, Number, Text

SLUG: Final = Text(
    80,
    1,
    r"^[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)*$",
    "Use small letters, digits, hyphens and underscores, in parts separated by dots.",
)
NAME: Final = Text(120, 1)
NAMES: Final = ListOf(NAME)
OUTCOMES: Final = Choice(
    ("allow", "require_approval", "deny"),
    {
        "approve": "allow", "pass": "allow", "permit": "allow", "accept": "allow",
        "block": "deny", "reject": "deny", "refuse": "deny", "forbid": "deny",
        "review": "require_approval", "ask": "require_approval", "approval": "require_approval",
        "human": "require_approval", "escalate": "require_approval",
    },
)  # fmt: skip
EFFECTS: Final = Choice(("flag", "tier", "deny"), {"block": "deny", "reject": "deny", "warn": "flag", "raise": "tier"})
SHARE: Final = Number(0, 1)
COUNT: Final = Number(1, 32_767, is_whole=True)
COUNT_OR_NONE: Final = Number(0, 32_767, is_whole=True)
POINTER: Final = Text(200, 0, r"^(/.*)?$", "A JSON Pointer begins with a slash, for example /amount.")
CURRENCY: Final = Currency()
ENABLED: Final = Key("enabled", Flag(), "Whether it counts.", default=True, field="is_enabled")
ID: Final = Key("id", SLUG, "What it is called. It cannot be renamed.", field="slug")
