"""Read a stream of foreign rows and turn each into a proposal as an agent would send it."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_PLACEHOLDER: Final = re.compile(r"\{\{|\}\}|\{([A-Za-z_][\w.]*)\}")


class StreamInvalid(ValueError):
    """The stream, or the template for it, cannot be used; `str()` names the line and what is wrong."""

    code = "stream_invalid"


@dataclass(frozen=True, slots=True)
class Line:
    """One proposal of a stream, as the bytes to send. `number` counts the file's lines from 1."""

    number: int
    body: bytes

    def key(self, run: str) -> str:
        """Return its Idempotency-Key: the same whenever the same line is sent in the same run."""
        text = f"{run}\n{self.number}\n".encode() + self.body
        return f"replay-{hashlib.sha256(text).hexdigest()[:40]}"


@dataclass(frozen=True, slots=True)
class Stream:
    """A JSONL file, which of its rows count, and the template that makes proposals of them."""

    path: Path
    template: Any = None
    only: Mapping[str, str] | None = None

    def lines(self) -> Iterator[Line]:
        """Yield the proposals in order. Raises StreamInvalid at the first line that makes none."""
        with self.path.open(encoding="utf-8") as file:
            for number, text in enumerate(file, start=1):
                if not text.strip():
                    continue
                line = self._line(number, text)
                if line is not None:
                    yield line

    def count(self) -> int:
        """Read the whole file and return how many proposals it makes. Raises StreamInvalid."""
        return sum(1 for _ in self.lines())

    def _line(self, number: int, text: str) -> Line | None:
        try:
            row = json.loads(text)
        except ValueError as error:
            raise StreamInvalid(f"Line {number} is not JSON: {error}.") from error
        if not isinstance(row, dict):
            raise StreamInvalid(f"Line {number} is no JSON object.")
        if not self._counts(row):
            return None
        try:
            proposal = row if self.template is None else render(self.template, row)
            return Line(number, json.dumps(proposal, ensure_ascii=False, allow_nan=False).encode())
        except KeyError as missing:
            raise StreamInvalid(f"Line {number} has no field {missing.args[0]}, which the template names.") from missing
        except ValueError as error:
            raise StreamInvalid(f"Line {number}: {error}.") from error

    def _counts(self, row: Mapping[str, Any]) -> bool:
        return all(name in row and _text(row[name]) == wanted for name, wanted in (self.only or {}).items())


def render(template: Any, row: Mapping[str, Any]) -> Any:
    """Fill `template` from `row`; raises KeyError for a field that the row does not have.

    A text that is nothing but one `{field}` becomes the field's value, whatever its type; inside a
    longer text the value is written out. `{a.b}` reaches into objects; `{{` and `}}` are plain braces.
    """
    if isinstance(template, dict):
        return {name: render(value, row) for name, value in template.items()}
    if isinstance(template, list):
        return [render(value, row) for value in template]
    if not isinstance(template, str):
        return template
    whole = _PLACEHOLDER.fullmatch(template)
    if whole and whole[1]:
        return _field(row, whole[1])
    return _PLACEHOLDER.sub(lambda found: _text(_field(row, found[1])) if found[1] else found[0][0], template)


def _field(row: Mapping[str, Any], path: str) -> Any:
    value: Any = row
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            raise KeyError(path)
        value = value[name]
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
