"""The layout of a policy file, version v1, section by section. PURE; the JSON Schema comes from here too."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from policies.engine.calendars.business_time import DAYS
from policies.facts.measures import MEASURES
from policies.facts.vocabulary import ALIASES
from policies.guardrails import CONFIG_SCHEMAS
from policies.policy_files.format.case_layout import TEST
from policies.policy_files.format.keyed import Key, KeyTable
from policies.policy_files.format.parts import (
    COUNT,
    COUNT_OR_NONE,
    CURRENCY,
    EFFECTS,
    ENABLED,
    ID,
    NAME,
    NAMES,
    OUTCOMES,
    POINTER,
    SHARE,
    SLUG,
)
from policies.policy_files.format.quantities import Day, Duration
from policies.policy_files.format.shapes import Anything, Choice, Flag, ListOf, MapOf, Number, Shape, Text

VERSION: Final = "v1"


def _names(name: str, help_text: str, alias: str = "") -> Key:
    return Key(name, NAMES, help_text, default=[], alias=alias)


_SURFACES: Final = _names("surfaces", "Surfaces, with * for any text. Empty: all.")
_AGENTS: Final = _names("agents", "Agents, with * for any text. Empty: all.")
_APPROVALS: Final = (
    Key("stage", COUNT, "All names of a stage must pass before the next opens.", default=1),
    Key("name", Text(80, 1), "Rows of one name are alternatives."),
    Key("role", Text(150, 1), "Whose people count."),
    Key("approvals", COUNT_OR_NONE, "How many must approve; 0: they only may reject.", default=1),
    Key("denials", COUNT, "How many reject it.", default=1),
)

TIER: Final = KeyTable(
    (
        ID,
        Key("name", Text(80, 1), "What people read."),
        Key("rank", Number(0, 32_767, is_whole=True), "Higher is stricter; no two are equal."),
        Key("posture", Choice(("out", "on", "in")), "Out of, on or in the loop."),
        Key("review", Choice(("none", "batch", "single", "signature", "human_only")), "How people review."),
        Key("hold", Duration(), "How long an automatic approval waits before it ships.", default=timedelta(0)),
        Key("sample_rate", SHARE, "Share of shipped work that is reviewed afterwards.", default=0.0),
        Key("description", Text(10_000), "For people.", default=""),
    ),
    "a tier",
)

_HOURS: Final = Text(
    120,
    0,
    r"^( *[0-9]{1,2}:[0-9]{2} ?[-–] ?[0-9]{1,2}:[0-9]{2} *(, *|$))*$",
    "Write hours such as 09:00-17:00, or nothing in quotes.",
)
CALENDAR: Final = KeyTable(
    (
        ID,
        Key("time_zone", Text(64, 1), "In which the hours are meant, e.g. Europe/Berlin.", default="UTC"),
        *(
            Key(
                day, _HOURS, "When people work, e.g. 09:00-12:00, 13:00-17:00.", default="09:00-17:00" if at < 5 else ""
            )
            for at, day in enumerate(DAYS)
        ),
        Key("holidays", ListOf(Day()), "Dates on which nobody works, e.g. 2026-12-25.", default=[]),
    ),
    "a calendar",
)

SURFACE: Final = KeyTable(
    (
        ID,
        Key("name", NAME, "What people read."),
        Key("description", Text(10_000), "For people.", default=""),
        Key("enabled", Flag(), "On a disabled surface every proposal is blocked.", default=True, field="is_enabled"),
        Key("owner", Text(150, 1), "The role whose people decide."),
        Key("connector", SLUG, "How approved actions are executed. Without one nothing ships.", default=None),
        Key("tier", SLUG, "The default review level."),
        Key("floor", SLUG, "The minimum review level."),
        Key("senior_tier", SLUG, "What a proposal of very low confidence gets."),
        Key("confidence_high", SHARE, "Below this an automatic tier becomes one-by-one review.", default=0.9),
        Key("confidence_low", SHARE, "Below this the senior tier applies.", default=0.5),
        Key("deadline", Duration(is_positive=True), "How long people have.", default=timedelta(hours=24)),
        Key("calendar", SLUG, "In whose working hours deadlines run. Left out: always.", default=None),
        Key("undo_window", Duration(), "How long an approval waits.", default=timedelta(seconds=10)),
        Key("shelf_life", Duration(is_positive=True), "How long an approval that is held up stays good.", default=None),
        Key("retention", Duration(is_positive=True), "How long payloads are kept.", default=timedelta(days=3650)),
        Key("cool_down", Duration(), "How long a target counts as taken after it shipped.", default=timedelta(0)),
        Key("editor_may_approve", Flag(), "Anyone who edits may also approve.", default=False),
        Key("agent_owner_may_decide", Flag(), "Agents' owners may decide on their proposals.", default=False),
        Key("distinct_people", Flag(), "Nobody counts for more than one name.", default=False),
        Key("amount_pointer", POINTER, "Where the payload says the amount.", default=""),
        Key(
            "currency",
            CURRENCY,
            "In which all amounts are, e.g. USD. Any other needs a person.",
            default="",
        ),
        Key("audience_pointer", POINTER, "Where the payload says the audience's size.", default=""),
        Key("time_zone", Text(64, 1), "In which rules read day and hour, e.g. Europe/Berlin.", default="UTC"),
        Key("params", MapOf(Anything()), "Numbers and lists for conditions: params.weekly_budget.", default={}),
        Key(
            "derived_tags",
            ListOf(KeyTable((Key("tag", SLUG, "The tag."), Key("if", MapOf(Anything()), "A JSON Schema.")), "a tag")),
            "Tags that the portal adds where the payload meets a JSON Schema.",
            default=[],
        ),
        Key("payload_schema", MapOf(Anything()), "JSON Schema 2020-12 of the payload.", default={}),
        Key("is_customer_facing", Flag(), "Customers see it.", default=False),
        Key("has_personal_data", Flag(), "It holds personal data.", default=False),
        Key("writes_to_production", Flag(), "It writes to production.", default=False),
        Key("spends_money", Flag(), "It spends money.", default=False),
        Key("has_legal_effect", Flag(), "It has legal effect.", default=False),
        Key("is_irreversible", Flag(), "It cannot be undone.", default=False),
    ),
    "a surface",
)

_MATCH: Final = KeyTable(
    (
        _SURFACES,
        _names("actions", "Actions, with * for any text. Empty: all."),
        _names("topics", "Surfaces or actions; one of the two has to match. Empty: all."),
        _AGENTS,
        _names("any_tags", "At least one of these tags. Empty: any.", alias="risk_tags"),
        _names("all_tags", "Every one of these tags. Empty: any."),
    ),
    "match",
)
RULE: Final = KeyTable(
    (
        ID,
        ENABLED,
        Key(
            "match", _MATCH, "What it applies to. Left out: everything.", default={key.name: [] for key in _MATCH.keys}
        ),
        Key("condition", Text(2_000), "In CEL, e.g. amount > 100. Left out: always holds.", default=""),
        Key("decision", OUTCOMES, "What follows."),
        Key("tier", SLUG, "Which oversight it requires or allows.", default=None),
        Key(
            "requirements",
            ListOf(KeyTable(_APPROVALS, "a requirement"), most=50),
            "Whose approvals, instead of the surface's usual.",
            default=None,
        ),
        Key("reason", Text(300), "A sentence for reviewer and agent; it may name facts: {amount}.", default=""),
    ),
    "a rule",
)

LIMIT: Final = KeyTable(
    (
        ID,
        ENABLED,
        _SURFACES,
        _AGENTS,
        Key("measure", Choice(tuple(MEASURES), aliases=ALIASES), "What is added up; estimated_cost is amount."),
        Key("currency", CURRENCY, "Of the amounts that are added up, e.g. USD. Any other needs a person.", default=""),
        Key("per", Choice(("surface", "agent", "agent_and_surface", "target", "everywhere")), "For what."),
        Key("window", Choice(("rolling", "day", "week", "month")), "Over which time."),
        Key("length", Duration(), "Of a rolling window, e.g. 7d.", default=timedelta(0)),
        Key("time_zone", Text(64, 1), "In which days, weeks and months begin.", default="UTC"),
        Key("warning", Number(0), "The warning level.", default=None),
        Key("warning_effect", EFFECTS, "What it does.", default="flag"),
        Key("warning_tier", SLUG, "Where warning_effect is tier, which needs one.", default=None),
        Key("limit", Number(0), "The limit."),
        Key("effect", EFFECTS, "What follows above it.", default="tier"),
        Key("tier", SLUG, "Where effect is tier, which needs one.", default=None),
    ),
    "a limit",
)


@dataclass(frozen=True, slots=True)
class _Guardrail(KeyTable):
    """A guardrail's settings depend on its kind, which JSON Schema can say."""

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        schema = KeyTable.schema(self)
        schema["allOf"] = [
            {
                "if": {"properties": {"kind": {"const": kind.value}}, "required": ["kind"]},
                "then": {"properties": {"config": dict(config)}},
            }
            for kind, config in CONFIG_SCHEMAS.items()
        ]
        return schema


GUARDRAIL: Final = _Guardrail(
    (
        ID,
        ENABLED,
        _SURFACES,
        Key("kind", Choice(tuple(kind.value for kind in CONFIG_SCHEMAS)), "What it checks."),
        _names("paths", "Which texts, e.g. /html or /variants/*/subject; beside the payload, @/title. Empty: all."),
        Key("config", MapOf(Anything()), "Its settings, as docs/guardrails.md lists them.", default={}),
        Key("effect", EFFECTS, "What follows."),
        Key("tier", SLUG, "Where effect is tier.", default=None),
        Key("text", Text(300, 1), "What reviewer and agent read."),
    ),
    "a guardrail",
)

REQUIREMENT: Final = KeyTable(
    (
        Key("surface", SLUG, "On which surface."),
        Key("tier", SLUG, "Only where this tier applies. Left out: any tier without rows of its own.", default=None),
        *_APPROVALS,
    ),
    "a requirement",
)

ESCALATION: Final = KeyTable(
    (
        Key("surface", SLUG, "On which surface."),
        Key("level", COUNT, "Levels follow one another.", default=1),
        Key("role", Text(150, 1), "Who is called."),
        Key("after", Duration(is_positive=True), "How long it has waited by then, in business time."),
        Key("widens", Flag(), "Whether the role may decide from then on, or is only told.", default=False),
    ),
    "an escalation",
)

SECTIONS: Final[Mapping[str, KeyTable]] = {
    "tiers": TIER,
    "calendars": CALENDAR,
    "surfaces": SURFACE,
    "rules": RULE,
    "limits": LIMIT,
    "guardrails": GUARDRAIL,
    "requirements": REQUIREMENT,
    "escalations": ESCALATION,
    "tests": TEST,
}
SINGULAR: Final = {section: table.what.split(" ", 1)[1] for section, table in SECTIONS.items()}


def key_of(section: str, value: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what makes an entry this one and no other; it sorts."""
    if section == "requirements":
        return (value["surface"], value["tier"] or "", value["stage"], value["name"], value["role"])
    if section == "escalations":
        return (value["surface"], value["level"])
    return (value["id"],)


def called(section: str, key: tuple[Any, ...]) -> str:
    """Return how people are told of an entry: rule refunds-over-100."""
    return f"{SINGULAR[section]} {' · '.join(str(part) for part in key if part != '')}"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema 2020-12 of policy files."""
    shapes: dict[str, Shape] = {section: ListOf(table, most=10_000) for section, table in SECTIONS.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "HITL Portal policy",
        "description": "Rules, limits, guardrails and the rest of a policy as a YAML file.",
        "type": "object",
        "additionalProperties": False,
        "required": ["version"],
        "properties": {
            "version": {"description": "The version of this format.", "const": VERSION},
            **{section: shape.schema() for section, shape in shapes.items()},
        },
    }
