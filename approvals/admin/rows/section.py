"""The rows that a proposal names: counts per kind of change and a sample drawn by lot."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.urls import reverse

from approvals.cards import reading
from approvals.models import Proposal, Revision, Upload
from approvals.presentation import words
from approvals.uploads import stored_rows
from approvals.uploads.stored_rows import NumberedRow
from policies import differences
from policies.engine import references

MAX_CELLS: Final = 12
MAX_KINDS: Final = 15
MAX_LEFT_OUT: Final = 20


@dataclass(frozen=True, slots=True)
class RowCell:
    """One field of a row; `old` is None where the row does not say what was there."""

    field: str
    old: str | None
    new: str


@dataclass(frozen=True, slots=True)
class ShownRow:
    number: int
    name: str
    cells: Sequence[RowCell]
    left_out: int


@dataclass(frozen=True, slots=True)
class KindOfChange:
    """How often one kind of change is among the rows, and what share of them that is."""

    name: str
    count: int
    percent: float


@dataclass(frozen=True, slots=True)
class NamedSection:
    """The rows of one field of a payload."""

    field: str
    upload: Upload
    kinds: Sequence[KindOfChange]
    kinds_left_out: int
    sample: Sequence[ShownRow]
    url: str
    left_out: Sequence[ShownRow]
    """Rows that people have left out, with their numbers among those that the agent sent."""

    @property
    def is_sample(self) -> bool:
        return len(self.sample) < self.upload.count


def context(proposal: Proposal, revision: Revision) -> dict[str, Any]:
    """Return what `rows/section.html` draws. No query where the payload names no rows, else two or three a field."""
    return {"named_rows": [*_sections(proposal, revision)]}


def _sections(proposal: Proposal, revision: Revision) -> Iterable[NamedSection]:
    for reference in references.read_bytes(bytes(revision.body)):
        if (upload := stored_rows.named(reference)) is not None:
            kinds = sorted(upload.kinds.items(), key=lambda item: (-item[1], item[0]))
            yield NamedSection(
                field=reading.label(reference.member),
                upload=upload,
                kinds=[KindOfChange(name, number, 100 * number / upload.count) for name, number in kinds[:MAX_KINDS]],
                kinds_left_out=max(0, len(kinds) - MAX_KINDS),
                sample=shown(upload, stored_rows.sample(upload)),
                left_out=shown(upload, stored_rows.omitted(upload, most=MAX_LEFT_OUT)),
                url=reverse("admin:approvals_proposal_rows", args=[proposal.pk, reference.member]),
            )


def shown(upload: Upload, rows: Iterable[NumberedRow]) -> list[ShownRow]:
    """Return rows as pages show them."""
    return [_shown(upload, number, row) for number, row in rows]


def _shown(upload: Upload, number: int, row: Mapping[str, Any]) -> ShownRow:
    name = row.get(upload.key)
    cells = [*_cells(upload, row)]
    named = "" if isinstance(name, dict | list) or name is None else reading.short(words.value(name))
    return ShownRow(number, named, cells[:MAX_CELLS], max(0, len(cells) - MAX_CELLS))


def _cells(upload: Upload, row: Mapping[str, Any]) -> Iterable[RowCell]:
    after = reading.mapping(reading.first(row, "after", "fields"))
    before = reading.mapping(row.get("before"))
    beside = {name: value for name, value in row.items() if name not in {upload.key, "before"}}
    if after:
        beside = {name: value for name, value in beside.items() if name not in {"after", "fields"}}
    for path, value in differences.leaves(beside).items():
        yield RowCell(path, None, reading.leaf(value))
    for field, value in after.items():
        yield RowCell(reading.label(field), reading.leaf(before[field]) if field in before else None, _new(value))


def _new(value: Any) -> str:
    return "" if value is None else reading.leaf(value)
