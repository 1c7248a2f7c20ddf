"""Say what a policy file would change in the tables. Reads the tables and writes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from policies.policy_files import tables, writing
from policies.policy_files.format import durations
from policies.policy_files.format.layout import called
from policies.policy_files.format.shapes import same
from policies.policy_files.reading import Item, PolicyFile


class PlanKind(StrEnum):
    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    DISABLE = "disable"


@dataclass(frozen=True, slots=True)
class Difference:
    """One value of a changed entry, before and after."""

    path: tuple[str, ...]
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}: {shown(self.before)} → {shown(self.after)}"


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """What becomes of one row."""

    kind: PlanKind
    section: str
    key: tuple[Any, ...]
    item: Item | None = None
    differences: tuple[Difference, ...] = ()

    @property
    def name(self) -> str:
        """How people are told of it."""
        return called(self.section, self.key)

    def lines(self) -> list[str]:
        """Say it: one line, and one for each value that differs."""
        mark = {PlanKind.ADD: "+", PlanKind.CHANGE: "~", PlanKind.REMOVE: "-", PlanKind.DISABLE: "-"}[self.kind]
        what = " (disabled: a surface is never removed)" if self.kind is PlanKind.DISABLE else ""
        return [f"{mark} {self.name}{what}", *(f"    {difference}" for difference in self.differences)]


@dataclass(frozen=True, slots=True)
class Plan:
    """All changes, and the rows that no file names and that stay as they are."""

    changes: tuple[PlannedChange, ...]
    kept: tuple[str, ...] = field(default=())


def shown(value: Any, longest: int = 120) -> str:
    """Return a value in one short line."""
    if value is None or value == "":
        return "none"
    if isinstance(value, timedelta):
        return durations.written(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        line = ", ".join(value) or "none"
    elif isinstance(value, str):
        line = " ".join(value.split())
    else:
        line = writing.in_line(value)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def make(policy: PolicyFile, *, prune: bool) -> Plan:
    """Compare files with the tables. Only sections that the files name are looked at.

    Rows that the files leave out are removed with `prune` (surfaces are disabled: what happened on them
    must stay readable), and otherwise kept.
    """
    changes: list[PlannedChange] = []
    kept: list[str] = []
    for section, items in policy.sections.items():
        there = {key: tables.entry(section, row) for key, row in tables.rows(section).items()}
        for key, item in items.items():
            if key not in there:
                changes.append(PlannedChange(PlanKind.ADD, section, key, item))
            elif differences := tuple(_differences(section, there[key], item.value)):
                changes.append(PlannedChange(PlanKind.CHANGE, section, key, item, differences))
        for key, value in there.items():
            if key in items or (section == "surfaces" and prune and not value["enabled"]):
                continue
            if prune:
                changes.append(
                    PlannedChange(PlanKind.DISABLE if section == "surfaces" else PlanKind.REMOVE, section, key)
                )
            else:
                kept.append(called(section, key))
    return Plan(tuple(changes), tuple(kept))


def _differences(section: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Difference]:
    for path, _ in tables.columns(section):
        old, new = tables.value_at(before, path), tables.value_at(after, path)
        if not same(old, new):
            yield Difference(path, old, new)
