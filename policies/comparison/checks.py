"""Limits, guardrails and the policy's own tests. PURE."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fnmatch import translate
from typing import Any, Final

from policies.comparison import matching
from policies.comparison.change import LOOSER, NEUTRAL, TIGHTER, Change, Direction, Row, more_is_tighter
from policies.comparison.matching import MatchReach
from policies.comparison.tiers import DENIED, FLAGGED, NOTHING, Ladder, Strictness

_UNBOUNDED: Final = float("inf")
_STEPS: Final = ("limit", "effect", "tier", "warning", "warning_effect", "warning_tier")
_UNREAD: Final = frozenset(_STEPS) - {"limit"}
_LEFT_BESIDE = "together with the other levels it strikes less hard somewhere"


def _widening(reach: MatchReach) -> Direction:
    """Judge what restricts wherever it reaches."""
    if reach is MatchReach.SAME:
        return NEUTRAL
    return TIGHTER if reach is MatchReach.WIDER else LOOSER


def _strength(effect: str, tier: str | None, ladder: Ladder) -> Strictness:
    match effect:
        case "flag":
            return FLAGGED
        case "deny":
            return DENIED
    return ladder.strictness(tier)


def compare_limits(
    old: Mapping[str, Row], new: Mapping[str, Row], ladder: Ladder, *, is_read: bool
) -> Iterator[Change]:
    """Yield what differs between two tables of limits; `is_read` says that a condition names a running total."""
    for change in _rows("limit", old, new, lambda slug, before, after: _limit(slug, before, after, ladder)):
        if is_read and change.direction is not LOOSER and change.field not in _UNREAD:
            yield replace(change, direction=LOOSER, why="conditions read it")
        else:
            yield change


def _limit(slug: str, before: Row, after: Row, ladder: Ladder) -> Iterator[Change]:
    for name in ("surfaces", "agents"):
        if before[name] != after[name]:
            reach = _widening(matching.of_globs(before[name], after[name]))
            yield Change("limit", slug, name, before[name], after[name], reach)
    before, after = ({"currency": "", **row} for row in (before, after))  # versions of before had no word for it
    for name in ("measure", "per", "currency"):
        if before[name] != after[name]:
            yield Change("limit", slug, name, before[name], after[name], LOOSER)
    if before["window"] != after["window"]:
        yield from _window(slug, before["window"], after["window"])
    changed = [name for name in _STEPS if before[name] != after[name]]
    judged = {name: _step(name, before[name], after[name], ladder) for name in changed}
    is_weaker = _is_weaker(before, after, ladder)
    for name, direction in judged.items():
        as_a_whole, why = direction, ""
        if is_weaker and LOOSER not in judged.values():
            as_a_whole, why = LOOSER, _LEFT_BESIDE
        elif not is_weaker and direction is LOOSER:
            as_a_whole = NEUTRAL
        yield Change("limit", slug, name, before[name], after[name], as_a_whole, why)


def _window(slug: str, before: Row, after: Row) -> Iterator[Change]:
    if before["kind"] != after["kind"]:
        yield Change("limit", slug, "window", before["kind"], after["kind"], LOOSER)
        return
    if before["length_seconds"] != after["length_seconds"]:
        lengths = before["length_seconds"], after["length_seconds"]
        yield Change("limit", slug, "length", *lengths, more_is_tighter(*lengths))
    if before["time_zone"] != after["time_zone"]:
        direction = NEUTRAL if before["kind"] == "rolling" else LOOSER
        yield Change("limit", slug, "time_zone", before["time_zone"], after["time_zone"], direction)


def _step(name: str, before: Any, after: Any, ladder: Ladder) -> Direction:
    """Judge one of the levels or effects by itself."""
    if name in {"limit", "warning"}:
        was, now = (_UNBOUNDED if level is None else level for level in (before, after))
        return TIGHTER if now < was else LOOSER
    if name in {"effect", "warning_effect"}:
        order = ("flag", "tier", "deny")
        return TIGHTER if order.index(after) > order.index(before) else LOOSER
    if before is None or after is None:
        return NEUTRAL  # the tier goes with the effect
    return ladder.judge(before, after)


def _is_weaker(before: Row, after: Row, ladder: Ladder) -> bool:
    """Whether there is a total at which `after` strikes less hard than `before`."""
    levels = {row[name] for row in (before, after) for name in ("limit", "warning") if row[name] is not None}
    # What strikes changes just above a level, so between and beyond the levels one total stands for all.
    return any(_struck(after, level, ladder) < _struck(before, level, ladder) for level in levels)


def _struck(row: Row, level: float, ladder: Ladder) -> Strictness:
    """Return how hard a total just above `level` is struck."""
    if level >= row["limit"]:
        return _strength(row["effect"], row["tier"], ladder)
    if row["warning"] is not None and level >= row["warning"]:
        return _strength(row["warning_effect"], row["warning_tier"], ladder)
    return NOTHING


def compare_guardrails(old: Mapping[str, Row], new: Mapping[str, Row], ladder: Ladder) -> Iterator[Change]:
    """Yield what differs between two tables of guardrails."""
    return _rows("guardrail", old, new, lambda slug, before, after: _guardrail(slug, before, after, ladder))


def _guardrail(slug: str, before: Row, after: Row, ladder: Ladder) -> Iterator[Change]:
    for name in ("kind", "paths"):
        if before[name] != after[name]:
            yield Change("guardrail", slug, name, before[name], after[name], LOOSER)
    if before["surfaces"] != after["surfaces"]:
        reach = _widening(_of_shell_globs(before["surfaces"], after["surfaces"]))
        yield Change("guardrail", slug, "surfaces", before["surfaces"], after["surfaces"], reach)
    if before["config"] != after["config"]:
        is_tighter = before["kind"] == after["kind"] and _finds_more(before["kind"], before["config"], after["config"])
        direction = TIGHTER if is_tighter else LOOSER
        yield Change("guardrail", slug, "config", before["config"], after["config"], direction)
    strengths = [_strength(row["effect"], row["tier"], ladder) for row in (before, after)]
    stronger = NEUTRAL if strengths[0] == strengths[1] else TIGHTER if strengths[1] > strengths[0] else LOOSER
    for name in ("effect", "tier"):
        if before[name] != after[name]:
            yield Change("guardrail", slug, name, before[name], after[name], stronger)
    if before["text"] != after["text"]:
        # The sentence of a checklist is the check itself.
        direction = LOOSER if "checklist" in {before["kind"], after["kind"]} else NEUTRAL
        yield Change("guardrail", slug, "text", before["text"], after["text"], direction)


def _of_shell_globs(before: list[str], after: list[str]) -> MatchReach:
    """Compare globs in which ? and [ ] are special too: those are only known to match themselves."""
    special = any(mark in glob for glob in (*before, *after) for mark in "?[")
    if not special:
        return matching.of_globs(before, after)
    wider = not after or (bool(before) and {*map(translate, before)} <= {*map(translate, after)})
    return MatchReach.WIDER if wider else MatchReach.UNKNOWN


_LISTS: Final[Mapping[str, tuple[str, Callable[[set[str], set[str]], bool]]]] = {
    "forbidden_phrases": ("phrases", set.issubset),
    "required_phrases": ("phrases", set.issubset),
    "link_domains": ("allowed", set.issuperset),
}
"""For each kind the list of which it is known what more or less of it does: before ? after finds no less."""


def _finds_more(kind: str, before: Row, after: Row) -> bool:
    if kind not in _LISTS:
        return False
    name, holds = _LISTS[kind]
    rest = [{key: value for key, value in config.items() if key != name} for config in (before, after)]
    return rest[0] == rest[1] and holds({*before.get(name, ())}, {*after.get(name, ())})


def compare_tests(old: Mapping[str, Row], new: Mapping[str, Row]) -> Iterator[Change]:
    """Yield what differs between two tables of tests: what they promise is no longer promised if they change."""

    def changed(slug: str, before: Row, after: Row) -> Iterator[Change]:
        for name in sorted(before):
            if before[name] != after[name]:
                yield Change("test", slug, name, before[name], after[name], LOOSER)

    return _rows("test", old, new, changed)


def _rows(
    thing: str, old: Mapping[str, Row], new: Mapping[str, Row], changed: Callable[[str, Row, Row], Iterator[Change]]
) -> Iterator[Change]:
    """Yield rows of what only restricts that came (tighter) or went (looser), and what `changed` says of the rest."""
    for slug in sorted({*old, *new}):
        before, after = old.get(slug), new.get(slug)
        if before is None or after is None:
            yield Change(thing, slug, "", before, after, TIGHTER if before is None else LOOSER)
        elif before != after:
            yield from changed(slug, before, after)
