"""Faults that a ledger may have. PURE."""

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """How the ledger differs from what was recorded and signed."""

    CHANGED = "changed"
    MISSING = "missing"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    WRONG_SIGNATURE = "wrong signature"
    FORK = "fork"


@dataclass(frozen=True, slots=True)
class Fault:
    """The first fault: of which kind, from which index on, and in words."""

    kind: FaultKind
    index: int
    text: str

    def __str__(self) -> str:
        return f"{self.kind} at index {self.index}: {self.text}"


class FaultFound(Exception):
    """Verification has come to a fault and goes no further."""

    def __init__(self, kind: FaultKind, index: int, text: str) -> None:
        super().__init__(text)
        self.fault = Fault(kind, index, text)
