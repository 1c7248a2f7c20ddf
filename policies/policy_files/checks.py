"""Check what a policy file's shape cannot: conditions compile, tiers fit, names exist. No database."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from policies.engine import payloads
from policies.engine.calendars import business_time
from policies.engine.calendars.business_time import DAYS
from policies.engine.payloads import SchemaInvalid
from policies.engine.policy import compile_policy
from policies.guardrails import CONFIG_SCHEMAS, GuardrailEffect, GuardrailInvalid, GuardrailKind, GuardrailPolicy
from policies.policy_files.format.shapes import did_you_mean
from policies.policy_files.reading import Item, PolicyFile
from policies.policy_files.yaml_nodes import (
    FilePosition,
    FileProblem,
    Scalar,
)
from policies.rules.rule import RuleInvalid


@dataclass(frozen=True, slots=True)
class Known:
    """What entries may refer to besides what the files bring. None: nobody knows, so nothing is refused."""

    tiers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Rank, posture and review by slug."""
    surfaces: frozenset[str] | None = None
    roles: frozenset[str] | None = None
    connectors: frozenset[str] | None = None
    calendars: frozenset[str] | None = None


def check(policy: PolicyFile, known: Known) -> list[FileProblem]:
    """Return what is wrong with entries that have the right shape."""
    return list(_Checker(policy, known).problems())


_FLAT: Final = {"sample_rate": 0.0, "hold": 0.0}


class _Checker:
    def __init__(self, policy: PolicyFile, known: Known) -> None:
        self.policy = policy
        self.known = known
        own = {item.value["id"]: item.value for item in policy.sections.get("tiers", {}).values()}
        self.tiers: dict[str, Mapping[str, Any]] = {**known.tiers, **own}
        self.compiled = {
            slug: {name: tier[name] for name in ("rank", "posture", "review")} | _FLAT
            for slug, tier in self.tiers.items()
        }

    def problems(self) -> Iterator[FileProblem]:
        yield from self._ranks()
        special = {
            "tiers": _tier, "surfaces": self._surface, "rules": self._rule, "limits": self._limit,
            "guardrails": self._guardrail, "requirements": self._requirement, "tests": self._test,
            "calendars": _calendar, "escalations": self._escalation,
        }  # fmt: skip
        for item in self.policy.items():
            yield from special[item.section](item)

    def _ranks(self) -> Iterator[FileProblem]:
        taken: dict[int, str] = {}
        for slug, tier in self.tiers.items():
            first = taken.setdefault(tier["rank"], slug)
            item = self.policy.sections.get("tiers", {}).get((slug,))
            if first != slug and item is not None:
                yield item.problem(f"The tier {first} has this rank already.", "rank")

    def _named(self, item: Item, names: Any, what: str, *path: str | int) -> Iterator[FileProblem]:
        """Refuse the name at `path` unless it is among `names`."""
        name: Any = item.value
        for part in path:
            name = name[part]
        if name and names is not None and name not in names:
            yield item.problem(f"There is no {what} {name}.{did_you_mean(name, [*names])}", *path)

    def _tiers(self, item: Item, *names: str) -> Iterator[FileProblem]:
        for name in names:
            yield from self._named(item, self.tiers or None, "tier", name)

    def _surface(self, item: Item) -> Iterator[FileProblem]:
        value = item.value
        yield from self._tiers(item, "tier", "floor", "senior_tier")
        yield from self._named(item, self.known.roles, "role", "owner")
        yield from self._named(item, self.known.connectors, "connector", "connector")
        yield from _time_zone(item)
        if self.known.calendars is not None:
            yield from self._named(item, self.known.calendars | self._own("calendars"), "calendar", "calendar")
        if value["confidence_low"] > value["confidence_high"]:
            yield item.problem("This must be at most confidence_high.", "confidence_low")
        tier, floor, senior = (self.tiers.get(value[name]) for name in ("tier", "floor", "senior_tier"))
        if tier and floor and tier["rank"] < floor["rank"]:
            yield item.problem(f"This is looser than the floor, {value['floor']}, which would always win.", "tier")
        if senior and senior["posture"] != "in":
            yield item.problem("Choose a tier in which people decide.", "senior_tier")
        yield from _schema(item, value["payload_schema"], "payload_schema")
        for number, tag in enumerate(value["derived_tags"]):
            yield from _schema(item, tag["if"], "derived_tags", number, "if")

    def _rule(self, item: Item) -> Iterator[FileProblem]:
        value = item.value
        yield from self._tiers(item, "tier")
        for number in range(len(value["requirements"] or ())):
            yield from self._named(item, self.known.roles, "role", "requirements", number, "role")
        tier = value["tier"] if value["tier"] in self.tiers else None
        row = {**value["match"], "condition": value["condition"], "decision": value["decision"], "tier": tier}
        document = {"tiers": self.compiled, "surfaces": {}, "rules": {value["id"]: {**row, "reason": value["reason"]}}}
        try:
            compile_policy(number=0, digest="", document=document)
        except RuleInvalid as error:
            # Without any tiers, whether one goes with the decision cannot be told.
            if error.field != "tier" or self.tiers:
                yield _rule_problem(item, error)

    def _limit(self, item: Item) -> Iterator[FileProblem]:
        value = item.value
        yield from self._tiers(item, "tier", "warning_tier")
        yield from _time_zone(item)
        is_rolling = value["window"] == "rolling"
        if is_rolling and value["length"] == timedelta(0):
            yield item.problem("A rolling window needs a length, such as length: 7d.", "window")
        if not is_rolling and value["length"] != timedelta(0):
            yield item.problem("Only a rolling window has a length.", "length")
        if value["warning"] is not None and value["warning"] > value["limit"]:
            yield item.problem("The warning level must not be above the limit.", "warning")
        if value["currency"] and value["measure"] != "amount":
            yield item.problem("Only a limit of amounts has a currency.", "currency")
        for effect, tier in (("effect", "tier"), ("warning_effect", "warning_tier")):
            if value[tier] and value[effect] != "tier":
                yield item.problem(f"This goes only with {effect}: tier.", tier)

    def _guardrail(self, item: Item) -> Iterator[FileProblem]:
        value = item.value
        yield from self._tiers(item, "tier")
        kind = GuardrailKind(value["kind"])
        faults = payloads.errors(CONFIG_SCHEMAS[kind], value["config"])
        for error in faults:
            yield item.problem(error.detail, "config", *_parts(error.pointer))
        if faults:
            return
        try:
            GuardrailPolicy(
                slug=value["id"], kind=kind, surfaces=tuple(value["surfaces"]), paths=tuple(value["paths"]),
                config=value["config"], effect=GuardrailEffect(value["effect"]), tier=value["tier"], text=value["text"],
            )  # fmt: skip
        except GuardrailInvalid as error:
            for text in error.problems:
                yield item.problem(text)

    def _requirement(self, item: Item) -> Iterator[FileProblem]:
        yield from self._tiers(item, "tier")
        yield from self._named(item, self.known.roles, "role", "role")
        yield from self._on_a_surface(item)

    def _escalation(self, item: Item) -> Iterator[FileProblem]:
        yield from self._named(item, self.known.roles, "role", "role")
        yield from self._on_a_surface(item)

    def _on_a_surface(self, item: Item) -> Iterator[FileProblem]:
        if self.known.surfaces is not None:
            yield from self._named(item, self.known.surfaces | self._own("surfaces"), "surface", "surface")

    def _own(self, section: str) -> frozenset[str]:
        return frozenset(one.value["id"] for one in self.policy.sections.get(section, {}).values())

    def _test(self, item: Item) -> Iterator[FileProblem]:
        yield from self._named(item, self.tiers or None, "tier", "expect", "tier")
        if "mandate" in item.value["facts"]:
            yield from self._named(item, self.tiers or None, "tier", "facts", "mandate")


def _tier(item: Item) -> Iterator[FileProblem]:
    if (item.value["posture"] == "in") != (item.value["review"] != "none"):
        yield item.problem("A tier in the loop needs a kind of review; an automatic tier has none.", "review")


def _time_zone(item: Item) -> Iterator[FileProblem]:
    name = item.value["time_zone"]
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield item.problem(f"There is no time zone {name}. Write one such as Europe/Berlin.", "time_zone")


def _calendar(item: Item) -> Iterator[FileProblem]:
    yield from _time_zone(item)
    for day in DAYS:
        try:
            business_time.read_hours(item.value[day])
        except ValueError as error:
            yield item.problem(str(error), day)
    if not any(item.value[day].strip() for day in DAYS):
        yield item.problem("A calendar needs working hours on some day of the week.")


def _schema(item: Item, schema: Any, *path: str | int) -> Iterator[FileProblem]:
    try:
        payloads.validator(schema)
    except SchemaInvalid as error:
        yield item.problem(f"This is no JSON Schema: {str(error)[:200]}", *path)


def _parts(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _rule_problem(item: Item, error: RuleInvalid) -> FileProblem:
    """Put what is wrong with a rule where it stands; inside a condition, at its very character if that is known."""
    node = item.node_at(error.field)
    text = str(error).partition(": ")[2]
    if error.field != "condition" or error.cause is None or not isinstance(node, Scalar):
        return item.problem(text, error.field)
    line, column = error.cause.line, error.cause.column
    # In one line and without escapes, so that the character in the condition is that in the file.
    if node.style in {"", '"', "'"} and node.end - node.start == len(node.text) + 2 * len(node.style):
        place = node.place
        return FileProblem(FilePosition(place.file, place.line, place.column + column - 1 + len(node.style)), text)
    return item.problem(f"{text} (Line {line}, column {column} of the condition.)", error.field)
