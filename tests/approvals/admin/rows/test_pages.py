"""All rows of a proposal: page by page, found by key, taken out; for whom may see the proposal."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import Proposal, State
from audit import canonical
from audit.models import Entry
from tests import world as worlds
from tests.approvals.uploads import bulk
from tests.kept import kept
from tests.world import World


@pytest.fixture
@kept
def world(db: None) -> World:
    made = worlds.build()
    bulk.surface(made)
    return made


@pytest.fixture
def proposal(world: World) -> Proposal:
    return bulk.propose(world, bulk.upload(world, 400))


@pytest.fixture
def owner(world: World) -> Client:
    client = Client()
    client.force_login(world.owner)
    return client


def address(proposal: Proposal, member: str = "rows") -> str:
    return reverse("admin:approvals_proposal_rows", args=[proposal.pk, member])


def names(answer) -> list[str]:
    return [row.name for row in answer.context["rows"]]


def test_the_review_page_shows_counts_and_a_sample_by_lot(proposal: Proposal, owner: Client) -> None:
    page = owner.get(reverse("admin:approvals_proposal_change", args=[proposal.pk])).content.decode()
    assert "Rows: 400<" in page
    assert "20 of 400 rows, picked at random" in page
    assert page.count('class="bulk-row"') == 20
    assert address(proposal) in page
    assert "To have rows changed, send the proposal back with a note." in page
    assert "<td>$upload" not in page


def test_rows_come_page_by_page(proposal: Proposal, owner: Client) -> None:
    first = owner.get(address(proposal))
    assert names(first)[::49] == ["lead-1", "lead-50"]
    assert "Rows 1 to 50 of 400" in first.content.decode()
    last = owner.get(address(proposal) + "?from=351")
    assert names(last)[::49] == ["lead-351", "lead-400"]
    assert 'href="?from=301"' in last.content.decode()
    assert 'href="?from=401"' not in last.content.decode()


@pytest.mark.parametrize("start", ["", "0", "-5", "x", "99999999999", "²"])
def test_an_odd_beginning_is_brought_into_range(proposal: Proposal, owner: Client, start: str) -> None:
    assert owner.get(address(proposal), {"from": start}).status_code == 200


def test_a_row_is_found_by_its_key(proposal: Proposal, owner: Client) -> None:
    assert names(owner.get(address(proposal), {"q": "lead-377"})) == ["lead-377"]
    assert len(names(owner.get(address(proposal), {"q": "lead"}))) == 50
    assert "No row has that." in owner.get(address(proposal), {"q": 'no"such'}).content.decode()


def test_a_download_is_in_the_ledger_and_has_the_digest(world: World, proposal: Proposal, owner: Client) -> None:
    upload = proposal.uploads.get()
    answer = owner.post(address(proposal))
    whole = b"".join(answer.streaming_content)
    assert canonical.digest(whole) == upload.digest
    entry = Entry.objects.get(kind="rows.exported")
    assert (entry.subject, entry.data["rows"]) == (f"user:{world.owner.pk}", 400)


def test_nobody_else_sees_them(world: World, proposal: Proposal) -> None:
    client = Client()
    client.force_login(worlds.person("legal", "Legal"))
    for answer in (client.get(address(proposal)), client.post(address(proposal))):
        assert answer.status_code == 404
    assert not Entry.objects.filter(kind="rows.exported").exists()


def test_a_field_without_rows_is_not_there(proposal: Proposal, owner: Client) -> None:
    assert owner.get(address(proposal, "reason")).status_code == 404


def test_what_an_agent_writes_is_text(world: World, owner: Client) -> None:
    evil = json.dumps({"id": "<script>x</script>", "op": "update", "note": "<img src=x>"}).encode()
    proposal = bulk.propose(world, bulk.upload(world, pieces=iter([evil + b"\n"])))
    for page in (address(proposal), reverse("admin:approvals_proposal_change", args=[proposal.pk])):
        text = owner.get(page).content.decode()
        assert "<script>x" not in text
        assert "<img src=x>" not in text
        assert "&lt;script&gt;" in text


def test_the_edit_form_says_that_rows_cannot_be_edited(proposal: Proposal, owner: Client) -> None:
    page = owner.get(reverse("admin:approvals_proposal_edit", args=[proposal.pk])).content.decode()
    assert "The rows themselves cannot be edited." in page


def test_an_edit_cannot_change_the_rows(world: World, proposal: Proposal, owner: Client) -> None:
    changed = {"rows": {**json.loads(bytes(proposal.revision.body))["rows"], "count": 3}}
    seen = {"revision": 1, "digest": proposal.revision.digest}
    answer = owner.post(
        f"/api/v1/proposals/{proposal.pk}/edits/",
        json.dumps({**seen, "payload": changed}),
        content_type="application/json",
    )
    assert answer.status_code == 422
    assert Proposal.objects.get(pk=proposal.pk).state == State.PENDING
