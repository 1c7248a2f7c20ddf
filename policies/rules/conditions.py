"""Conditions in CEL, the Common Expression Language. PURE, and the only module that knows the engine.

The engine is Google's C++ implementation (package cel-expr-python). What it does at its edges, and is
pinned by tests:

- A missing key, a null where a value is needed or the absence of a fact is an error, and here so is a
  division by zero, of decimals too (see `finite_numbers`). An error is not an answer: `holds` raises. But
  `false && error` is false and `true || error` is true, in either order. `has(payload.key)` asks whether a
  key is there, `payload.?key` does not exist.
- A whole and a decimal number are never added or compared by CEL itself. Here every number among the
  facts is decimal, and whole literals beside them are read as decimal: `amount > 100` is `amount > 100.0`.
- Values of different types are unequal to CEL itself. Here comparing them is an error: see `typed_comparisons`.
- `matches` is RE2 and finds anywhere in the text; `^…$` anchors. Text is counted in characters.
- Expressions nest at most 32 deep; after 10,000 rounds of `all`, `exists`, `map`, `filter` it gives up.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

from cel_expr_python import cel

from policies.facts import vocabulary
from policies.facts.vocabulary import ALIASES, FACTS, MEASURED, NUMBERS, Given
from policies.rules import costs, expressions, finite_numbers, typed_comparisons
from policies.rules.condition_errors import ConditionInvalid, did_you_mean, invalid, plain, refused
from policies.rules.expressions import Node
from policies.rules.sizes import Sizes, measured
from policies.rules.typed_comparisons import Compared

__all__ = [
    "FACTS",
    "BoundFacts",
    "Comparison",
    "Condition",
    "ConditionFailed",
    "ConditionInvalid",
    "Given",
    "compile_condition",
]

_DECLARED: Final = {name: fact.declared for name, fact in FACTS.items()}
MAX_CHARACTERS: Final = 2_000
MAX_VALUES: Final = 10_000
"""How many values one fact, such as the payload, may hold for conditions to read it."""
MAX_UNITS: Final = 250_000
"""The work one condition may do: measured at most 12 ms, four times less than 50 ms."""
MAX_UNITS_IN_ALL: Final = 10 * MAX_UNITS
"""The work that all conditions of one decision may do together."""

_LOOPS: Final = ("all", "exists", "exists_one", "filter", "map", "has")
_FUNCTIONS: Final = frozenset({
    "size", "contains", "startsWith", "endsWith", "matches", "bool", "bytes", "double", "duration", "dyn", "int",
    "string", "timestamp", "type", "uint", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear",
    "getHours", "getMilliseconds", "getMinutes", "getMonth", "getSeconds",
})  # fmt: skip


def _engine() -> Any:
    # Types are written in the engine's own form of configuration: only there can they be spelled out.
    lines = [f'  - name: "{name}"\n    type: "{fact.declared}"' for name, fact in FACTS.items()]
    return cel.NewEnv(config=cel.NewEnvConfigFromYaml("\n".join(["variables:", *lines])), extensions=[_own_functions()])


def _own_functions() -> Any:
    def answering(name: str, impl: Any, *parameters: Any, answer: Any = cel.Type.BOOL) -> Any:
        return cel.FunctionDecl(name, [cel.Overload(name, answer, [*parameters], impl=impl)])

    two_values = (cel.Type.DYN, cel.Type.DYN)
    functions = (
        answering(typed_comparisons.SAME, typed_comparisons.same, *two_values),
        answering(typed_comparisons.AMONG, typed_comparisons.among, *two_values),
        answering(typed_comparisons.UNLIKE, typed_comparisons.unlike, cel.Type.STRING),
        answering(finite_numbers.FINITE, finite_numbers.finite, cel.Type.DYN, answer=cel.Type.DYN),
    )
    return cel.CelExtension("own_functions", functions)


_ENGINE: Final = _engine()


class ConditionFailed(ValueError):
    """A condition that gave no answer; the reason is a phrase for people."""

    code = "condition_failed"


class Comparison(NamedTuple):
    """A number fact against a constant; `operator` is one of < <= > >= ==."""

    fact: str
    operator: str
    bound: float


class _Program(NamedTuple):
    """What the engine made of a text, the facts it names, and what it can cost."""

    compiled: Any
    names: frozenset[str]
    cost: costs.Cost
    compared: tuple[Compared, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, ready to be asked of any number of proposals."""

    text: str
    facts: frozenset[str]
    comparisons: tuple[Comparison, ...] | None
    """The whole condition, where it is nothing but comparisons that must all hold; else None."""
    program: _Program | None = field(default=None, repr=False, compare=False)
    """Mere comparisons need the engine only when they are asked one by one, so they come without."""

    @property
    def compared(self) -> tuple[Compared, ...]:
        """The places in the payload that are compared with values of known types."""
        return self.program.compared if self.program else ()

    def holds(self, activation: "BoundFacts") -> bool:
        """Ask the engine. Raises ConditionFailed where there is no answer, or too much to look at."""
        program = self.program or _program(self.text if self.text.strip() else "true")
        activation.spend(program.cost)
        try:
            answer = program.compiled.eval(activation.bound)
            kind, value = answer.type(), answer.value()
        except Exception as error:  # the engine's errors share no class, and none may open the gate
            raise ConditionFailed(activation.blame(self.facts, str(error))) from error
        if kind != cel.Type.BOOL:
            raise ConditionFailed(activation.blame(self.facts, str(value)))
        return bool(value)


class BoundFacts:
    """The facts of one proposal as the engine reads them, shared by all conditions of one decision."""

    def __init__(self, given: Given, names: Collection[str]) -> None:
        """Read `names`, the facts that the conditions refer to; what is absent or too large stays unread."""
        self._sizes: dict[str, Sizes] = {}
        self._absent: dict[str, str] = {}
        self._left = float(MAX_UNITS_IN_ALL)
        bound: dict[str, Any] = {}
        for name in sorted(names):
            try:
                value = vocabulary.value(given, name)
                if name in MEASURED:
                    value, self._sizes[name] = measured(value, MAX_VALUES)
            except (LookupError, TypeError, ValueError, OverflowError) as error:
                self._absent[name] = str(error).strip("'\"")
            else:
                bound[name] = value
        self.bound = _ENGINE.Activation(bound)

    def spend(self, cost: costs.Cost) -> None:
        """Take the work of one condition from what this decision may do. Raises ConditionFailed."""
        units = cost.units(self._sized) if not cost.is_fixed else cost.parts
        if units > MAX_UNITS:
            raise ConditionFailed("there is too much to look at")
        self._left -= units
        if self._left < 0:
            raise ConditionFailed("the conditions before it used up what one decision may cost")

    def blame(self, names: Collection[str], message: str) -> str:
        """Return why a condition that reads `names` gave no answer."""
        absent = [f"{name} {self._absent[name]}" for name in sorted(names) if name in self._absent]
        return "; ".join(absent) or plain(message)

    def _sized(self, names: frozenset[str]) -> Sizes:
        sizes = [self._sizes.get(name, Sizes(1, 1, 256, 256)) for name in names]
        return Sizes(
            sum(size.values for size in sizes),
            max((size.widest for size in sizes), default=0),
            max((size.longest for size in sizes), default=0),
            sum(size.text for size in sizes),
        )


# Only what reads the same to anyone: a number fact, a comparison, a plain decimal number, joined by &&.
_SIMPLE: Final = re.compile(
    r"[ \t\r\n]*([a-z_]+)[ \t\r\n]*(<=|>=|==|<|>)[ \t\r\n]*(-?\d{1,15}(?:\.\d{1,15})?)[ \t\r\n]*"
)


def _comparisons(text: str) -> tuple[Comparison, ...] | None:
    comparisons = []
    for part in text.split("&&"):
        match = _SIMPLE.fullmatch(part.strip(" \t\r\n"))
        if match is None or match[1] not in NUMBERS:
            return None
        comparisons.append(Comparison(ALIASES.get(match[1], match[1]), match[2], float(match[3])))
    return tuple(comparisons)


def compile_condition(text: str) -> Condition:
    """Check `text` and make it ready. Nothing at all is a condition that always holds.

    Raises ConditionInvalid for what is too long or too deep, is no CEL, names what there is not, mixes
    types, gives no yes or no, or would do unbounded work.
    """
    if len(text) > MAX_CHARACTERS:
        message = f"A condition has at most {MAX_CHARACTERS:,} characters; this one has {len(text):,}."
        raise ConditionInvalid(message, suggestion="Split it into several rules.")
    if not text.strip():
        return Condition(text, frozenset(), ())
    comparisons = _comparisons(text)
    if comparisons is not None:
        return Condition(text, frozenset(re.findall("[a-z_]+", text)), comparisons)
    program = _program(text)
    return Condition(text, program.names, None, program)


# A new version of a policy shares most conditions with the one before it.
@lru_cache(maxsize=4096)
def _program(text: str) -> _Program:
    root = _parse(text)
    _require_known(text, root)
    checks = typed_comparisons.checks(root, _DECLARED)
    calculations = finite_numbers.calculations(root, _DECLARED)
    try:
        cost = costs.estimate(root, NUMBERS, checks, calculations)
    except costs.TooCostly as error:
        raise invalid(text, str(error), error.at) from error
    literals = sorted(expressions.whole_literals(root), key=lambda node: node.at)
    try:
        decimal = _as_decimals(text, literals)
        program = _ENGINE.compile(decimal)
    except RuntimeError as error:
        raise refused(text, str(error), literals) from error
    if program.return_type() != cel.Type.BOOL:
        message = f"A condition answers yes or no; this one gives {program.return_type().name()}."
        raise ConditionInvalid(message, suggestion="Compare it with something, e.g. == true.")
    _require_patterns(text, root)
    if checks or calculations:
        typed = typed_comparisons.written(_ENGINE.compile(decimal, disable_check=True).serialize(), _DECLARED)
        program = _ENGINE.deserialize(finite_numbers.written(typed, _DECLARED))
    places = tuple(dict.fromkeys(typed_comparisons.compared(root, _DECLARED)))
    return _Program(program, frozenset(_names(root)) & FACTS.keys(), cost, places)


def _parse(text: str) -> Node:
    try:
        return expressions.read(_ENGINE.compile(text, disable_check=True).serialize())
    except TypeError as error:
        raise ConditionInvalid("The condition holds characters that are no text.") from error
    except RuntimeError as error:
        raise refused(text, str(error), []) from error


def _names(root: Node, inner: frozenset[str] = frozenset()) -> dict[str, int]:
    """Return the names that are not of a loop's own making, with where each stands first."""
    names: dict[str, int] = {}
    if root.kind == "name" and root.name not in inner:
        names[root.name] = root.at
    for index, child in enumerate(root.children):
        own = inner | {root.name, root.value} if root.kind == "loop" and index else inner
        for name, at in _names(child, own).items():
            names.setdefault(name, at)
    return names


_TYPES: Final = frozenset({"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "uint", "type"})


def _require_known(text: str, root: Node) -> None:
    for node in root.walk():
        if node.kind == "call" and node.name[0].isalpha() and node.name not in _FUNCTIONS:
            hint = did_you_mean(node.name, [*_FUNCTIONS, *_LOOPS])
            raise invalid(text, f"There is no function {node.name}.", node.at, hint)
    for name, at in _names(root).items():
        if name not in FACTS and name not in _TYPES:
            raise invalid(text, f"There is no fact {name}.", at, did_you_mean(name, FACTS))
    for node in root.walk():
        if node.kind == "map" and node.name:
            raise invalid(text, f"There is no {node.name}.", node.at)


def _require_patterns(text: str, root: Node) -> None:
    for node in root.walk():
        if node.kind == "call" and node.name == "matches":
            pattern = node.children[-1]
            tried = _TRY_PATTERN.eval(data={"action": pattern.value})
            if tried.type() != cel.Type.BOOL:
                raise invalid(text, f"The pattern cannot be used: {plain(str(tried.value()))}.", pattern.at)


_TRY_PATTERN: Final = _ENGINE.compile("''.matches(action)")


def _as_decimals(text: str, literals: list[Node]) -> str:
    for node in reversed(literals):
        match = _LITERAL.match(text, node.at)
        if match is not None and not match[2].startswith(("0x", "0X")):
            text = f"{text[: match.end()]}.0{text[match.end() :]}"
    return text


_LITERAL: Final = re.compile(r"(-?\s*)(0[xX][0-9a-fA-F]+|\d+)")
