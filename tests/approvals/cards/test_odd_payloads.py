"""No payload keeps a presenter from its work. No database."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.cards import registry
from approvals.cards.asked import CardSubject
from approvals.cards.registry import presenter

KINDS = registry.kinds()
WHEN = "in 10 seconds"

NAMES = (
    "from", "to", "amount", "until", "channels", "budgets", "weights", "threshold", "model", "price", "items", "sku",
    "cost", "valid_from", "valid_until", "rows", "fields", "lead", "before", "after", "source", "conditions", "segment",
    "estimated_size", "sample", "overlaps", "sync_to", "match", "any", "all", "field", "operator", "value", "journey",
    "change", "step", "steps", "after_step", "wait_hours", "wait", "name", "kind", "subject", "preheader", "html",
    "text", "body", "template", "audience", "size", "id", "send_at", "email", "do_not_email",
)  # fmt: skip
WORDS = (
    "pause", "change_wait", "add_step", "remove_step", "any", "is", "a", "b", "2026-02-30", "2026-11-30",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "<p>{{ x }}</p>", "<a href=x", "{{", "*|X|*",
)  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**53), max_value=2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(WORDS)
    | st.text(max_size=30)
)
KEYS = st.sampled_from(NAMES) | st.text(max_size=8)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=8), max_leaves=25
)


@settings(max_examples=150)
@given(payload=DOCUMENTS, before=DOCUMENTS, currency=st.sampled_from(["", "USD", "CHF"]), params=DOCUMENTS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_payload_is_too_odd(kind: str, payload: Any, before: Any, currency: str, params: Any) -> None:
    spans = {name: [(0, 3), (2, 9)] for name in NAMES}
    asked = CardSubject(payload, before, "send", currency, params, "sha256:x", spans, "/p/?revision=1")
    presenter(kind).present(asked)
    said = presenter(kind).effect(asked, when=WHEN)
    assert said is None or isinstance(said, str)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("huge", [1e308, -1e308, 5e-324, 2**53])
def test_no_number_is_too_large(kind: str, huge: float) -> None:
    numbers = {"a": huge, "b": -huge, "from": "a", "to": "b", "amount": huge, "price": huge, "cost": -huge}
    numbers |= {"weights": {"a": huge, "b": -huge}, "threshold": huge, "wait_hours": huge, "step": "s", "journey": "j"}
    numbers |= {"change": "change_wait", "fields": {"a": huge}, "estimated_size": huge, "conditions": [{"field": huge}]}
    opposite = {**numbers, "a": -huge, "price": -huge, "weights": {"a": -huge}, "threshold": -huge}
    asked = CardSubject(numbers, opposite, currency="USD", params={"weekly_budget": huge})
    for one in (asked, replace(asked, before=numbers), replace(asked, before=None)):
        presenter(kind).present(one)
        presenter(kind).effect(one, when=WHEN)
