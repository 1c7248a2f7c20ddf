"""Read stored rows: as a stream, as a sample drawn by lot, page by page, or by their key.

Chunks are read a few at a time, each time by their number: rows never change, so no transaction has to be held open
for as long as the far side takes to read them.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final, NamedTuple

from django.db import connection

from approvals.models import Upload, UploadChunk
from policies.engine import references
from policies.engine.references import Reference

CHUNKS_AT_A_TIME: Final = 8
SAMPLE: Final = 20
MOST_FOUND: Final = 50
DAMAGED: Final = "The stored rows are not the approved ones."

_HOLDING: Final = """
SELECT number FROM approvals_uploadchunk
 WHERE upload_id = %s AND position(%s::bytea IN body) > 0 ORDER BY number LIMIT %s
"""


class NumberedRow(NamedTuple):
    number: int
    """From 1, as people count."""
    row: Mapping[str, Any]


class RowsDamaged(RuntimeError):
    """What is stored is not what was uploaded; no reader may take it for whole."""


def stream(upload: Upload) -> Iterator[bytes]:
    """Yield the bytes of all rows in constant memory, hashed on the way.

    Raises RowsDamaged instead of the last piece where they are not those that were uploaded.
    """
    hashed, held = hashlib.sha256(), b""
    for body in _bodies(upload):
        hashed.update(body)
        if held:
            yield held
        held = body
    if "sha256:" + hashed.hexdigest() != upload.digest:
        raise RowsDamaged(DAMAGED)
    yield held


def is_intact(upload: Upload) -> bool:
    """Whether all stored rows together have their digest still. Reads them all, in constant memory."""
    hashed = hashlib.sha256()
    for body in _bodies(upload):
        hashed.update(body)
    return "sha256:" + hashed.hexdigest() == upload.digest


def damage(body: bytes) -> str | None:
    """Say what is wrong with the rows that the canonical bytes of a payload name, or None."""
    for reference in references.read_bytes(body):
        upload = named(reference)
        if upload is None or not is_intact(upload):
            return DAMAGED
    return None


def named(reference: Reference) -> Upload | None:
    """Return the upload that a reference names, if it still is what the reference says."""
    uploads = Upload.objects.select_related("source")
    return uploads.filter(pk=reference.upload, digest=reference.digest, count=reference.count).first()


def rows_of(upload: Upload) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the rows chunk by chunk."""
    for body in _bodies(upload):
        yield _rows(body)


class Remainder:
    """Reads the bytes of an upload without some of its rows, a piece at a time, as what an agent sends is read."""

    def __init__(self, upload: Upload, left_out: frozenset[int]) -> None:
        self._lines = self._kept(upload, left_out)
        self._held = b""

    def read(self, most: int) -> bytes:
        """Return at most so many bytes; none at the end. Raises RowsDamaged."""
        parts, size = [self._held], len(self._held)
        while size < most and (line := next(self._lines, b"")):
            parts.append(line)
            size += len(line)
        whole = b"".join(parts)
        self._held = whole[most:]
        return whole[:most]

    def _kept(self, upload: Upload, left_out: frozenset[int]) -> Iterator[bytes]:
        lines = chain.from_iterable(body.splitlines(keepends=True) for body in stream(upload))
        for number, line in enumerate(lines, start=1):
            if number not in left_out:
                yield line


def in_source(upload: Upload, numbers: Iterable[int]) -> list[int]:
    """Return the numbers that rows of `upload` have among those that the agent sent."""
    places = []
    for number in sorted(numbers):
        place = number
        for gone in sorted(upload.left_out):
            place += gone <= place
        places.append(place)
    return places


def omitted(upload: Upload, *, most: int) -> list[NumberedRow]:
    """Return rows that people have left out, with their numbers among those that the agent sent. One query."""
    return _numbered(upload.source, upload.left_out[:most]) if upload.source else []


def sample(upload: Upload, *, size: int = SAMPLE) -> list[NumberedRow]:
    """Return rows drawn by lot: always the same of one upload, and none that its agent could have foreseen."""
    return _numbered(upload, _lot(upload, size))


def page(upload: Upload, *, first: int, size: int) -> list[NumberedRow]:
    """Return `size` rows from number `first` on, counted from 1."""
    return _numbered(upload, range(first, min(first + size, upload.count + 1)))


def find(upload: Upload, key: str, *, most: int = MOST_FOUND) -> list[NumberedRow]:
    """Return the rows whose key has `key` in it, at most `most`. Looks at no chunk that has it nowhere."""
    if not upload.key or not key:
        return []
    # As it stands in a line: strings are escaped there, and numbers are not.
    wanted = json.dumps(key, ensure_ascii=False)[1:-1].encode()
    with connection.cursor() as cursor:
        cursor.execute(_HOLDING, [upload.pk, wanted, most * CHUNKS_AT_A_TIME])
        numbers = [number for (number,) in cursor.fetchall()]
    rows: list[NumberedRow] = []
    for chunk in (
        UploadChunk.objects.filter(upload=upload, number__in=numbers).order_by("number").iterator(chunk_size=2)
    ):
        for number, row in enumerate(_rows(bytes(chunk.body)), start=chunk.first + 1):
            if key in str(row.get(upload.key, "")):
                rows.append(NumberedRow(number, row))
        if len(rows) >= most:
            break
    return rows[:most]


def _bodies(upload: Upload) -> Iterator[bytes]:
    number = 0
    while True:
        chunks = UploadChunk.objects.filter(upload=upload, number__gte=number).order_by("number")
        bodies = [bytes(body) for body in chunks.values_list("body", flat=True)[:CHUNKS_AT_A_TIME]]
        yield from bodies
        number += CHUNKS_AT_A_TIME
        if len(bodies) < CHUNKS_AT_A_TIME:
            return


def _lot(upload: Upload, size: int) -> list[int]:
    if upload.count <= size:
        return list(range(1, upload.count + 1))
    drawn: set[int] = set()
    turn = 0
    while len(drawn) < size:
        lot = hashlib.sha256(f"{upload.seed} {upload.digest} {turn}".encode()).digest()
        drawn.add(int.from_bytes(lot, "big") % upload.count + 1)
        turn += 1
    return sorted(drawn)


def _numbered(upload: Upload, numbers: Iterable[int]) -> list[NumberedRow]:
    """Return rows by their numbers, which ascend. One query."""
    wanted = list(numbers)
    if not wanted:
        return []
    places = {number: (number - 1) // UploadChunk.ROWS for number in wanted}
    chunks = UploadChunk.objects.filter(upload=upload, number__in=set(places.values()))
    by_number = {chunk.number: (chunk.first, bytes(chunk.body).splitlines()) for chunk in chunks}
    rows = []
    for number, place in places.items():
        first, lines = by_number.get(place, (0, []))
        if 0 <= number - 1 - first < len(lines):
            rows.append(NumberedRow(number, json.loads(lines[number - 1 - first])))
    return rows


def _rows(body: bytes) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in body.splitlines()]
