"""What each card makes of payloads, sensible and odd. No database."""

from typing import Any

import pytest
from django.template.loader import render_to_string

from approvals.cards import reading, registry
from approvals.cards.asked import CardSubject, Other
from approvals.cards.registry import presenter

WHEN = "in 10 seconds"
KINDS = ("fields", "budget", "email", "enrichment", "journey", "price", "scoring", "segment")


def effect(kind: str, payload: Any, before: Any = None, **facts: Any) -> str | None:
    return presenter(kind).effect(CardSubject(payload, before, **facts), when=WHEN)


def shown(kind: str, payload: Any, before: Any = None, **facts: Any) -> Any:
    return presenter(kind).present(CardSubject(payload, before, **facts))


def text(parts: Any) -> str:
    return "".join(part.text for part in parts)


def test_every_folder_is_a_kind_and_the_field_table_comes_first() -> None:
    assert registry.kinds() == KINDS
    assert [kind for kind, _ in registry.choices()] == list(KINDS)
    assert all(name for _, name in registry.choices())


@pytest.mark.parametrize("kind", ["", "nothing", "../email", "email/presenter", "registry"])
def test_what_is_no_kind_has_no_presenter(kind: str) -> None:
    assert presenter(kind) is None


SHIFT = {"from": "search", "to": "social", "amount": 4000}
WAIT = {"journey": "welcome", "change": "change_wait", "step": "second mail", "wait_hours": 36}
MAIL = {"template": "t", "subject": "We kept your place", "audience": {"segment": "lapsed", "size": 1840}}
CLAUSES = [
    {"field": "page", "operator": "contains", "value": "/pricing"},
    {"field": "country", "operator": "is", "value": "DE"},
]
SEGMENT = {"segment": "priced", "conditions": CLAUSES, "estimated_size": 18400, "sync_to": ["ads_platform"]}
WEIGHTS = {"model": "b2b", "weights": {"visits": 3, "demo": 8}, "threshold": 40}


@pytest.mark.parametrize(
    ("kind", "payload", "before", "facts", "said"),
    [
        ("budget", SHIFT, None, {"currency": "USD"}, "$4,000.00 moves from Search to Social in 10 seconds."),
        ("budget", {**SHIFT, "amount": 12.5}, None, {"currency": "CHF"}, "12.50 CHF moves from Search to Social"),
        (
            "budget",
            {"channels": {"tv": 5, "web": 7}},
            {"channels": {"tv": 6, "web": 7}},
            {},
            "the budget of TV changes",
        ),
        ("email", MAIL, None, {"action": "send_email"}, "“We kept your place” goes to 1,840 people (lapsed) in"),
        ("email", {**MAIL, "lead": {"id": "4711"}}, None, {"action": "send"}, "to lead 4711 in 10 seconds."),
        ("email", {**MAIL, "send_at": "2026-11-30T09:00:00Z"}, None, {"action": "send"}, "on 30 Nov 2026, 09:00:00"),
        ("segment", SEGMENT, None, {}, "the segment “priced” (18,400 people) is saved and sent to the ads platform in"),
        (
            "segment",
            {**SEGMENT, "sync_to": []},
            None,
            {},
            "the segment “priced” (18,400 people) is saved in 10 seconds.",
        ),
        (
            "journey",
            WAIT,
            {"wait_hours": 24},
            {},
            "the wait before “second mail” in “welcome” changes from 24 hours to 36 hours",
        ),
        ("journey", WAIT, None, {}, "“second mail” in “welcome” waits 36 hours, in 10 seconds."),
        ("journey", {"journey": "welcome", "change": "pause"}, None, {}, "the journey “welcome” pauses in 10 seconds."),
        (
            "journey",
            {**WAIT, "change": "remove_step"},
            None,
            {},
            "this removes the step “second mail” from the journey",
        ),
        (
            "scoring",
            WEIGHTS,
            {**WEIGHTS, "weights": {"visits": 2, "demo": 8}, "threshold": 45},
            {},
            "1 weight of b2b changes and its threshold moves from 45 to 40, in 10 seconds.",
        ),
        ("scoring", WEIGHTS, {"weights": {"visits": 2, "old": 1}}, {}, "3 weights of b2b change in 10 seconds."),
        (
            "price",
            {"sku": "A", "price": 24},
            {"sku": "A", "price": 29},
            {"currency": "USD"},
            "the price of A goes down",
        ),
        (
            "price",
            {"sku": "A", "price": 29},
            {"price": 24},
            {},
            "the price of A goes up from 24 to 29 (+20.8 %) in 10 s",
        ),
        ("price", {"sku": "A", "price": 2, "valid_from": "2030-01-01"}, None, {}, "is set to 2 from 1 Jan 2030."),
        (
            "price",
            {"items": [{"sku": "A", "price": 9}, {"sku": "B", "price": 11}]},
            {"A": 10, "B": 10},
            {},
            "changes 2 prices by −10 % to +10 %",
        ),
        (
            "enrichment",
            {"lead": "7", "fields": {"a": 1, "b": 2}},
            None,
            {},
            "this writes 2 fields of lead 7 in 10 seconds.",
        ),
        (
            "enrichment",
            {"rows": [{"lead": "7", "fields": {"a": None, "b": 2}}, {"lead": "8", "fields": {"a": 3}}]},
            {"7": {"a": 1}},
            {},
            "writes 2 fields of 2 leads and empties 1 in 10 seconds.",
        ),
        ("enrichment", {"lead": "7", "fields": {"a": ""}}, {"a": 1}, {}, "empties 1 field of lead 7"),
    ],
)
def test_the_effect_in_one_sentence(kind: str, payload: Any, before: Any, facts: Any, said: str) -> None:
    sentence = effect(kind, payload, before, **facts)
    assert sentence is not None
    assert sentence.startswith("If approved, ")
    assert said in sentence


@pytest.mark.parametrize(
    ("kind", "payload", "facts"),
    [
        ("fields", SHIFT, {}),
        ("budget", {"from": "search", "to": "social"}, {}),
        ("budget", {"spend": 4000}, {}),
        ("email", MAIL, {"action": "archive_template"}),
        ("email", {"subject": "To whom?"}, {"action": "send_email"}),
        ("segment", {"segment": "x", "estimated_size": 3}, {}),
        ("journey", {"change": "pause"}, {}),
        ("journey", {"journey": "welcome", "change": "add_step"}, {}),
        ("scoring", WEIGHTS, {}),
        ("price", {"sku": "A"}, {}),
        ("enrichment", {"lead": "7"}, {}),
    ],
)
def test_what_the_payload_does_not_say_is_not_said(kind: str, payload: Any, facts: Any) -> None:
    assert effect(kind, payload, **facts) is None


def test_a_budget_shift_shows_every_channel_and_the_share_of_the_week() -> None:
    before = {"search": 20000, "social": 8000, "video": 3000}
    card = shown("budget", SHIFT, before, currency="USD", params={"weekly_budget": 40000})
    assert card.moved == "$4,000.00"
    assert card.weekly_share == "10 % of the weekly budget of $40,000.00"
    rows = {row.name: row for row in card.channels}
    assert (rows["Search"].old, rows["Search"].new, rows["Search"].difference) == (
        "$20,000.00",
        "$16,000.00",
        "−$4,000.00",
    )
    assert (rows["Social"].share, rows["Social"].is_changed) == ("+50 %", True)
    assert (rows["Video"].old, rows["Video"].is_changed) == ("$3,000.00", False)
    assert rows["Search"].old_bar.width == "100.00"
    assert rows["Social"].new_bar.width == "60.00"


@pytest.mark.parametrize("weekly", [0, -5, "a lot", None, True])
def test_a_weekly_budget_that_is_none_gives_no_share(weekly: Any) -> None:
    assert shown("budget", SHIFT, None, params={"weekly_budget": weekly}).weekly_share == ""


def test_many_channels_are_bounded() -> None:
    card = shown("budget", {"channels": {f"c{number}": number for number in range(100)}})
    assert (len(card.channels), card.left_out) == (20, 80)


def test_bars_of_weights_begin_at_zero_whichever_side_they_are() -> None:
    card = shown("scoring", {"weights": {"good": 30, "bad": -10}}, {"weights": {"good": 10, "bad": -10}})
    rows = {row.name: row for row in card.weights}
    assert card.zero == "25.00"
    assert (rows["Good"].new_bar.x, rows["Good"].new_bar.width) == ("25.00", "75.00")
    assert (rows["Bad"].new_bar.x, rows["Bad"].new_bar.width) == ("0.00", "25.00")
    assert [row.name for row in card.weights] == ["Good", "Bad"]
    assert (rows["Good"].difference, rows["Bad"].change) == ("+20", "same")


def test_the_margin_says_when_a_price_is_below_the_cost() -> None:
    rows = [{"sku": "A", "price": 24, "cost": 6}, {"sku": "B", "price": 5, "cost": 6}, {"sku": "C", "price": 1}]
    card = shown("price", {"items": rows}, {"A": 30, "B": 8}, currency="EUR")
    assert [text(row.article) for row in card.rows] == ["B", "A", "C"]
    loss, gain, unknown = card.rows
    assert (loss.is_loss, loss.new_margin, card.losses) == (True, "−20 %", 1)
    assert (gain.old, gain.new, gain.difference, gain.share) == ("€30.00", "€24.00", "−€6.00", "−20 %")
    assert (gain.old_margin, gain.new_margin) == ("80 %", "75 %")
    assert (unknown.old, unknown.cost, unknown.new_margin) == ("", "", "")


def test_an_enrichment_counts_and_draws_the_same_rows_each_time() -> None:
    rows = [{"lead": str(number), "fields": {"title": "CTO", "country": None}} for number in range(500)]
    before = {"rows": [{"lead": str(number), "fields": {"title": "", "country": "DE"}} for number in range(0, 500, 2)]}
    card = shown("enrichment", {"rows": rows}, before, lot="a")
    assert (card.total, card.added, card.changed, card.emptied, card.same) == (500, 500, 0, 250, 250)
    assert [(row.field, row.added, row.emptied) for row in card.fields] == [("Title", 500, 0), ("Country", 0, 250)]
    drawn = [row.name for row in card.sample]
    assert len(drawn) == 10
    assert drawn == [row.name for row in shown("enrichment", {"rows": rows}, before, lot="a").sample]
    assert drawn != [row.name for row in shown("enrichment", {"rows": rows}, before, lot="b").sample]


def test_true_is_not_one() -> None:
    assert shown("enrichment", {"fields": {"a": True}}, {"a": 1}).changed == 1


def test_a_segment_says_who_belongs_and_what_is_new() -> None:
    before = {**SEGMENT, "conditions": [CLAUSES[0], {"field": "age", "operator": "at_least", "value": 18}]}
    before |= {"estimated_size": 9200, "sync_to": ["email_system"]}
    other = Other("Another", "/x/", "Pending")
    overlaps = [{"segment": "trials", "size": 90}, "no size", 7]
    card = shown("segment", {**SEGMENT, "overlaps": overlaps}, before, others=lambda: [other])
    said = [(f"{clause.field} {clause.operator} {text(clause.value)}", clause.change) for clause in card.clauses]
    assert said == [
        ("page contains /pricing", ""),
        ("country is DE", "added"),
        ("age is at least 18", "removed"),
    ]
    assert (card.old_size, card.size, card.difference, card.share) == ("9,200", "18,400", "+9,200", "+100 %")
    assert [(place.name, place.change) for place in card.places] == [
        ("ads platform", "added"),
        ("email system", "removed"),
    ]
    assert [(row.segment, row.size) for row in card.overlaps] == [("trials", "90"), ("no size", "")]
    assert card.others == [other]


@pytest.mark.parametrize(
    ("name", "size", "warns"),
    [
        ("Do not contact", 3, True),
        ("do_not_email", 1, True),
        ("Opted-out EU", 12, True),
        ("unsubscribed", 1, True),
        ("Do not contact", 0, False),
        ("contacts", 3, False),
        ("trials", 90, False),
    ],
)
def test_people_who_asked_not_to_be_contacted_are_warned_of(name: str, size: int, warns: bool) -> None:
    card = shown("segment", {**SEGMENT, "overlaps": [{"segment": name, "size": size}]})
    assert [row.is_refusal for row in card.overlaps] == [warns]
    html = render_to_string("segment/card.html", {"shown": card})
    assert ("They asked not to be contacted." in html) is warns


@pytest.mark.parametrize(
    ("name", "label"),
    [("tiktok", "TikTok"), ("paid_search", "Paid search"), ("youtube_shorts", "YouTube shorts"), ("crm", "CRM")],
)
def test_names_of_brands_are_written_as_the_brands_do(name: str, label: str) -> None:
    assert reading.label(name) == label


def test_any_of_several_conditions_and_groups_of_them() -> None:
    group = {"any": [*CLAUSES, {"all": CLAUSES[:1]}]}
    card = shown("segment", {**SEGMENT, "match": "any", "conditions": [CLAUSES[0], group]})
    assert card.joiner == "or"
    assert text(card.clauses[1].value) == "(page contains /pricing or country is DE or (page contains /pricing))"


def test_one_changed_wait_is_drawn_among_the_other_steps() -> None:
    steps = [{"name": "signs up"}, {"name": "second mail", "wait_hours": 24}, {"name": "reminder"}]
    card = shown("journey", WAIT, {"steps": steps})
    assert [(text(step.name), step.change) for step in card.steps] == [
        ("signs up", ""), ("second mail", "changed"), ("reminder", ""),
    ]  # fmt: skip
    detail = card.steps[1].details[0]
    assert (detail.label, detail.old, detail.new) == ("Wait", "24 hours", "36 hours")
    assert card.is_whole


@pytest.mark.parametrize(
    ("change", "drawn"),
    [
        ({"change": "remove_step", "step": "b"}, [("a", ""), ("b", "removed"), ("c", "")]),
        ({"change": "add_step", "step": "x", "after_step": "a"}, [("a", ""), ("x", "added"), ("b", ""), ("c", "")]),
        ({"change": "add_step", "step": "x"}, [("a", ""), ("b", ""), ("c", ""), ("x", "added")]),
        ({"steps": ["a", "c"]}, [("a", ""), ("b", "removed"), ("c", "")]),
    ],
)
def test_steps_that_come_and_go(change: Any, drawn: Any) -> None:
    card = shown("journey", {"journey": "j", **change}, {"steps": ["a", "b", "c"]})
    assert [(text(step.name), step.change) for step in card.steps] == drawn


def test_a_step_alone_says_so() -> None:
    card = shown("journey", WAIT, {"step": "second mail", "wait_hours": 24})
    assert not card.is_whole
    assert [(detail.old, detail.new) for detail in card.steps[0].details] == [("24 hours", "36 hours")]


def test_an_email_shows_its_head_with_merge_tags_and_changed_words() -> None:
    letter = {"subject": "{{ name }}, we kept your warm place", "from": {"name": "Us", "email": "a@b.example"}}
    card = shown(
        "email", {**letter, "html": "<p>Hi <b>{{ name }}</b></p>"}, {"subject": "{{ name }}, we kept your place"}
    )
    lines = {line.label: line.text for line in card.lines}
    subject = [(part.text, part.change) for part in lines["Subject"]]
    assert ("{{ name }}", "tag") in subject
    assert (" warm", "added") in subject
    assert text(lines["From"]) == "Us <a@b.example>"
    assert text(card.text) == "Hi {{ name }}"
    assert card.is_text_derived


def test_a_finding_is_marked_where_it_stands() -> None:
    spans = {"subject": [(3, 7)], "text": [(0, 4)]}
    card = shown("email", {"subject": "Buy NOW{{ x }}", "text": "Free money"}, spans=spans)
    assert [(part.text, part.is_marked) for part in card.lines[0].text][1] == (" NOW", True)
    assert (card.text[0].text, card.text[0].is_marked) == ("Free", True)
    wide = shown("segment", SEGMENT, spans={"conditions[1].value": [(0, 8)]})
    assert wide.clauses[0].value[0].is_marked


def test_a_finding_in_a_name_shows_the_name_as_it_is_written() -> None:
    hidden = "sea\u200brch"
    card = shown("budget", {**SHIFT, "from": hidden}, spans={"from": [(3, 4)]})
    assert text(card.source) == "sea⟨U+200B⟩rch"


@pytest.mark.parametrize("template", ["only a template"])
def test_a_mail_without_text_names_its_template(template: str) -> None:
    card = shown("email", {"template": template, "audience": {"segment": "s", "size": 1}})
    assert [(line.label, text(line.text)) for line in card.lines] == [
        ("Template", template), ("Goes to", "s · 1 person"),
    ]  # fmt: skip
    assert (card.preview, list(card.text)) == ("", [])


def test_links_and_remote_pictures_are_counted() -> None:
    html = '<p><a href="https://x.example/?u={{ id }}">Go</a><img src="https://y.example/p.gif"><img src="data:,"></p>'
    card = shown("email", {"html": html}, preview_url="/p/?revision=1")
    assert [(link.text, link.address) for link in card.links] == [("Go", "https://x.example/?u={{ id }}")]
    assert (card.remote_pictures, card.preview) == (1, "/p/?revision=1")
