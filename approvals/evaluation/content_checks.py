"""Checks of one revision against what its surface asks for, in the payload and in the rows that it names."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from approvals.errors import InvalidProposal
from approvals.uploads import named_rows
from approvals.uploads.named_rows import NamedRows
from policies import guardrails
from policies.engine import payloads, references
from policies.engine.payloads import FieldError
from policies.engine.policy import SurfacePolicy
from policies.facts.facts import ROWS, Effect, Finding, Unread
from policies.guardrails import GuardrailPolicy


def require_fitting(
    surface: SurfacePolicy,
    payload: Any,
    rollback: Any,
    *,
    held: Sequence[GuardrailPolicy],
    agent: str,
    own: UUID | None,
) -> NamedRows:
    """Check payload and rollback against the surface, and return the rows that the payload names.

    `own` is the id of the proposal, once it is stored. Raises InvalidProposal, naming each field.
    """
    faults = _faults(surface.payload_schema, payload, at="/payload")
    if rollback is not None:
        faults += _faults(surface.payload_schema, rollback, at="/rollback")
    if faults:
        raise InvalidProposal(faults)
    rows = named_rows.look(payload, surface, held, agent=agent, own=own)
    back = named_rows.look(rollback, surface, (), agent=agent, own=own, at="/rollback")
    if faults := [*rows.faults, *back.faults]:
        raise InvalidProposal(faults)
    return rows


def _faults(schema: Mapping[str, Any], payload: Any, *, at: str) -> list[FieldError]:
    faults = payloads.errors(references.in_place(schema, payload), payload, at=at)
    may = {f"{at}/{member}" for member in references.allowed(schema)} if faults else set()
    return [_with_way_out(one) if one.code == "max_items" and one.pointer in may else one for one in faults]


def _with_way_out(fault: FieldError) -> FieldError:
    return replace(fault, detail=f"{fault.detail} Upload the rows with POST uploads/ and name them in their place.")


def reaching(rows: NamedRows, size: int | None) -> int | None:
    """Return how many people it reaches: at least one a row, where rows are named. Raises InvalidProposal for less."""
    if not rows.references:
        return size
    if size is not None and size < rows.count:
        detail = f"The payload names {rows.count:,} rows. Send that or more, or nothing."
        raise InvalidProposal([FieldError("/audience_size", "contradicts_payload", detail)])
    return rows.count if size is None else size


def unread(rows: NamedRows) -> tuple[Unread, ...]:
    """Return what conditions cannot look into: rows that are stored elsewhere than in the payload."""
    return tuple(Unread(ROWS, f"/{one.member}", f"{one.count:,}") for one in rows.references)


def findings(
    held: Sequence[GuardrailPolicy], payload: Any, beside: Mapping[str, Any], rows: NamedRows
) -> tuple[Finding, ...]:
    """Return what guardrails find in the payload, in all rows that it names and in what the agent says beside it."""
    if not rows.references:
        return tuple(map(as_fact, guardrails.run(held, payload, beside))) if held else ()
    # Without the references: what stands there are digests, and the rows have been read.
    return tuple(map(as_fact, guardrails.together(held, references.without(payload), beside, rows.findings)))


def as_fact(finding: guardrails.GuardrailFinding) -> Finding:
    """Return what a guardrail found in the form in which the policy weighs it and verdicts keep it."""
    return Finding(
        guardrail=finding.guardrail,
        effect=Effect(finding.effect.value),
        tier=finding.tier,
        text=f"{finding.text} {finding.found}".strip(),
        at=finding.pointer,
        start=finding.start,
        end=finding.end,
        excerpt=finding.excerpt,
    )
