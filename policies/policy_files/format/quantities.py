"""Durations, currencies and times in a policy file: how each is read, and its JSON Schema. PURE."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from policies import currencies
from policies.policy_files.format import durations
from policies.policy_files.format.shapes import scalar, wrong
from policies.policy_files.yaml_nodes import FileProblem, Scalar, YamlNode


@dataclass(frozen=True, slots=True)
class Duration:
    is_positive: bool = False

    def read(self, node: YamlNode, problems: list[FileProblem]) -> Any:
        """Return a timedelta."""
        value = scalar(node)
        if not isinstance(value, str):
            return wrong(node, problems, "Write a duration with its unit, such as 24h, 30m or 7d.")
        try:
            duration = durations.read(value)
        except ValueError as error:
            return wrong(node, problems, str(error))
        if self.is_positive and duration == timedelta(0):
            return wrong(node, problems, "This must be longer than nothing.")
        return duration

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        return {"type": "string", "pattern": durations.PATTERN}


@dataclass(frozen=True, slots=True)
class Currency:
    def read(self, node: YamlNode, problems: list[FileProblem]) -> Any:
        """Return the code of a currency; empty text names none."""
        value = scalar(node)
        if value == "" or (isinstance(value, str) and currencies.is_known(value)):
            return value
        word = node.text if isinstance(node, Scalar) else ""
        hint = f" Did you mean {word.upper()}?" if currencies.is_known(word.upper()) else ""
        sentence = f"{word[:20]} is no currency." if word else "This is no currency."
        return wrong(node, problems, f"{sentence} {currencies.HINT}{hint}")

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        return {"enum": ["", *currencies.CODES]}


@dataclass(frozen=True, slots=True)
class Moment:
    def read(self, node: YamlNode, problems: list[FileProblem]) -> Any:
        """Return the text of a time with its zone, as it stands."""
        value = scalar(node)
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            return wrong(node, problems, "Write a time with its zone, such as 2026-11-20T09:30:00+01:00.")
        return value

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        return {"type": "string", "format": "date-time"}


@dataclass(frozen=True, slots=True)
class Day:
    def read(self, node: YamlNode, problems: list[FileProblem]) -> Any:
        """Return a date."""
        value = scalar(node)
        if not isinstance(value, str) or not _DATE.fullmatch(value):
            return wrong(node, problems, "Write a date such as 2026-12-25.")
        try:
            return date.fromisoformat(value)
        except ValueError:
            return wrong(node, problems, f"There is no {value}.")

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        return {"type": "string", "pattern": f"^{_DATE.pattern}$"}


_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
