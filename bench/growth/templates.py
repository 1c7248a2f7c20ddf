"""Rows of a life as text with places for what differs from copy to copy: serial, ids, times, digests, commitments.

Whole lives are copied as PostgreSQL's COPY writes them. Times move by whole seconds, ids are UUIDv7 of the moved times,
and what is hashed is hashed anew, so that a copy is as sound as the life it was copied from.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection, models

from approvals import models as approvals
from audit import models as audit
from audit.ledger import commitments, merkle
from bench.growth.lives import AGENT, SERIAL, SURFACE, Life

_OF_PROPOSAL: Final = "proposal_id = %(proposal)s"
TABLES: Final[dict[type[models.Model], str]] = {
    approvals.Proposal: "id = %(proposal)s",
    approvals.Proposal.history.model: "id = %(proposal)s",
    approvals.Revision: _OF_PROPOSAL,
    approvals.Verdict: "revision_id IN (SELECT id FROM approvals_revision WHERE proposal_id = %(proposal)s)",
    approvals.Decision: _OF_PROPOSAL,
    approvals.Dispatch: _OF_PROPOSAL,
    approvals.Attempt: "dispatch_id IN (SELECT id FROM approvals_dispatch WHERE proposal_id = %(proposal)s)",
    approvals.Timer: _OF_PROPOSAL,
    approvals.LastShipped: _OF_PROPOSAL,
    approvals.Notice: _OF_PROPOSAL,
    approvals.TrustCase: _OF_PROPOSAL,
    audit.Entry: "subject = 'proposal:' || %(proposal)s",
}
"""What a life leaves behind, and how to find it."""
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_SECOND: Final = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")


def columns(model: type[models.Model]) -> list[str]:
    """Return the columns of a table, the primary key first."""
    key = model._meta.pk
    return [str(each.column) for each in sorted(model._meta.concrete_fields, key=lambda each: each is not key)]


def is_counted(model: type[models.Model]) -> bool:
    """Whether its rows are numbered by a sequence."""
    return isinstance(model._meta.pk, models.AutoField)


@dataclass(slots=True)
class Text:
    """A text with places, each of which names a value of the copy."""

    form: str
    places: list[int]

    def fill(self, values: Sequence[str]) -> str:
        """Return the text of a copy."""
        return self.form % tuple([values[place] for place in self.places])


@dataclass(slots=True)
class Template:
    """One life, to be filled with what makes a copy of it."""

    waits: bool
    began: datetime
    tokens: dict[str, int] = field(default_factory=dict)
    ids: list[tuple[int, str]] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    bodies: list[Text] = field(default_factory=list)
    entries: list[tuple[bytes, Text, Text]] = field(default_factory=list)
    rows: dict[type[models.Model], Text] = field(default_factory=dict)
    numbered: dict[type[models.Model], int] = field(default_factory=dict)

    def fill(
        self, number: int, *, back: timedelta, agent: str, surface: str, first: dict[type[models.Model], int]
    ) -> tuple[dict[type[models.Model], str], list[bytes]]:
        """Return the rows of a copy that lived so much earlier, by table, and the hashes of its entries' leaves.

        `number` tells it from all others, `first` is the next key of each table.
        """
        values = [f"serial-{number:010}", agent, surface]
        serial, earlier = f"8{number:015x}", int(back.total_seconds()) * 1000
        for milliseconds, order in self.ids:
            when = f"{milliseconds - earlier:012x}"
            values.append(f"{when[:8]}-{when[8:]}-7{order}-{serial[:4]}-{serial[4:]}")
        for time in self.times:
            moved = (time - back).isoformat(" ")
            values += (moved, f"{moved[:10]}T{moved[11:]}")
        for body in self.bodies:
            written = body.fill(values).encode()
            values += (written.hex(), hashlib.sha256(written).hexdigest())
        for model, count in self.numbered.items():
            values += map(str, range(first[model], first[model] + count))
        leaves = []
        for salt, document, leaf in self.entries:
            values.append(commitments.commit(salt, document.fill(values).encode()).hex())
            leaves.append(merkle.leaf_hash(leaf.fill(values).encode()))
        return {model: rows.fill(values) for model, rows in self.rows.items()}, leaves


def read(life: Life, *, began: datetime) -> Template:
    """Read a life that began no earlier than `began`, which is what tells its own times from all others."""
    template = Template(waits=life.waits, began=began)
    lines = {model: _lines(model, where, life) for model, where in TABLES.items()}
    entries = list(audit.Entry.objects.filter(subject=f"proposal:{life.proposal}").order_by("id"))
    everything = "".join(line for of_table in lines.values() for line in of_table)
    _take(template, [SERIAL], [AGENT], [SURFACE])
    for order, name in enumerate(sorted(set(_UUID.findall(everything)))):
        milliseconds = int(name.replace("-", "")[:12], 16)
        if milliseconds >= began.timestamp() * 1000:
            template.ids.append((milliseconds, f"{order:03x}"))
            _take(template, [name])
    seconds = {datetime.fromisoformat(text).replace(tzinfo=UTC) for text in _SECOND.findall(everything)}
    template.times = [time.replace(tzinfo=None) for time in sorted(seconds) if time >= began.replace(microsecond=0)]
    for time in template.times:
        _take(template, [time.isoformat(" ")], [time.isoformat("T")])
    _take_bodies(template, life)
    for model, of_table in lines.items():
        if is_counted(model) and of_table:
            template.numbered[model] = len(of_table)
            _take(template, *[[_key(model, number)] for number in range(len(of_table))])
    for entry in entries:
        _take_entry(template, entry)
    for model, of_table in lines.items():
        marked = [_marked(model, number, line, len(entries)) for number, line in enumerate(of_table)]
        if marked:
            template.rows[model] = _text(template, "".join(marked))
    return template


def _lines(model: type[models.Model], where: str, life: Life) -> list[str]:
    names = ", ".join(f'"{name}"' for name in columns(model))
    query = f"COPY (SELECT {names} FROM {model._meta.db_table} WHERE {where} ORDER BY 1) TO STDOUT"
    assert connection.connection is not None
    with connection.connection.cursor() as cursor, cursor.copy(query % {"proposal": f"'{life.proposal}'"}) as rows:
        return b"".join(rows).decode().splitlines(keepends=True)


def _take(template: Template, *spellings: Iterable[str]) -> None:
    """Give each the next place among the values of a copy."""
    for words in spellings:
        place = max(template.tokens.values(), default=-1) + 1
        template.tokens.update(dict.fromkeys(words, place))


def _take_bodies(template: Template, life: Life) -> None:
    for revision in approvals.Revision.objects.filter(proposal=life.proposal).order_by("number"):
        for body, digest in (
            (revision.body, revision.digest),
            (revision.rollback_body, revision.rollback_digest),
        ):
            name = digest.removeprefix("sha256:")
            if body is None or name in template.tokens:
                continue
            assert hashlib.sha256(bytes(body)).hexdigest() == name, "a digest is of the bytes"
            template.bodies.append(_text(template, bytes(body).decode()))
            _take(template, [bytes(body).hex()], [name])


def _take_entry(template: Template, entry: audit.Entry) -> None:
    document = commitments.document(
        actor_name=entry.actor_name, data=entry.data, request_id=entry.request_id, trace_id=entry.trace_id
    )
    assert commitments.commit(bytes(entry.salt), document) == bytes(entry.commitment), "it is written as it was before"
    before = _text(template, document.decode())
    _take(template, [bytes(entry.commitment).hex()])
    leaf = commitments.leaf(
        kind=entry.kind, subject=entry.subject, actor=entry.actor, at=entry.at, commitment=bytes(entry.commitment)
    )
    template.entries.append((bytes(entry.salt), before, _text(template, leaf.decode())))


def _marked(model: type[models.Model], number: int, line: str, entries: int) -> str:
    """Return a row with its number, and the number of the last entry, as what they are."""
    values = line.split("\t")
    if is_counted(model):
        values[0] = _key(model, number)
    if model is approvals.TrustCase:
        place = columns(model).index("entry")
        values[place] = _key(audit.Entry, entries - 1) + ("\n" if values[place].endswith("\n") else "")
    return "\t".join(values)


def _key(model: type[models.Model], number: int) -> str:
    return f"@{model._meta.db_table}:{number}@"


def _text(template: Template, text: str) -> Text:
    """Leave a place in `text` for everything that differs from copy to copy."""
    known = "|".join(re.escape(token) for token in sorted(template.tokens, key=len, reverse=True))
    parts: list[Any] = re.split(f"({known})", text)
    form = "%s".join(part.replace("%", "%%") for part in parts[::2])
    return Text(form, [template.tokens[token] for token in parts[1::2]])
