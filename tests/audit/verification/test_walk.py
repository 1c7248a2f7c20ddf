"""Whatever is changed in a ledger is found, and said: which index, and what kind of fault."""

import json
import random
from contextlib import nullcontext
from io import StringIO

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from audit.ledger import checkpoints, entries, keys, notes, sequencer, tiles
from audit.models import Checkpoint, Entry, Verification
from audit.verification import keepsake, runs, walk
from tests.audit.ledger.log import append, grow, signed

SIZE = 22


@pytest.fixture
def narrow_tiles(monkeypatch):
    """Tiles of four hashes, so that a small ledger has several levels."""
    monkeypatch.setattr(tiles, "HEIGHT", 2)
    monkeypatch.setattr(tiles, "WIDTH", 4)


@pytest.fixture
def ledger(db, narrow_tiles):
    """22 entries: five complete tiles, one of the next level, and checkpoints at 3, 9, 16 and 22."""
    for size in (3, 9, 16, SIZE):
        signed(size - Entry.objects.count(), first=Entry.objects.count())
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # as somebody who may switch triggers off
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = origin")


def sql(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def found(**options):
    fault = walk.whole(**options).fault
    return None if fault is None else (str(fault.kind), fault.index)


def newest():
    return Checkpoint.objects.first().note


def test_what_is_whole_fits(ledger):
    report = walk.whole(kept=[newest()])
    assert (report.fault, report.size, report.heads) == (None, SIZE, 5)
    assert walk.subject("thing:7").fault is None
    assert walk.subject("thing:none").size == 0


ENTRY = "audit_entry SET {} WHERE subject = 'thing:7'"
EXCHANGED = (
    "UPDATE audit_leaf AS one SET entry_id = other.entry_id{} FROM audit_leaf AS other"
    " WHERE one.index + other.index = {} AND one.index IN ({})"
)
OVERWRITTEN = "UPDATE audit_tile SET hashes = overlay(hashes PLACING sha256('') FROM {}) WHERE {}"
FAULTS = [
    ("changed", 7, "UPDATE " + ENTRY.format("kind = 'thing.undone'")),
    ("changed", 7, "UPDATE " + ENTRY.format("actor = 'user:2'")),
    ("changed", 7, "UPDATE " + ENTRY.format("actor_name = 'bob'")),
    ("changed", 7, "UPDATE " + ENTRY.format("at = at + interval '1 microsecond'")),
    ("changed", 7, "UPDATE " + ENTRY.format("data = '{\"number\": 8}'")),
    ("changed", 7, "UPDATE " + ENTRY.format("data = '[]'")),
    ("changed", 7, "UPDATE " + ENTRY.format("request_id = 'x'")),
    ("changed", 7, "UPDATE " + ENTRY.format("salt = sha256('')")),
    ("changed", 7, "UPDATE " + ENTRY.format("commitment = sha256('')")),
    ("changed", 7, "UPDATE audit_leaf SET hash = sha256('') WHERE index = 7"),
    ("changed", 4, "UPDATE audit_tile SET root = sha256('') WHERE level = 0 AND index = 1"),
    ("changed", 5, OVERWRITTEN.format(33, "level = 0 AND index = 1")),
    ("changed", 8, OVERWRITTEN.format(65, "level = 1")),
    ("changed", 8, "UPDATE audit_checkpoint SET root = sha256('') WHERE size = 9"),
    ("changed", 22, "INSERT INTO audit_tile (level, index, hashes, root) VALUES (3, 0, '', '')"),
    ("missing", 7, "DELETE FROM audit_entry WHERE subject = 'thing:7'"),
    ("missing", 7, "DELETE FROM audit_leaf WHERE index = 7"),
    ("missing", 0, "DELETE FROM audit_leaf WHERE index = 0"),
    ("missing", 4, "DELETE FROM audit_tile WHERE level = 0 AND index = 1"),
    ("missing", 0, "DELETE FROM audit_tile WHERE level = 1"),
    ("missing", 3, "DELETE FROM audit_checkpoint WHERE size = 9"),
    ("missing", 0, "DELETE FROM audit_checkpoint WHERE size = 3"),
    ("missing", 22, "UPDATE audit_leaf SET index = 99 WHERE index = 22"),
    ("reordered", 7, EXCHANGED.format("", 15, "7, 8")),
    ("truncated", 21, "DELETE FROM audit_leaf WHERE index = 21"),
    ("truncated", 10, "DELETE FROM audit_leaf WHERE index >= 10"),
    ("wrong signature", 8, "UPDATE audit_checkpoint SET note = replace(note, E'\\n9\\n', E'\\n8\\n') WHERE size = 9"),
    ("wrong signature", 8, "UPDATE audit_checkpoint SET note = 'nothing' WHERE size = 9"),
    ("fork", 16, EXCHANGED.format(", hash = other.hash", 41, "20, 21")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "index", "statement"), FAULTS, ids=[f"{kind}-{n}" for n, (kind, *_) in enumerate(FAULTS)]
)
def test_each_fault_is_named_with_its_first_index(ledger, kind, index, statement):
    if "other" in statement:
        sql("ALTER TABLE audit_leaf DROP CONSTRAINT audit_leaf_entry_id_key")
    if "= 99" in statement:
        grow(3, first=SIZE)
    sql(statement)
    assert found() == (kind, index)


def test_a_past_that_was_rewritten_and_hashed_again_is_a_fork(ledger):
    """Entry, commitment, leaf, tiles: all fit each other again, and not what was signed."""
    sql("DELETE FROM audit_leaf")
    sql("DELETE FROM audit_tile")
    sql("DELETE FROM audit_entry WHERE subject = 'thing:7'")
    grow(1, first=99)
    assert found() == ("fork", 3), "between the checkpoints of 3 and 9 entries"


def test_a_checkpoint_by_another_key_is_a_wrong_signature(ledger):
    stranger = Ed25519PrivateKey.generate()
    head = notes.TreeHead.parse(notes.Note.parse(newest()).text)
    forged = notes.sign(head.text(), name=head.origin, keys=[stranger])
    sql("UPDATE audit_checkpoint SET note = %s WHERE size = 22", str(forged))
    assert found() == ("wrong signature", 21)


def test_after_a_rotation_checkpoints_of_the_old_key_are_good(ledger, settings):
    old = keys.signing_key().public_key()
    settings.LEDGER_SIGNING_KEY = _pem(Ed25519PrivateKey.generate())
    assert found() == ("wrong signature", 2)
    settings.LEDGER_RETIRED_KEYS = [_public_pem(old)]
    assert found() is None
    signed(2, first=SIZE)
    assert found() is None
    assert len(keys.verifier_keys()) == 2


def test_a_portal_that_moved_still_knows_its_checkpoints(ledger, settings):
    settings.SITE_URL = "https://elsewhere.example.com"
    signed(1, first=SIZE)
    assert found() is None


def test_a_kept_checkpoint_finds_a_tail_that_was_cut_off(ledger):
    kept = newest()
    sql("DELETE FROM audit_leaf WHERE index >= 16")
    sql("DELETE FROM audit_entry WHERE id NOT IN (SELECT entry_id FROM audit_leaf)")
    sql("DELETE FROM audit_checkpoint WHERE size > 16")
    sql("DELETE FROM audit_tile WHERE level = 0 AND index > 3")
    assert found() is None, "inside there is no trace of it"
    assert found(kept=[kept]) == ("truncated", 16)
    signed(10, first=50)
    assert found() is None
    assert found(kept=[kept]) == ("fork", 16), "a restored backup that went on"


def test_a_lost_last_checkpoint_is_missed_by_whom_kept_it(ledger):
    kept = newest()
    sql("DELETE FROM audit_checkpoint WHERE size = 22")
    assert found() is None
    assert found(kept=[kept]) == ("missing", 21)


def test_from_a_checkpoint_on(ledger):
    nine = Checkpoint.objects.get(size=9).note
    assert walk.whole(since=nine).fault is None
    sql("UPDATE audit_entry SET kind = 'x' WHERE subject = 'thing:2'")
    assert found(since=nine) is None, "what lies before it is not looked at"
    sql("UPDATE audit_entry SET kind = 'x' WHERE subject = 'thing:12'")
    assert found(since=nine) == ("changed", 12)
    sql("UPDATE audit_tile SET hashes = overlay(hashes PLACING sha256('') FROM 1) WHERE level = 1")
    assert found(since=nine) == ("fork", 0), "but the tree before it has to have its root"


@pytest.mark.parametrize("size", [1, 3, 4, 9, 16, 17, 22])
def test_from_any_size_the_rest_is_verified(db, narrow_tiles, size):
    note = signed(size).note
    signed(30 - size, first=size)
    assert walk.whole(since=note).fault is None


def test_what_nobody_signed_is_no_checkpoint_to_begin_with(ledger):
    assert found(since="nonsense") == ("wrong signature", 0)
    assert found(kept=["nonsense"]) == ("wrong signature", 0)


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        ("changed", "UPDATE audit_entry SET data = '{}' WHERE subject = 'thing:7'"),
        ("fork", "UPDATE audit_tile SET hashes = '' WHERE level = 0 AND index = 1"),
        ("wrong signature", "UPDATE audit_checkpoint SET note = '' WHERE size = 22"),
    ],
)
def test_faults_of_one_subject(ledger, kind, statement):
    sql(statement)
    assert str(walk.subject("thing:7").fault.kind) == kind


# Random manipulations -----------------------------------------------------------------------------------

BYTES = {
    "audit_entry": ("salt", "commitment"),
    "audit_leaf": ("hash",),
    "audit_tile": ("hashes", "root"),
    "audit_checkpoint": ("root",),
}
TEXTS = {"audit_entry": ("kind", "subject", "actor", "actor_name"), "audit_checkpoint": ("note",)}


def one_row(rng, table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ctid::text FROM {table}")
        return rng.choice(sorted(cursor.fetchall()))[0]


def flip_a_byte(rng):
    table = rng.choice(sorted(BYTES))
    column, row = rng.choice(BYTES[table]), one_row(rng, table)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} WHERE ctid = %s::tid", [row])
        changed = bytearray(cursor.fetchone()[0])
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        cursor.execute(f"UPDATE {table} SET {column} = %s WHERE ctid = %s::tid", [bytes(changed), row])
    return f"a bit of {table}.{column}"


def change_a_letter(rng):
    table = rng.choice(sorted(TEXTS))
    column, row = rng.choice(TEXTS[table]), one_row(rng, table)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} WHERE ctid = %s::tid", [row])
        text = cursor.fetchone()[0]
        place = rng.randrange(len(text))
        changed = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
        cursor.execute(f"UPDATE {table} SET {column} = %s WHERE ctid = %s::tid", [changed, row])
    return f"a letter of {table}.{column}"


def change_data(rng):
    row = one_row(rng, "audit_entry")
    key = rng.choice(["number", "another"])
    sql("UPDATE audit_entry SET data = data || %s WHERE ctid = %s::tid", json.dumps({key: rng.random()}), row)
    return "data"


def change_the_time(rng):
    sql(
        "UPDATE audit_entry SET at = at + %s * interval '1 microsecond' WHERE ctid = %s::tid",
        rng.choice([-1, 1]) * rng.randrange(1, 10**9), one_row(rng, "audit_entry"),
    )  # fmt: skip
    return "time"


def delete_a_row(rng):
    table = rng.choice(sorted(BYTES))
    sql(f"DELETE FROM {table} WHERE ctid = %s::tid", one_row(rng, table))
    return f"a row of {table}"


def exchange_places(rng):
    one, other = sorted(rng.sample(range(SIZE), 2))
    also = ", hash = other.hash" if rng.random() < 0.5 else ""
    sql(
        f"UPDATE audit_leaf AS one SET entry_id = other.entry_id{also} FROM audit_leaf AS other"
        " WHERE one.index + other.index = %s AND one.index IN (%s, %s)",
        one + other, one, other,
    )  # fmt: skip
    return f"order of {one} and {other}{also}"


def cut_the_tail(rng):
    sql("DELETE FROM audit_leaf WHERE index >= %s", rng.randrange(SIZE))
    return "tail"


def exchange_checkpoints(rng):
    one, other = rng.sample([3, 9, 16, 22], 2)
    sql(
        "UPDATE audit_checkpoint SET note = (SELECT note FROM audit_checkpoint WHERE size = %s) WHERE size = %s",
        one,
        other,
    )
    return "notes of checkpoints"


MANIPULATIONS = (
    flip_a_byte, flip_a_byte, flip_a_byte, change_a_letter, change_a_letter, change_data, change_the_time, delete_a_row,
    exchange_places, cut_the_tail, exchange_checkpoints,
)  # fmt: skip


@pytest.mark.parametrize("quarter", range(4))
def test_a_thousand_random_manipulations_are_all_found(ledger, quarter):
    sql("ALTER TABLE audit_leaf DROP CONSTRAINT audit_leaf_entry_id_key")
    rng, kept, unnoticed = random.Random(20261128 + quarter), [newest()], []
    for number in range(250):
        mark = transaction.savepoint()
        what = rng.choice(MANIPULATIONS)(rng)
        if walk.whole(kept=kept).fault is None:
            unnoticed.append((number, what))
        transaction.savepoint_rollback(mark)
    assert unnoticed == []
    assert found(kept=kept) is None


# Results, and the command -----------------------------------------------------------------------------


def command(*arguments, code=0):
    out, err = StringIO(), StringIO()
    ends = pytest.raises(SystemExit, match=str(code)) if code else nullcontext()
    with ends:
        call_command("ledger", *arguments, stdout=out, stderr=err)
    return out.getvalue()


def test_the_command_keeps_its_result_and_says_what_is_wrong(ledger):
    assert command("verify") == "22 entries fit 4 checkpoints.\n"
    kept = Verification.objects.get()
    assert (kept.size, kept.fault, kept.finished_at >= kept.started_at) == (22, "", True)
    assert Entry.objects.first().kind == "ledger.verified"
    sql("UPDATE audit_entry SET kind = 'x' WHERE subject = 'thing:7'")
    assert command("verify", code=1).startswith("changed at index 7:")
    assert Verification.objects.first().fault == "changed"
    assert json.loads(command("verify", "--json", code=1))["fault"]["index"] == 7


def test_the_command_verifies_against_files(ledger, tmp_path):
    note = tmp_path / "note"
    note.write_text(newest())
    assert "fit" in command("verify", "--checkpoint", str(note))
    assert "fit" in command("verify", "--since", str(note))
    with pytest.raises(CommandError, match="Cannot read"):
        command("verify", "--since", str(tmp_path / "nothing"))


def test_the_command_prints_a_checkpoint_and_the_keys(ledger):
    append(99)
    note = notes.Note.parse(command("checkpoint"))
    assert notes.TreeHead.parse(note.text).size == 23, "what was recorded until now is in it"
    (line,) = command("keys").splitlines()
    assert note.verified([notes.VerifierKey.parse(line)])


def test_there_is_no_checkpoint_of_nothing(db):
    with pytest.raises(CommandError, match="empty"):
        command("checkpoint")


def test_a_proposal_is_verified_alone(ledger):
    with transaction.atomic():
        append(1, subject="proposal:7")
    assert "0 entries" in command("verify", "--proposal", "7"), "not signed yet"
    checkpoints.catch_up()
    assert "1 entries" in command("verify", "--proposal", "7")


def test_each_day_it_is_verified_once(ledger):
    assert [runs.run_due(most=1) for _ in range(2)] == [1, 0]
    sql("UPDATE audit_verification SET finished_at = finished_at - interval '25 hours'")
    sql("UPDATE audit_entry SET kind = 'x' WHERE subject = 'thing:7'")
    assert runs.run_due(most=1) == 1
    assert (runs.latest().fault, runs.latest().fault_index) == ("changed", 7)


def test_while_one_verifies_no_other_begins(ledger):
    sql("INSERT INTO audit_verification (started_at, size, checkpoints, fault, text) VALUES (now(), 0, 0, '', '')")
    assert runs.run_due(most=1) == 0
    sql("UPDATE audit_verification SET started_at = now() - interval '7 hours'")
    assert runs.run_due(most=1) == 1


# The checkpoint beside the database ----------------------------------------------------------------


@pytest.fixture
def kept_beside(settings, tmp_path):
    settings.LEDGER_KEEPSAKE = tmp_path / "ledger" / "checkpoint"
    return settings.LEDGER_KEEPSAKE


def test_the_newest_checkpoint_is_kept_in_a_file(ledger, kept_beside):
    grow(1, first=SIZE)
    sql("UPDATE audit_checkpoint SET at = at - interval '1 hour'")
    assert keepsake.sign_due(most=1) == 1
    assert kept_beside.read_text() == newest()
    assert keepsake.notes() == [newest()]


def test_another_past_does_not_replace_what_was_kept(ledger, kept_beside, caplog):
    assert keepsake.keep(Checkpoint.objects.first())
    before = kept_beside.read_text()
    sql("DELETE FROM audit_leaf")
    sql("DELETE FROM audit_tile")
    sql("DELETE FROM audit_checkpoint")
    sql("DELETE FROM audit_entry WHERE subject = 'thing:7'")
    restored = signed(0)
    assert not keepsake.keep(restored), "it is smaller"
    assert not keepsake.keep(signed(5, first=100)), "it is larger, and another"
    assert kept_beside.read_text() == before
    assert "does not go on" in caplog.text
    assert runs.run(by=entries.SYSTEM).fault.kind == "fork"


def test_a_file_that_is_no_checkpoint_is_told(ledger, kept_beside):
    kept_beside.parent.mkdir()
    kept_beside.write_text("nonsense")
    assert not keepsake.keep(Checkpoint.objects.first())
    assert runs.run(by=entries.SYSTEM).fault.kind == "wrong signature"


def test_two_checkpoints_of_one_size_cannot_be(ledger):
    one = Checkpoint.objects.first()
    with pytest.raises(IntegrityError), transaction.atomic():
        Checkpoint.objects.create(size=one.size, number=9, root=one.root, note=one.note, at=one.at)
    assert sequencer.sequence(most=1) == 0


def _pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _public_pem(key):
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
