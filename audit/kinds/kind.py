"""One kind of ledger entry: what it means, and what its data look like."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.functional import Promise

from audit.kinds.shapes import Shape

Shapes = Mapping[str, Shape]
_NONE: Final[Shapes] = {}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of entry, `<thing>.<past participle>`, with a sentence for readers and the names and shapes of its data.

    An entry has all of `data`, and may have what is in `more`; nothing else. Where two places write the kind, the
    other one's may be as `otherwise` says.
    """

    name: str
    meaning: str | Promise
    data: Shapes = field(default_factory=dict)
    more: Shapes = field(default_factory=dict)
    otherwise: Shapes = field(default_factory=dict)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the data."""
        if not self.otherwise:
            return _closed(self.data, self.more)
        return {"anyOf": [_closed(self.data, self.more), _closed(self.otherwise, _NONE)]}


def _closed(data: Shapes, more: Shapes) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: dict(shape) for name, shape in {**data, **more}.items()},
        "required": sorted(data),
        "additionalProperties": False,
    }
