"""Comparisons of values whose types nobody knows beforehand: where the types differ there is no answer. PURE.

CEL calls two values of different types unequal, so that `payload.x == true` does not hold for "true" or 1: the right
word in the wrong type would slip past a rule that denies. Here such a comparison is an error, which is no answer:
what restricts then counts as holding, and what allows does not.

Comparisons are found in the parsed expression and written anew in their places:

- of a path with a known type, such as `payload.x == true`: its type is asked first, in the engine, without a copy;
- of anything else: `same_value` or `among_values`, functions of ours that look into lists and maps as well.

Comparisons of which both types are known stay as they are, and so does `== null`, which asks whether anything is there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, NamedTuple

from policies.rules import expressions
from policies.rules.expressions import COMPARISONS, Node, is_number

SAME: Final = "same_value"
AMONG: Final = "among_values"
UNLIKE: Final = "unlike_value"
EQUALITIES: Final = frozenset({"_==_", "_!=_"})

YES_OR_NO, NUMBER, TEXT, NULL, SURE, UNSURE = "bool", "number", "text", "null", "sure", ""
WORDS: Final = {YES_OR_NO: "true or false", NUMBER: "a number", TEXT: "text"}
_ENGINE_TYPES: Final = {YES_OR_NO: ("bool",), NUMBER: ("double", "int", "uint"), TEXT: ("string",)}
_LITERALS: Final = {"int": NUMBER, "double": NUMBER, "text": TEXT, "bool": YES_OR_NO, "null": NULL}
_DECLARED: Final = {"double": NUMBER, "string": TEXT, "bool": YES_OR_NO, "dyn": UNSURE}
_TEXTS: Final = "list<string>"
_ANSWERS: Final = COMPARISONS | {
    "_&&_", "_||_", "!_", "@in", "matches", "contains", "startsWith", "endsWith", "bool", "@not_strictly_false",
}  # fmt: skip
_PASSING: Final = frozenset({"_[_]", "_?_:_", "dyn", "-_", "_%_"}) | expressions.ARITHMETIC


class Differs(ValueError):
    """Two values of different types were compared."""


class Compared(NamedTuple):
    """A place in the payload that is compared with a value of a known type."""

    path: tuple[str, ...]
    kind: str
    """YES_OR_NO, NUMBER or TEXT."""


@dataclass(frozen=True, slots=True)
class Check:
    """How one comparison is made safe: by asking the type of the child `asked`, or else by a function of ours."""

    asked: int | None = None
    kinds: tuple[str, ...] = ()

    @property
    def is_in_engine(self) -> bool:
        return self.asked is not None


Checks = Mapping[int, Check]
"""By the identity of the comparison's node."""


class Types:
    """What is known of the types in one expression. `declared` gives those of the facts, in the engine's words."""

    def __init__(self, root: Node, declared: Mapping[str, str]) -> None:
        loops = [node for node in root.walk() if node.kind == "loop"]
        # A loop may call its own name like a fact, or two loops theirs alike; then nothing is known of it.
        own = [name for loop in loops for name in {loop.name, loop.value}]
        self._declared = {name: kind for name, kind in declared.items() if name not in own}
        for loop in loops:
            if own.count(loop.name) == 1 and self._is_texts(loop.children[0]):
                self._declared[loop.name] = "string"
        self._numbers = frozenset(name for name, kind in self._declared.items() if kind == "double")

    def _is_texts(self, node: Node) -> bool:
        return node.kind == "name" and self._declared.get(node.name) == _TEXTS

    def kind(self, node: Node) -> str:
        """Return the kind of `node`; SURE for a known one that is none of the others, UNSURE for an unknown one."""
        if node.kind == "literal":
            return _LITERALS.get(node.name, SURE)
        if node.kind == "name":
            return _DECLARED.get(self._declared.get(node.name, "dyn"), SURE)
        return self._of_call(node) if node.kind == "call" else UNSURE

    def _of_call(self, node: Node) -> str:
        if node.name in _ANSWERS:
            return YES_OR_NO
        if is_number(node, self._numbers) or node.name.startswith("get"):
            return NUMBER
        if node.name == "string":
            return TEXT
        if node.name not in _PASSING:
            return SURE
        parts = node.children[1:] if node.name == "_?_:_" else node.children
        kinds = {self.kind(part) for part in parts}
        if node.name in {"_[_]", "dyn"} or UNSURE in kinds:
            return UNSURE
        return kinds.pop() if len(kinds) == 1 else SURE

    def elements(self, node: Node) -> tuple[str, ...]:
        """Return the kinds of what `node` holds, as far as all of them are known; of a map, of its keys."""
        if self._is_texts(node) or (node.kind == "name" and self._declared.get(node.name, "").startswith("map<string")):
            return (TEXT,)
        if node.kind != "list":
            return ()
        kinds = tuple(sorted({self.kind(child) for child in node.children}))
        return kinds if {*kinds} <= _ENGINE_TYPES.keys() else ()

    def check(self, node: Node) -> Check | None:
        """Return how to make the comparison `node` safe; None for what is no comparison, or is safe."""
        if node.kind != "call" or node.name not in EQUALITIES | {"@in"}:
            return None
        first, second = node.children
        if node.name == "@in":
            return self._membership(first, self.elements(second))
        kinds = [self.kind(first), self.kind(second)]
        if NULL in kinds or UNSURE not in kinds:
            return None
        for at, other in ((0, 1), (1, 0)):
            if kinds[at] == UNSURE and kinds[other] in _ENGINE_TYPES and is_path(node.children[at]):
                return Check(at, (kinds[other],))
        return Check()

    def _membership(self, sought: Node, kinds: tuple[str, ...]) -> Check | None:
        if not kinds:
            return Check()
        if self.kind(sought) != UNSURE:
            return None
        return Check(0, kinds) if is_path(sought) else Check()


def is_path(node: Node) -> bool:
    """Whether `node` is a name, or a field or an entry of a path: asked twice, it costs next to nothing."""
    if node.kind == "field":
        return is_path(node.children[0])
    if node.kind == "call" and node.name == "_[_]":
        return is_path(node.children[0]) and node.children[1].kind == "literal"
    return node.kind == "name"


def checks(root: Node, declared: Mapping[str, str]) -> Checks:
    """Return the comparisons in `root` that have to be made safe."""
    types = Types(root, declared)
    return {id(node): check for node in root.walk() if (check := types.check(node)) is not None}


def compared(root: Node, declared: Mapping[str, str]) -> Iterator[Compared]:
    """Yield the places in the payload that are compared with known types, whether for equality or for order."""
    types = Types(root, declared)
    for node in root.walk():
        if node.kind != "call" or node.name not in COMPARISONS | {"@in"}:
            continue
        first, second = node.children
        kinds = types.elements(second) if node.name == "@in" else (types.kind(second),)
        pairs = [(first, kinds)] if node.name == "@in" else [(first, kinds), (second, (types.kind(first),))]
        for side, (kind, *more) in ((side, checks) for side, checks in pairs if checks):
            path = _in_payload(side)
            if path and not more and kind in _ENGINE_TYPES:
                yield Compared(path, kind)


def _in_payload(node: Node) -> tuple[str, ...]:
    if node.kind == "field" and not node.value:
        inner, key = node.children[0], node.name
    elif node.kind == "call" and node.name == "_[_]" and isinstance(node.children[1].value, str | int | float):
        inner, key = node.children[0], str(node.children[1].value)
    else:
        return ()
    if inner.kind == "name":
        return (key,) if inner.name == "payload" else ()
    path = _in_payload(inner)
    return (*path, key) if path else ()


def shown(node: Node) -> str:
    """Write a path as it stands in a condition."""
    if node.kind == "field":
        return f"{shown(node.children[0])}.{node.name}"
    return f"{shown(node.children[0])}[…]" if node.kind == "call" else node.name


# What the engine asks -----------------------------------------------------------------------------


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal. Raises Differs where that hangs on values of different types."""
    answer = _same(one, other)
    if answer is None:
        raise Differs("values of different types are compared")
    return answer


def among(sought: Any, values: Any) -> bool:
    """Return whether `sought` is among the entries of a list, or the keys of a map. Raises Differs, as `same` does."""
    if not isinstance(values, list | dict):
        raise Differs("what is looked into is neither a list nor a map")
    answers = [_same(sought, value) for value in values]
    if True not in answers and (None in answers or (isinstance(values, dict) and not isinstance(sought, str))):
        raise Differs("values of different types are compared")
    return True in answers


def unlike(what: str) -> bool:
    """Raise Differs: `what` is not of the type that it is compared with."""
    raise Differs(what)


def _same(one: Any, other: Any) -> bool | None:
    """Return whether two values are equal; None where that hangs on values of different types."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and _all(_same(*pair) for pair in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and _all(_same(value, other[key]) for key, value in one.items())
    return bool(one == other) if _sort(one) == _sort(other) else None


def _sort(value: Any) -> type:
    return float if isinstance(value, int) and not isinstance(value, bool) else type(value)


def _all(answers: Iterator[bool | None]) -> bool | None:
    all_answers = [*answers]
    return False if False in all_answers else None if None in all_answers else True


# Writing them into the expression -----------------------------------------------------------------


def written(serialized: bytes, declared: Mapping[str, str]) -> bytes:
    """Return what the engine serialized of a parsed expression with every comparison made safe."""
    root = expressions.read(serialized)
    return expressions.rewritten(serialized, root, _Writer(checks(root, declared)))


class _Writer:
    """Write the check around a comparison, as `expressions.rewritten` asks for it."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks
        self._ids = count(1_000_000)

    def __call__(self, node: Node, comparison: bytes, operands: list[bytes]) -> bytes:
        check = self._checks.get(id(node))
        if check is None:
            return comparison
        if check.asked is None:
            name = AMONG if node.name == "@in" else SAME
            answer = self._call(name, *operands)
            return self._call("!_", answer) if node.name == "_!=_" else answer
        operand = operands[check.asked]
        names = [name for kind in check.kinds for name in _ENGINE_TYPES[kind]]
        tests = [self._call("_==_", self._call("type", operand), self._name(name)) for name in names]
        test = tests[0]
        for more in tests[1:]:
            test = self._call("_||_", test, more)
        wanted = " or ".join(WORDS[kind] for kind in check.kinds)
        says = self._text(f"{shown(node.children[check.asked])} is compared with {wanted} and is not of that type")
        return self._call("_?_:_", test, comparison, self._call(UNLIKE, says))

    def _call(self, name: str, *operands: bytes) -> bytes:
        return expressions.call(next(self._ids), name, *operands)

    def _name(self, name: str) -> bytes:
        return expressions.name(next(self._ids), name)

    def _text(self, text: str) -> bytes:
        return expressions.text(next(self._ids), text)
