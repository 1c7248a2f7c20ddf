"""Run guardrails over rows that stream by, and over the payload that names them. PURE.

What a guardrail finds in the rows is the same as if they all stood in the payload, within the bound of findings.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from policies.guardrails import running
from policies.guardrails.guardrail import GuardrailFinding, GuardrailPolicy
from policies.guardrails.kinds.registry import GuardrailKind
from policies.guardrails.text.paths import texts

AT_A_TIME: Final = 200
"""So many rows are read together. A text more than that many times MOST_TEXTS is told, as in a payload."""

Stored = dict[str, Any]
"""What one guardrail found in the rows, as JSON values: `has_texts`, `findings`, `more`, `missing`."""


class RowFindings:
    """Collects what guardrails find in rows, a few at a time; memory does not grow with the rows."""

    def __init__(self, guardrails: Iterable[GuardrailPolicy], member: str) -> None:
        self._guardrails = [one for one in guardrails if one.kind is not GuardrailKind.CHECKLIST]
        self._member = member
        self._found: dict[str, Stored] = {one.slug: _nothing() for one in self._guardrails}

    def add(self, first: int, rows: Sequence[Any]) -> None:
        """Read rows of which `first` (from 0) is the number of the first."""
        # By number and not as a list, so that a finding names the row in the whole.
        part = {self._member: {str(number): row for number, row in enumerate(rows, start=first)}}
        reading = [one for one in self._guardrails if _reads(one, part)]
        findings = running.run(reading, part)
        for guardrail in reading:
            _add(self._found[guardrail.slug], guardrail, [one for one in findings if one.guardrail == guardrail.slug])

    def result(self) -> dict[str, Stored]:
        """Return what was found, by guardrail."""
        return self._found


def together(
    guardrails: Iterable[GuardrailPolicy], payload: Any, beside: Any, parts: Sequence[Mapping[str, Stored]]
) -> tuple[GuardrailFinding, ...]:
    """Return what guardrails find in `payload`, in the texts `beside` it and in the rows that it names.

    `parts` is what RowFindings found, of the very guardrails, for each reference.
    """
    findings: list[GuardrailFinding] = []
    for guardrail in guardrails:
        if guardrail.kind is not GuardrailKind.CHECKLIST:
            findings += _joined(guardrail, payload, beside, [part[guardrail.slug] for part in parts])
    return tuple(findings)


def _nothing() -> Stored:
    return {"has_texts": False, "findings": [], "more": 0, "missing": None}


def _is_of_all(guardrail: GuardrailPolicy) -> bool:
    """Whether something has to be in any of the texts, rather than in each."""
    return not getattr(guardrail.check, "is_each", True)


def _reads(guardrail: GuardrailPolicy, part: Any, beside: Any = None) -> bool:
    """Whether a guardrail reads any text here. What it wants in a text must not be missed where it reads none."""
    heard = beside if running.reads_beside(guardrail) else None
    return next(texts(part, guardrail.paths, heard), None) is not None


def _add(stored: Stored, guardrail: GuardrailPolicy, findings: Sequence[GuardrailFinding]) -> None:
    if _is_of_all(guardrail):
        missing = [one.found for one in findings]
        before = stored["missing"] if stored["has_texts"] else missing
        stored["missing"] = [text for text in before if text in missing]
    else:
        room = running.MOST_FINDINGS - len(stored["findings"])
        stored["findings"] += [_as_stored(one) for one in islice(findings, room)]
        stored["more"] += max(0, len(findings) - room)
    stored["has_texts"] = True


def _joined(
    guardrail: GuardrailPolicy, payload: Any, beside: Any, parts: Sequence[Stored]
) -> Iterable[GuardrailFinding]:
    with_texts = [part for part in parts if part["has_texts"]]
    if not with_texts:
        yield from running.run([guardrail], payload, beside)
        return
    own = running.run([guardrail], payload, beside) if _reads(guardrail, payload, beside) else ()
    if _is_of_all(guardrail):
        yield from _missing_everywhere(guardrail, own, with_texts, is_read=_reads(guardrail, payload, beside))
        return
    yield from own
    for part in with_texts:
        yield from (_finding(guardrail, row) for row in part["findings"])
        if part["more"]:
            last = _finding(guardrail, part["findings"][-1])
            yield replace(last, end=last.start, excerpt="", found=f"And at least {part['more']} more.")


def _missing_everywhere(
    guardrail: GuardrailPolicy, own: Sequence[GuardrailFinding], parts: Sequence[Stored], *, is_read: bool
) -> Iterable[GuardrailFinding]:
    missing = [set(part["missing"]) for part in parts]
    if is_read:
        missing.append({one.found for one in own})
    for phrase in sorted(set.intersection(*missing)):
        yield _finding(guardrail, {"pointer": "", "start": 0, "end": 0, "excerpt": "", "found": phrase})


def _as_stored(one: GuardrailFinding) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("pointer", "start", "end", "excerpt", "found")}


def _finding(guardrail: GuardrailPolicy, row: Mapping[str, Any]) -> GuardrailFinding:
    return GuardrailFinding(
        guardrail=guardrail.slug, effect=guardrail.effect, tier=guardrail.tier, text=guardrail.text, **row
    )
