"""Rows that a payload names: bound by digest, checked in a stream, judged as if they stood in it."""

import json

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from approvals.errors import InvalidProposal, UploadRefused, UploadTooLarge
from approvals.evaluation.judgement import Content
from approvals.lifecycle import submission
from approvals.models import Proposal, State, Upload, UploadChunk, UploadScan
from approvals.uploads import intake, stored_rows
from audit import canonical
from audit.models import Entry
from policies.models import Agent, Guardrail
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


def codes(refused: pytest.ExceptionInfo) -> dict[str, str]:
    return {error.pointer: error.code for error in refused.value.errors}


def test_an_upload_is_named_by_digest_count_and_kinds(world: World) -> None:
    upload = bulk.upload(world, 30)
    sent = b"".join(canonical.encode(bulk.row(number)) + b"\n" for number in range(1, 31))
    assert b"".join(stored_rows.stream(upload)) == sent
    assert (upload.digest, upload.size, upload.count) == (canonical.digest(sent), len(sent), 30)
    assert upload.kinds == {"update": 27, "delete": 3}
    assert upload.key == "id"
    assert Entry.objects.get(kind="upload.received").data["digest"] == upload.digest


@pytest.mark.parametrize(
    ("line", "pointer", "code"),
    [
        pytest.param(b'{"id": "1", "op": "update", "op": "delete"}', "/1/op", "duplicate_key", id="duplicate-key"),
        pytest.param(b'{"id": "1", "op": NaN}', "/1/op", "not_a_number", id="nan"),
        pytest.param(b'{"id": 9007199254740992, "op": "update"}', "/1/id", "number_too_large", id="2-to-53"),
        pytest.param(b'["1"]', "/1", "not_an_object", id="array"),
        pytest.param(b"", "/1", "malformed_json", id="empty-line"),
        pytest.param(b"{", "/1", "malformed_json", id="cut-off"),
        pytest.param(b'{"id": "1", "op": "burn"}', "/1/op", "enum", id="schema"),
        pytest.param(b'{"id": "1", "op": "update", "x": 1}', "/1/x", "unknown_field", id="unknown-field"),
        pytest.param(b'{"id": "1", "op": "update", "$ref": "too long"}', "/1/$ref", "max_length", id="definition"),
        pytest.param(b'{"id": "' + b"1" * 70_000 + b'"}', "/1", "line_too_long", id="long-line"),
    ],
)
def test_a_line_at_fault_is_named_and_nothing_is_kept(world: World, line: bytes, pointer: str, code: str) -> None:
    good = json.dumps(bulk.row(1)).encode()
    with pytest.raises(UploadRefused) as refused:
        bulk.upload(world, pieces=iter([good + b"\n", line + b"\n", good + b"\n"]))
    assert codes(refused)[pointer] == code
    assert all("Line 2: " in error.detail and len(error.detail) < 300 for error in refused.value.errors)
    assert not Upload.objects.exists()


def test_many_faults_are_bounded(world: World) -> None:
    with pytest.raises(UploadRefused) as refused:
        bulk.upload(world, pieces=bulk.lines(3000, op="burn"))
    assert len(refused.value.errors) == 20


def test_too_many_rows_or_bytes_are_refused_with_the_limit(world: World, settings) -> None:
    settings.UPLOAD_MAX_ROWS = 1000
    with pytest.raises(UploadTooLarge, match="At most 1,000 rows"):
        bulk.upload(world, 1001)
    settings.UPLOAD_MAX_BYTES = 20_000
    with pytest.raises(UploadTooLarge, match="at most 20,000 bytes"):
        bulk.upload(world, 1000)
    with pytest.raises(UploadRefused, match="no rows"):
        bulk.upload(world, 0)
    assert not Upload.objects.exists()


def test_only_so_many_may_wait(world: World) -> None:
    for _ in range(intake.MOST_UNUSED):
        bulk.upload(world, 1)
    with pytest.raises(UploadRefused, match="20 uploads"):
        bulk.upload(world, 1)
    bulk.propose(world, Upload.objects.first())
    bulk.upload(world, 1)


@pytest.mark.parametrize("surface", ["ads.budget", "nowhere"])
def test_a_surface_that_takes_no_rows_is_refused(world: World, surface: str) -> None:
    with pytest.raises(InvalidProposal):
        bulk.upload(world, on=surface)


def test_a_stranger_may_not_upload(world: World) -> None:
    stranger = Agent.objects.create(slug="stranger", name="Stranger", owner=world.owner)
    with pytest.raises(InvalidProposal):
        intake.receive(agent=stranger, surface="crm.hygiene", member="", source=bulk.Source(bulk.lines(1)))


def test_named_rows_are_decided_by_people_and_count_as_people_reached(world: World) -> None:
    bulk.surface(world, "crm.fast", tier="autopilot")
    proposal = bulk.propose(world, bulk.upload(world, 40, on="crm.fast"), on="crm.fast")
    assert (proposal.state, proposal.tier_id, proposal.audience_size) == (State.PENDING, "single", 40)
    (reason,) = [one for one in proposal.verdict.reasons if one["source"] == "figure"]
    assert reason["text"] == "No rule can look into the 40 rows at /rows, which were uploaded. Review needed."
    inline = world.propose("crm.fast", content={"payload": {"rows": [bulk.row(1)]}, "confidence": 1.0})
    assert inline.state == State.APPROVED


def test_rules_see_number_and_kinds(world: World) -> None:
    world.enforce(rules={"many-deletes": worlds.rule('payload.rows.kinds["delete"] > 2', "deny")})
    assert bulk.propose(world, bulk.upload(world, 29)).state == State.PENDING
    assert bulk.propose(world, bulk.upload(world, 30)).state == State.BLOCKED


def test_limits_count_the_rows(world: World) -> None:
    world.enforce(limits={"people": worlds.limit(measure="audience_size", limit=50, effect="deny")})
    assert bulk.propose(world, bulk.upload(world, 30)).state == State.PENDING
    assert bulk.propose(world, bulk.upload(world, 21)).state == State.BLOCKED


def test_the_same_rows_uploaded_twice_are_twins(world: World) -> None:
    first = bulk.propose(world, bulk.upload(world, 30))
    second = bulk.propose(world, bulk.upload(world, 30))
    assert first.revision.digest != second.revision.digest
    assert [twin["proposal"] for twin in second.verdict.facts["twins"]] == [str(first.pk)]
    assert bulk.propose(world, bulk.upload(world, 31)).verdict.facts["twins"] == []


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        pytest.param({"digest": "sha256:" + "0" * 64}, "contradicts_upload", id="digest"),
        pytest.param({"count": 29}, "contradicts_upload", id="count"),
        pytest.param({"kinds": {"update": 30}}, "contradicts_upload", id="kinds"),
        pytest.param({"$upload": "01937325-0000-7000-8000-2c5f1b7a0d10"}, "unknown_upload", id="unknown"),
    ],
)
def test_a_reference_that_says_something_else_is_refused(world: World, changed: dict, code: str) -> None:
    reference = {**intake.reference(bulk.upload(world)), **changed}
    with pytest.raises(InvalidProposal) as refused:
        world.propose("crm.hygiene", content={"payload": {"rows": reference}})
    assert codes(refused) == {"/payload/rows": code}


def test_too_small_an_audience_contradicts_the_rows(world: World) -> None:
    with pytest.raises(InvalidProposal) as refused:
        bulk.propose(world, bulk.upload(world), audience_size=3)
    assert codes(refused) == {"/audience_size": "contradicts_payload"}


def test_an_upload_is_of_one_agent_and_one_proposal(world: World) -> None:
    upload = bulk.upload(world)
    bulk.propose(world, upload)
    with pytest.raises(InvalidProposal) as refused:
        bulk.propose(world, upload)
    assert codes(refused) == {"/payload/rows": "upload_used"}
    elsewhere = bulk.upload(world)
    Upload.objects.filter(pk=elsewhere.pk).delete()
    with pytest.raises(InvalidProposal) as refused:
        bulk.propose(world, elsewhere)
    assert codes(refused) == {"/payload/rows": "unknown_upload"}


def test_unused_uploads_are_forgotten_and_used_ones_never(world: World) -> None:
    used, unused = bulk.upload(world), bulk.upload(world)
    bulk.propose(world, used)
    assert intake.forget_unused() == 0
    with bulk.without_triggers() as cursor:
        cursor.execute("UPDATE approvals_upload SET created_at = created_at - interval '25 hours'")
    assert intake.forget_unused() == 1
    assert [*Upload.objects.values_list("pk", flat=True)] == [used.pk]
    assert not UploadChunk.objects.filter(upload_id=unused.pk).exists()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE approvals_uploadchunk SET body = 'x'",
        "DELETE FROM approvals_uploadchunk",
        "INSERT INTO approvals_uploadchunk (upload_id, number, first, count, body) SELECT id,9,9,1,'' FROM approvals_upload",  # noqa: E501
        "UPDATE approvals_upload SET digest = 'x'",
        "UPDATE approvals_upload SET proposal_id = NULL",
        "DELETE FROM approvals_upload",
        "UPDATE approvals_uploadscan SET findings = '{}'",
    ],
)
def test_the_rows_of_a_proposal_never_change(world: World, sql: str) -> None:
    bulk.propose(world, bulk.upload(world))
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def guardrail(kind: str, *, effect: str = "deny", paths: tuple[str, ...] = (), **config: object) -> None:
    Guardrail.objects.create(
        slug=kind, kind=kind, surfaces=["crm.*"], paths=[*paths], config=config, effect=effect, text="Look here."
    )
    worlds.publish()


def test_a_guardrail_reads_every_row(world: World) -> None:
    guardrail("forbidden_phrases", phrases=["free money"])
    rows = [bulk.row(number) for number in range(1, 1001)]
    rows[776]["note"] = "Get free money now"
    proposal = bulk.propose(world, bulk.upload(world, pieces=(json.dumps(row).encode() + b"\n" for row in rows)))
    assert proposal.state == State.BLOCKED
    (finding,) = proposal.verdict.facts["findings"]
    assert (finding["at"], finding["excerpt"]) == ("/rows/776/note", "Get free money now")


def test_findings_in_rows_are_bounded_and_counted(world: World) -> None:
    guardrail("forbidden_phrases", effect="flag", phrases=["free money"])
    proposal = bulk.propose(world, bulk.upload(world, pieces=bulk.lines(1000, note="free money")))
    found = proposal.verdict.facts["findings"]
    assert len(found) == 21
    assert "And at least" in found[-1]["text"]


def test_what_must_stand_somewhere_may_stand_in_any_row(world: World) -> None:
    guardrail("required_phrases", phrases=["audited"])
    assert bulk.propose(world, bulk.upload(world, 300)).state == State.BLOCKED
    rows = [bulk.row(number) for number in range(1, 301)]
    rows[250]["note"] = "audited"
    upload = bulk.upload(world, pieces=(json.dumps(row).encode() + b"\n" for row in rows))
    assert bulk.propose(world, upload).state == State.PENDING


def test_what_must_stand_in_each_note_is_missed_in_one(world: World) -> None:
    guardrail("required_phrases", phrases=["audited"], paths=("/rows/*/note",))
    upload = bulk.upload(world, pieces=bulk.lines(300, note="audited"))
    assert bulk.propose(world, upload).state == State.PENDING
    rows = [{**bulk.row(number), "note": "audited" if number != 250 else "not"} for number in range(1, 301)]
    upload = bulk.upload(world, pieces=(json.dumps(row).encode() + b"\n" for row in rows))
    assert bulk.propose(world, upload).state == State.BLOCKED


def test_a_guardrail_of_after_the_upload_reads_the_rows_again(world: World) -> None:
    upload = bulk.upload(world, pieces=bulk.lines(300, note="free money"))
    guardrail("forbidden_phrases", phrases=["free money"])
    assert bulk.propose(world, upload).state == State.BLOCKED
    assert UploadScan.objects.filter(upload=upload).count() == 2


def test_a_schema_of_after_the_upload_refuses_the_rows(world: World) -> None:
    right, wrong = bulk.upload(world, 3), bulk.upload(world, 10)
    row = {**bulk.ROW, "properties": {**bulk.ROW["properties"], "op": {"enum": ["update"]}}}
    rows = {**bulk.SCHEMA["properties"]["rows"], "items": row}
    schema = {**bulk.SCHEMA, "properties": {**bulk.SCHEMA["properties"], "rows": rows}}
    world.enforce(surfaces={"crm.hygiene": {"payload_schema": schema}})
    assert bulk.propose(world, right).state == State.PENDING
    with pytest.raises(InvalidProposal) as refused:
        bulk.propose(world, wrong)
    assert codes(refused) == {"/payload/rows/9/op": "enum"}


def test_a_revision_may_name_other_rows_and_both_stay(world: World) -> None:
    first = bulk.upload(world)
    proposal = bulk.propose(world, first)
    second = bulk.upload(world, 12)
    assert revise(world, proposal, second).audience_size == 12
    assert {upload.proposal_id for upload in Upload.objects.all()} == {proposal.pk}
    assert revise(world, proposal, first).revision.number == 3


def revise(world: World, proposal: Proposal, upload: Upload) -> Proposal:
    content = Content(payload=bulk.payload(upload), confidence=0.95)
    return submission.revise(agent=world.agent, proposal_id=proposal.pk, content=content)


def test_the_sample_is_drawn_by_lot_and_stays(world: World) -> None:
    upload = bulk.upload(world, 1000)
    drawn = [number for number, _row in stored_rows.sample(upload)]
    assert len(drawn) == 20
    assert drawn == [number for number, _row in stored_rows.sample(Upload.objects.get(pk=upload.pk))]
    assert drawn != [number for number, _row in stored_rows.sample(bulk.upload(world, 1000))]
    assert all(row["id"] == f"lead-{number}" for number, row in stored_rows.sample(upload))


def test_rows_are_found_by_key_and_by_number(world: World) -> None:
    upload = bulk.upload(world, 1000)
    assert [number for number, _row in stored_rows.find(upload, "lead-777")] == [777]
    assert [number for number, _row in stored_rows.find(upload, "lead-99")] == [99, *range(990, 1000)]
    assert stored_rows.find(upload, "person777@example.com") == []
    assert [number for number, _row in stored_rows.page(upload, first=996, size=50)] == [*range(996, 1001)]
    assert len(stored_rows.find(upload, "lead")) == 50
