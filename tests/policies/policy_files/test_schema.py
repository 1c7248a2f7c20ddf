"""The JSON Schema that ships with the portal is the one that files are read by."""

import json
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from policies.policy_files import DocumentInvalid, json_schema, read_files

SHIPPED = Path(__file__).resolve().parents[3] / "docs" / "policy.schema.json"


def test_what_ships_is_what_is_read_by():
    # To write it anew: manage.py policy schema > docs/policy.schema.json
    assert json.loads(SHIPPED.read_text(encoding="utf-8")) == json.loads(json.dumps(json_schema()))


RULE = "version: v1\nrules: [{id: r, decision: deny"


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("version: v1\n", True),
        (f"{RULE}}}]\n", True),
        (f"{RULE}, match: {{topics: [a], risk_tags: [b]}}, condition: estimated_cost > 1, tier: null}}]\n", True),
        (f"{RULE}, requirements: [{{name: a, role: Legal}}]}}]\n", True),
        ("rules: []\n", False),
        ("version: v2\n", False),
        (f"{RULE}, extra: 1}}]\n", False),
        (f"{RULE}, match: {{topic: [a]}}}}]\n", False),
        (f"{RULE}, enabled: 1}}]\n", False),
        ("version: v1\nrules: [{id: r, decision: block}]\n", False),
        ("version: v1\nlimits: [{id: l, measure: count, per: agent, window: day, limit: 1}]\n", True),
        ("version: v1\nlimits: [{id: l, measure: estimated_cost, per: agent, window: day, limit: 1}]\n", True),
        ("version: v1\nlimits: [{id: l, measure: cost, per: agent, window: day, limit: 1}]\n", False),
        ("version: v1\nlimits: [{id: l, measure: count, per: agent, window: rolling, length: 7d, limit: 1}]\n", True),
        ("version: v1\nlimits: [{id: l, measure: count, per: agent, window: rolling, length: 7, limit: 1}]\n", False),
        ("version: v1\nlimits: [{id: l, measure: count, per: agent, window: day, limit: -1}]\n", False),
        ("version: v1\nguardrails: [{id: g, kind: x, effect: flag, text: t}]\n", False),
        ("version: v1\ntests: [{id: t, facts: {surface: s, mandate: null}, expect: {outcome: deny}}]\n", True),
        ("version: v1\ntests: [{id: t, facts: {surface: s, amuont: 1}, expect: {outcome: deny}}]\n", False),
        ("version: v1\nescalations: [{surface: s, role: Legal, after: 4h}]\n", True),
        ("version: v1\nescalations: [{surface: s, role: Legal}]\n", False),
        ('version: v1\ncalendars: [{id: c, friday: "09:00-12:00", holidays: ["2026-12-25"]}]\n', True),
        ("version: v1\ncalendars: [{id: c, friday: noon}]\n", False),
    ],
)
def test_editors_and_the_portal_agree(text, is_right):
    assert jsonschema_rs.validator_for(json_schema()).is_valid(yaml.safe_load(text)) is is_right
    if is_right:
        read_files({"p": text})
    else:
        with pytest.raises(DocumentInvalid):
            read_files({"p": text})


def test_a_guardrails_settings_are_in_the_schema():
    text = "version: v1\nguardrails: [{id: g, kind: length, effect: flag, text: t, config: {max_wrds: 1}}]\n"
    assert not jsonschema_rs.validator_for(json_schema()).is_valid(yaml.safe_load(text))


def test_estimated_cost_as_a_measure_is_amount_and_may_have_a_currency():
    text = "version: v1\nlimits: [{id: l, measure: estimated_cost, currency: USD, per: agent, window: day, limit: 1}]\n"
    (limit,) = read_files({"p": text}).items()
    assert limit.value["measure"] == "amount"
