"""Outcomes of the policy, and their reasons. PURE."""

from enum import StrEnum
from typing import Any, NamedTuple


class PolicyOutcome(StrEnum):
    ALLOW = "allow"
    REQUIRE_APPROVAL = "require_approval"
    DENY = "deny"


class Reason(NamedTuple):
    """One contribution to a verdict. `tier` is None where the outcome is deny."""

    source: str
    id: str
    tier: str | None
    outcome: PolicyOutcome
    text: str
    is_deciding: bool = False


class Weighed(NamedTuple):
    """A reason and what it weighs: its tier, None to deny; a reason that is only told weighs nothing."""

    tier: Any
    reason: Reason
    is_only_told: bool = False


def weighed(source: str, identifier: str, tier: Any, text: str) -> Weighed:
    """Return a reason for `tier` (a TierPolicy), or for denying where it is None."""
    if tier is None:
        return Weighed(None, Reason(source, identifier, None, PolicyOutcome.DENY, text))
    outcome = PolicyOutcome.ALLOW if tier.is_automatic else PolicyOutcome.REQUIRE_APPROVAL
    return Weighed(tier, Reason(source, identifier, tier.slug, outcome, text))


def only_told(source: str, identifier: str, text: str) -> Weighed:
    """Return a reason that changes nothing; it takes on the outcome that the others lead to."""
    return Weighed(None, Reason(source, identifier, None, PolicyOutcome.DENY, text), is_only_told=True)
