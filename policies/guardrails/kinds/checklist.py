"""A guardrail in plain English: nothing is checked here, a reviewer ticks it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from policies.guardrails.text.reading import Reading, Spot

SCHEMA: Final = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"ask_model": {"type": "boolean", "default": True}},
}


class Checklist:
    """Finds nothing by itself; the guardrail's text is the item to tick."""

    def __call__(self, readings: Sequence[Reading]) -> Iterator[Spot]:
        """Yield nothing."""
        return iter(())


def prepare(config: Mapping[str, Any], *, has_paths: bool) -> Checklist:
    """Make the check that finds nothing."""
    return Checklist()
