"""Read rows as they arrive: one strict JSON object a line, in constant memory, each line named that is at fault."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from approvals.errors import UploadTooLarge
from audit import canonical
from audit.canonical import InvalidJson
from policies.engine.payloads import MAX_ERRORS, FieldError

PIECE: Final = 256 * 1024
LONGEST_LINE: Final = 64 * 1024

Source = Callable[[int], bytes]
"""Returns at most so many bytes of what is sent; none at its end."""


class LineReader:
    """Reads rows from a source; what is at fault gathers in `faults`, and is not yielded."""

    def __init__(self, source: Source, *, max_bytes: int) -> None:
        self.faults: list[FieldError] = []
        self._source = source
        self._left = max_bytes
        self._max_bytes = max_bytes

    def rows(self) -> Iterator[tuple[Mapping[str, Any], bytes]]:
        """Yield each row with its canonical line. Raises UploadTooLarge. Once there are many faults, it only drains."""
        for number, line in enumerate(self._lines()):
            if len(self.faults) >= MAX_ERRORS:
                continue
            row = self._row(number, line)
            if row is not None:
                yield row

    def _lines(self) -> Iterator[bytes]:
        rest = b""
        while piece := self._read():
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
            if len(rest) > LONGEST_LINE:
                raise UploadTooLarge(f"One line may have at most {LONGEST_LINE:,} bytes.")
        if rest:
            yield rest

    def _read(self) -> bytes:
        piece = self._source(min(PIECE, self._left + 1))
        self._left -= len(piece)
        if self._left < 0:
            raise UploadTooLarge(f"An upload may have at most {self._max_bytes:,} bytes. Send several.")
        return piece

    def _row(self, number: int, line: bytes) -> tuple[Mapping[str, Any], bytes] | None:
        if len(line) > LONGEST_LINE:
            self._refuse(number, "", "line_too_long", f"One line may have at most {LONGEST_LINE:,} bytes.")
            return None
        try:
            row = canonical.parse(line.rstrip(b"\r"))
        except InvalidJson as fault:
            self._refuse(number, fault.pointer, fault.code, fault.reason)
            return None
        if not isinstance(row, dict):
            self._refuse(number, "", "not_an_object", "Each line is one JSON object.")
            return None
        return row, canonical.encode(row) + b"\n"

    def _refuse(self, number: int, pointer: str, code: str, detail: str) -> None:
        self.faults.append(line_fault(number, FieldError(pointer, code, detail)))


def line_fault(number: int, fault: FieldError) -> FieldError:
    """Return a fault of one row as a fault of the whole; `number` counts from 0, people count lines from 1."""
    return FieldError(f"/{number}{fault.pointer}", fault.code, f"Line {number + 1:,}: {fault.detail}")
