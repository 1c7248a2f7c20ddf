"""The review page and its forms, without a browser."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from approvals.lifecycle import review
from approvals.models import Decision, Dispatch, Proposal
from approvals.shipping import claims, dispatches
from policies.models import Surface
from tests import world as worlds
from tests.costs import Stopwatch
from tests.world import World, seen, signed_in

pytestmark = pytest.mark.django_db

PASSWORD = "a long enough password"
LIST = "/admin/approvals/proposal/"


@pytest.fixture
def world() -> World:
    cache.clear()
    return worlds.build()


@pytest.fixture
def client(world: World) -> Client:
    return signed_in(world.owner)


def address(proposal: Proposal, below: str = "") -> str:
    return f"{LIST}{proposal.pk}/{below}"


def decide(client: Client, proposal: Proposal, verdict: str, **fields: Any) -> Any:
    shown = {"revision": proposal.revision.number, "digest": proposal.revision.digest}
    return client.post(address(proposal, "decide/"), {"verdict": verdict, **shown, **fields}, follow=True)


def edit(client: Client, proposal: Proposal, button: str, **fields: Any) -> Any:
    shown = {"revision": proposal.revision.number, "digest": proposal.revision.digest}
    return client.post(address(proposal, "edit/"), {button: "1", **shown, **fields}, follow=True)


def state(proposal: Proposal) -> str:
    return str(Proposal.objects.get(pk=proposal.pk).state)


def text(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.mark.parametrize(
    ("verdict", "fields", "becomes"),
    [
        ("approve", {}, "approved"),
        ("reject", {"reason_code": "too_risky"}, "rejected"),
        ("send_back", {"comment": "Shorter."}, "returned"),
        ("take_over", {}, "taken_over"),
    ],
)
def test_a_decision_by_form(world: World, client: Client, verdict: str, fields: dict, becomes: str) -> None:
    proposal = world.propose()
    assert decide(client, proposal, verdict, **fields).status_code == 200
    assert state(proposal) == becomes


def test_an_unknown_verdict_is_not_found(world: World, client: Client) -> None:
    assert decide(client, world.propose(), "undo").status_code == 404


def test_a_decision_on_a_closed_proposal_says_how_it_stands(world: World, client: Client) -> None:
    proposal = world.propose()
    world.decide(proposal, "take_over", by=world.other_owner)
    assert "nothing to decide" in text(decide(client, proposal, "approve"))
    assert Decision.objects.count() == 1


def test_a_form_that_names_another_revision_decides_nothing(world: World, client: Client) -> None:
    proposal = world.propose()
    forged = {"verdict": "approve", "revision": 1, "digest": "sha256:" + "0" * 64}
    client.post(address(proposal, "decide/"), forged)
    assert state(proposal) == "pending"


def test_the_page_says_why_a_person_may_not_decide(world: World) -> None:
    proposal = world.propose()
    page = text(signed_in(User.objects.get(username="agent-owner")).get(address(proposal)))
    assert "You own the agent" in page
    assert 'value="approve"' not in page


def test_a_person_of_another_role_does_not_find_it(world: World) -> None:
    proposal, stranger = world.propose(), signed_in(worlds.person("lawyer", "Legal"))
    assert stranger.get(address(proposal)).status_code == 404
    assert decide(stranger, proposal, "approve").status_code == 404
    assert proposal.title not in text(stranger.get(LIST))


def test_passwords_cannot_be_guessed_through_the_signature(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = timezone.now()
    monkeypatch.setattr("approvals.people.signature.database_now", lambda: at)
    proposal = world.propose("pricing")
    for _ in range(5):
        assert "not your password" in text(decide(client, proposal, "approve", password="guess", comment="Yes."))
    answer = decide(client, proposal, "approve", password=PASSWORD, comment="Yes.")
    assert "Too many tries" in text(answer)
    assert state(proposal) == "pending"


def test_who_signs_often_and_rightly_is_not_held_up(world: World, client: Client) -> None:
    for _ in range(7):
        proposal = world.propose("pricing")
        decide(client, proposal, "approve", password=PASSWORD, comment="Agreed.")
        assert state(proposal) == "approved"


def test_a_password_is_never_sent_back(world: World, client: Client) -> None:
    proposal = world.propose("pricing")
    assert PASSWORD not in text(decide(client, proposal, "approve", password=PASSWORD))


def test_an_edit_with_the_rest_as_json(world: World, client: Client) -> None:
    schema = {"type": "object", "properties": {"subject": {"type": "string"}, "list": {"type": "array"}}}
    world.surface("crm.segments", "single", payload_schema=schema, editor_may_approve=True)
    proposal = world.propose("crm.segments", content={"payload": {"subject": "Hi", "list": [1], "more": {"x": 1}}})
    fields = {"payload.subject": "Hello\r\nyou", "rest": '{"list": [1, 2], "more": {"x": 1.5}}'}
    assert edit(client, proposal, "approve", **fields).status_code == 200
    changed = Proposal.objects.select_related("revision").get(pk=proposal.pk)
    assert changed.revision.payload == {"subject": "Hello\nyou", "list": [1, 2], "more": {"x": 1.5}}
    assert changed.state == "approved"


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ("{", "character 1"),
        ('{"a": 1, "a": 2}', "appears twice"),
        ('{"a": NaN}', "NaN, Infinity"),
        ("   ", "required"),
    ],
)
def test_an_edit_reads_json_strictly(world: World, client: Client, typed: str, complaint: str) -> None:
    proposal = world.propose()
    answer = edit(client, proposal, "save", rest=typed)
    assert 'class="field has-errors"' in text(answer)
    assert complaint in text(answer)
    assert state(proposal) == "pending"


def test_checking_an_edit_stores_nothing(world: World, client: Client) -> None:
    proposal = world.propose()
    assert "What the policy says" in text(edit(client, proposal, "check", rest='{"amount": 1}'))
    assert (state(proposal), proposal.revisions.count()) == ("pending", 1)


def test_an_edit_that_leaves_an_emptied_field_out(world: World, client: Client) -> None:
    properties = {"name": {"type": "string"}, "size": {"type": "integer"}, "on": {"type": "boolean"}}
    world.surface("crm.lists", "single", payload_schema={"type": "object", "properties": properties})
    proposal = world.propose("crm.lists", content={"payload": {"name": "", "size": 5, "on": True}})
    edit(client, proposal, "save", **{"payload.name": "", "payload.size": "", "payload.on": "false"})
    assert Proposal.objects.get(pk=proposal.pk).revision.payload == {"name": "", "on": False}


def test_undo_retry_and_roll_back_by_form(world: World, client: Client) -> None:
    proposal = world.propose(content={"rollback": {"amount": -4000}})
    decide(client, proposal, "approve")
    client.post(address(proposal, "undo/"))
    assert state(proposal) == "pending"

    decide(client, proposal, "approve")
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.postpone(dispatch_id=claim.dispatch.pk, fence=claim.fence, error="Gone.", is_final=True)
    letters = signed_in(worlds.person("operator", worlds.OWNER, permissions=("view_dispatch",)))
    assert "Gone." in text(letters.get("/admin/approvals/dispatch/?letters=dead"))
    client.post(address(proposal, "retry/"))
    assert state(proposal) == "approved"

    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"status": 200})
    asked = text(client.get(address(proposal, "roll-back/")))
    assert "-4000" in asked
    assert "This runs the rollback that the agent sent. You can’t undo it." in asked
    assert asked.index("<table") < asked.index("<details") < asked.index("<pre")
    assert Dispatch.objects.count() == 1
    client.post(address(proposal, "roll-back/"), {"comment": "Too early."})
    assert Dispatch.objects.filter(kind="rollback").count() == 1


def test_the_page_looks_again_only_while_something_is_to_ship(world: World, client: Client) -> None:
    proposal = world.propose()
    assert "/progress/" not in text(client.get(address(proposal)))
    world.approve(proposal)
    asked = re.search(r'hx-get="([^"]*/progress/[^"]*)"', text(client.get(address(proposal))))
    assert asked
    with CaptureQueriesContext(connection) as captured:
        assert client.get(asked[1], headers={"HX-Request": "true"}).status_code == 204
    assert len(captured) <= 9
    claim = claims.claim_next(worker="test", kind="webhook")
    page = client.get(asked[1])
    assert "no-store" in page["Cache-Control"]
    assert "<html" not in text(page)
    assert text(page).count("hx-swap-oob=") == 3
    again = re.search(r'hx-get="([^"]*/progress/[^"]*)"', text(page))
    assert again
    assert again[1] != asked[1]
    assert client.get(again[1]).status_code == 204
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"status": 200})
    page = client.get(again[1])
    assert "Receipt" in text(page)
    assert "/progress/" not in text(page)


def test_how_far_a_proposal_is_is_told_to_nobody_who_may_not_see_it(world: World) -> None:
    proposal = world.propose()
    world.approve(proposal)
    stranger = signed_in(worlds.person("stranger", permissions=("view_proposal",)))
    assert stranger.get(address(proposal, "progress/")).status_code == 404


@pytest.mark.parametrize(
    ("card", "payload", "rollback", "said"),
    [
        (
            "budget",
            {"from": "search", "to": "social", "amount": 4000},
            {"from": "social", "to": "search", "amount": 4000},
            ["4,000", "Social → to Search"],
        ),
        ("budget", {"from": "search", "to": "social", "amount": 4000}, {"campaign": 7}, ["campaign 7"]),
        ("price", {"article": "A1", "price": 12}, {"article": "A1", "price": 10}, ["A1 12 10 −2"]),
        ("fields", {"amount": 4000}, {"amount": 1500}, ["amount 4,000 1,500 −2,500"]),
        ("fields", {"amount": 4000}, {"other": 1500}, ["other 1,500"]),
    ],
    ids=["the-card", "no-card-of-it", "the-card-with-what-shipped", "field-by-field", "other-fields"],
)
def test_rolling_back_says_what_it_does_before_it_shows_json(
    world: World, client: Client, card: str, payload: dict, rollback: dict, said: list[str]
) -> None:
    Surface.objects.filter(pk="ads.budget").update(card=card)
    proposal = world.propose(content={"payload": payload, "rollback": rollback})
    world.approve(proposal)
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"status": 200})
    html = text(client.get(address(proposal, "roll-back/"))).partition('id="way-back-heading">')[2]
    shown = html.partition("<details")[0]
    plain = " ".join(re.sub(r"<[^>]*>", " ", shown).split())
    for words in said:
        assert words in plain, plain
    assert "<pre" not in shown
    assert "<pre" in html


def test_what_ran_out_of_time_is_expired_before_the_sweep_has_been(world: World, client: Client) -> None:
    proposal = world.propose()
    Proposal.objects.filter(pk=proposal.pk).update(deadline_at=timezone.now() - timedelta(seconds=1))
    for page in (text(client.get(address(proposal))), text(client.get(f"{LIST}?state=expired"))):
        assert "Expired" in page
    assert proposal.title not in text(client.get(f"{LIST}?state=pending"))
    assert proposal.title not in text(client.get(f"{LIST}?state=mine"))


def test_filters_and_search_find_what_they_name(world: World, client: Client) -> None:
    shown = world.propose(title="Find me", targets=("campaign:7",), content={"confidence": 0.95})
    world.propose("pricing", title="Not this one", content={"confidence": 0.2})
    for query in (
        "?q=find+me", f"?q={shown.pk}", "?q=campaign:7", "?surface=ads.budget", "?tier=single", "?confidence=90-100",
        "?state=mine&surface=ads.budget", "?due=day&tier=single",
    ):  # fmt: skip
        page = text(client.get(LIST + query))
        assert "Find me" in page, query
        assert "Not this one" not in page, query


def test_the_list_asks_the_database_few_questions(world: World, client: Client) -> None:
    for _ in range(60):
        world.propose()
    for query in ("", "?p=2", "?state=mine", "?q=Move"):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(LIST + query).status_code == 200
        assert len(captured) <= 12, query


def test_a_payload_of_a_megabyte_opens_and_is_readable(world: World, client: Client) -> None:
    rows = [{"lead": number, "company": "x" * 80} for number in range(9_000)]
    proposal = world.propose(content={"payload": {"rows": rows}, "before": {"rows": rows[::-1]}})
    review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"rows": rows[1:]})
    watch = Stopwatch()
    answer = client.get(address(proposal))
    assert answer.status_code == 200
    assert watch.seconds < 5
    assert len(answer.content) < 500_000
    assert "more fields are in the raw payload" in text(answer)
    raw = client.get(address(proposal, "payload.json"))
    assert json.loads(raw.content) == {"rows": rows[1:]}


def test_a_superuser_cannot_change_what_is_governed(world: World) -> None:
    proposal = world.propose()
    world.approve(proposal)
    root = signed_in(User.objects.create_superuser("root"))
    for model, key in (
        ("approvals/decision", Decision.objects.get().pk),
        ("approvals/dispatch", Dispatch.objects.get().pk),
        ("policies/policyversion", 1),
        ("policies/killswitch", "everywhere"),
    ):
        assert root.post(f"/admin/{model}/{key}/change/", {"status": "delivered"}).status_code == 403, model
        assert root.post(f"/admin/{model}/{key}/delete/", {"post": "yes"}).status_code == 403, model
        assert root.get(f"/admin/{model}/add/").status_code == 403, model
    assert root.get(f"{LIST}{proposal.pk}/change/").status_code == 404


def test_the_sentence_of_effect_follows_the_state(world: World, client: Client) -> None:
    Surface.objects.filter(pk="ads.budget").update(undo_window=timedelta(seconds=10))
    worlds.publish()
    proposal = world.propose(content={"amount": 4000}, currency="USD")
    assert "If approved, “shift_budget” runs on ads.budget, worth 4,000.00 USD in 10 seconds." in text(
        client.get(address(proposal))
    )
    decide(client, proposal, "reject", reason_code="bad_timing")
    assert "“shift_budget” did not run on ads.budget, worth 4,000.00 USD." in text(client.get(address(proposal)))
