"""Foreign rows become proposals."""

import json

import pytest

from hitl_portal.streams import Stream, StreamInvalid, render

ROW = {"id": "L1", "n": 3, "share": 0.5, "flag": True, "none": None, "deep": {"er": [1, 2]}}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param("{n}", 3, id="a-number-stays-a-number"),
        pytest.param("{flag}", True, id="a-truth-stays-a-truth"),
        pytest.param("{none}", None, id="null-stays-null"),
        pytest.param("{deep}", {"er": [1, 2]}, id="an-object-stays-an-object"),
        pytest.param("{deep.er}", [1, 2], id="a-path-reaches-into-objects"),
        pytest.param("lead:{id}/{n}", "lead:L1/3", id="inside-a-text-values-are-written-out"),
        pytest.param("{flag} {none} {share}", "true null 0.5", id="written-out-as-json"),
        pytest.param("{{id}} }}", "{id} }", id="doubled-braces-are-plain"),
        pytest.param({"a": ["{id}", 1, None]}, {"a": ["L1", 1, None]}, id="all-the-way-down"),
        pytest.param("{not a field}", "{not a field}", id="other-braces-are-left-alone"),
    ],
)
def test_render(template, expected):
    assert render(template, ROW) == expected


@pytest.fixture
def write(tmp_path):
    def write(*lines: str, **options) -> Stream:
        path = tmp_path / "stream.jsonl"
        path.write_text("\n".join(lines))
        return Stream(path, **options)

    return write


def test_only_the_rows_asked_for(write):
    stream = write(
        '{"action": "skip"}',
        "",
        '{"action": "contact", "n": 1, "late": true}',
        '{"action": "contact", "n": 2, "late": false}',
        only={"action": "contact", "late": "false"},
        template={"amount": "{n}"},
    )
    (line,) = stream.lines()
    assert (line.number, json.loads(line.body)) == (4, {"amount": 2})
    assert stream.count() == 1


def test_a_line_keeps_its_key_and_another_run_has_others(write):
    first, second = write('{"a": 1}', '{"a": 1}').lines()
    assert first.key("") == next(write('{"a": 1}').lines()).key("")
    assert len({first.key(""), second.key(""), first.key("again")}) == 3


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", r"Line 2 is not JSON"),
        ("[1]", r"Line 2 is no JSON object"),
        ('{"b": 1}', r"Line 2 has no field a"),
        ('{"a": NaN}', r"Line 2: "),
    ],
)
def test_a_line_that_makes_no_proposal_is_named(write, line, says):
    with pytest.raises(StreamInvalid, match=says):
        write('{"a": 1}', line, template={"x": "{a}"}).count()
