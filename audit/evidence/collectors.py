"""Files that belong to the evidence about a subject, brought by the apps that know what the subject is."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Data = Mapping[str, Any]
"""The data of an entry."""


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A file whose digest an entry names; `path` is where it lies in the pack."""

    path: str
    body: bytes
    digest: str


Collector = Callable[[str, Sequence[Data]], Iterable[EvidenceFile]]
_COLLECTORS: Final[dict[str, Collector]] = {}


def register(name: str, collector: Collector) -> None:
    """Ask `collector` for files whenever a pack is made; it gets the subject and the data of its entries."""
    _COLLECTORS[name] = collector


def collect(subject: str, data: Sequence[Data]) -> list[EvidenceFile]:
    """Return every file about a subject, by path."""
    files = {file.path: file for name in sorted(_COLLECTORS) for file in _COLLECTORS[name](subject, data)}
    return [files[path] for path in sorted(files)]
