"""What is unlike the others, from figures alone."""

import pytest

from approvals.figures.outliers import Measure, outliers

AMOUNT = Measure("amount", least_share=0.5)
CONFIDENCE = Measure("confidence", least=0.1, is_only_low=True)


def strange(values: list[float], measure: Measure = AMOUNT) -> list[int]:
    found = outliers([{measure.name: value} for value in values], [measure])
    return [index for index, why in enumerate(found) if why]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([100, 100, 100, 9000], [], id="too-few-to-say-what-is-usual"),
        pytest.param([100, 110, 90, 105, 95, 9000], [5], id="one-is-huge"),
        pytest.param([100, 110, 90, 105, 95, 1], [5], id="one-is-tiny"),
        pytest.param([100] * 6, [], id="all-the-same"),
        pytest.param([100] * 9 + [9000], [9], id="all-the-same-but-one"),
        pytest.param([100] * 9 + [101], [], id="all-the-same-but-for-a-trifle"),
        pytest.param([100, 110, 90, 105, 95, 130], [], id="wider-but-ordinary"),
        pytest.param(
            [100, 105, 95, 110, 90, 102, 98, 9000, 9000, 9500], [7, 8, 9], id="several-do-not-hide-each-other"
        ),
        pytest.param([0, 0, 0, 0, 0, 0, 500], [6], id="usual-is-nought"),
        pytest.param([-100, -110, -90, -105, -95, 9000], [5], id="negative-is-usual"),
    ],
)
def test_amounts(values, expected):
    assert strange(values) == expected


def test_only_a_low_confidence_is_told_of():
    assert strange([0.7, 0.71, 0.69, 0.7, 0.72, 0.99], CONFIDENCE) == []
    assert strange([0.7, 0.71, 0.69, 0.7, 0.72, 0.3], CONFIDENCE) == [5]
    assert strange([0.95, 0.95, 0.95, 0.95, 0.95, 0.94], CONFIDENCE) == []


def test_what_is_missing_is_not_compared():
    rows = [{"amount": 100.0}, {}, {"amount": 100.0}, {"amount": 100.0}, {"amount": 100.0}, {}, {"amount": 9000.0}]
    assert [bool(why) for why in outliers(rows, [AMOUNT])] == [False, False, False, False, False, False, True]


def test_it_says_why_the_strangest_first():
    rows = [{"amount": 100.0 + number, "confidence": 0.9 + number / 100} for number in range(7)]
    rows.append({"amount": 4000.0, "confidence": 0.5})
    (amount, confidence) = outliers(rows, [CONFIDENCE, AMOUNT])[-1]
    assert (amount.measure, amount.value, amount.usual, amount.is_high) == ("amount", 4000.0, 103.5, True)
    assert (confidence.measure, confidence.is_high) == ("confidence", False)
    assert amount.distance > confidence.distance > 3.5
