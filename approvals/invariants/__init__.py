"""The invariants of the house, proved on the live database. Adding a step to a proposal's life adds it here."""

from collections.abc import Iterator

from approvals.invariants.history import LEDGER, LEGAL
from approvals.invariants.in_force import IN_FORCE
from approvals.invariants.kept import NOTHING_LOST
from approvals.invariants.people import PEOPLE
from approvals.invariants.shipped import APPROVED_ONLY, ONCE
from approvals.invariants.timers import TIMERS
from approvals.invariants.totals import TOTALS
from audit import invariants
from audit.invariants import Breach, Result

__all__ = ["INVARIANTS", "Breach", "Result", "check"]

INVARIANTS = (APPROVED_ONLY, ONCE, NOTHING_LOST, LEDGER, LEGAL, TIMERS, PEOPLE, TOTALS, IN_FORCE)


def check() -> Iterator[Result]:
    """Prove every invariant on one snapshot of the database, one after the other."""
    return invariants.check(INVARIANTS)
