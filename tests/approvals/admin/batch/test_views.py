"""The pages of a batch, without a browser."""

from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.admin.batch.rows import Amount
from approvals.lifecycle import batches, review
from approvals.models import Decision, Proposal
from approvals.queue import turns
from approvals.shipping import claims
from audit.models import Entry
from tests import world as worlds
from tests.kept import kept
from tests.world import World, seen, signed_in

pytestmark = pytest.mark.django_db

PAGE = "/admin/desk/batch/"
SERIAL = count()


@pytest.fixture
@kept
def world() -> World:
    made = worlds.build()
    made.surface("crm.segments", "batch")
    return made


@pytest.fixture
def client(world: World) -> Client:
    return signed_in(world.owner)


def propose(world: World, number: int = 3, **fields: Any) -> list[Proposal]:
    words = {"currency": "USD", **fields}
    return [
        world.propose("crm.segments", title=f"Segment {each}", **{**words, "content": content(each, words)})
        for each in range(number)
    ]


def content(each: int, words: dict[str, Any]) -> dict[str, Any]:
    return {
        "payload": {"amount": 100 + each, "serial": next(SERIAL)},
        "before": {"amount": 50},
        "amount": 100 + each,
    } | words.pop("content", {})


def value(proposal: Proposal) -> str:
    return f"{proposal.pk}:{proposal.revision.number}:{proposal.revision.digest}"


def show(client: Client, proposals: list[Proposal]) -> Any:
    return client.get(PAGE, {"id": [str(proposal.pk) for proposal in proposals]})


def send(
    client: Client, step: str, proposals: list[Proposal], *, without: tuple[Proposal, ...] = (), **fields: Any
) -> Any:
    shown = [value(proposal) for proposal in proposals]
    ticked = [value(proposal) for proposal in proposals if proposal not in without]
    return client.post(PAGE, {"step": step, "shown": shown, "item": ticked, **fields})


def rows(answer: Any) -> list[str]:
    return [row.proposal.title for row in answer.context["batch"].rows]


def states(proposals: list[Proposal]) -> list[str]:
    now = dict(Proposal.objects.values_list("pk", "state"))
    return [now[proposal.pk] for proposal in proposals]


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_every_one_is_a_row_with_its_difference_and_they_are_added_up(world, client):
    answer = show(client, propose(world))
    assert rows(answer) == ["Segment 0", "Segment 1", "Segment 2"]
    page = text(answer)
    assert "<del>50</del> → <ins>102</ins>" in page
    assert "If approved, “shift_budget” runs on crm.segments" in page
    totals = answer.context["batch"].totals
    assert (totals.number, totals.amounts) == (3, [Amount("USD", 2, "303.00")])
    assert "no-store" in answer["Cache-Control"]


def test_a_row_tells_short_differences_before_long_ones(world, client):
    new = {"a": "<p>" + "x" * 60, "b": "<p>" + "y" * 60, "c": 1, "d": 2, "e": 3}
    long = world.propose("crm.segments", content={"payload": new, "before": dict.fromkeys(new, 0)})
    [row] = show(client, [long]).context["batch"].rows
    assert [change.path for change in row.changes] == ["c", "d", "e"]
    assert row.more_changes == 2


def test_amounts_are_added_up_by_currency(world, client):
    proposals = [*propose(world, 2), *propose(world, 1, currency="EUR")]
    totals = show(client, proposals).context["batch"].totals
    assert totals.amounts == [
        Amount("EUR", 2, "100.00"),
        Amount("USD", 2, "201.00"),
    ]


def test_what_stands_out_is_on_top_and_says_why(world, client):
    proposals = propose(world, 7)
    strange = world.propose("crm.segments", title="Strange", currency="USD", content={"amount": 9000})
    answer = show(client, [*proposals, strange])
    assert rows(answer)[0] == "Strange"
    assert "Amount 9,000, where 103.5 is usual" in text(answer)
    assert text(answer).count("Stands out") == 1


def test_what_cannot_be_in_the_batch_is_below_with_the_reason(world, client):
    decided, single = propose(world, 1)[0], world.propose("ads.budget", title="By itself")
    world.approve(decided)
    answer = show(client, [*propose(world, 1), single, decided])
    left_out = {row.proposal.title: row.why_not for row in answer.context["batch"].left_out}
    assert len(rows(answer)) == 1
    assert "“single” needs individual review" in left_out["By itself"]
    assert "approved" in left_out["Segment 0"]
    assert text(answer).count('type="checkbox" name="item"') == 1


def test_all_alike_are_those_that_wait_for_me(world, client):
    one, other = propose(world, 2)
    world.approve(propose(world, 1)[0])
    world.propose("crm.segments", action="other_action")
    world.propose("ads.budget")
    assert rows(client.get(PAGE, {"alike": str(one.pk)})) == [one.title, other.title]


def test_all_alike_leaves_out_what_is_not_my_turn(world, client):
    one, put_off, handed_on, other = propose(world, 4)
    turns.snooze(proposal_id=put_off.pk, by=world.owner, until=put_off.deadline_at - timedelta(hours=20))
    turns.reassign(proposal_id=handed_on.pk, to=world.other_owner, by=world.owner)
    assert rows(client.get(PAGE, {"alike": str(one.pk)})) == [one.title, other.title]
    assert rows(client.get(PAGE, {"alike": str(put_off.pk)})) == [one.title, put_off.title, other.title]
    theirs = signed_in(world.other_owner).get(PAGE, {"alike": str(one.pk)})
    assert rows(theirs) == [each.title for each in (one, put_off, handed_on, other)]


def test_a_proposal_that_may_be_in_a_batch_leads_to_all_alike(world, client):
    [one] = propose(world, 1)
    single = world.propose("ads.budget")
    for page in ("/admin/desk/", "/admin/approvals/proposal/"):
        assert f'href="{PAGE}?alike={one.pk}"' in text(client.get(f"{page}{one.pk}/"))
        assert "alike" not in text(client.get(f"{page}{single.pk}/"))
    world.approve(one)
    assert "alike" not in text(client.get(f"/admin/approvals/proposal/{one.pk}/"))


def test_all_alike_of_what_one_may_not_see_is_not_found(world):
    stranger = signed_in(worlds.person("lawyer", "Legal"))
    assert stranger.get(PAGE, {"alike": str(propose(world, 1)[0].pk)}).status_code == 404
    assert stranger.get(PAGE, {"alike": "nonsense"}).status_code == 404


def test_other_peoples_proposals_are_not_shown(world):
    proposals = propose(world)
    answer = show(signed_in(worlds.person("lawyer", "Legal")), proposals)
    assert answer.status_code == 200
    assert "Segment" not in text(answer)


def test_without_anything_selected_the_page_says_so(client):
    assert "nothing here to review as a batch" in text(client.get(PAGE))
    assert "nothing here to review as a batch" in text(client.get(PAGE, {"id": ["x", str(uuid4())]}))


def test_totals_are_updated_without_javascript(world, client):
    first, *_ = proposals = propose(world)
    answer = send(client, "update", proposals, without=(first,), comment="As agreed.")
    totals = answer.context["batch"].totals
    assert (totals.number, totals.amounts) == (2, [Amount("USD", 2, "203.00")])
    assert text(answer).count("checked") == 2
    assert "As agreed." in text(answer)
    assert states(proposals) == ["pending"] * 3


def test_the_question_says_how_many_and_decides_nothing(world, client):
    proposals = propose(world)
    answer = send(client, "approve", proposals, without=(proposals[0],))
    assert "Approve 2 proposals?" in text(answer)
    assert "Yes, approve 2" in text(answer)
    assert states(proposals) == ["pending"] * 3
    assert not Decision.objects.exists()


def test_the_exception_stays_and_the_others_are_approved(world, client):
    proposals = propose(world)
    answer = send(client, "approve_now", proposals, without=(proposals[1],), comment="As agreed.")
    batch = Decision.objects.first().batch
    assert answer.status_code == 302
    assert answer.url == f"{PAGE}{batch}/"
    assert states(proposals) == ["approved", "pending", "approved"]
    result = text(client.get(answer.url))
    assert "2 approvals recorded" in result
    assert "Undo all 2" in result


def test_a_rejection_wants_one_reason_for_all(world, client):
    proposals = propose(world)
    assert "Choose why you reject them." in text(send(client, "reject", proposals))
    assert "Choose why you reject them." in text(send(client, "reject_now", proposals))
    assert "what the other reason is" in text(send(client, "reject", proposals, reason_code="other"))
    assert states(proposals) == ["pending"] * 3
    assert "Yes, reject 3" in text(send(client, "reject", proposals, reason_code="bad_timing"))
    send(client, "reject_now", proposals, reason_code="bad_timing", comment="Later.")
    assert states(proposals) == ["rejected"] * 3
    assert set(Decision.objects.values_list("reason_code", "comment")) == {("bad_timing", "Later.")}


def test_the_reason_to_reject_is_not_kept_with_an_approval(world, client):
    send(client, "approve_now", propose(world, 1), reason_code="bad_timing")
    assert Decision.objects.get().reason_code == ""


def test_what_was_replaced_since_is_not_ticked_and_not_decided(world, client):
    proposals = propose(world, 2)
    review.edit(proposal_id=proposals[0].pk, seen=seen(proposals[0]), by=world.other_owner, payload={"amount": 1})
    question = send(client, "approve", proposals)
    assert "Yes, approve 1" in text(question)
    assert "it has changed or can’t be in a batch" in text(question)
    updated = send(client, "update", proposals)
    assert "There is a newer version than the one you saw" in text(updated)
    assert text(updated).count("checked") == 1
    result = client.get(send(client, "approve_now", proposals).url)
    assert states(proposals) == ["edited", "approved"]
    assert "has replaced revision 1" in text(result)


def test_nothing_ticked_decides_nothing(world, client):
    proposals = propose(world)
    for step in ("approve", "approve_now"):
        assert "Nothing was ticked" in text(send(client, step, proposals, without=tuple(proposals)))
    assert not Decision.objects.exists()


def test_when_none_can_be_decided_any_more_the_page_says_so(world, client):
    proposals = propose(world)
    for proposal in proposals:
        world.decide(proposal, "take_over", by=world.other_owner)
    assert "None of these can be reviewed as a batch any more" in text(send(client, "approve", proposals))


@pytest.mark.parametrize("item", ["x", "x:1:y", f"{UUID(int=1)}", f"{UUID(int=1)}:one:y", f"{UUID(int=1)}:1:"])
def test_a_value_that_is_none_of_ours_is_left_out(world, client, item):
    answer = client.post(PAGE, {"step": "approve_now", "shown": [item], "item": [item]})
    assert answer.status_code == 200
    assert "Nothing was ticked" in text(answer)


def test_more_than_two_hundred_are_refused_whole(world, client):
    items = [f"{UUID(int=number)}:1:sha256:0" for number in range(batches.MOST + 1)]
    answer = client.post(PAGE, {"step": "approve_now", "item": items}, follow=True)
    assert "At most 200 at a time" in text(answer)
    assert not Decision.objects.exists()


def test_of_more_than_two_hundred_the_first_are_shown(world, client):
    ids = [str(propose(world, 1)[0].pk), *(str(UUID(int=number)) for number in range(batches.MOST))]
    assert "Only the first 200 are here" in text(client.get(PAGE, {"id": ids}))
    assert "Only the first 200 are here" not in text(client.get(PAGE, {"id": ids[:-1]}))


def test_of_what_one_may_not_see_nothing_is_decided_nor_told(world):
    proposals = propose(world)
    stranger = signed_in(worlds.person("lawyer", "Legal"))
    result = text(stranger.get(send(stranger, "approve_now", proposals).url))
    assert states(proposals) == ["pending"] * 3
    assert "Segment" not in result
    assert "A proposal that you may not see" in result


def test_undo_all_takes_back_what_has_not_left(world, client):
    proposals = propose(world)
    address = send(client, "approve_now", proposals).url
    claims.claim_next(worker="test", kind="webhook")
    page = text(client.get(address))
    assert "Undo all 2" in page
    answer = client.post(address, {"step": "undo"}, follow=True)
    assert sorted(states(proposals)) == ["approved", "pending", "pending"]
    assert "2 decisions undone" in text(answer)
    assert "1 could not be undone" in text(answer)
    assert "already shipping" in text(answer)
    assert "<button" not in text(answer).split('id="next-heading"')[1].split("</form>")[0]
    assert Entry.objects.filter(kind="proposal.undone").count() == 2


def test_the_result_is_for_who_may_see_the_proposals(world, client):
    address = send(client, "approve_now", propose(world)).url
    assert signed_in(worlds.person("lawyer", "Legal")).get(address).status_code == 404
    assert signed_in(worlds.person("lawyer-2", "Legal")).post(address, {"step": "undo"}).status_code == 404
    assert client.get(f"{PAGE}{uuid4()}/").status_code == 404
    auditor = signed_in(worlds.person("auditor", permissions=("view_all_proposals",)))
    page = auditor.get(address)
    assert page.status_code == 200
    assert "Undo all" not in text(page)
    auditor.post(address, {"step": "undo"})
    assert set(Proposal.objects.values_list("state", flat=True)) == {"approved"}


def test_reading_writes_nothing(world, client):
    proposals = propose(world)
    address = send(client, "approve_now", proposals[:2]).url
    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        show(client, proposals)
        client.get(PAGE, {"alike": str(proposals[2].pk)})
        client.get(address)
        client.head(address)
    writing = [query["sql"] for query in captured if query["sql"].split()[0] in {"INSERT", "UPDATE", "DELETE"}]
    assert writing == []


def test_the_number_of_queries_does_not_grow_with_the_batch(world, client):
    few, many = propose(world, 2), propose(world, 12, targets=("list:all",))
    show(client, few)
    counts = []
    for proposals in (few, [*few, *many]):
        with CaptureQueriesContext(connection) as captured:
            assert show(client, proposals).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1] == QUERIES


QUERIES = 10


def test_a_large_payload_is_not_read_for_a_row(world, client):
    large = world.propose("crm.segments", title="Large", content={"payload": {"html": "x" * 100_000}})
    answer = show(client, [large])
    assert "This is a large change: open it" in text(answer)
    assert len(answer.content) < 40_000
