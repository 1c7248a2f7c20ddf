"""The starter policy: rules, limits, requirements and tests for the sample surfaces, as rows for people to edit.

A row is made where there is none of its name and never was. So nobody's change is undone, and what was removed does
not come back.
"""

from dataclasses import dataclass
from typing import Any, Final

from django.db import models, transaction

from audit.clock import database_now
from audit.ledger import entries
from policies import policy_files, samples
from policies.models import PolicyTest, Requirement
from policies.policy_files import PolicyFile, tables
from policies.policy_files.reading import Item
from policies.publishing import publish

FILE: Final = "starter.yaml"
REASON: Final = "starter policy"


class StarterInvalid(ValueError):
    """The starter policy does not fit the tables that came with it."""

    code = "starter_invalid"


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one row: made now or kept; a kept one may differ from the sample.

    `left_out` says why a row was neither made nor there.
    """

    thing: str
    name: str
    is_made: bool
    differs: bool = False
    left_out: str = ""


@transaction.atomic
def make_missing() -> tuple[Line, ...]:
    """Make the rows of the starter policy that were never there, and publish nothing.

    Where a policy is in force, a row that does not fit what people made of the tables is left out: one that names
    what they removed, an approval beside approvals they chose, a test that fails.
    """
    policy = policy_files.read_files({FILE: samples.starter()})
    is_new = publish.active_version() is None
    settled: set[tuple[str, str | None]] = {(row.surface_id, row.tier_id) for row in Requirement.objects.all()}
    lines = [_line(item, settled) for item in policy.items()]
    if not is_new:
        failing = _failing({line.name for line in lines if line.is_made and line.thing == "test"})
        lines = [_failed(line) if line.thing == "test" and line.name in failing else line for line in lines]
    elif missing := [f"{line.thing} {line.name}: {line.left_out}" for line in lines if line.left_out]:
        raise StarterInvalid(" ".join(missing))
    made: list[Any] = [f"add: {line.thing} {line.name}" for line in lines if line.is_made]
    if made:
        entries.record(
            "policy.drafted",
            subject="policy:draft",
            actor=entries.SYSTEM,
            at=database_now(),
            data={"rows": made, "because": REASON},
        )
    return tuple(lines)


def _line(item: Item, settled: set[tuple[str, str | None]]) -> Line:
    thing, _, name = item.name.partition(" ")
    there = _row(item)
    if there is not None:
        return Line(thing, name, is_made=False, differs=tables.entry(item.section, there) != item.value)
    if why := _objection(item, settled):
        return Line(thing, name, is_made=False, left_out=why)
    row = tables.MODELS[item.section](**tables.attributes(item.section, item.value))
    row.full_clean(exclude=[field.name for field in row._meta.fields if field.is_relation])  # documented
    row._change_reason = REASON  # type: ignore[attr-defined]  # noqa: SLF001  # how simple_history is told
    row.save(force_insert=True)
    return Line(thing, name, is_made=True)


def _failed(line: Line) -> Line:
    return Line(line.thing, line.name, is_made=False, left_out="It fails with these tables.")


def _row(item: Item) -> models.Model | None:
    model = tables.MODELS[item.section]
    return model._default_manager.filter(**_identity(item)).first()  # noqa: SLF001  # Django's documented interface


def _identity(item: Item) -> dict[str, Any]:
    """Return the columns that make a row this one and no other."""
    if item.section != "requirements":
        return {"slug": item.value["id"]}
    columns = {"surface": "surface_id", "stage": "stage", "name": "name", "role": "role_id"}
    named = {column: item.value[key] for key, column in columns.items()}
    return named | ({"tier_id": item.value["tier"]} if item.value["tier"] else {"tier_id__isnull": True})


def _objection(item: Item, settled: set[tuple[str, str | None]]) -> str:
    """Say why a row is not made; nothing where it is."""
    history: Any = tables.MODELS[item.section].history  # type: ignore[attr-defined]  # how simple_history names it
    if history.filter(**_identity(item)).exists():
        return "It was removed."
    if item.section == "requirements" and (item.value["surface"], item.value["tier"]) in settled:
        return "Other approvals are asked for there."
    alone = PolicyFile({item.section: {item.key: item}})
    return " ".join(problem.text for problem in policy_files.check(alone, policy_files.known()))


def _failing(made: set[str]) -> set[str]:
    """Remove those of the tests `made` that fail in the draft, and return them: the tables say something else."""
    failing = {result.slug for result in publish.pending().results if not result.is_passed and result.slug in made}
    for test in PolicyTest.objects.filter(slug__in=failing):
        test.delete()
    return failing
