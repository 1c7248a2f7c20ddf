"""Find the rules that hold for a proposal. PURE.

All rules of a policy are asked at once. Each rule is one bit of a number; each part of a rule's match, and
each threshold of its condition, is an index that answers with the bits of the rules that pass it. What is
left after `&` over all of them holds. Only conditions that are more than comparisons with constants reach
the CEL engine, one by one, and only for rules whose match holds.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from policies.facts import vocabulary
from policies.facts.vocabulary import Absent, Given
from policies.rules.conditions import BoundFacts, ConditionFailed
from policies.rules.rule import RulePolicy, matches

_MAX_KNOWN: Final = 1_000


class _Names:
    """Which rules accept a name, by exact names and globs; rules that name nothing accept all."""

    def __init__(self, patterns: Sequence[tuple[str, ...]]) -> None:
        self._known: dict[str, int] = {}
        self.are_asked = any(patterns)
        self._any = 0
        self._exact: dict[str, int] = {}
        self._globs: dict[str, int] = {}
        for index, row in enumerate(patterns):
            if not row or "*" in row:
                self._any |= 1 << index
            for pattern in row:
                known = self._globs if "*" in pattern else self._exact
                known[pattern] = known.get(pattern, 0) | 1 << index

    def accepting(self, name: str) -> int:
        known = self._known.get(name)
        if known is None:
            known = self._accepting(name)
            # Names are sent by agents, so there may be any number of them.
            if len(self._known) < _MAX_KNOWN:
                self._known[name] = known
        return known

    def _accepting(self, name: str) -> int:
        bits = self._any | self._exact.get(name, 0)
        for glob, rules in self._globs.items():
            if rules & ~bits and matches(glob, name):
                bits |= rules
        return bits


class _Tags:
    """Which rules the tags of a proposal satisfy."""

    def __init__(self, rules: Sequence[RulePolicy]) -> None:
        self._unasked = 0
        self._any: dict[str, int] = {}
        self._all: dict[str, int] = {}
        for index, rule in enumerate(rules):
            if not rule.any_tags:
                self._unasked |= 1 << index
            for tag in rule.any_tags:
                self._any[tag] = self._any.get(tag, 0) | 1 << index
            for tag in rule.all_tags:
                self._all[tag] = self._all.get(tag, 0) | 1 << index

    def accepting(self, tags: tuple[str, ...]) -> int:
        bits = self._unasked
        for tag in tags:
            bits |= self._any.get(tag, 0)
        for tag, rules in self._all.items():
            if tag not in tags:
                bits &= ~rules
        return bits


class _Thresholds:
    """Which rules' comparisons with one number hold.

    The bounds of all rules cut the number line into points and gaps. For each of them the bits of the
    rules that hold there are kept; a lookup is one binary search.
    """

    def __init__(self, rules: Sequence[RulePolicy], fact: str) -> None:
        thresholds: dict[int, list[tuple[str, float]]] = {}
        for index, rule in enumerate(rules):
            for name, operator, bound in rule.condition.comparisons or ():
                if name == fact:
                    thresholds.setdefault(index, []).append((operator, bound))
        self.asking = sum(1 << index for index in thresholds)
        self._bounds = sorted({bound for row in thresholds.values() for _, bound in row})
        places = 2 * len(self._bounds) + 1
        changes = [0] * (places + 1)
        for index, row in thresholds.items():
            first, last = self._span(row, places)
            if first < last:
                changes[first] ^= 1 << index
                changes[last] ^= 1 << index
        bits = ((1 << len(rules)) - 1) & ~self.asking
        self._held = [bits := bits ^ change for change in changes[:places]]

    def _span(self, row: list[tuple[str, float]], places: int) -> tuple[int, int]:
        """Return the places, from and up to, where all comparisons of one rule hold."""
        first, last = 0, places
        for operator, bound in row:
            point = 2 * bisect_left(self._bounds, bound) + 1
            low, high = {
                "<": (0, point),
                "<=": (0, point + 1),
                "==": (point, point + 1),
                ">=": (point, places),
                ">": (point + 1, places),
            }[operator]
            first, last = max(first, low), min(last, high)
        return first, last

    def holding(self, value: float) -> int:
        at = bisect_left(self._bounds, value)
        is_bound = at < len(self._bounds) and self._bounds[at] == value
        return self._held[2 * at + is_bound]


class Holding(NamedTuple):
    """The rules that hold, by slug, with those that could not be asked; `failures` says why, by slug."""

    rules: list[RulePolicy]
    failures: Mapping[str, str]

    def requirements(self) -> tuple[tuple[str, tuple[Mapping[str, Any], ...]], ...]:
        """Return `(rule, rows)` of every restricting rule that has requirements of its own."""
        return tuple(
            (rule.slug, rule.requirements) for rule in self.rules if rule.requirements is not None and rule.restricts
        )


NONE_HOLD: Final = Holding([], {})


class RuleBook:
    """All rules of a policy, indexed. Their order never matters: they are kept by slug."""

    def __init__(self, rules: Iterable[RulePolicy]) -> None:
        self.rules = tuple(sorted(rules, key=lambda rule: rule.slug))
        self._surfaces = _Names([rule.surfaces for rule in self.rules])
        self._actions = _Names([rule.actions for rule in self.rules])
        self._topics = _Names([rule.topics for rule in self.rules])
        self._agents = _Names([rule.agents for rule in self.rules])
        self._tags = _Tags(self.rules)
        compared = {comparison.fact for rule in self.rules for comparison in rule.condition.comparisons or ()}
        self._thresholds = {fact: _Thresholds(self.rules, fact) for fact in sorted(compared)}
        conditional = [
            (1 << index, rule) for index, rule in enumerate(self.rules) if rule.condition.comparisons is None
        ]
        self._engine = sum(bit for bit, _ in conditional)
        self._names = frozenset(name for _, rule in conditional for name in rule.condition.facts)
        self._weighed = frozenset(name for rule in self.rules for name in rule.condition.facts)

    def __len__(self) -> int:
        return len(self.rules)

    def weighs(self, fact: str) -> bool:
        """Whether the condition of a rule names `fact`."""
        return fact in self._weighed

    def holding(self, given: Given) -> Holding:
        """Return the rules that hold or cannot be asked, by slug. Never raises."""
        facts = given.facts
        bits = self._surfaces.accepting(facts.surface) & self._tags.accepting(facts.tags)
        if self._actions.are_asked:
            bits &= self._actions.accepting(facts.action)
        if self._agents.are_asked:
            bits &= self._agents.accepting(facts.agent)
        if self._topics.are_asked:
            bits &= self._topics.accepting(facts.surface) | self._topics.accepting(facts.action)
        failures: dict[int, str] = {}
        missing: dict[int, str] = {}
        for fact, thresholds in self._thresholds.items():
            try:
                bits &= thresholds.holding(vocabulary.number(facts, fact))
            except Absent as error:
                missing[thresholds.asking] = f"{fact} {error}"
        for asking, why in missing.items():
            for index in _indexes(bits & asking):
                failures[index] = f"{failures[index]}; {why}" if index in failures else why
        if bits & self._engine:
            bits = self._ask(bits, given, failures)
        rules = self.rules
        named = {rules[index].slug: why for index, why in failures.items()}
        return Holding([rules[index] for index in _indexes(bits)], named)

    def _ask(self, bits: int, given: Given, failures: dict[int, str]) -> int:
        """Return `bits` without the rules whose condition the engine says does not hold."""
        activation = BoundFacts(given, self._names)
        for index in _indexes(bits & self._engine):
            try:
                if not self.rules[index].condition.holds(activation):
                    bits &= ~(1 << index)
            except ConditionFailed as error:
                failures[index] = str(error)
        return bits


def _indexes(bits: int) -> Iterator[int]:
    text = bin(bits)[:1:-1]
    at = text.find("1")
    while at >= 0:
        yield at
        at = text.find("1", at + 1)


EMPTY_BOOK: Final = RuleBook(())
