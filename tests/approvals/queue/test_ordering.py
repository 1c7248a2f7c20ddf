"""In which order a person meets what waits for them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from approvals.queue.ordering import Band, Turn, after, arrange, band, order

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def turn(number: int, left: timedelta = 24 * HOUR, **fields: Any) -> Turn:
    """A proposal like no other, unless `fields` say what it shares."""
    facts: dict[str, Any] = {
        "title": f"Number {number}",
        "surface": "ads.budget",
        "action": f"action-{number}",
        "agent": "pacer",
        "tier": "single",
        "tier_rank": 30,
        "classification": 10,
        "deadline_at": NOW + left,
    }
    return Turn(id=UUID(int=number), **{**facts, **fields})


def alike(number: int, left: timedelta = 24 * HOUR, **fields: Any) -> Turn:
    return turn(number, left, **{"action": "set_bid", **fields})


def numbers(turns: list[Turn]) -> list[int]:
    return [turn.id.int for turn in turns]


def groups(*turns: Turn) -> list[list[int]]:
    return [numbers(list(group.turns)) for shelf in arrange(turns, at=NOW) for group in shelf.groups]


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        pytest.param(timedelta(seconds=1), Band.NOW, id="a-second"),
        pytest.param(HOUR - timedelta(microseconds=1), Band.NOW, id="just-under-an-hour"),
        pytest.param(HOUR, Band.SOON, id="an-hour"),
        pytest.param(8 * HOUR - timedelta(microseconds=1), Band.SOON, id="just-under-eight-hours"),
        pytest.param(8 * HOUR, Band.DAY, id="eight-hours"),
        pytest.param(24 * HOUR - timedelta(microseconds=1), Band.DAY, id="just-under-a-day"),
        pytest.param(24 * HOUR, Band.LATER, id="a-day"),
        pytest.param(-HOUR, Band.NOW, id="already-over"),
    ],
)
def test_bands(left: timedelta, expected: Band) -> None:
    assert band(NOW + left, at=NOW) is expected


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([turn(1, 9 * HOUR), turn(2, HOUR / 2), turn(3, 2 * HOUR)], [2, 3, 1], id="by-band"),
        pytest.param(
            [turn(1, HOUR / 3), turn(2, HOUR / 2, tier_rank=40)], [2, 1], id="risk-beats-minutes-inside-a-band"
        ),
        pytest.param(
            [turn(1, 9 * HOUR, tier_rank=40), turn(2, HOUR / 2, tier_rank=20)], [2, 1], id="a-band-beats-risk"
        ),
        pytest.param(
            [turn(1, classification=10), turn(2, classification=40)], [2, 1], id="then-what-the-surface-touches"
        ),
        pytest.param(
            [turn(1, tier_rank=30, classification=40), turn(2, tier_rank=40, classification=0)],
            [2, 1],
            id="the-tier-beats-the-surface",
        ),
        pytest.param([turn(1, 20 * HOUR), turn(2, 10 * HOUR)], [2, 1], id="then-the-deadline"),
        pytest.param([turn(2), turn(1)], [1, 2], id="the-same-deadline-has-one-order"),
        pytest.param(
            [turn(1, tier_rank=40), turn(2, tier_rank=20, is_assigned=True)], [2, 1], id="mine-by-name-comes-first"
        ),
        pytest.param(
            [turn(1, HOUR / 2), turn(2, 9 * HOUR, is_assigned=True)], [1, 2], id="but-not-before-what-runs-out"
        ),
        pytest.param([turn(1, 9 * HOUR), turn(2, 23 * HOUR, tier_rank=40)], [2, 1], id="risk-beats-hours-within-a-day"),
        pytest.param(
            [turn(1, 140 * HOUR, tier_rank=40), turn(2, 49 * HOUR), turn(3, 30 * HOUR), turn(4, 10 * HOUR)],
            [4, 3, 2, 1],
            id="later-the-days-beat-risk",
        ),
        pytest.param(
            [turn(1, 50 * HOUR), turn(2, 70 * HOUR, tier_rank=40)], [2, 1], id="of-the-same-day-risk-comes-first"
        ),
        pytest.param(
            [turn(1, 30 * HOUR), turn(2, 140 * HOUR, is_assigned=True)], [1, 2], id="nor-days-before-what-is-due"
        ),
    ],
)
def test_order(turns: list[Turn], expected: list[int]) -> None:
    assert numbers(order(arrange(turns, at=NOW))) == expected


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        pytest.param([alike(1), alike(2)], [[1], [2]], id="two-are-no-group"),
        pytest.param([alike(1), alike(2), alike(3)], [[1, 2, 3]], id="three-are"),
        pytest.param([alike(1), alike(2), alike(3, surface="other")], [[1], [2], [3]], id="of-one-surface"),
        pytest.param([alike(1), alike(2), alike(3, agent="other")], [[1], [2], [3]], id="of-one-agent"),
        pytest.param([alike(1), alike(2), turn(3)], [[1], [2], [3]], id="of-one-action"),
        pytest.param([alike(1), alike(2), alike(3, HOUR / 2)], [[3], [1], [2]], id="of-one-band"),
        pytest.param(
            [alike(1), turn(2, tier_rank=40), alike(3), turn(4, 30 * HOUR), alike(5)],
            [[2], [1, 3, 5], [4]],
            id="a-group-stands-where-its-first-would",
        ),
    ],
)
def test_groups(turns: list[Turn], expected: list[list[int]]) -> None:
    assert groups(*turns) == expected


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([alike(1), alike(2), alike(3)], []),
        ([alike(1, is_for_batch=True), alike(2), alike(3)], []),
        ([alike(1, is_for_batch=True), alike(2), alike(3, is_for_batch=True)], [1, 3]),
    ],
    ids=["none-may", "one-alone-is-no-batch", "only-those-whose-tier-lets-them"],
)
def test_what_of_a_group_may_be_approved_together(turns: list[Turn], expected: list[int]) -> None:
    [shelf] = arrange(turns, at=NOW)
    assert numbers(list(shelf.groups[0].for_batch)) == expected


@pytest.mark.parametrize(
    ("opened", "expected"),
    [(1, 2), (2, 3), (3, 1), (9, 1), (None, 1)],
    ids=["the-next", "the-next-again", "after-the-last-the-first", "unknown", "nothing-open"],
)
def test_what_comes_after(opened: int | None, expected: int) -> None:
    found = after([turn(1), turn(2), turn(3)], UUID(int=opened) if opened else None)
    assert found == UUID(int=expected)


def test_nothing_comes_after_the_only_one() -> None:
    assert after([turn(1)], UUID(int=1)) is None
    assert after([], None) is None
