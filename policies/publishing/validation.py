"""Find what keeps a policy document from being published. PURE."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo

from policies import currencies
from policies.comparison.tiers import Ladder
from policies.comparison.timing import escalation_name
from policies.engine import payloads, references
from policies.engine.calendars import business_time, deadlines
from policies.engine.payloads import SchemaInvalid
from policies.engine.policy import TierPolicy, compile_guardrail, compile_limit, compile_tiers, usual_tiers
from policies.engine.requirements import Approvers, from_rows
from policies.guardrails import GuardrailInvalid
from policies.rules.rule import RuleInvalid, compile_rule


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """One thing that cannot be published as it is. Line and column count from 1; 0 where there is none."""

    thing: str
    id: str
    field: str
    text: str
    line: int = 0
    column: int = 0


Members = Mapping[str, int]
"""How many people who can sign in hold each role."""


class Everybody(dict[str, int]):
    """The members of roles where nobody knows them: as many as anything could ask for."""

    def get(self, role: str, default: Any = None) -> Any:
        """Return how many people hold `role`."""
        return 1_000_000


EVERYBODY: Final[Members] = Everybody()


@dataclass(frozen=True, slots=True)
class Owned:
    """An agent that may propose on a surface, and the roles of its owner, who may not decide on its proposals."""

    agent: str
    surface: str
    roles: frozenset[str]


def problems(document: Mapping[str, Any], members: Members, owned: Iterable[Owned] = ()) -> tuple[PolicyProblem, ...]:
    """Return all that is wrong with `document`, thing by thing; an empty tuple if it can be compiled."""
    return (*_problems(document, members), *_excluded(document, members, owned))


def warnings(document: Mapping[str, Any], members: Members, owned: Iterable[Owned] = ()) -> tuple[PolicyProblem, ...]:
    """Return what can be published but leaves proposals without anybody who may decide on them."""
    cautions = [
        PolicyProblem(
            "surface", slug, "owner", f"No one who can sign in has the {row['owner']} role, whose people decide here."
        )
        for slug, row in sorted(document["surfaces"].items())
        if _needs_owner(document, slug) and not members.get(row["owner"])
    ]
    for one in owned:
        row = document["surfaces"].get(one.surface)
        if row is None or row["agent_owner_may_decide"] or not _needs_owner(document, one.surface):
            continue
        if members.get(row["owner"], 0) == 1 and row["owner"] in one.roles:
            text = f"The only person in {row['owner']} owns the agent {one.agent} and may not decide on its proposals."
            cautions.append(PolicyProblem("surface", one.surface, "owner", text))
    return tuple(cautions)


def _needs_owner(document: Mapping[str, Any], surface: str) -> bool:
    """Whether people of the owner role decide somewhere: an enabled surface without rows that hold for every tier."""
    row = document["surfaces"][surface]
    required = (one for one in document["requirements"] if one["surface"] == surface and not one["tier"])
    return bool(row.get("is_enabled", True)) and not any(one["approvals"] for one in required)


def _problems(document: Mapping[str, Any], members: Members) -> Iterator[PolicyProblem]:
    tiers = compile_tiers(document)
    yield from _tiers(document)
    for slug, row in sorted(document["surfaces"].items()):
        yield from _surface(slug, row, document["tiers"])
    for slug, row in sorted(document["rules"].items()):
        yield from _rule(slug, row, tiers, members)
    for slug, row in sorted(document["limits"].items()):
        yield from _limit(slug, row, tiers)
    for slug, row in sorted(document["guardrails"].items()):
        yield from _guardrail(slug, row, tiers)
    yield from _requirements(document["requirements"], members)
    yield from _distinct_people(document, members)
    yield from _calendars(document.get("calendars", {}))
    yield from (PolicyProblem(*fault) for fault in deadlines.faults(document))
    yield from _escalations(document, members)


def _tiers(document: Mapping[str, Any]) -> Iterator[PolicyProblem]:
    if not Ladder(document["tiers"]).is_in_order():
        text = "A tier that ships by itself must rank below every tier in which people decide."
        yield PolicyProblem("tier", "", "rank", text)


def _surface(slug: str, row: Mapping[str, Any], tiers: Mapping[str, Any]) -> Iterator[PolicyProblem]:
    schemas = [("payload_schema", row["payload_schema"])]
    for tag in row["derived_tags"]:
        if isinstance(tag, Mapping) and tag.keys() == {"tag", "if"}:
            schemas.append(("derived_tags", tag["if"]))
        else:
            yield PolicyProblem(
                "surface", slug, "derived_tags", 'Each row must be {"tag": "…", "if": {…}} and nothing else.'
            )
    for name, schema in schemas:
        try:
            payloads.validator(schema)
        except SchemaInvalid as error:
            yield PolicyProblem("surface", slug, name, str(error))
    for problem in references.problems(row["payload_schema"]):
        yield PolicyProblem("surface", slug, "payload_schema", problem)
    if tiers[row["senior_tier"]]["posture"] != "in":
        yield PolicyProblem("surface", slug, "senior_tier", "Choose a tier in which people decide.")
    if not isinstance(row["params"], Mapping):
        yield PolicyProblem("surface", slug, "params", "Parameters are a table: {…}.")
    yield from _time_zone("surface", slug, row["time_zone"])
    yield from _currency("surface", slug, row)


def _currency(thing: str, slug: str, row: Mapping[str, Any]) -> Iterator[PolicyProblem]:
    code = row.get("currency", "")
    if code and not currencies.is_known(code):
        yield PolicyProblem(thing, slug, "currency", f"{code} is no currency. {currencies.HINT}")


def _time_zone(thing: str, slug: str, name: str) -> Iterator[PolicyProblem]:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        yield PolicyProblem(thing, slug, "time_zone", f"There is no time zone {name}. An example is Europe/Berlin.")


def _rule(
    slug: str, row: Mapping[str, Any], tiers: Mapping[str, TierPolicy], members: Members
) -> Iterator[PolicyProblem]:
    try:
        compile_rule(slug, row, tiers, usual_tiers(tiers))
    except RuleInvalid as error:
        line, column = (error.cause.line, error.cause.column) if error.cause else (0, 0)
        yield PolicyProblem("rule", slug, error.field, error.message, line, column)
    if row["requirements"]:
        for text in requirement_faults(row["requirements"], members):
            yield PolicyProblem("rule", slug, "requirements", text)
        if _asks_for_nobody(row["requirements"]):
            yield PolicyProblem("rule", slug, "requirements", "Some row has to ask for approvals, or nothing can pass.")


def _limit(slug: str, row: Mapping[str, Any], tiers: Mapping[str, TierPolicy]) -> Iterator[PolicyProblem]:
    try:
        compile_limit(slug, row, tiers)
    except (KeyError, ValueError) as error:
        yield PolicyProblem("limit", slug, "", str(error).strip("'"))
    for effect, tier in (("effect", "tier"), ("warning_effect", "warning_tier")):
        if row[effect] == "tier" and row[tier] is None and (effect == "effect" or row["warning"] is not None):
            yield PolicyProblem("limit", slug, tier, "Choose a tier where the tier is raised.")
    yield from _time_zone("limit", slug, row["window"]["time_zone"])
    yield from _currency("limit", slug, row)
    if row.get("currency") and row["measure"] != "amount":
        yield PolicyProblem("limit", slug, "currency", "Only a limit of amounts has a currency.")


def _guardrail(slug: str, row: Mapping[str, Any], tiers: Mapping[str, TierPolicy]) -> Iterator[PolicyProblem]:
    try:
        compile_guardrail(slug, row)
    except GuardrailInvalid as error:
        for text in error.problems:
            yield PolicyProblem("guardrail", slug, "config", text)
    except ValueError as error:
        yield PolicyProblem("guardrail", slug, "kind", str(error))
    if row["tier"] is not None and row["tier"] not in tiers:
        yield PolicyProblem("guardrail", slug, "tier", f"There is no tier {row['tier']}.")


def _requirements(rows: list[Mapping[str, Any]], members: Members) -> Iterator[PolicyProblem]:
    def where(row: Mapping[str, Any]) -> tuple[str, str]:
        return row["surface"], row["tier"] or ""

    for (surface, tier), group in groupby(sorted(rows, key=where), key=where):
        plain = [{name: row[name] for name in _APPROVERS} for row in group]
        for text in requirement_faults(plain, members):
            yield PolicyProblem("requirement", f"{surface}{f' ({tier})' if tier else ''}", "role", text)


def _asks_for_nobody(rows: Any) -> bool:
    return isinstance(rows, list) and not any(row.get("approvals", 1) for row in rows if isinstance(row, Mapping))


def _distinct_people(document: Mapping[str, Any], members: Members) -> Iterator[PolicyProblem]:
    """Yield the surfaces on which the same role is asked so often that there are too few different people."""

    def where(row: Mapping[str, Any]) -> tuple[str, str]:
        return row["surface"], row["tier"] or ""

    for (surface, tier), group in groupby(sorted(document["requirements"], key=where), key=where):
        if not document["surfaces"].get(surface, {}).get("distinct_people"):
            continue
        rows = [*group]
        names: dict[tuple[int, str], list[Mapping[str, Any]]] = {}
        for row in rows:
            names.setdefault((row["stage"], row["name"]), []).append(row)
        # Only names with one alternative are sure to need people of that role.
        sure = [alternatives[0] for alternatives in names.values() if len(alternatives) == 1]
        for role in sorted({row["role"] for row in sure}):
            approvals_needed = sum(row["approvals"] for row in sure if row["role"] == role)
            if approvals_needed > members.get(role, 0) > 0:
                text = f"This needs {approvals_needed} people with the {role} role, not {members.get(role, 0)}."
                yield PolicyProblem("requirement", f"{surface}{f' ({tier})' if tier else ''}", "role", text)


def _excluded(document: Mapping[str, Any], members: Members, owned: Iterable[Owned]) -> Iterator[PolicyProblem]:
    """Yield requirements that only the owner of an agent could meet, who may not."""
    for row in owned:
        surface = document["surfaces"].get(row.surface)
        if surface is None or surface["agent_owner_may_decide"]:
            continue
        there = {role: count - (role in row.roles) for role, count in members.items()}
        own = [one for one in document["requirements"] if one["surface"] == row.surface]
        for tier in sorted({one["tier"] or "" for one in own}):
            plain = [{name: one[name] for name in _APPROVERS} for one in own if (one["tier"] or "") == tier]
            for text in {*requirement_faults(plain, there)} - {*requirement_faults(plain, members)}:
                shown = f"{row.surface}{f' ({tier})' if tier else ''}"
                sentence = f"Not counting the owner of {row.agent}, who may not decide: {text}"
                yield PolicyProblem("requirement", shown, "role", sentence)


def _calendars(rows: Mapping[str, Any]) -> Iterator[PolicyProblem]:
    for slug, row in sorted(rows.items()):
        try:
            business_time.read(row)
        except (KeyError, TypeError, ValueError) as error:
            yield PolicyProblem("calendar", slug, "", str(error))


def _escalations(document: Mapping[str, Any], members: Members) -> Iterator[PolicyProblem]:
    before: Mapping[str, Any] | None = None
    for row in sorted(document.get("escalations", ()), key=lambda row: (row["surface"], row["level"])):
        shown = escalation_name(row)
        deadline = document["surfaces"].get(row["surface"], {}).get("deadline", 0)
        if row["after"] >= deadline:
            yield PolicyProblem(
                "escalation", shown, "after", "It would come too late: the proposal has expired by then."
            )
        if before is not None and before["surface"] == row["surface"] and before["after"] >= row["after"]:
            text = f"It must come later than level {before['level']}."
            yield PolicyProblem("escalation", shown, "after", text)
        if not members.get(row["role"]):
            yield PolicyProblem("escalation", shown, "role", f"No one who can sign in has the {row['role']} role.")
        before = row


_APPROVERS: Final = ("stage", "name", "role", "approvals", "denials")


def requirement_faults(rows: Any, members: Members) -> Iterator[str]:
    """Yield, in sentences, what is wrong with rows of requirements, and whom they ask for in vain."""
    try:
        approvers = from_rows(rows)
    except TypeError:
        yield f"Each row is a table with {', '.join(_APPROVERS)}."
        return
    if not all(_is_sound(row) for row in approvers):
        yield "stage and denials are whole numbers from 1, approvals from 0; name and role are text."
        return
    asking = sorted(row for row in approvers if row.approvals)
    for _name, group in groupby(asking, key=lambda row: (row.stage, row.name)):
        alternatives = [*group]
        if all(members.get(row.role, 0) < row.approvals for row in alternatives):
            yield _missing_people(alternatives, members)


def _missing_people(alternatives: Sequence[Approvers], members: Members) -> str:
    """Say which role has too few people to give an approval that one of `alternatives` would have to give."""
    if not any(members.get(row.role) for row in alternatives):
        return f"No one has the {' or '.join(row.role for row in alternatives)} role yet. Assign someone first."
    wanted = " or ".join(f"{row.approvals} of {row.role}, which has {members.get(row.role, 0)}" for row in alternatives)
    return f"Too few people can approve: this needs {wanted}. Assign more first."


def _is_sound(row: Approvers) -> bool:
    # Read from JSON that people wrote: types are only hoped for.
    numbers: tuple[Any, ...] = (row.stage, row.approvals + 1, row.denials) if type(row.approvals) is int else (None,)
    texts: tuple[Any, ...] = (row.name, row.role)
    is_named = all(isinstance(text, str) and text for text in texts)
    return is_named and all(type(number) is int and number >= 1 for number in numbers)
