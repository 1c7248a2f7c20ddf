"""Compare the reach of two matches. PURE."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Final

from policies.rules.rule import matches


class MatchReach(Enum):
    """What became of the set of proposals that a match covers, as far as it can be proved."""

    SAME = "same"
    WIDER = "wider"
    NARROWER = "narrower"
    UNKNOWN = "unknown"


def of_globs(before: Sequence[str], after: Sequence[str]) -> MatchReach:
    """Compare lists of globs of which one must match; an empty list matches everything.

    A glob covers another one if it matches its text: where the other has its `*`, it must have one too.
    """
    return _reach(wider=covers(after, before), narrower=covers(before, after))


def of_any(before: Sequence[str], after: Sequence[str]) -> MatchReach:
    """Compare tags of which one must be there; an empty list asks for none."""
    wider = not after or (bool(before) and {*before} <= {*after})
    narrower = not before or (bool(after) and {*after} <= {*before})
    return _reach(wider=wider, narrower=narrower)


def of_all(before: Sequence[str], after: Sequence[str]) -> MatchReach:
    """Compare tags that must all be there."""
    return _reach(wider={*after} <= {*before}, narrower={*before} <= {*after})


def of_condition(before: str, after: str) -> MatchReach:
    """Compare conditions: that none holds always is known; of one that was rewritten nothing is."""
    return _reach(wider=not after, narrower=not before) if before != after else MatchReach.SAME


def _reach(*, wider: bool, narrower: bool) -> MatchReach:
    match wider, narrower:
        case True, True:
            return MatchReach.SAME
        case True, False:
            return MatchReach.WIDER
        case False, True:
            return MatchReach.NARROWER
    return MatchReach.UNKNOWN


def covers(outer: Sequence[str], inner: Sequence[str]) -> bool:
    """Whether whatever matches one of `inner` certainly matches one of `outer`."""
    if not outer or "*" in outer:
        return True
    return bool(inner) and all(any(matches(glob, name) for glob in outer) for name in inner)


Compare = Callable[[Any, Any], MatchReach]
RULE: Final[Mapping[str, Compare]] = {
    "surfaces": of_globs,
    "actions": of_globs,
    "topics": of_globs,
    "agents": of_globs,
    "any_tags": of_any,
    "all_tags": of_all,
    "condition": of_condition,
}
"""How each part of a rule's match is compared."""
