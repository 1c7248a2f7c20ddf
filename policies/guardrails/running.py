"""Run guardrails over a payload, and over what its agent says beside it. PURE."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final

from policies.guardrails.guardrail import GuardrailFinding, GuardrailPolicy
from policies.guardrails.kinds.registry import GuardrailKind
from policies.guardrails.text.paths import BESIDE, texts
from policies.guardrails.text.reading import Reading, Spot

MOST_FINDINGS: Final = 20
"""So many findings of one guardrail are told; one more says how many there are besides."""
MOST_COUNTED: Final = 1000
MOST_TEXTS: Final = 10_000
"""So many texts of a payload are read; that there are more is a finding of every guardrail concerned."""


READ_ALL: Final = frozenset({GuardrailKind.HIDDEN_UNICODE, GuardrailKind.CONFUSABLES, GuardrailKind.PROMPT_INJECTION})
"""Without paths these read the agent's own texts too: what deceives a reviewer is no better outside the payload."""


def for_surface(guardrails: Iterable[GuardrailPolicy], surface: str) -> tuple[GuardrailPolicy, ...]:
    """Return the guardrails that hold on a surface."""
    return tuple(guardrail for guardrail in guardrails if guardrail.covers(surface))


def checklist(guardrails: Iterable[GuardrailPolicy]) -> tuple[GuardrailPolicy, ...]:
    """Return those that a reviewer must tick before approving."""
    return tuple(guardrail for guardrail in guardrails if guardrail.kind is GuardrailKind.CHECKLIST)


def run(guardrails: Iterable[GuardrailPolicy], payload: Any, beside: Any = None) -> tuple[GuardrailFinding, ...]:
    """Return what the guardrails find in `payload`, in their order and then in that of the payload.

    `beside` are the texts that the agent sends with it: its title, its case, its names.
    The same guardrails and payload give the same findings. Cost: linear in the payload for each
    guardrail, and a bounded number of findings.
    """
    kept: dict[str, Reading] = {}
    findings: list[GuardrailFinding] = []
    for guardrail in guardrails:
        if guardrail.kind is not GuardrailKind.CHECKLIST:
            findings += _findings(guardrail, payload, beside, kept)
    return tuple(findings)


def reads_beside(guardrail: GuardrailPolicy) -> bool:
    """Whether a guardrail reads what the agent says beside the payload."""
    return guardrail.kind in READ_ALL or any(path.startswith(BESIDE) for path in guardrail.paths)


def _findings(
    guardrail: GuardrailPolicy, payload: Any, beside: Any, kept: dict[str, Reading]
) -> Iterable[GuardrailFinding]:
    readings: list[Reading] = []
    chosen = texts(payload, guardrail.paths, beside if reads_beside(guardrail) else None)
    for pointer, text in islice(chosen, MOST_TEXTS):
        readings.append(kept.setdefault(pointer, Reading(pointer, text)))
    if left := next(chosen, None):
        yield _finding(guardrail, Spot(Reading(*left), 0, 0, f"Only the first {MOST_TEXTS} texts were checked."))
    spots = list(islice(guardrail.check(readings), MOST_COUNTED))
    distinct = _distinct(spots, readings)
    for spot in distinct[:MOST_FINDINGS]:
        yield _finding(guardrail, spot)
    if len(distinct) > MOST_FINDINGS:
        at_least = "at least " if len(spots) == MOST_COUNTED else ""
        yield _finding(guardrail, _and_more(distinct[MOST_FINDINGS], at_least, len(distinct) - MOST_FINDINGS))


def _and_more(spot: Spot, at_least: str, count: int) -> Spot:
    return spot._replace(end=spot.start, found=f"And {at_least}{count} more.", excerpt="")


def _distinct(spots: Sequence[Spot], readings: Sequence[Reading]) -> list[Spot]:
    """Put spots in order; of those that say the same of overlapping places keep the first."""
    order = {id(reading): number for number, reading in enumerate(readings)}
    ordered = sorted(spots, key=lambda spot: (order.get(id(spot.reading), -1), spot.start, -spot.end))
    ends: dict[tuple[int, str], int] = {}
    distinct = []
    for spot in ordered:
        key = (id(spot.reading), spot.found)
        if key in ends and spot.start < ends[key]:
            ends[key] = max(ends[key], spot.end)
            continue
        ends[key] = spot.end
        distinct.append(spot)
    return distinct


def _finding(guardrail: GuardrailPolicy, spot: Spot) -> GuardrailFinding:
    start, end = spot.start, spot.end
    return GuardrailFinding(
        guardrail=guardrail.slug,
        effect=guardrail.effect,
        tier=guardrail.tier,
        pointer=spot.reading.pointer,
        start=start,
        end=end,
        excerpt=spot.reading.excerpt(start, end) if spot.excerpt is None else spot.excerpt,
        text=guardrail.text,
        found=spot.found,
    )
