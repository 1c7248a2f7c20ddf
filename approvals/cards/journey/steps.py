"""Steps of a journey, and which of them a proposal adds, removes or changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.cards import reading
from approvals.presentation import words

MOST: Final = 200
NAMES: Final = ("name", "step", "title", "id")
DETAILS: Final = ("wait_hours", "wait", "template", "subject", "condition", "channel")


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing about a step, before and after; the two are the same where it does not change."""

    label: str
    old: str
    new: str
    is_wait: bool = False

    @property
    def is_changed(self) -> bool:
        return self.old != self.new


@dataclass(frozen=True, slots=True)
class Matched:
    """One step as it is drawn; `path` is where its name stands in the payload, empty if it does not."""

    name: str
    kind: str
    change: str
    details: Sequence[Detail]
    path: str = ""


@dataclass(frozen=True, slots=True)
class _Step:
    name: str
    kind: str
    facts: Mapping[str, str]
    path: str = ""


def is_whole(before: Any, payload: Any) -> bool:
    """Whether one of the two lists the steps."""
    return bool(_listed(payload) or _listed(before))


def compare(before: Any, payload: Any) -> list[Matched]:
    """Return the steps in their order, what is gone where it was."""
    old, new = _listed(before), _listed(payload)
    if not new and not (old and _names_step(payload)):
        return _one(before, payload)
    if not new:
        new = _applied(old, reading.mapping(payload))
    if not old:
        marked = reading.text(reading.mapping(payload).get("step"))
        return [_match(None, step, "changed" if step.name == marked else "") for step in new]
    matches: list[Matched] = []
    matcher = SequenceMatcher(None, [step.name for step in old], [step.name for step in new], autojunk=False)
    for kind, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if kind == "equal":
            pairs = zip(old[old_start:old_end], new[new_start:new_end], strict=True)
            matches += [_match(was, will, "changed" if was.facts != will.facts else "") for was, will in pairs]
        else:
            matches += [_match(step, step, "removed") for step in old[old_start:old_end]]
            matches += [_match(None, step, "added") for step in new[new_start:new_end]]
    return matches


def _listed(document: Any) -> list[_Step]:
    listed = reading.rows(reading.mapping(document).get("steps"))[:MOST]
    steps = []
    for number, row in enumerate(listed, start=1):
        step = reading.mapping(row)
        key = next((name for name in NAMES if isinstance(step.get(name), str)), "")
        name = step[key] if key else reading.text(row)
        path = f"steps[{number}].{key}" if key else ""
        kind = reading.text(reading.first(step, "kind", "type"))
        steps.append(_Step(name or _("Step %s") % number, kind, _facts(step), path))
    return steps


def _facts(step: Mapping[str, Any]) -> dict[str, str]:
    return {name: _fact(name, step[name]) for name in DETAILS if step.get(name) not in (None, "")}


def _fact(name: str, value: Any) -> str:
    if name == "wait_hours" and reading.number(value) is not None:
        return ngettext("%s hour", "%s hours", 1 if value == 1 else 2) % words.number(value)
    return reading.leaf(value)


def _names_step(payload: Any) -> bool:
    return bool(reading.text(reading.mapping(payload).get("step")))


def _applied(old: list[_Step], payload: Mapping[str, Any]) -> list[_Step]:
    """Return the steps as they will be after the one change that the payload asks for."""
    change, name = reading.text(payload.get("change")), reading.text(payload.get("step"))
    at = next((index for index, step in enumerate(old) if step.name == name), None)
    if change == "add_step":
        after = reading.text(payload.get("after_step"))
        place = next((index + 1 for index, step in enumerate(old) if step.name == after), len(old))
        return [*old[:place], _Step(name, "", _facts(payload), "step"), *old[place:]]
    if at is None:
        return [*old, _Step(name, "", _facts(payload), "step")]
    if change == "remove_step":
        return [*old[:at], *old[at + 1 :]]
    changed = replace(old[at], facts={**old[at].facts, **_facts(payload)}, path="step")
    return [*old[:at], changed, *old[at + 1 :]]


def _one(before: Any, payload: Any) -> list[Matched]:
    """Return the one step that the payload names, where nobody told the others."""
    step, was = reading.mapping(payload), reading.mapping(before)
    name = reading.text(step.get("step"))
    if not name:
        return []
    will = _Step(name, "", _facts(step), "step")
    is_same_step = was.get("step", name) == name
    change = {"add_step": "added", "remove_step": "removed"}.get(reading.text(step.get("change")), "changed")
    if change != "changed" or not is_same_step:
        return [_match(None, will, change)]
    return [_match(_Step(name, "", _facts(was)), will, change)]


def _match(was: _Step | None, will: _Step, change: str) -> Matched:
    old, new = (was.facts if was else {}), will.facts
    details = []
    for name in DETAILS:
        if name in old or name in new:
            # Without an older step there is nothing to strike out.
            before = old.get(name, "") if was else new.get(name, "")
            is_wait = name in {"wait_hours", "wait"}
            details.append(Detail(_label(name), before, new.get(name, ""), is_wait))
    return Matched(will.name, will.kind, change, details, "" if change == "removed" else will.path)


def _label(name: str) -> str:
    labels = {
        "wait_hours": _("Wait"),
        "wait": _("Wait"),
        "template": _("Template"),
        "subject": _("Subject"),
        "condition": _("Condition"),
        "channel": _("Channel"),
    }
    return labels[name]
