"""Arithmetic that comes to no number gives no answer. PURE.

The engine computes with decimal numbers as IEEE 754 has it: 5 / 0 is infinite, and 0 / 0 is NaN, for which every
comparison is false. So an agent that sends a zero would slip past a rule that denies, and meet one that allows.
Here such a result is an error, which is no answer: what restricts then counts as holding, and what allows does not.

The result is looked at by `finite_number`, a function of ours that is written around

- every division, but by a number that is written out and is not 0;
- every `double(…)` of what may be text, as in `double("nan")`;
- the whole of a calculation with more than one step, in which numbers too large could cancel each other out.

One sum, difference or product of finite numbers is at worst infinite, which compares as the large number that it is.
"""

import math
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, Final

from policies.rules import expressions
from policies.rules.expressions import ARITHMETIC, Node, is_number, is_whole
from policies.rules.typed_comparisons import NUMBER, UNSURE, Types

FINITE: Final = "finite_number"


class NoNumber(ValueError):
    """A calculation that came to infinity or to nothing that is a number."""


def finite(value: Any) -> Any:
    """Return `value` as it is. Raises NoNumber where it is a decimal number that is infinite or NaN."""
    if isinstance(value, float) and not math.isfinite(value):
        raise NoNumber("something is divided by zero, or a number is too large")
    return value


def calculations(root: Node, declared: Mapping[str, str]) -> frozenset[int]:
    """Return the identities of the nodes in `root` whose results have to be looked at."""
    types = Types(root, declared)
    numbers = frozenset(name for name, kind in declared.items() if kind == "double")
    return frozenset(id(node) for node in _doubtful(root, numbers) if types.kind(node) in {NUMBER, UNSURE})


def _doubtful(root: Node, numbers: frozenset[str], *, is_inner: bool = False) -> Iterator[Node]:
    is_step = _is_step(root)
    if is_step and not is_whole(root):
        is_long = not is_inner and any(_is_step(child) for child in root.children)
        if is_long or (root.name == "_/_" and not _is_set_divisor(root.children[1])):
            yield root
    elif root.kind == "call" and root.name == "double" and not is_number(root.children[0], numbers):
        yield root
    for child in root.children:
        yield from _doubtful(child, numbers, is_inner=is_step)


def _is_step(node: Node) -> bool:
    return node.kind == "call" and node.name in ARITHMETIC


def _is_set_divisor(node: Node) -> bool:
    return node.kind == "literal" and isinstance(node.value, int | float) and node.value != 0


def written(serialized: bytes, declared: Mapping[str, str]) -> bytes:
    """Return what the engine serialized of a parsed expression with every doubtful result looked at."""
    root = expressions.read(serialized)
    wanted = calculations(root, declared)
    identifiers = count(2_000_000)

    def checked(node: Node, calculation: bytes, _operands: list[bytes]) -> bytes:
        return expressions.call(next(identifiers), FINITE, calculation) if id(node) in wanted else calculation

    return expressions.rewritten(serialized, root, checked)
