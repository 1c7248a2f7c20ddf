"""People leave single rows out: recorded, bound by a new digest, and the executor gets only what is left."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from approvals.errors import NotEligible, StaleRevision, UploadRefused
from approvals.lifecycle.review import SeenRevision
from approvals.lifecycle.rows import omissions
from approvals.models import Decision, Proposal, State, Upload
from approvals.uploads import intake, stored_rows
from audit.models import Entry
from hitl_portal.receiver import verified_rows
from policies.models import Agent
from tests import world as worlds
from tests.approvals.api.conftest import agent_api
from tests.approvals.uploads import bulk
from tests.proofs import assert_invariants_hold
from tests.world import World, seen


@pytest.fixture
def world(db: None) -> World:
    made = worlds.build()
    schema = json.loads(json.dumps(bulk.SCHEMA))
    schema["properties"]["people"] = {"type": "integer"}
    bulk.surface(made, payload_schema=schema, audience_pointer="/people")
    return made


@pytest.fixture
def proposal(world: World) -> Proposal:
    payload = bulk.payload(bulk.upload(world, 450), people=450)
    return world.propose("crm.hygiene", content={"payload": payload})


@pytest.fixture
def owner(world: World) -> Client:
    client = Client()
    client.force_login(world.owner)
    return client


def fresh(proposal: Proposal) -> Proposal:
    return Proposal.objects.select_related("revision").get(pk=proposal.pk)


def leave_out(world: World, proposal: Proposal, *numbers: int, **words: object) -> Proposal:
    current = seen(fresh(proposal))
    said = {"by": world.owner, "seen": current, "member": "rows", **words}
    return omissions.leave_out(proposal_id=proposal.pk, numbers=numbers, **said)


def ids_of(upload: Upload) -> list[str]:
    return [row["id"] for rows in stored_rows.rows_of(upload) for row in rows]


def current(proposal: Proposal) -> Upload:
    return Upload.objects.get(pk=fresh(proposal).revision.payload["rows"]["$upload"])


def test_what_is_left_has_its_own_digest_count_and_kinds(world, proposal):
    edited = leave_out(world, proposal, 2, 10, 450, note="They left.")
    assert edited.state == State.EDITED
    kept = current(proposal)
    whole = [f"lead-{number}" for number in range(1, 451) if number not in {2, 10, 450}]
    assert ids_of(kept) == whole
    assert (kept.count, kept.kinds, kept.left_out) == (447, {"update": 404, "delete": 43}, [2, 10, 450])
    payload = edited.revision.payload
    assert payload["rows"] == intake.reference(kept)
    assert payload["people"] == edited.audience_size == 447
    assert edited.revision.note == "Left out of rows: row 2, 10, 450. They left."
    assert edited.revision.author_id == world.owner.pk
    assert kept.proposal_id == proposal.pk
    assert kept.source.digest != kept.digest


def test_the_ledger_says_who_left_out_which_rows_of_what(world, proposal):
    leave_out(world, proposal, 7)
    entry = Entry.objects.get(kind="upload.rows_left_out")
    agents = Upload.objects.get(source=None)
    assert entry.actor == f"user:{world.owner.pk}"
    assert entry.data == {
        "surface": "crm.hygiene",
        "rows": 449,
        "digest": current(proposal).digest,
        "of": str(agents.pk),
        "left_out": [7],
    }
    assert Entry.objects.filter(kind="proposal.edited", subject=f"proposal:{proposal.pk}").exists()


def test_more_is_left_out_of_what_is_left(world, proposal):
    leave_out(world, proposal, 1, 3)
    leave_out(world, proposal, 1, 2, 448)
    kept = current(proposal)
    assert kept.left_out == [1, 2, 3, 4, 450]
    assert ids_of(kept)[:2] == ["lead-5", "lead-6"]
    assert kept.source == Upload.objects.get(source=None)
    assert [row["id"] for _number, row in stored_rows.omitted(kept, most=3)] == ["lead-1", "lead-2", "lead-3"]


def test_as_many_people_are_reached_as_rows_are_left(world):
    bulk.surface(world, "crm.uncounted")
    proposal = bulk.propose(world, bulk.upload(world, 30, on="crm.uncounted"), on="crm.uncounted")
    assert proposal.audience_size == 30
    assert leave_out(world, proposal, 1, 2).audience_size == 28


def test_the_executor_gets_only_what_is_left(world, proposal, settings):
    leave_out(world, proposal, 1, 200, 201)
    world.approve(fresh(proposal), by=world.other_owner)
    runner = agent_api(Agent.objects.get(pk="runner"))
    claim = runner.post("dispatches/claim/").json()
    (named,) = claim["rows"]
    streamed = runner.client.get(named["url"].removeprefix(settings.SITE_URL), headers=runner.headers)
    with verified_rows(claim["payload"]["rows"], streamed.streaming_content) as rows:
        got = [row["id"] for row in rows]
    assert got == [f"lead-{number}" for number in range(1, 451) if number not in {1, 200, 201}]
    report = {"fence": claim["fence"], "status": "delivered", "receipt": {"rows": len(got)}}
    assert runner.post(f"dispatches/{claim['id']}/receipt/", report).status_code == 200
    assert fresh(proposal).state == State.SHIPPED
    assert_invariants_hold()


def test_approvals_given_before_are_void_and_the_editor_does_not_approve(world, proposal):
    leave_out(world, proposal, 5)
    with pytest.raises(NotEligible):
        world.approve(fresh(proposal))
    assert not Decision.objects.filter(verdict="approve").exists()


@pytest.mark.parametrize("numbers", [(), (0,), (451,), (*range(1, 451),)], ids=["none", "nought", "beyond", "all"])
def test_what_cannot_be_left_out_changes_nothing(world, proposal, numbers):
    with pytest.raises(UploadRefused):
        leave_out(world, proposal, *numbers)
    assert (fresh(proposal).state, Upload.objects.count()) == (State.PENDING, 1)


def test_who_may_not_edit_and_what_is_old_stores_nothing(world, proposal):
    with pytest.raises(NotEligible):
        leave_out(world, proposal, 1, by=worlds.person("stranger", "Legal"))
    with pytest.raises(StaleRevision):
        leave_out(world, proposal, 1, seen=SeenRevision(2, "sha256:" + "0" * 64))
    with pytest.raises(UploadRefused):
        leave_out(world, proposal, 1, member="people")
    assert Upload.objects.count() == 1


def test_many_are_left_out_up_to_a_limit(world, proposal, monkeypatch):
    monkeypatch.setattr(intake, "MOST_LEFT_OUT", 20)
    leave_out(world, proposal, *range(1, 16))
    with pytest.raises(UploadRefused, match="20 rows"):
        leave_out(world, proposal, *range(1, 7))


def test_ticks_and_numbers_of_the_page_are_left_out(world, proposal, owner):
    address = reverse("admin:approvals_proposal_rows", args=[proposal.pk, "rows"])
    page = owner.get(address).content.decode()
    assert page.count('name="row"') == 50
    held = f"1:{proposal.revision.digest}"
    sent = {"leave_out": "1", "seen": held, "row": ["2", "4"], "rows": "40-42, 300", "note": "Left us."}
    answer = owner.post(address, sent, follow=True)
    assert "6 rows are left out. The rest waits for approval." in answer.content.decode()
    assert current(proposal).left_out == [2, 4, 40, 41, 42, 300]
    review = owner.get(reverse("admin:approvals_proposal_change", args=[proposal.pk])).content.decode()
    assert "6 of the agent’s 450 rows are left out" in review
    assert "lead-300" in review


@pytest.mark.parametrize(
    ("typed", "told"),
    [("x", "no row number"), ("5-2", "no range"), ("1-999999999", "no range"), ("", "Choose rows"), ("451", "no row")],
)
def test_odd_numbers_are_told_and_change_nothing(world, proposal, owner, typed, told):
    address = reverse("admin:approvals_proposal_rows", args=[proposal.pk, "rows"])
    sent = {"leave_out": "1", "seen": f"1:{proposal.revision.digest}", "rows": typed}
    assert told in owner.post(address, sent, follow=True).content.decode()
    assert fresh(proposal).state == State.PENDING


def test_uploads_that_people_made_take_no_room_of_their_agent(world, proposal, monkeypatch):
    monkeypatch.setattr(intake, "MOST_UNUSED", 1)
    intake.leave_out(upload=Upload.objects.get(), numbers=[1], by=world.owner)
    bulk.upload(world, 3)
