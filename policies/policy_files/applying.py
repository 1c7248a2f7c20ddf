"""Put policy files into the tables, as a draft. Publishing is not done here, and needs whom it always needs."""

from typing import Any, Final

from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, models, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from audit.clock import database_now
from audit.ledger import entries
from policies.actors import actor, command_line
from policies.models import Calendar, Connector, Surface, Tier
from policies.policy_files import checks, plan, tables
from policies.policy_files.checks import Known
from policies.policy_files.format.layout import SECTIONS
from policies.policy_files.plan import Plan, PlanKind, PlannedChange
from policies.policy_files.reading import PolicyFile
from policies.policy_files.yaml_nodes import (
    DocumentInvalid,
    FilePosition,
    FileProblem,
)

# One file at a time; the number only has to be the same everywhere.
_APPLYING_LOCK: Final = 0x48495402
REASON: Final = "policy file"


def known() -> Known:
    """Return what the tables have that files may refer to."""
    return Known(
        tiers={row["slug"]: row for row in Tier.objects.values("slug", "rank", "posture", "review")},
        surfaces=frozenset(Surface.objects.values_list("slug", flat=True)),
        roles=frozenset(Group.objects.values_list("name", flat=True)),
        calendars=frozenset(Calendar.objects.values_list("slug", flat=True)),
        connectors=frozenset(Connector.objects.values_list("slug", flat=True)),
    )


@transaction.atomic
def apply(policy: PolicyFile, *, prune: bool, by: User | None = None) -> Plan:
    """Make the tables say what the files say, and return what changed. Nothing is published.

    Without `by` it is the command line's doing. Raises DocumentInvalid, or PermissionDenied where `by` may not change
    such rows in the admin either; then nothing at all is written. Cost: a few queries for every changed row.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_APPLYING_LOCK])
    if problems := checks.check(policy, known()):
        raise DocumentInvalid(problems)
    made = plan.make(policy, prune=prune)
    _require(made, by)
    _write(made, by)
    if made.changes:
        entries.record(
            "policy.drafted",
            subject="policy:draft",
            actor=command_line() if by is None else actor(by),
            at=database_now(),
            data={"rows": [f"{change.kind}: {change.name}" for change in made.changes]},
        )
    return made


_ACTS: Final = {PlanKind.ADD: "add", PlanKind.CHANGE: "change", PlanKind.DISABLE: "change", PlanKind.REMOVE: "delete"}


def _require(made: Plan, by: User | None) -> None:
    """Raise PermissionDenied where `by` lacks a permission that one of the changes takes in the admin."""
    names = {f"policies.{_ACTS[one.kind]}_{tables.MODELS[one.section]._meta.model_name}" for one in made.changes}
    if by is not None and (missing := sorted(name for name in names if not by.has_perm(name))):
        raise PermissionDenied(
            _("%(person)s may not do this. It takes the permission %(missing)s.")
            % {"person": by.get_username(), "missing": ", ".join(missing)}
        )


def _write(made: Plan, by: User | None) -> None:
    problems: list[FileProblem] = []
    rows = {section: tables.rows(section) for section in {change.section for change in made.changes}}
    _free_ranks(made, rows)
    for change in made.changes:
        if change.kind in {PlanKind.ADD, PlanKind.CHANGE}:
            problems += _save(change, rows[change.section].get(change.key), by)
    if problems:
        raise DocumentInvalid(problems)
    # What refers to others goes first: tests and rules before the tiers they name.
    order = [*SECTIONS][::-1]
    for change in sorted(made.changes, key=lambda change: order.index(change.section)):
        if change.kind in {PlanKind.REMOVE, PlanKind.DISABLE}:
            problems += _remove(change, rows[change.section][change.key], by)
    if problems:
        raise DocumentInvalid(problems)


def _free_ranks(made: Plan, rows: dict[str, Any]) -> None:
    """Move tiers that change their rank out of the way, so that two can swap."""
    moving = [
        rows["tiers"][change.key]
        for change in made.changes
        if change.section == "tiers" and any(difference.path == ("rank",) for difference in change.differences)
    ]
    taken = set(Tier.objects.values_list("rank", flat=True)) if moving else set()
    free = (rank for rank in range(32_767, 0, -1) if rank not in taken)
    for tier in moving:
        # Only for the time of this transaction, so it makes no history.
        Tier.objects.filter(pk=tier.pk).update(rank=next(free))


def _save(change: PlannedChange, row: models.Model | None, by: User | None) -> list[FileProblem]:
    assert change.item is not None
    model = tables.MODELS[change.section]
    is_new = row is None
    row = row or model()
    for attribute, value in tables.attributes(change.section, change.item.value).items():
        setattr(row, attribute, value)
    try:
        references = [field.name for field in model._meta.fields if field.is_relation]  # documented
        row.full_clean(exclude=references, validate_unique=False)
    except ValidationError as error:
        return [change.item.problem(f"{change.name}: {message}") for message in error.messages]
    _tell_history(row, by)
    row.save(force_insert=is_new)
    return []


def _tell_history(row: Any, by: User | None) -> None:
    """Tell simple_history, in its own way, why the row changes and through whom."""
    row._change_reason = REASON  # noqa: SLF001
    if by is not None:
        row._history_user = by  # noqa: SLF001


def _remove(change: PlannedChange, row: models.Model, by: User | None) -> list[FileProblem]:
    _tell_history(row, by)
    if change.kind is PlanKind.DISABLE:
        assert isinstance(row, Surface)
        row.is_enabled = False
        row.save(update_fields=["is_enabled"])
        return []
    try:
        row.delete()
    except ProtectedError as error:
        users = ", ".join(sorted({f"{one._meta.verbose_name} {one}" for one in error.protected_objects})[:5])
        return [FileProblem(FilePosition("tables"), f"The {change.name} cannot be removed: it is used by {users}.")]
    return []
