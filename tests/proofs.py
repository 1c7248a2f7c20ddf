"""Prove the invariants after whatever a test did."""

from approvals import invariants


def breaches() -> dict[str, str]:
    """Return the first breach of each broken invariant, by its code."""
    return {result.code: result.breach.text for result in invariants.check() if result.breach is not None}


def assert_invariants_hold() -> None:
    broken = {result.code: result.breach for result in invariants.check() if result.breach is not None}
    assert not broken, broken
