"""The form of a payload: drawn from the schema, and given back with nothing changed that nobody changed."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.admin.editing.form import PayloadForm
from approvals.admin.editing.tree import MOST_FIELDS, MOST_ROWS
from approvals.lifecycle import review
from approvals.models import Decision, Proposal, Revision
from audit import canonical
from audit.canonical import InvalidJson
from audit.models import Entry
from policies.engine.payloads import FieldError
from tests import world as worlds
from tests.kept import kept
from tests.world import World, seen

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["subject", "audience"],
    "properties": {
        "subject": {"title": "Subject", "type": "string", "minLength": 1, "maxLength": 60},
        "body": {"title": "Body", "type": "string", "maxLength": 10_000, "contentMediaType": "text/html"},
        "channel": {"title": "Channel", "enum": ["email", "sms"]},
        "share": {"title": "Share", "type": "number", "minimum": 0, "maximum": 1},
        "is_test": {"title": "Only a test", "type": "boolean"},
        "origin": {"title": "Origin", "type": ["string", "null"]},
        "audience": {
            "title": "Audience",
            "type": "object",
            "required": ["size"],
            "properties": {
                "segment": {"title": "Segment", "type": "string"},
                "size": {"title": "People", "type": "integer", "minimum": 1, "maximum": 5000},
            },
        },
        "steps": {
            "title": "Steps",
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["do"],
                "properties": {
                    "do": {"title": "Do", "enum": ["wait", "send"]},
                    "hours": {"title": "Hours", "type": "integer", "maximum": 100},
                },
            },
        },
        "tags": {"title": "Tags", "type": "array", "items": {"type": "string"}},
        "either": {"oneOf": [{"type": "string"}, {"type": "object"}]},
    },
}
PAYLOAD: dict[str, Any] = {
    "subject": "Come back",
    "body": "<p>Hello</p>\n<p>you</p>",
    "channel": "email",
    "share": 0.25,
    "is_test": False,
    "origin": None,
    "audience": {"segment": "lapsed", "size": 100, "unknown": {"kept": [1, 2.5]}},
    "steps": [{"do": "wait", "hours": 24}, {"do": "send"}, {"do": "wait", "hours": 1}],
    "tags": ["a", "", "b"],
    "either": {"any": "thing"},
    "more": [None, True],
}

STEPS = PAYLOAD["steps"]


class Screen(HTMLParser):
    """What a browser would send of a form that nobody touched."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self.area = self.select = None
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input":
            value = given.get("value") or ""
            self.sent[given["name"]] = value if given.get("type") == "hidden" else value.replace("\n", "")
        elif tag == "textarea":
            self.area, self.text = given["name"], ""
        elif tag == "select":
            self.select = given["name"]
        elif tag == "option" and self.select and (self.select not in self.sent or "selected" in given):
            self.sent[self.select] = given["value"] or ""

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self.area:
            # The first line end belongs to the tag; the others are sent as CR LF.
            text = self.text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\n")
            self.sent[self.area] = text.replace("\n", "\r\n")
            self.area = None
        elif tag == "select":
            self.select = None


def drawn(schema: dict[str, Any], payload: Any, *, as_json: bool = False) -> dict[str, str]:
    """Return what an untouched form sends."""
    initial = {"revision": 1, "digest": "sha256:1"}
    form = PayloadForm(None, schema=schema, payload=payload, as_json=as_json, initial=initial)
    parts = [render_to_string("approvals/edit_part.html", {"part": part}) for part in form.parts]
    rest = [str(form.rest_field)] if form.rest_field else []
    return Screen("".join([*parts, *rest, str(form["revision"]), str(form["digest"])])).sent


def form_of(sent: dict[str, str], schema: dict[str, Any] = SCHEMA, payload: Any = PAYLOAD) -> PayloadForm:
    data = QueryDict(mutable=True)
    data.update(sent)
    form = PayloadForm(data, schema=schema, payload=payload, as_json=False)
    assert form.is_valid(), form.errors
    return form


def edited(schema: dict[str, Any] = SCHEMA, payload: Any = PAYLOAD, **changed: str) -> Any:
    names = {name.replace("__", "."): value for name, value in changed.items()}
    sent = drawn(schema, payload)
    assert names.keys() <= sent.keys(), names.keys() - sent.keys()
    return form_of({**sent, **names}, schema, payload).payload()


def exactly(value: Any) -> str:
    """Tell 1 from 1.0 and from true."""
    return json.dumps(value, sort_keys=True)


def test_what_nobody_touches_comes_back_exactly() -> None:
    assert exactly(edited()) == exactly(PAYLOAD)


def test_every_kind_of_field_is_drawn() -> None:
    sent = drawn(SCHEMA, PAYLOAD)
    assert sent["payload.audience.size"] == "100"
    assert sent["payload.is_test"] == "false"
    assert sent["payload.steps.1.do"] == "send"
    assert sent["payload.tags.2"] == "b"
    assert sent["rows.payload.steps"] == "0,1,2"
    assert json.loads(sent["rest.audience"]) == {"unknown": {"kept": [1, 2.5]}}
    assert json.loads(sent["rest"]) == {"either": {"any": "thing"}, "more": [None, True]}


@pytest.mark.parametrize(
    ("name", "typed", "expected"),
    [
        ("payload__subject", "Hello", {"subject": "Hello"}),
        ("payload__body", "<p>a</p>\r\n<p>b</p>", {"body": "<p>a</p>\n<p>b</p>"}),
        ("payload__channel", "sms", {"channel": "sms"}),
        ("payload__share", "0.50", {"share": 0.5}),
        ("payload__is_test", "true", {"is_test": True}),
        ("payload__origin", "form", {"origin": "form"}),
        ("payload__audience__size", "7", {"audience": {**PAYLOAD["audience"], "size": 7}}),
        ("payload__tags__0", "z", {"tags": ["z", "", "b"]}),
        ("payload__steps__1__hours", "3", {"steps": [STEPS[0], {"do": "send", "hours": 3}, STEPS[2]]}),
        ("rest__audience", '{"unknown": 1}', {"audience": {"segment": "lapsed", "size": 100, "unknown": 1}}),
    ],
)  # fmt: skip
def test_one_change_leaves_everything_else_untouched(name: str, typed: str, expected: dict[str, Any]) -> None:
    assert exactly(edited(**{name: typed})) == exactly({**PAYLOAD, **expected})


def test_a_field_that_is_not_sent_is_not_changed() -> None:
    form = form_of({"revision": "1", "digest": "x", "rest": "{}", "rest.audience": "{}"})
    assert form.payload()["steps"] == PAYLOAD["steps"]


def test_emptied_fields_are_left_out_where_the_schema_wants_no_empty_text() -> None:
    schema = {
        "type": "object",
        "properties": {
            "note": {"type": "string", "minLength": 1},
            "free": {"type": "string"},
            "size": {"type": "integer"},
            "day": {"type": "string", "format": "date"},
        },
    }
    payload = {"note": "x", "free": "x", "size": 1, "day": "2026-01-01"}
    emptied = {f"payload__{name}": "" for name in payload}
    assert edited(schema, payload, **emptied) == {"free": ""}


def test_an_object_that_is_not_there_is_made_only_when_something_is_typed() -> None:
    payload = {"subject": "x"}
    assert edited(payload=payload) == payload
    assert edited(payload=payload, payload__audience__size="3") == {"subject": "x", "audience": {"size": 3}}


def test_rows_are_taken_away_and_added() -> None:
    sent = drawn(SCHEMA, PAYLOAD)
    sent["rows.payload.steps"] = "2,n1,0,n2"
    sent["payload.steps.n1.do"] = "send"
    steps = form_of(sent).payload()["steps"]
    assert steps == [{"do": "wait", "hours": 1}, {"do": "send"}, {"do": "wait", "hours": 24}]


def test_the_buttons_of_a_list_keep_what_was_typed() -> None:
    data = QueryDict(mutable=True)
    data.update({**drawn(SCHEMA, PAYLOAD), "payload.subject": "Typed", "payload.share": "not a number"})
    data["add"] = "payload.steps"
    facts = {"schema": SCHEMA, "payload": PAYLOAD, "as_json": False}
    html = page_of(PayloadForm.with_rows(data, **facts))
    screen = Screen(html).sent
    assert screen["rows.payload.steps"] == "0,1,2,n1"
    assert (screen["payload.subject"], screen["payload.share"]) == ("Typed", "not a number")
    assert html.count("autofocus") == 1
    assert "errorlist" not in html
    part = page_of(PayloadForm.with_rows(data, is_part=True, **facts))
    assert (part.count("data-focus"), part.count("autofocus")) == (1, 0)

    data.update(screen)
    del data["add"]
    data["remove"] = "payload.steps.1"
    assert Screen(page_of(PayloadForm.with_rows(data, **facts))).sent["rows.payload.steps"] == "0,2,n1"


def page_of(form: PayloadForm) -> str:
    return "".join(render_to_string("approvals/edit_part.html", {"part": part}) for part in form.parts)


@pytest.mark.parametrize("tokens", ["0,0,1", "9", "-1", "x", "n1,n1", "n99999999", "0,<script>"])
def test_forged_rows_are_read_as_those_that_there_can_be(tokens: str) -> None:
    sent = {**drawn(SCHEMA, PAYLOAD), "rows.payload.tags": tokens}
    assert set(form_of(sent).payload()["tags"]) <= {"a", ""}


def test_a_list_takes_no_more_rows_than_it_may_have() -> None:
    data = QueryDict(mutable=True)
    data.update({**drawn(SCHEMA, PAYLOAD), "add": "payload.tags"})
    data["rows.payload.tags"] = ",".join(f"n{number}" for number in range(MOST_ROWS))
    form = PayloadForm.with_rows(data, schema=SCHEMA, payload=PAYLOAD, as_json=False)
    assert f'n{MOST_ROWS}"' not in page_of(form)


@pytest.mark.parametrize(
    ("pointer", "at"),
    [
        ("/payload/subject", "payload.subject"),
        ("/payload/audience/size", "payload.audience.size"),
        ("/payload/steps/1/hours", "payload.steps.2.hours"),
        ("/payload/either", "rest"),
        ("/payload/audience/unknown/kept", "rest.audience"),
        ("/payload", "__all__"),
        ("/rollback/x", "rollback"),
    ],
)
def test_a_fault_stands_at_its_field(pointer: str, at: str) -> None:
    """The second step has been taken away, so the schema's second is the form's third."""
    form = form_of({**drawn(SCHEMA, PAYLOAD), "rows.payload.steps": "0,2"})
    form.add_faults([FieldError(pointer, "code", "It is wrong.")])
    assert list(form.errors) == [at]


def test_a_fault_of_a_whole_list_stands_at_the_list() -> None:
    form = form_of({**drawn(SCHEMA, PAYLOAD), "rows.payload.steps": ""})
    assert form.payload()["steps"] == []
    form.add_faults([FieldError("/payload/steps", "min_items", "Too few.")])
    assert "Too few." in page_of(form)
    assert form.has_faults


def said(changes: dict[str, str], *faults: str) -> dict[str, list[str]]:
    form = PayloadForm(
        {**drawn(SCHEMA, PAYLOAD), **changes}, schema=SCHEMA, payload=PAYLOAD, as_json=False, initial={"rollback": ""}
    )
    form.is_valid()
    form.add_faults([FieldError(pointer, "code", "It is wrong.") for pointer in faults])
    return {name: list(errors) for name, errors in form.said()}


def test_while_one_types_every_part_that_is_right_says_so() -> None:
    found = said({})
    assert {name for name, errors in found.items() if errors} == set()
    assert {"", "payload.subject", "payload.steps", "payload.steps.0.do", "rest.audience", "rollback"} <= set(found)


def test_while_one_types_a_field_is_told_what_is_wrong_with_it() -> None:
    found = said({"payload.share": "lots", "payload.audience.size": "0"}, "/payload/audience/size")
    assert found["payload.share"] == ["Enter a number, for example 4000 or 12.5."]
    assert found["payload.audience.size"] == ["It is wrong."]
    assert found["payload.subject"] == []


def test_while_one_types_a_field_to_which_one_has_not_come_is_left_alone() -> None:
    found = said({"rows.payload.steps": "0,1,2,n1", "payload.steps.n1.hours": "5"}, "/payload/steps/3/do")
    assert "payload.steps.n1.do" not in found
    assert found["payload.steps.0.do"] == []


def test_while_one_types_line_ends_count_for_nothing() -> None:
    typed = drawn(SCHEMA, PAYLOAD)
    assert all("\r\n" in typed[name] for name in ("payload.body", "rest"))
    found = said({}, "/payload/body", "/payload/either")
    assert "payload.body" not in found
    assert "rest" not in found
    found = said({"payload.body": typed["payload.body"] + "\r\n!"}, "/payload/body")
    assert found["payload.body"] == ["It is wrong."]


def test_while_one_types_a_list_is_told_what_is_wrong_with_it() -> None:
    assert said({"rows.payload.steps": ""}, "/payload/steps")["payload.steps"] == ["It is wrong."]
    assert said({}, "/payload")[""] == ["It is wrong."]


def test_json_that_names_a_drawn_field_is_refused() -> None:
    data = QueryDict(mutable=True)
    data.update({**drawn(SCHEMA, PAYLOAD), "rest": '{"subject": "twice"}'})
    form = PayloadForm(data, schema=SCHEMA, payload=PAYLOAD, as_json=False)
    assert not form.is_valid()
    assert "fields of their own: subject" in str(form.errors["rest"])


def test_what_is_too_much_to_draw_stays_json() -> None:
    rows = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "rows": {"type": "array", "items": {"type": "integer"}}},
    }
    many = {"a": 1, "rows": list(range(MOST_ROWS + 1))}
    assert json.loads(drawn(rows, many)["rest"]) == {"rows": many["rows"]}
    wide = {"type": "object", "properties": {f"f{number}": {"type": "integer"} for number in range(5_000)}}
    payload = {f"f{number}": number for number in range(5_000)}
    sent = drawn(wide, payload)
    assert len(sent) == MOST_FIELDS + 3
    assert form_of(sent, wide, payload).payload() == payload


def test_a_schema_that_goes_round_in_circles_is_drawn_as_far_as_it_is_deep() -> None:
    node = {
        "type": "object",
        "properties": {"name": {"type": "string"}, **{f"c{n}": {"$ref": "#/$defs/node"} for n in range(8)}},
    }
    schema = {**node, "$defs": {"node": node}}
    payload = {"name": "a", "c1": {"name": "b", "c2": {"name": "c"}}}
    assert exactly(form_of(drawn(schema, payload), schema, payload).payload()) == exactly(payload)


# Any schema and any payload: what the form cannot draw, it must keep.

NAMES = st.text(st.sampled_from('ab.~/ "é'), min_size=1, max_size=3)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=3), max_leaves=8
)
PLAIN = st.sampled_from(["string", "number", "integer", "boolean", "null", ["string", "null"], ["number", "string"]])
RULES = st.recursive(
    st.fixed_dictionaries({"type": PLAIN})
    | st.fixed_dictionaries({"enum": st.lists(SCALARS, min_size=1, max_size=3)})
    | st.fixed_dictionaries({"type": st.just("string"), "contentMediaType": st.just("text/html")})
    | st.just({})
    | st.just({"oneOf": []}),
    lambda below: (
        st.fixed_dictionaries({"type": st.just("array"), "items": below})
        | st.fixed_dictionaries({"type": st.just("object"), "properties": st.dictionaries(NAMES, below, max_size=3)})
    ),
    max_leaves=6,
)


def fitting(rules: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that often fit the rules, and sometimes do not."""
    if rules.get("type") == "object":
        names = rules["properties"]
        fits = st.fixed_dictionaries({}, optional={name: fitting(part) for name, part in names.items()})
        return st.one_of(
            fits, st.builds(lambda more, some: more | some, st.dictionaries(NAMES, VALUES, max_size=2), fits)
        )
    if rules.get("type") == "array":
        return st.lists(fitting(rules["items"]), max_size=3) | VALUES
    return st.sampled_from(rules["enum"]) | VALUES if "enum" in rules else VALUES


@given(st.data())
@settings(max_examples=150)
def test_any_payload_of_any_schema_comes_back_as_it_was(data: st.DataObject) -> None:
    properties = data.draw(st.dictionaries(NAMES, RULES, max_size=4))
    schema = {"type": "object", "properties": properties}
    payload = data.draw(fitting(schema))
    try:
        payload = canonical.parse(canonical.encode(payload))
    except InvalidJson:
        return  # it could not be a payload
    if isinstance(payload, dict):
        assert exactly(form_of(drawn(schema, payload), schema, payload).payload()) == exactly(payload)


# Through HTTP.


@pytest.fixture
@kept
def world(db: None) -> World:
    world = worlds.build()
    world.surface("email.tests", "single", payload_schema=SCHEMA, editor_may_approve=True)
    return world


@pytest.fixture
def client(world: World) -> Client:
    client = Client()
    client.force_login(world.owner)
    return client


def propose(world: World) -> Proposal:
    return world.propose("email.tests", content={"payload": PAYLOAD})


def address(proposal: Proposal) -> str:
    return f"/admin/approvals/proposal/{proposal.pk}/edit/"


def sent_by(client: Client, proposal: Proposal) -> dict[str, str]:
    page = client.get(address(proposal)).content.decode()
    return {
        name: value
        for name, value in Screen(page[page.index('<form method="post" class="edit"') :]).sent.items()
        if name
    }


def test_saving_an_untouched_form_keeps_the_bytes(world: World, client: Client) -> None:
    proposal = propose(world)
    client.post(address(proposal), {**sent_by(client, proposal), "save": "1"})
    first, second = Revision.objects.filter(proposal=proposal).order_by("number")
    assert bytes(first.body) == bytes(second.body)


def test_faults_of_the_schema_stand_at_the_fields_and_nothing_is_saved(world: World, client: Client) -> None:
    proposal = propose(world)
    wrong = {"payload.audience.size": "0", "payload.steps.0.hours": "101", "payload.subject": ""}
    page = client.post(address(proposal), {**sent_by(client, proposal), **wrong, "save": "1"}).content.decode()
    for name in wrong:
        assert f'id="id_{name}_error"' in page, name
    assert proposal.revisions.count() == 1


def test_edit_and_approve_in_one_act(world: World, client: Client) -> None:
    proposal = propose(world)
    client.post(address(proposal), {**sent_by(client, proposal), "payload.audience.size": "50", "approve": "1"})
    changed = Proposal.objects.select_related("revision").get(pk=proposal.pk)
    assert (changed.state, changed.revision.payload["audience"]["size"]) == ("approved", 50)
    assert Decision.objects.get().by == world.owner


def test_a_button_of_a_list_saves_nothing(world: World, client: Client) -> None:
    proposal = propose(world)
    page = client.post(address(proposal), {**sent_by(client, proposal), "add": "payload.tags"}).content.decode()
    assert 'name="payload.tags.n1"' in page
    assert (proposal.revisions.count(), Decision.objects.count()) == (1, 0)


def live(client: Client, proposal: Proposal, **typed: str) -> str:
    names = {name.replace("__", "."): value for name, value in typed.items()}
    headers = {"HX-Request": "true", "HX-Target": "checked"}
    answer = client.post(address(proposal), {**sent_by(client, proposal), **names, "check": "1"}, headers=headers)
    assert "<html" not in answer.content.decode()
    return str(answer.content.decode())


def test_while_typing_the_page_hears_what_the_policy_says_and_stores_nothing(world: World, client: Client) -> None:
    proposal = propose(world)
    entries = Entry.objects.count()
    said = live(client, proposal, payload__audience__size="50")
    assert "stays <strong>single</strong>" in said
    assert "audience.size" in said and "−50" in said
    assert "People" in live(client, proposal, payload__audience__size="0")
    assert (proposal.revisions.count(), Entry.objects.count()) == (1, entries)


def test_while_typing_the_page_says_how_the_tier_would_change(world: World, client: Client) -> None:
    condition = 'payload.subject == "Urgent"'
    world.enforce(rules={"urgent": worlds.rule(condition, tier="signature", reason="Urgent words.")})
    proposal = propose(world)
    said = live(client, proposal, payload__subject="Urgent")
    assert "changes from single to <strong>signature</strong>" in said


def test_the_difference_is_to_the_agents_version(world: World, client: Client) -> None:
    proposal = propose(world)
    review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={**PAYLOAD, "subject": "Second"})
    said = live(client, proposal, payload__subject="Third")
    assert "Come back" in said and "Third" in said and "Second" not in said
    assert "revision 1" in said


def test_what_was_replaced_while_typing_is_told(world: World, client: Client) -> None:
    proposal = propose(world)
    typed = {**sent_by(client, proposal), "check": "1"}
    review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.other_owner, payload={**PAYLOAD, "subject": "x"})
    answer = client.post(address(proposal), typed, headers={"HX-Request": "true", "HX-Target": "checked"})
    assert "Someone else has changed it" in answer.content.decode()
    assert client.post(address(proposal), {**typed, "save": "1"}).url.endswith("?seen=1")


def deny_guarantees(world: World) -> None:
    row = {"kind": "forbidden_phrases", "surfaces": [], "paths": ["/subject", "@/note"], "effect": "deny"}
    more = {"config": {"phrases": ["guaranteed"]}, "tier": None, "text": "No guarantees."}
    world.enforce(guardrails={"promises": row | more})


@pytest.mark.parametrize("button", ["save", "approve"])
def test_an_edit_that_a_guardrail_denies_is_refused_at_its_field(world: World, client: Client, button: str) -> None:
    deny_guarantees(world)
    proposal = propose(world)
    typed = {"payload.subject": "Guaranteed", "payload.audience.size": "50", "note": "It is guaranteed."}
    page = client.post(address(proposal), {**sent_by(client, proposal), **typed, button: "1"}).content.decode()
    for name in ("payload.subject", "note"):
        assert re.search(rf'id="id_{name}_error"><li>No guarantees\..*[Gg]uaranteed', page), name
    assert typed.items() <= Screen(page[page.index('<form method="post" class="edit"') :]).sent.items()
    proposal.refresh_from_db()
    assert (proposal.state, proposal.revisions.count(), Decision.objects.count()) == ("pending", 1, 0)


def test_while_typing_a_denying_guardrail_is_told_at_its_field(world: World, client: Client) -> None:
    deny_guarantees(world)
    told = live(client, propose(world), payload__subject="Guaranteed")
    assert "It doesn’t fit yet" in told
    assert re.search(r'id="said-payload.subject".*No guarantees\.', told)
