"""Checks of each row and of its texts against what a surface asks, in a stream."""

from collections.abc import Mapping, Sequence
from typing import Any

from approvals.uploads.lines import line_fault
from audit import canonical
from audit.canonical import JsonValue
from policies import guardrails
from policies.engine import payloads
from policies.engine.payloads import MAX_ERRORS, FieldError
from policies.engine.references import ByReference
from policies.guardrails import GuardrailPolicy, RowFindings


class RowChecks:
    """Checks rows by the surface's schema and its guardrails. Memory does not grow with the rows.

    Raises SchemaInvalid when it is made, where the schema of one row cannot be used on its own.
    """

    def __init__(self, by: ByReference, held: Sequence[GuardrailPolicy]) -> None:
        self.faults: list[FieldError] = []
        self._checker = payloads.validator(by.items)
        self._findings = RowFindings(held, by.member)

    def add(self, first: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Check rows of which `first`, counted from 0, is the number of the first."""
        for number, row in enumerate(rows, start=first):
            if not self._checker.is_valid(row) and len(self.faults) < MAX_ERRORS:
                self.faults += [line_fault(number, one) for one in payloads.faults(self._checker, row)]
        self._findings.add(first, rows)

    def findings(self) -> dict[str, dict[str, Any]]:
        """Return what the guardrails have found so far, by guardrail."""
        return self._findings.result()


def digest(by: ByReference, held: Sequence[GuardrailPolicy]) -> str:
    """Name a set of checks: rows found right by the same checks are right again."""
    parts: list[JsonValue] = [
        {"slug": one.slug, "kind": one.kind.value, "paths": list(one.paths), "config": dict(one.config)}
        for one in held
        if one.kind is not guardrails.GuardrailKind.CHECKLIST
    ]
    return canonical.digest(canonical.encode({"member": by.member, "items": dict(by.items), "guardrails": parts}))
