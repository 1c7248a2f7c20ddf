"""Cautions: publishable but probably not meant, such as a rule that matches nothing. PURE."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from policies.facts import schema_types
from policies.facts.facts import FIGURES
from policies.publishing.lint import values
from policies.rules import typed_comparisons
from policies.rules.conditions import ConditionInvalid, compile_condition
from policies.rules.rule import matches


class Caution(NamedTuple):
    """One thing to look at: of which row, at which place in it, and what may be wrong."""

    thing: str
    id: str
    path: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Portal:
    """What proposals may name besides what the document says. None: nobody knows, so nothing is said of it."""

    agents: frozenset[str] | None = None
    actions: frozenset[str] | None = None
    """The actions that were proposed so far."""
    tested: frozenset[str] = frozenset()
    """The actions that the portal's own policy tests name. A file's tests do not vouch for its rules."""


Rows = Mapping[str, Mapping[str, Any]]
_TYPES: Final = {
    typed_comparisons.NUMBER: schema_types.NUMBER,
    typed_comparisons.TEXT: schema_types.TEXT,
    typed_comparisons.YES_OR_NO: schema_types.YES_OR_NO,
}


def cautions(document: Mapping[str, Any], portal: Portal) -> tuple[Caution, ...]:
    """Return what to look at in a document that can be compiled, thing by thing."""
    return tuple(_cautions(document, portal))


def _cautions(document: Mapping[str, Any], portal: Portal) -> Iterator[Caution]:
    surfaces: Rows = document["surfaces"]
    for slug, row in sorted(surfaces.items()):
        yield from _figures(slug, row)
    for slug, row in sorted(document["rules"].items()):
        yield from _matchless(slug, row, surfaces, portal)
        yield from _condition(slug, row, surfaces)
        added = {tag["tag"] for surface in surfaces.values() for tag in surface["derived_tags"]}
        for text in values.never_held(row["condition"], surfaces=surfaces, agents=portal.agents, tags=added):
            yield Caution("rule", slug, ("condition",), text)
    for slug, row in sorted(document["limits"].items()):
        yield from _globs("limit", slug, ("surfaces",), globs=row["surfaces"], names=surfaces)
        yield from _globs("limit", slug, ("agents",), globs=row["agents"], names=portal.agents)
        if row["measure"] == "amount":
            yield from _currency(slug, row, _covered(row["surfaces"], surfaces))
    for slug, row in sorted(document["guardrails"].items()):
        plain = [glob for glob in row["surfaces"] if not {"?", "["} & {*glob}]
        yield from _globs("guardrail", slug, ("surfaces",), globs=plain, names=surfaces)


# Figures ------------------------------------------------------------------------------------------


def _figures(slug: str, row: Mapping[str, Any]) -> Iterator[Caution]:
    """Yield where the surface reads a figure that its schema does not force to be one."""
    for fact, name in (("amount", "amount_pointer"), ("audience_size", "audience_pointer")):
        pointer = row[name]
        if not pointer:
            continue
        path = schema_types.path_of(pointer)
        if not schema_types.forces_type(row["payload_schema"], path, schema_types.NUMBER):
            text = f"The payload schema does not force a number at {pointer}, where it says {FIGURES[fact]}."
            yield Caution("surface", slug, (name,), f"{text} Whatever else stands there needs a person.")
        elif not schema_types.forces_presence(row["payload_schema"], path):
            text = f"The payload schema lets {pointer} be left out, where it says {FIGURES[fact]}."
            yield Caution("surface", slug, (name,), f"{text} Then it needs review.")
    if row["amount_pointer"] and not row.get("currency"):
        text = "It names no currency, so rules weigh amounts of any currency as if they were the same."
        yield Caution("surface", slug, ("amount_pointer",), text)


def _currency(slug: str, row: Mapping[str, Any], covered: Rows) -> Iterator[Caution]:
    currency = row.get("currency", "")
    if not currency:
        text = (
            "It adds up amounts and names no currency, so an amount that has one is not countable and needs a person."
        )
        yield Caution("limit", slug, ("measure",), text)
    for surface, other in sorted(covered.items()):
        if currency and other.get("currency", currency) not in {"", currency}:
            text = f"It counts {currency}, and amounts on {surface} are in {other['currency']}: each needs a person."
            yield Caution("limit", slug, ("currency",), text)
        if row["surfaces"] and not other["amount_pointer"]:
            text = f"{surface} does not say where the payload has the amount, so this counts what the agent says of it."
            yield Caution("limit", slug, ("measure",), text)


# Rules --------------------------------------------------------------------------------------------


def _covered(globs: Iterable[str], surfaces: Rows) -> Rows:
    wanted = [*globs]
    return {slug: row for slug, row in surfaces.items() if not wanted or any(matches(glob, slug) for glob in wanted)}


def _globs(
    thing: str, slug: str, path: tuple[str, ...], *, globs: Iterable[str], names: Iterable[str] | None
) -> Iterator[Caution]:
    """Yield the globs at `path` that match none of `names`; nothing where nobody knows the names."""
    if names is None:
        return
    there = [*names]
    for glob in globs:
        if not any(matches(glob, name) for name in there):
            text = f"No {path[-1].removesuffix('s')} here is called {glob}, so this part matches nothing."
            yield Caution(thing, slug, path, text)


def _matchless(slug: str, row: Mapping[str, Any], surfaces: Rows, portal: Portal) -> Iterator[Caution]:
    """Yield the parts of a rule's match that nothing here can match."""
    yield from _globs("rule", slug, ("match", "surfaces"), globs=row["surfaces"], names=surfaces)
    yield from _globs("rule", slug, ("match", "agents"), globs=row["agents"], names=portal.agents)
    proposed = portal.actions or frozenset()
    actions = proposed | portal.tested
    if proposed:
        yield from _globs("rule", slug, ("match", "actions"), globs=row["actions"], names=actions)
    for topic in row["topics"]:
        if not any(matches(topic, name) for name in (*surfaces, *actions)):
            text = f"Nothing here has the topic {topic}: no surface is called so, and no action that was proposed."
            yield Caution("rule", slug, ("match", "topics"), text)
    covered = _reached(row, surfaces, actions)
    added = {tag["tag"] for surface in covered.values() for tag in surface["derived_tags"]}
    who = f"{next(iter(covered))} does not add it" if len(covered) == 1 else "no surface that it covers adds it"
    for name in ("any_tags", "all_tags"):
        for tag in row[name]:
            if tag not in added:
                text = f"Nothing here carries the tag {tag}: {who}, so only an agent's own word can match."
                yield Caution("rule", slug, ("match", name), text)


def _reached(row: Mapping[str, Any], surfaces: Rows, actions: Iterable[str]) -> Rows:
    """Return the surfaces on which a rule can hold at all: by its surfaces, and by topics that name no action."""
    covered = {slug: one for slug, one in _covered(row["surfaces"], surfaces).items() if one.get("is_enabled", True)}
    topics = row["topics"]
    if not topics or any(matches(topic, action) for topic in topics for action in actions):
        return covered
    named = _covered(topics, covered)
    return named or covered


def _condition(slug: str, row: Mapping[str, Any], surfaces: Rows) -> Iterator[Caution]:
    try:
        condition = compile_condition(row["condition"])
    except ConditionInvalid:
        return
    for fact, operator, bound in condition.comparisons or ():
        if fact == "amount" and (bound < 0 or (bound == 0 and operator in {"<", "<="})):
            text = "amount is the size of the move and never below 0. Write signed_amount to ask for its sign."
            yield Caution("rule", slug, ("condition",), text)
    means = "the rule does not count" if row["decision"] == "allow" else "the rule counts as holding"
    for path, kind in condition.compared:
        for surface, other in sorted(_covered(row["surfaces"], surfaces).items()):
            if not schema_types.forces_type(other["payload_schema"], path, _TYPES[kind]):
                sentence = f"The payload schema of {surface} does not force payload.{'.'.join(path)} to be"
                text = f"{sentence} {typed_comparisons.WORDS[kind]}: where it is anything else, {means}."
                yield Caution("rule", slug, ("condition",), text)
                break
