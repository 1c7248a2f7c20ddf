"""Take rows in: read, check and count them as they arrive, then keep them all or none. The only writer of uploads."""

import hashlib
import secrets
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import IO, Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from approvals.errors import InvalidProposal, UploadRefused, UploadTooLarge
from approvals.models import Upload, UploadChunk, UploadScan
from approvals.uploads import row_checks, stored_rows
from approvals.uploads.kinds import KindCount, key_of
from approvals.uploads.lines import LineReader, Source
from approvals.uploads.row_checks import RowChecks
from audit.canonical import JsonValue
from audit.clock import database_now
from audit.ledger import entries
from policies import guardrails
from policies.actors import actor
from policies.engine import references
from policies.engine.payloads import MAX_ERRORS, FieldError
from policies.engine.policy import Policy
from policies.engine.references import ByReference
from policies.models import Agent
from policies.publishing.current import load_current

CHUNKS_AT_A_TIME: Final = 20
MOST_UNUSED: Final = 20
"""So many uploads of one agent may wait for a proposal to name them."""
MOST_LEFT_OUT: Final = 5_000
"""So many rows of one proposal people may leave out; beyond that it is another proposal."""
LIFETIME: Final = timedelta(hours=24)
"""How long they wait."""


@dataclass(slots=True)
class _Spool:
    """Rows on their way: on disk, with where each chunk ends, and what was counted."""

    file: IO[bytes]
    ends: list[tuple[int, int]]
    """Of each chunk: its rows, and where it ends in the file."""
    count: int
    size: int
    digest: str
    kinds: Mapping[str, int]
    key: str


def receive(*, agent: Agent, surface: str, member: str, source: Source) -> Upload:
    """Keep the rows that `source` yields, for one proposal of `agent` on `surface` to name in its field `member`.

    They are read once, in constant memory, and no transaction is open meanwhile. Raises InvalidProposal for a surface
    or field that takes no rows, UploadRefused with each line at fault, or UploadTooLarge; then nothing is kept.
    """
    with transaction.atomic():
        now = load_current(agent=agent.slug, surface=surface)
    by = _by_reference(now.policy, surface, member, has_mandate=now.mandate is not None)
    _require_room(agent)
    return _take(by, now.policy, source, agent=agent, surface_id=surface)


def leave_out(*, upload: Upload, numbers: Collection[int], by: User) -> Upload:
    """Keep the rows of `upload` but those of these numbers, counted from 1, for an edit of its proposal to name.

    They are read and checked like any upload, and what is kept names the rows that the agent sent, so that what was
    left out can always be shown. Raises UploadRefused where that would leave nothing, or for too many.
    """
    wrong = sorted(number for number in numbers if not 1 <= number <= upload.count)
    if wrong or not numbers:
        raise UploadRefused(_("There is no row %s.") % f"{wrong[0]:,}" if wrong else _("Choose rows to leave out."))
    root = upload.source or upload
    left_out = sorted({*upload.left_out, *stored_rows.in_source(upload, numbers)})
    if len(left_out) > MOST_LEFT_OUT:
        detail = _("At most %s rows can be left out by people. Send the proposal back instead.")
        raise UploadRefused(detail % f"{MOST_LEFT_OUT:,}")
    if len(left_out) == root.count:
        raise UploadRefused(_("That would leave no row. Reject the proposal instead."))
    with transaction.atomic():
        now = load_current(agent=root.agent_id, surface=root.surface_id)
    by_reference = _by_reference(now.policy, root.surface_id, root.member, has_mandate=True)
    source = stored_rows.Remainder(root, frozenset(left_out)).read
    place = {"agent": root.agent, "surface_id": root.surface_id, "source": root, "left_out": left_out}
    return _take(by_reference, now.policy, source, author=by, **place)


def _take(by: ByReference, policy: Policy, sent: Source, *, author: User | None = None, **place: Any) -> Upload:
    held = guardrails.for_surface(policy.guardrails, place["surface_id"])
    checks = RowChecks(by, held)
    # A file and no transaction: who sends slowly holds nothing up, and what breaks off leaves nothing behind.
    with tempfile.TemporaryFile() as file:
        spool = _spool(by, checks, sent, file)
        scan = UploadScan(checks_digest=row_checks.digest(by, held), faults=[], findings=checks.findings())
        return _keep(spool, scan, author, member=by.member, kind=by.kind, **place)


def _by_reference(policy: Policy, surface: str, member: str, *, has_mandate: bool) -> ByReference:
    known = policy.surfaces.get(surface)
    if known is None or not has_mandate:
        detail = f"There is no surface {surface} for this agent. GET surfaces/ lists yours."
        raise InvalidProposal([FieldError("?surface", "unknown_surface", detail)])
    may = references.allowed(known.payload_schema)
    if not may:
        detail = f"No field of {surface} takes uploaded rows. People allow it by “{references.KEYWORD}” in its schema."
        raise InvalidProposal([FieldError("?surface", "no_uploads", detail)])
    if member not in may and (member or len(may) > 1):
        detail = f"Name the field that takes the rows: {', '.join(sorted(may))}."
        raise InvalidProposal([FieldError("?field", "unknown_field", detail)])
    return may[member] if member else next(iter(may.values()))


def unused() -> QuerySet[Upload]:
    """Return the uploads that no proposal names."""
    return Upload.objects.filter(proposal__isnull=True)


def _require_room(agent: Agent) -> None:
    if unused().filter(agent=agent, source=None).count() >= MOST_UNUSED:
        detail = _("%d uploads of this agent wait for a proposal already. They are kept for a day: use them first.")
        raise UploadRefused(detail % MOST_UNUSED)


def _spool(by: ByReference, checks: RowChecks, source: Source, file: IO[bytes]) -> _Spool:
    reader = LineReader(source, max_bytes=settings.UPLOAD_MAX_BYTES)
    most = min(settings.UPLOAD_MAX_ROWS, by.max_rows or settings.UPLOAD_MAX_ROWS)
    hashed, kinds, rows = hashlib.sha256(), KindCount(by), reader.rows()
    spool = _Spool(file, [], 0, 0, "", {}, "")
    while batch := list(islice(rows, UploadChunk.ROWS)):
        if spool.count + len(batch) > most:
            raise UploadTooLarge(_("At most %s rows may be uploaded here. Send several proposals.") % f"{most:,}")
        if len(checks.faults) >= MAX_ERRORS:
            continue  # enough is known; the rest is only read to its end
        if not spool.count:
            spool.key = key_of(batch[0][0], by)
        checks.add(spool.count, [row for row, _line in batch])
        for row, line in batch:
            kinds.add(row)
            hashed.update(line)
            spool.size += file.write(line)
        spool.count += len(batch)
        spool.ends.append((len(batch), spool.size))
    _require_right([*reader.faults, *checks.faults], spool.count)
    spool.digest, spool.kinds = f"sha256:{hashed.hexdigest()}", kinds.counts()
    return spool


def _require_right(faults: list[FieldError], count: int) -> None:
    if faults:
        raise UploadRefused(_("Some rows are not valid; nothing was kept."), faults[:MAX_ERRORS])
    if not count:
        raise UploadRefused(_("There are no rows: send one JSON object a line."))


@transaction.atomic
def _keep(spool: _Spool, scan: UploadScan, author: User | None, **place: Any) -> Upload:
    """Store the rows with what was found in them, and tell the ledger."""
    at = database_now()
    upload: Upload = Upload.objects.create(
        count=spool.count,
        size=spool.size,
        digest=spool.digest,
        kinds=dict(spool.kinds),
        key=spool.key,
        seed=secrets.token_hex(32),
        created_at=at,
        **place,
    )
    chunks = _chunks(upload, spool)
    while some := list(islice(chunks, CHUNKS_AT_A_TIME)):
        UploadChunk.objects.bulk_create(some)
    scan.upload, scan.at = upload, at
    scan.save(force_insert=True)
    content: dict[str, JsonValue] = {"surface": upload.surface_id, "rows": upload.count, "digest": upload.digest}
    if upload.source_id:
        content |= {"of": str(upload.source_id), "left_out": list(upload.left_out)}
    entries.record(
        "upload.rows_left_out" if author else "upload.received",
        subject=f"upload:{upload.pk}",
        actor=actor(author or upload.agent),
        at=at,
        data=content,
    )
    return upload


def _chunks(upload: Upload, spool: _Spool) -> Iterator[UploadChunk]:
    begin = first = 0
    spool.file.seek(0)
    for number, (count, end) in enumerate(spool.ends):
        yield UploadChunk(upload=upload, number=number, first=first, count=count, body=spool.file.read(end - begin))
        begin, first = end, first + count


def reference(upload: Upload) -> dict[str, Any]:
    """Return what a payload says in the place of these rows."""
    return {
        references.MARK: str(upload.pk),
        "digest": upload.digest,
        "count": upload.count,
        "kinds": upload.kinds,
    }


def overdue() -> QuerySet[Upload]:
    """Return the uploads that no proposal has named in time."""
    return unused().filter(created_at__lt=Now() - LIFETIME)


def forget_unused(*, most: int = 20) -> int:
    """Delete uploads that no proposal has named in time, at most `most`; return how many."""
    with transaction.atomic():
        old = overdue().order_by("created_at")
        keys = [upload.pk for upload in old.select_for_update(skip_locked=True)[:most]]
        Upload.objects.filter(pk__in=keys).delete()
    return len(keys)
