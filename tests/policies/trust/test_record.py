"""The record of an agent, against its definitions, in any order."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.trust.record import BINS, Record

ROWS = st.lists(st.tuples(st.integers(0, 1_000).map(lambda number: number / 1_000), st.booleans()), min_size=1)


def recorded(rows: list[tuple[float, bool]]) -> Record:
    record = Record()
    for confidence, right in rows:
        record.add(confidence=confidence, right=right)
    return record


@given(ROWS)
def test_scores_are_those_of_their_definitions(rows: list[tuple[float, bool]]) -> None:
    record = recorded(rows)
    classes: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in rows:
        classes.setdefault(min(int(confidence * BINS), BINS - 1), []).append((confidence, right))
    error = sum(
        len(row) / len(rows) * abs(sum(c for c, _ in row) / len(row) - sum(r for _, r in row) / len(row))
        for row in classes.values()
    )
    assert record.brier == pytest.approx(sum((c - r) ** 2 for c, r in rows) / len(rows))
    assert record.calibration_error == pytest.approx(error)


@given(ROWS, st.randoms())
def test_the_order_does_not_matter(rows: list[tuple[float, bool]], chance: random.Random) -> None:
    mixed = chance.sample(rows, len(rows))
    one, other = recorded(rows), recorded(mixed)
    assert (one.decided, one.right, one.counts) == (other.decided, other.right, other.counts)
    assert one.brier == pytest.approx(other.brier)


def test_a_record_without_rows_says_nothing() -> None:
    record = Record()
    assert (record.brier, record.calibration_error, record.baseline) == (None, None, None)


def test_the_baseline_is_the_commoner_answer_and_needs_every_outcome() -> None:
    record = Record()
    for number in range(10):
        record.add(confidence=0.9, right=True, outcome=number < 3)
    assert record.baseline == 0.7
    record.add(confidence=0.9, right=True)
    assert record.baseline is None
