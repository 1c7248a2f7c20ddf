"""Compare two policy documents, thing by thing. PURE."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from policies.comparison.change import LOOSER, NEUTRAL, Change
from policies.comparison.checks import compare_guardrails, compare_limits, compare_tests
from policies.comparison.requirements import Requirements, compare_requirements, may_lift
from policies.comparison.rules import Rules
from policies.comparison.surfaces import compare_surfaces
from policies.comparison.tiers import Ladder, compare_tiers
from policies.comparison.timing import compare_calendars, compare_escalations, escalation_name

Document = Mapping[str, Any]
_OUT_OF_ORDER = "the tiers are not in order, so nothing can be proved"
_OTHER_PEOPLE = "a stricter tier asks other people there (%s), so a stricter tier is not proved to be stricter"


def compare(old: Document | None, new: Document) -> tuple[Change, ...]:
    """Return what `new` changes, in a fixed order, one table after the other.

    Each change is judged by itself, and so that no set of changes of which none is LOOSER ever gives a
    milder verdict, a shorter hold or fewer approvals on any facts. What cannot be proved counts as LOOSER.
    Without an old document nothing could pass at all; so a first one loosens nothing, by definition.
    """
    if old is None:
        return tuple(_first(new))
    changes = tuple(_compared(old, new))
    if not all(Ladder(document["tiers"]).is_in_order() for document in (old, new)):
        return tuple(_unproved(change, _OUT_OF_ORDER) for change in changes)
    shrinking = Requirements(old).shrinking() | Requirements(new).shrinking()
    if not shrinking:
        return changes
    why = _OTHER_PEOPLE % ", ".join(sorted(shrinking))
    return tuple(_unproved(change, why) if may_lift(change, old, new, shrinking) else change for change in changes)


def is_loosening(changes: Iterable[Change]) -> bool:
    """Whether a second person has to agree."""
    return any(change.direction is LOOSER for change in changes)


def _compared(old: Document, new: Document) -> Iterator[Change]:
    ladder = Ladder(new["tiers"])
    conditions = [row["condition"] for document in (old, new) for row in _table(document, "rules").values()]
    yield from compare_tiers(old["tiers"], new["tiers"])
    yield from compare_surfaces(old["surfaces"], new["surfaces"], ladder, conditions)
    yield from Rules(_table(old, "rules"), _table(new, "rules"), ladder, new["surfaces"]).changes()
    is_read = any("limits" in text for text in conditions)
    yield from compare_limits(_table(old, "limits"), _table(new, "limits"), ladder, is_read=is_read)
    yield from compare_guardrails(_table(old, "guardrails"), _table(new, "guardrails"), ladder)
    yield from compare_requirements(old, new)
    yield from compare_calendars(old, new)
    yield from compare_escalations(old.get("escalations", ()), new.get("escalations", ()))
    yield from compare_tests(_table(old, "tests"), _table(new, "tests"))


def _table(document: Document, name: str) -> Mapping[str, Any]:
    table: Mapping[str, Any] = document.get(name, {})
    return table


def _unproved(change: Change, why: str) -> Change:
    return change if change.direction is LOOSER else replace(change, direction=LOOSER, why=why)


_THINGS = (
    ("tiers", "tier"),
    ("surfaces", "surface"),
    ("rules", "rule"),
    ("limits", "limit"),
    ("guardrails", "guardrail"),
    ("calendars", "calendar"),
    ("tests", "test"),
)


def _first(new: Document) -> Iterator[Change]:
    for table, thing in _THINGS:
        for slug, row in sorted(_table(new, table).items()):
            yield Change(thing, slug, "", None, row, NEUTRAL)
    for row in new.get("requirements", ()):
        shown = f"{row['surface']}, stage {row['stage']}, {row['name']}: {row['role']}"
        yield Change("requirement", shown, "", None, row, NEUTRAL)
    for row in new.get("escalations", ()):
        yield Change("escalation", escalation_name(row), "", None, row, NEUTRAL)
