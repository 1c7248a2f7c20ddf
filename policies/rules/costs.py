"""Bound the work of a condition before it runs. PURE.

The engine stops after 10,000 rounds of `all`, `exists`, `map` and the like, but it has no limit of time
or memory: measured, one `map` over 9,000 items takes seconds (every round copies the list), and so does
a pattern with counted repetitions over a long text. So the work is bounded from above, once in general
when the condition is compiled and then, by the sizes of the facts, each time before it runs.

A unit is one step of the engine, about 50 ns; the weights were measured and are generous.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from policies.rules.expressions import ARITHMETIC, COMPARISONS, Node, is_number
from policies.rules.sizes import Sizes
from policies.rules.typed_comparisons import Check, Checks

ENGINE_ROUNDS: Final = 10_000
MAX_DEPTH: Final = 2
CHECK_UNITS: Final = 20
"""For asking a type, or calling a function of ours: about a microsecond."""
COPY_UNITS: Final = 4
"""For each value that is handed to a function of ours."""

_FREE: Final = frozenset({"_&&_", "_||_", "!_", "_?_:_", "_[_]", "@not_strictly_false", "dyn", "type"}) | ARITHMETIC
_PASSING: Final = frozenset({"_[_]", "_?_:_", "_+_", "dyn", "string", "bytes"})


class TooCostly(ValueError):
    """A condition whose work cannot be bounded; `at` says where in its text."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


class FactReach(NamedTuple):
    """Which facts a part of a condition is made from, and through how many lists built on the way."""

    facts: frozenset[str] = frozenset()
    growth: int = 0

    def joined(self, other: "FactReach") -> "FactReach":
        return FactReach(self.facts | other.facts, max(self.growth, other.growth))


NOTHING: Final = FactReach()
_Scope = Mapping[str, FactReach]


class Term(NamedTuple):
    """One kind of work: how deep in loops, over the smallest of these, at how many units each."""

    kind: str
    depth: int
    over: tuple[FactReach, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What a condition can cost, as a function of the sizes of the facts that it reads."""

    parts: int
    joins: int
    terms: tuple[Term, ...]

    @property
    def is_fixed(self) -> bool:
        """Whether the facts' sizes do not matter."""
        return not self.terms

    def units(self, sizes: Callable[[frozenset[str]], Sizes]) -> float:
        """Return an upper bound of the work; `sizes` adds up what the named facts hold."""
        everything = sizes(frozenset().union(*(reach.facts for term in self.terms for reach in term.over)))
        wide = everything.widest * (1 + self.joins) + self.parts
        total = float(self.parts)
        for term in self.terms:
            rounds = min(ENGINE_ROUNDS, wide**term.depth)
            total += rounds * term.weight * self._each(term, sizes, wide)
        return total

    def _each(self, term: Term, sizes: Callable[[frozenset[str]], Sizes], wide: int) -> float:
        if term.kind == "step":
            return 1
        if term.kind == "append":
            return min(ENGINE_ROUNDS, wide)
        if term.kind == "copies":
            held = sizes(term.over[0].facts)
            return (held.values + held.text / 1024 + self.parts) * float(
                min(ENGINE_ROUNDS, wide) ** term.over[0].growth
            )
        if term.kind == "values":
            return min(self._values(reach, sizes(reach.facts)) for reach in term.over)
        longest = sizes(term.over[0].facts).longest * (1 + self.joins)
        return longest if term.kind == "pattern" else 1 + longest / 64

    def _values(self, reach: FactReach, held: Sizes) -> float:
        # Text is compared a kilobyte in the time of one value.
        return (held.values + held.text / 1024 + self.parts) * (1 + self.joins) * float(ENGINE_ROUNDS**reach.growth)


def estimate(root: Node, numbers: frozenset[str], checks: Checks, calculations: Collection[int] = ()) -> Cost:
    """Return what the condition can cost. `numbers` names the facts that are numbers.

    `checks` are its comparisons and `calculations` its arithmetic that functions of ours look at.

    Raises TooCostly for loops nested too deeply, patterns that are not written out, and what would
    grow from round to round.
    """
    survey = _Survey(numbers, checks, calculations)
    survey.visit(root, {}, 0)
    return Cost(parts=sum(1 for _ in root.walk()), joins=survey.joins, terms=tuple(survey.terms))


class _Survey:
    def __init__(self, numbers: frozenset[str], checks: Checks, calculations: Collection[int]) -> None:
        self.numbers = numbers
        self.checks = checks
        self.calculations = calculations
        self.terms: list[Term] = []
        self.joins = 0

    def visit(self, node: Node, scope: _Scope, depth: int) -> FactReach:
        """Note the work of `node` and return what it is made from."""
        if depth and node.kind != "literal":
            self._note("step", depth)
        match node.kind:
            case "literal":
                return NOTHING
            case "name":
                return scope.get(node.name, FactReach(frozenset({node.name})))
            case "loop":
                return self._loop(node, scope, depth)
            case "call":
                return self._call(node, scope, depth)
        if depth and node.kind in {"list", "map"} and any(part.kind == "name" for part in node.walk()):
            raise TooCostly("Inside all, exists, map and filter, no list or map can be built from facts.", node.at)
        return self._below(node, scope, depth)

    def _below(self, node: Node, scope: _Scope, depth: int) -> FactReach:
        reach = NOTHING
        for child in node.children:
            reach = reach.joined(self.visit(child, scope, depth))
        return reach

    def _loop(self, node: Node, scope: _Scope, depth: int) -> FactReach:
        if depth >= MAX_DEPTH:
            raise TooCostly("all, exists, map and filter can be nested two deep, not deeper.", node.at)
        over, start, condition, step, result = node.children
        reach = self.visit(over, scope, depth)
        inside = {**scope, node.name: reach, node.value: NOTHING}
        added = _appended(step)
        # How often the loop turns depends on what it runs over, so that must be among what is sized.
        self._note("step", depth + 1, reach)
        for part in (start, condition, result):
            self.visit(part, inside, depth + 1)
        if added is None:
            self.visit(step, inside, depth + 1)
            return NOTHING
        self._note("append", depth + 1)
        # The step is `keep ? result + [item] : result`, or the join alone: only its operands are the user's.
        conditions = step.children[:1] if step.name == "_?_:_" else ()
        for part in (*conditions, added):
            reach = reach.joined(self.visit(part, inside, depth + 1))
        return FactReach(reach.facts, reach.growth + 1)

    def _call(self, node: Node, scope: _Scope, depth: int) -> FactReach:
        reaches = [self.visit(child, scope, depth) for child in node.children]
        reach = NOTHING
        for part in reaches:
            reach = reach.joined(part)
        if check := self.checks.get(id(node)):
            self._checked(check, reaches, depth)
        if id(node) in self.calculations:
            self._note("step", depth, weight=CHECK_UNITS)
            self._note("copies", depth, reach if node.name == "_+_" else NOTHING, weight=COPY_UNITS)
        self._work(node, reach, reaches, depth)
        return reach if node.name in _PASSING else NOTHING

    def _work(self, node: Node, reach: FactReach, reaches: list[FactReach], depth: int) -> None:
        """Note the work of a call itself, whose operands reach so far."""
        if node.name in {"_==_", "_!=_"}:
            if not any(child.kind == "literal" or is_number(child, self.numbers) for child in node.children):
                self._note("values", depth, *reaches)
        elif node.name == "@in":
            self._note("values", depth, reaches[-1])
        elif node.name == "matches":
            self._pattern(node, reach, depth)
        elif node.name == "_+_" and not is_number(node, self.numbers):
            self._join(node, reach, depth)
        elif node.name in COMPARISONS:
            if not any(child.kind == "literal" or is_number(child, self.numbers) for child in node.children):
                self._note("text", depth, reach)
        elif node.name not in _FREE:
            self._note("text", depth, reach)

    def _checked(self, check: Check, reaches: list[FactReach], depth: int) -> None:
        self._note("step", depth, weight=CHECK_UNITS)
        # The engine copies what it hands to a function of ours, both sides and all of them.
        for reach in () if check.is_in_engine else reaches:
            self._note("copies", depth, reach, weight=COPY_UNITS)

    def _join(self, node: Node, reach: FactReach, depth: int) -> None:
        if depth:
            text = "Inside all, exists, map and filter, + needs a number on one side; write double(…) around it."
            raise TooCostly(text, node.at)
        self.joins += 1
        self._note("text", depth, reach)
        self._note("values", depth, reach)

    def _pattern(self, node: Node, reach: FactReach, depth: int) -> None:
        pattern = node.children[-1]
        if pattern.kind != "literal" or not isinstance(pattern.value, str):
            raise TooCostly("The pattern of matches must be written out, not read from a fact.", pattern.at)
        size, per_character = _pattern_weight(pattern.value)
        self._note("step", depth, weight=500 + 20 * size)
        self._note("pattern", depth, reach, weight=per_character)

    def _note(self, kind: str, depth: int, *over: FactReach, weight: float = 1) -> None:
        self.terms.append(Term(kind, depth, over, weight))


def _appended(step: Node) -> Node | None:
    """Return what map or filter adds in each round; None for a loop that only counts or asks."""
    join = step.children[1] if step.name == "_?_:_" else step
    is_list = join.kind == "call" and join.name == "_+_" and join.children[1].kind == "list"
    return join.children[1].children[0] if is_list and join.children[0].name == "@result" else None


_FLAGS: Final = re.compile(r"\(\?[a-zA-Z]*:?|\(\?P?<\w+>")
_COUNTED: Final = re.compile(r"(\)?)\{(\d+)(?:,(\d*))?\}")
_WILD: Final = re.compile(r"\\.|[.\[*+?]")
_FEW: Final = 6


def _pattern_weight(pattern: str) -> tuple[int, float]:
    """Return the size of a pattern's program and the units per character of text.

    RE2 takes one step a character while its table of states fits in memory. With up to six open
    choices it does; beyond that it may have to follow every part of the program at every character.
    """
    counts = [(group, int(high or low)) for group, low, high in _COUNTED.findall(pattern)]
    size = len(pattern) + sum(count for group, count in counts if not group)
    for group, count in counts:
        size *= max(1, count) if group else 1
    open_choices = len(_WILD.findall(_FLAGS.sub("", pattern)))
    return size, 0.2 if not counts and open_choices <= _FEW else float(size)
