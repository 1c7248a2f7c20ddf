"""The subject of a card: one revision, the state before it, and a few facts about its surface."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from approvals.cards import reading
from approvals.presentation.marks import Part, Spans, ends

MAX_CHARACTERS: Final = 4_000
NO_SPANS: Final[Spans] = {}


@dataclass(frozen=True, slots=True)
class Other:
    """Another live proposal that the reader may see: its title, the address of its page, and its state in words."""

    title: str
    url: str
    state: str


def nobody() -> Sequence[Other]:
    """Name no other proposal."""
    return ()


@dataclass(frozen=True, slots=True)
class CardSubject:
    """One revision of a proposal, as JSON values; `before` is None where the agent did not say.

    `lot` decides which rows are drawn for a sample. `spans` are the stretches where checks found something, by
    dotted path. `others` asks the database for the live proposals that share a target, so it is only called by
    a card that shows them.
    """

    payload: Any
    before: Any = None
    action: str = ""
    currency: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    lot: str = ""
    spans: Spans = field(default_factory=dict)
    preview_url: str = ""
    others: Callable[[], Sequence[Other]] = nobody

    def marked(self, path: str, text: str) -> list[Part]:
        """Return the text that stands at `path` of the payload, its findings marked; of a very long one both ends."""
        return ends(text, self.spans.get(path, ()), most=MAX_CHARACTERS)

    def named(self, path: str, name: str) -> list[Part]:
        """Return the name of a thing as people write it; as it stands there where something was found in it."""
        return self.marked(path, name) if self.spans.get(path) else [Part(reading.label(name))]

    def line(self, path: str, text: str) -> list[Part]:
        """Return a text on one short line; as it stands in the payload where something was found in it."""
        return self.marked(path, text) if self.spans.get(path) else [Part(reading.short(text))]
