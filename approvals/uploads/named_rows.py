"""The rows that a payload names, compared with what was uploaded and checked by what the surface asks now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection

from approvals.models import Upload, UploadScan
from approvals.models.stored_row import Statement
from approvals.uploads import row_checks, stored_rows
from approvals.uploads.row_checks import RowChecks
from audit.clock import database_now
from policies.engine import references
from policies.engine.payloads import MAX_ERRORS, FieldError, SchemaInvalid
from policies.engine.policy import SurfacePolicy
from policies.engine.references import ByReference, Reference
from policies.guardrails import GuardrailPolicy

GONE: Final = "There is no such upload of this agent for this field, or it has expired. Upload the rows again."
USED: Final = "Another proposal names these rows already. Upload them again."


@dataclass(frozen=True, slots=True)
class NamedRows:
    """The references of one payload, and what was found in the rows of each. Locked, where a transaction is open."""

    references: Sequence[Reference] = ()
    findings: Sequence[Mapping[str, dict[str, Any]]] = ()
    faults: Sequence[FieldError] = ()

    @property
    def count(self) -> int:
        return references.total(self.references)


NONE: Final = NamedRows()


def look(
    payload: Any,
    surface: SurfacePolicy,
    held: Sequence[GuardrailPolicy],
    *,
    agent: str,
    own: UUID | None,
    at: str = "/payload",
) -> NamedRows:
    """Return the rows that a payload, which fits its schema, names. `own` is the proposal's id, if it has one.

    Costs nothing where it names none, one query where these checks have seen the rows before, and one pass over the
    rows where policy has changed since.
    """
    named = references.read(payload)
    if not named:
        return NONE
    may = references.allowed(surface.payload_schema)
    faults: list[FieldError] = []
    findings = []
    for one in named:
        upload = _upload(one, surface, agent)
        if wrong := _fault(one, upload, may.get(one.member), own, at=f"{at}/{one.member}"):
            faults.append(wrong)
            continue
        assert upload is not None, "one that is not there is a fault"
        scan = _scan(upload, may[one.member], held)
        faults += [FieldError(f"{at}/{one.member}{row['pointer']}", row["code"], row["detail"]) for row in scan.faults]
        findings.append(scan.findings)
    return NamedRows(named, findings, faults[:MAX_ERRORS])


def binding(body: bytes, rollback: bytes | memoryview | None, proposal_id: UUID) -> Statement | None:
    """Return what ties the rows that a revision names to its proposal; None where it names none."""
    named = [*references.read_bytes(body), *references.read_bytes(bytes(rollback or b""))]
    if not named:
        return None
    return Statement(
        "UPDATE approvals_upload SET proposal_id = %s WHERE id = ANY(%s::uuid[]) AND proposal_id IS NULL",
        [proposal_id, [one.upload for one in named]],
    )


def bind(body: bytes, rollback: bytes | memoryview | None, proposal_id: UUID) -> None:
    """Tie the rows that a new revision names to its proposal."""
    if statement := binding(body, rollback, proposal_id):
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, statement.parameters)


def _upload(reference: Reference, surface: SurfacePolicy, agent: str) -> Upload | None:
    # Locked, so that neither another proposal nor the sweep takes it before this one is stored.
    uploads = Upload.objects.select_for_update() if connection.in_atomic_block else Upload.objects.all()
    return uploads.filter(pk=reference.upload, agent=agent, surface=surface.slug, member=reference.member).first()


def _fault(
    one: Reference, upload: Upload | None, by: ByReference | None, own: UUID | None, *, at: str
) -> FieldError | None:
    """Return what is wrong with a reference itself."""
    if by is None:
        return FieldError(at, "not_by_reference", "The rows of this field stand in the payload itself.")
    if upload is None:
        return FieldError(at, "unknown_upload", GONE)
    if upload.proposal_id not in {None, own}:
        return FieldError(at, "upload_used", USED)
    if (one.digest, one.count, dict(one.kinds)) != (upload.digest, upload.count, upload.kinds):
        detail = "Digest, count and kinds are not those of the upload. Send what its answer said as “reference”."
        return FieldError(at, "contradicts_upload", detail)
    if by.max_rows is not None and upload.count > by.max_rows:
        return FieldError(at, "max_rows", f"At most {by.max_rows:,} rows may stand here; these are {upload.count:,}.")
    return None


def _scan(upload: Upload, by: ByReference, held: Sequence[GuardrailPolicy]) -> UploadScan:
    """Return what these checks find in all rows: from before, or of one pass over them now."""
    digest = row_checks.digest(by, held)
    known: UploadScan | None = UploadScan.objects.filter(upload=upload, checks_digest=digest).first()
    if known is not None:
        return known
    faults, findings = _pass_over(upload, by, held)
    scan, _is_new = UploadScan.objects.get_or_create(
        upload=upload,
        checks_digest=digest,
        defaults={"faults": faults, "findings": findings, "at": database_now()},
    )
    return scan


def _pass_over(upload: Upload, by: ByReference, held: Sequence[GuardrailPolicy]) -> tuple[list[Any], dict[str, Any]]:
    try:
        checks = RowChecks(by, held)
    except SchemaInvalid as error:
        return [{"pointer": "", "code": "schema_invalid", "detail": str(error)[:200]}], {}
    first = 0
    for rows in stored_rows.rows_of(upload):
        checks.add(first, rows)
        first += len(rows)
    faults = [{"pointer": one.pointer, "code": one.code, "detail": one.detail} for one in checks.faults[:MAX_ERRORS]]
    return faults, checks.findings()
