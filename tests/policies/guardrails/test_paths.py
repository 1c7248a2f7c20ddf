import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.engine.payloads import resolve
from policies.guardrails import texts

PAYLOAD = {
    "html": "<p>Hi</p>",
    "variants": [{"subject": "A", "body": "x"}, {"subject": "B", "n": 1}],
    "a/b": {"c~d": "odd"},
    "*": "star",
    "": "empty",
}


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        pytest.param(["/html"], ["/html"], id="one"),
        pytest.param(["/variants/*/subject"], ["/variants/0/subject", "/variants/1/subject"], id="each-item"),
        pytest.param(["/variants/1"], ["/variants/1/subject"], id="everything-below"),
        pytest.param(["/a~1b/c~0d"], ["/a~1b/c~0d"], id="escaped"),
        pytest.param(["/absent", "/html/no", "/variants/7/subject"], [], id="nothing-there"),
        pytest.param(["/html", "/*", "/html"], [*(pointer for pointer, _ in texts(PAYLOAD))], id="each-once"),
        pytest.param(["/"], ["/"], id="a-member-without-a-name"),
    ],
)
def test_paths_choose_texts(paths, expected):
    assert [pointer for pointer, _ in texts(PAYLOAD, paths)] == expected


@pytest.mark.parametrize("payload", ["text", ["a", ["b"]], None, 5, [], {}])
def test_any_json_is_a_payload(payload):
    assert [text for _, text in texts(payload)] == {"text": ["text"]}.get(
        str(payload), ["a", "b"] if payload == ["a", ["b"]] else []
    )


def test_deep_payloads_are_read_without_recursion():
    payload = "deep"
    for _ in range(50_000):
        payload = [payload]
    assert next(texts(payload))[1] == "deep"


@given(
    st.recursive(
        st.text() | st.integers() | st.none(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
        max_leaves=15,
    )
)
def test_every_pointer_leads_back_to_its_text(payload):
    found = list(texts(payload))
    assert len({pointer for pointer, _ in found}) == len(found)
    assert all((resolve(payload, pointer) if pointer else payload) == text for pointer, text in found)
