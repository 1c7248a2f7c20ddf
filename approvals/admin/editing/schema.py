"""Map a payload's JSON Schema to form nodes, and the answers back to a payload. Knows no HTML.

A payload becomes a tree: a leaf is one field, a group is an object, rows are a list. Whatever the tree
cannot hold (a choice between shapes, a very long list, what the schema does not know) stays together in
a leaf of JSON beside its neighbours, so that nothing is ever lost.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from approvals.admin.editing.tree import (
    ABSENT,
    MOST_DEPTH,
    MOST_FIELDS,
    MOST_REFERENCES,
    MOST_ROWS,
    NEW,
    REST,
    ROOT,
    FieldGroup,
    Kind,
    Leaf,
    Node,
    RowList,
)


@dataclass(slots=True)
class _Plan:
    """One schema being laid out; `sent` are the tokens of lists whose rows a person has changed."""

    schema: Mapping[str, Any]
    sent: Mapping[str, Sequence[str]]
    left: int = MOST_FIELDS
    costs: dict[tuple[int, int], int | None] = field(default_factory=dict)
    """Of parts that are not in the payload, by schema part and depth: a schema may go round in circles."""

    def rules(self, of: Any) -> Mapping[str, Any]:
        """Return the rules with references to the schema's own parts put in; nothing where that cannot be done."""
        merged: dict[str, Any] = {}
        for _step in range(MOST_REFERENCES):
            if not isinstance(of, Mapping):
                return {}
            merged = {**of, **merged}
            if "$ref" not in of:
                merged.pop("$ref", None)
                return merged
            of = self._part(of["$ref"])
        return {}

    def _part(self, reference: Any) -> Any:
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return None
        part: Any = self.schema
        for step in reference.removeprefix("#/").split("/"):
            part = part.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(part, Mapping) else None
        return part


def lay_out(
    schema: Mapping[str, Any], payload: Any, sent: Mapping[str, Sequence[str]] | None = None
) -> FieldGroup | None:
    """Return the tree of a payload, or None where no part of it can be drawn.

    What is drawn depends on the schema and the payload alone, so that a form that comes back is read
    by the tree it was drawn from. `sent` names the rows of each list as they are on the screen.
    """
    plan = _Plan(schema, sent or {})
    rules = plan.rules(schema)
    if not isinstance(payload, dict) or not _properties(rules):
        return None
    group = _group(plan, rules, payload, ROOT, "", depth=0)
    return group if group.members else None


def answer(node: Node, cleaned: Mapping[str, Any]) -> Any:
    """Return the value that the form's cleaned fields give this part, or ABSENT."""
    if isinstance(node, Leaf):
        return cleaned.get(node.name, ABSENT)
    if isinstance(node, RowList):
        rows = [value for _token, value in answered_rows(node, cleaned)]
        return rows if rows or node.original is not ABSENT else ABSENT
    members = dict(cleaned.get(node.rest.name) or {}) if node.rest else {}
    for name, member in node.members.items():
        value = answer(member, cleaned)
        if value is not ABSENT:
            members[name] = value
    return members if members or node.original is not ABSENT else ABSENT


def answered_rows(node: RowList, cleaned: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return `(token, value)` of the rows that hold something, in their order."""
    rows = [(token, answer(row, cleaned)) for token, row in node.rows.items()]
    return [(token, value) for token, value in rows if value is not ABSENT]


def leaves(node: Node) -> Iterator[Leaf]:
    """Yield every field of the form, in the order in which it is drawn."""
    if isinstance(node, Leaf):
        yield node
        return
    for child in (node.members if isinstance(node, FieldGroup) else node.rows).values():
        yield from leaves(child)
    if isinstance(node, FieldGroup) and node.rest:
        yield node.rest


def locate(node: Node, path: Sequence[str], cleaned: Mapping[str, Any]) -> tuple[Node, Sequence[str]]:
    """Return the deepest part that holds a place of the payload, and what is left of the path below it."""
    if not path or isinstance(node, Leaf):
        return node, path
    if isinstance(node, RowList):
        kept = [token for token, _value in answered_rows(node, cleaned)]
        if path[0].isdecimal() and int(path[0]) < len(kept):
            return locate(node.rows[kept[int(path[0])]], path[1:], cleaned)
        return node, path
    if path[0] in node.members:
        return locate(node.members[path[0]], path[1:], cleaned)
    return (node.rest, path) if node.rest else (node, path)


def segment(name: str) -> str:
    """Write a property's name so that it can be part of a dotted one."""
    return name.replace("~", "~0").replace(".", "~1")


def kind_of(rules: Mapping[str, Any]) -> str:
    """Return the one JSON type that the rules allow beside null, or nothing where there are several."""
    kinds = rules.get("type")
    if isinstance(kinds, list):
        kinds = next((kind for kind in kinds if kind != "null"), "") if len(set(kinds) - {"null"}) == 1 else ""
    if kinds is None and _choices(rules):
        return "choice"
    return str(kinds or "")


def _choices(rules: Mapping[str, Any]) -> Sequence[Any]:
    choices = rules.get("enum")
    usable = isinstance(choices, list) and not any(isinstance(choice, dict | list | bool) for choice in choices)
    return choices if usable and choices else ()


def _properties(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties in their order: the database keeps none of names, but that of the required ones."""
    properties = rules.get("properties")
    if not isinstance(properties, Mapping):
        return {}
    required = [name for name in rules.get("required", ()) if name in properties]
    return {name: properties[name] for name in dict.fromkeys([*required, *properties])}


def _cost(plan: _Plan, of: Any, value: Any, depth: int) -> int | None:
    """Return how many fields a part takes, or None where it cannot be drawn."""
    if value is not ABSENT:
        return _count(plan, of, value, depth)
    key = (id(of), depth)
    if key not in plan.costs:
        plan.costs[key] = _count(plan, of, value, depth)
    return plan.costs[key]


def _count(plan: _Plan, of: Any, value: Any, depth: int) -> int | None:
    rules = plan.rules(of)
    kind = kind_of(rules)
    if kind == "object":
        if depth >= MOST_DEPTH or not (value is ABSENT or isinstance(value, dict)):
            return None
        costs = [_cost(plan, part, _get(value, name), depth + 1) for name, part in _properties(rules).items()]
        drawn = [cost for cost in costs if cost is not None]
        return sum(drawn) + 1 if drawn else None
    if kind == "array":
        return _cost_of_rows(plan, rules, value, depth)
    return 1 if _leaf_kind(rules, value) else None


def _cost_of_rows(plan: _Plan, rules: Mapping[str, Any], value: Any, depth: int) -> int | None:
    is_list = value is ABSENT or (isinstance(value, list) and len(value) <= MOST_ROWS)
    if depth >= MOST_DEPTH or not is_list or "prefixItems" in rules or not isinstance(rules.get("items"), Mapping):
        return None
    # An empty row has to be drawable as well: that is what a new one is.
    costs = [_cost(plan, rules["items"], row, depth + 1) for row in [ABSENT, *(value or ())]]
    return None if None in costs else sum(cost or 0 for cost in costs)


def _leaf_kind(rules: Mapping[str, Any], value: Any) -> Kind | None:
    """Return how one plain value is edited, if it is one and fits; whatever does not fit stays JSON."""
    if isinstance(value, dict | list):
        return None
    is_empty = value is ABSENT or value is None
    if _choices(rules) and not isinstance(value, bool):
        return Kind.CHOICE
    match kind_of(rules):
        case "string" if is_empty or isinstance(value, str):
            return Kind.TEXT
        case "number" | "integer" if is_empty or (isinstance(value, int | float) and not isinstance(value, bool)):
            return Kind.NUMBER
        case "boolean" if is_empty or isinstance(value, bool):
            return Kind.YES_NO
    return None


def _draw(plan: _Plan, of: Any, value: Any, name: str, label: str, *, is_required: bool, depth: int) -> Node:
    rules = plan.rules(of)
    label = str(rules.get("title") or label)
    match kind_of(rules):
        case "object":
            return _group(plan, rules, value, name, label, depth=depth, is_required=is_required)
        case "array":
            rows = {}
            for token in _tokens(plan, name, value):
                row = value[int(token)] if token.isdecimal() else ABSENT
                rows[token] = _draw(
                    plan, rules["items"], row, f"{name}.{token}", label, is_required=False, depth=depth + 1
                )
            return RowList(name, label, rules, value, rows, is_required)
        case _:
            kind = _leaf_kind(rules, value)
            assert kind is not None  # the caller knows its cost, and so that it can be drawn
            return Leaf(name, label, rules, kind, value, is_required)


def _group(
    plan: _Plan, rules: Mapping[str, Any], value: Any, name: str, label: str, *, depth: int, is_required: bool = False
) -> FieldGroup:
    members: dict[str, Node] = {}
    for key, part in _properties(rules).items():
        below = _get(value, key)
        cost = _cost(plan, part, below, depth + 1)
        # Further down it was counted with its top property: it must not depend on the rows there are now.
        if cost is None or (depth == 0 and cost > plan.left):
            continue
        plan.left -= cost if depth == 0 else 0
        is_needed = key in rules.get("required", ())
        place = f"{name}.{segment(key)}"
        members[key] = _draw(plan, part, below, place, key, is_required=is_needed, depth=depth + 1)
    undrawn = {key: part for key, part in (value or {}).items() if key not in members}
    rest = Leaf(f"{REST}{name.removeprefix(ROOT)}", "", {}, Kind.JSON, undrawn) if undrawn else None
    return FieldGroup(name, label, rules, value, members, rest, is_required)


def _tokens(plan: _Plan, name: str, value: Any) -> list[str]:
    """Return the rows of a list: as they were sent, or as the payload has them."""
    there = [str(number) for number in range(len(value or ()))]
    if name not in plan.sent:
        return there
    known, fresh = set(there), []
    for token in plan.sent[name][: 2 * MOST_ROWS]:
        is_new = token.startswith(NEW) and token.removeprefix(NEW).isdecimal() and len(token) <= 5
        if token in known or is_new:
            fresh.append(token)
    return list(dict.fromkeys(fresh))


def _get(value: Any, name: str) -> Any:
    return value.get(name, ABSENT) if isinstance(value, dict) else ABSENT
