"""What a surface touches says how closely it should be watched."""

import itertools

import pytest

from policies.engine import risk


@pytest.mark.parametrize(
    ("touches", "tier", "floor"),
    [
        ((), "monitored", "autopilot"),
        (("writes_to_production",), "batch", "monitored"),
        (("is_customer_facing",), "batch", "monitored"),
        (("spends_money",), "single", "monitored"),
        (("is_customer_facing", "is_irreversible"), "single", "single"),
        (("spends_money", "is_irreversible"), "signature", "single"),
        (("has_legal_effect",), "signature", "single"),
        (("has_legal_effect", "is_irreversible"), "signature", "signature"),
    ],
)
def test_advice(touches, tier, floor):
    advice = risk.advise(dict.fromkeys(touches, True))
    assert (advice.tier, advice.floor) == (tier, floor)
    assert len(advice.why) == len(touches)


def test_touching_more_never_asks_for_less():
    for count in range(len(risk.WORDS)):
        for touches in itertools.combinations(risk.WORDS, count):
            less = risk.advise(dict.fromkeys(touches, True))
            for name in risk.WORDS:
                more = risk.advise(dict.fromkeys((*touches, name), True))
                assert more.tier_rank >= less.tier_rank
                assert more.floor_rank >= less.floor_rank
                assert more.floor_rank <= more.tier_rank


def test_a_warning_only_where_it_is_laxer():
    advice = risk.advise({"spends_money": True})
    assert risk.warnings(advice, tier_rank=30, floor_rank=10) == ()
    assert len(risk.warnings(advice, tier_rank=10, floor_rank=0)) == 2


@pytest.mark.parametrize(
    ("touches", "is_high"),
    [
        ((), False),
        (("spends_money", "writes_to_production"), False),
        (("is_irreversible",), True),
        (("has_legal_effect",), True),
        (("spends_money", "is_irreversible"), True),
    ],
)
def test_what_is_grave_has_its_number_confirmed(touches, is_high):
    assert risk.is_high(dict.fromkeys(touches, True)) is is_high


@pytest.mark.parametrize(
    ("touches", "is_low"),
    [
        ({}, True),
        ({"has_personal_data": True, "writes_to_production": True}, True),
        ({"is_customer_facing": True}, False),
        ({"spends_money": True}, False),
        ({"has_legal_effect": True}, False),
        ({"is_irreversible": True}, False),
    ],
)
def test_what_is_of_low_risk_stays_inside_and_can_be_undone(touches, is_low):
    assert risk.is_low(touches) is is_low
