"""Kinds of entries that no app writes, to try things on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from audit.kinds import registry
from audit.kinds.kind import Kind


class OpenKind(Kind):
    """A kind whose data are whatever a test says."""

    def schema(self) -> dict[str, Any]:
        return {"type": "object"}


@contextmanager
def declared(*kinds: Kind) -> Iterator[None]:
    """Declare kinds for as long as the block lasts."""
    registry.register(kinds)
    try:
        yield
    finally:
        registry.forget(kind.name for kind in kinds)
