"""A journey: its steps one after the other, with the step that changes marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.cards import reading
from approvals.cards.asked import CardSubject
from approvals.cards.journey import steps
from approvals.cards.journey.steps import Detail, Matched
from approvals.presentation.marks import Part

LABEL: Final = gettext_lazy("Journey: steps as a diagram")

MAX_STEPS: Final = 60
CHANGES: Final = {
    "pause": gettext_lazy("If approved, the journey “%(journey)s” pauses %(when)s."),
    "resume": gettext_lazy("If approved, the journey “%(journey)s” resumes %(when)s."),
    "add_step": gettext_lazy("If approved, this adds the step “%(step)s” to the journey “%(journey)s” %(when)s."),
    "remove_step": gettext_lazy(
        "If approved, this removes the step “%(step)s” from the journey “%(journey)s” %(when)s."
    ),
}


@dataclass(frozen=True, slots=True)
class JourneyStep:
    """One step; `change` is "added", "removed", "changed" or empty."""

    name: Sequence[Part]
    kind: str
    change: str
    details: Sequence[Detail]


@dataclass(frozen=True, slots=True)
class Journey:
    """`is_whole`: the agent told all steps, and not only the one that changes. `halts` says pause or resume."""

    name: Sequence[Part]
    halts: str
    steps: Sequence[JourneyStep]
    left_out: int
    is_whole: bool


def present(subject: CardSubject) -> Journey | None:
    """Return the journey; None where the payload names neither steps nor a change of one."""
    payload = reading.mapping(subject.payload)
    matched = steps.compare(subject.before, subject.payload)
    change = reading.text(payload.get("change"))
    halts = change if change in {"pause", "resume"} else ""
    if not matched and not halts:
        return None
    return Journey(
        name=subject.marked("journey", reading.text(payload.get("journey"))),
        halts=halts,
        steps=[_step(match, subject) for match in matched[:MAX_STEPS]],
        left_out=max(len(matched) - MAX_STEPS, 0),
        is_whole=steps.is_whole(subject.before, subject.payload),
    )


def effect(subject: CardSubject, *, when: str) -> str | None:
    """Say what happens to which step of which journey."""
    payload = reading.mapping(subject.payload)
    change, journey = reading.text(payload.get("change")), reading.short(reading.text(payload.get("journey")))
    step = reading.short(reading.text(payload.get("step")))
    if not journey:
        return None
    facts = {"journey": journey, "step": step, "when": when}
    if change == "change_wait" and step:
        return _wait(subject, facts)
    if change in CHANGES and (step or "step" not in change):
        return str(CHANGES[change]) % facts
    return None


def _wait(subject: CardSubject, facts: dict[str, str]) -> str | None:
    changed = next((match for match in steps.compare(subject.before, subject.payload) if match.change), None)
    wait = next((detail for detail in changed.details if detail.is_wait), None) if changed else None
    if wait is None:
        return None
    facts |= {"old": wait.old, "new": wait.new}
    if wait.old:
        return (
            _("If approved, the wait before “%(step)s” in “%(journey)s” changes from %(old)s to %(new)s, %(when)s.")
            % facts
        )
    return _("If approved, “%(step)s” in “%(journey)s” waits %(new)s, %(when)s.") % facts


def _step(match: Matched, subject: CardSubject) -> JourneyStep:
    name = subject.line(match.path, match.name)
    return JourneyStep(name, reading.label(match.kind), match.change, match.details)
