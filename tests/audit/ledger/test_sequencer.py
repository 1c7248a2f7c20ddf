"""Entries get their place after the commit: without gaps, once, by any number of sequencers, killed anywhere."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction

from audit.clock import database_now
from audit.ledger import checkpoints, commitments, keys, merkle, sequencer, tiles
from audit.ledger.notes import Note, TreeHead
from audit.ledger.tiles import NotStored, StoredTree
from audit.models import Checkpoint, Entry, Leaf, SequencerMark, Tile
from tests.audit.ledger.log import append, grow, signed

ROOT = Path(__file__).resolve().parents[3]


def expected_hashes():
    """The leaves' hashes, from the entries alone."""
    return [
        merkle.leaf_hash(
            commitments.leaf(
                kind=entry.kind,
                subject=entry.subject,
                actor=entry.actor,
                at=entry.at,
                commitment=bytes(entry.commitment),
            )
        )
        for entry in Entry.objects.filter(leaf__isnull=False).order_by("leaf__index")
    ]


def assert_whole(size):
    assert list(Leaf.objects.order_by("index").values_list("index", flat=True)) == list(range(size))
    assert Entry.objects.filter(leaf=None).count() == 0
    hashes = expected_hashes()
    assert StoredTree(size).root() == merkle.root_of(hashes)
    for tile in Tile.objects.filter(level=0):
        assert bytes(tile.hashes) == b"".join(hashes[tile.index * 256 : (tile.index + 1) * 256])


@pytest.mark.django_db
@pytest.mark.parametrize(("count", "most"), [(1, 10), (255, 100), (256, 100), (257, 1000), (600, 7), (600, 600)])
def test_batches_of_any_size_build_the_same_tree(count, most):
    grow(count, most=most)
    assert_whole(count)
    assert Tile.objects.filter(level=0).count() == count // 256


@pytest.mark.django_db
def test_tiles_of_the_second_level():
    """Entries are inserted by the database here: 66,000 of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_entry"
            " (kind, subject, actor, actor_name, at, data, request_id, trace_id, salt, commitment)"
            " SELECT 'thing.done', 'thing:' || n, 'system', '', now(), '{}', '', '', sha256(n::text::bytea),"
            " sha256(n::text::bytea) FROM generate_series(1, 66000) AS n"
        )
    while sequencer.sequence(most=20_000):
        pass
    size = 66_000
    hashes = [bytes(row) for row in Leaf.objects.order_by("index").values_list("hash", flat=True)]
    assert Tile.objects.filter(level=0).count() == 257
    above = Tile.objects.get(level=1)
    assert bytes(above.hashes) == b"".join(merkle.root_of(hashes[at * 256 : at * 256 + 256]) for at in range(256))
    for tree_size in (size, 65_536, 65_535, 65_537, 256, 255, 1):
        tree, root = StoredTree(tree_size), merkle.root_of(hashes[:tree_size])
        assert tree.root() == root
        for index in {0, 1, 255, 256, 65_535, 65_536, tree_size - 1}:
            if index < tree_size:
                proof = tree.inclusion_proof(index)
                merkle.verify_inclusion(index=index, size=tree_size, leaf=hashes[index], proof=proof, root=root)
        merkle.verify_consistency(
            old_size=tree_size, new_size=size, old_root=root, new_root=merkle.root_of(hashes),
            proof=StoredTree(size).consistency_proof(tree_size),
        )  # fmt: skip


@pytest.mark.django_db
def test_a_proof_reads_a_few_rows(django_assert_max_num_queries):
    grow(700)
    with django_assert_max_num_queries(6):
        StoredTree(700).inclusion_proof(3)


@pytest.mark.django_db
def test_what_the_tree_does_not_hold_is_no_hash():
    grow(3)
    with pytest.raises(NotStored):
        StoredTree(4).root()
    with pytest.raises(ValueError, match="one tile"):
        tiles.hashes(0, 200, 100)


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(120)
def test_concurrent_appends_are_gapless():
    """100 lanes append 20 entries each, some are undone, and three sequencers run meanwhile."""
    lanes, rounds = 100, 20
    done = threading.Event()

    def lane(number):
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET synchronous_commit TO off")
            for turn in range(rounds):
                with transaction.atomic():
                    append(number * rounds + turn)
                    if turn % 10 == 9:  # one that is undone between those that stay
                        try:
                            with transaction.atomic():
                                append(-1)
                                _ = 1 / 0
                        except ZeroDivisionError:
                            pass
        finally:
            connection.close()

    def sequence():
        try:
            while not done.is_set():
                if not sequencer.sequence(most=300):
                    time.sleep(0.02)
        finally:
            connection.close()

    with ThreadPoolExecutor(13) as pool:
        sequencers = [pool.submit(sequence) for _ in range(3)]
        list(pool.map(lane, range(lanes)))
        done.set()
        for each in sequencers:
            each.result()
    while sequencer.sequence(most=1_000):
        pass
    assert_whole(lanes * rounds)
    assert Entry.objects.values("subject").distinct().count() == lanes * rounds, "one for each action"
    assert checkpoints.sign().root == StoredTree(lanes * rounds).root()


@pytest.mark.django_db(transaction=True)
def test_an_entry_that_commits_late_is_not_passed_over():
    """Its id is smaller than the mark would be if only ids were looked at."""
    held, release = threading.Event(), threading.Event()

    def slow():
        try:
            with transaction.atomic():
                append("late")
                held.set()
                assert release.wait(10)
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert held.wait(10)
    grow(3)
    let_time_pass()
    assert sequencer.sequence(most=10) == 0
    assert SequencerMark.objects.get().mark == 0, "a transaction of then still runs"
    release.set()
    thread.join()
    grow(0)
    assert [row.entry.subject for row in Leaf.objects.order_by("index").select_related("entry")] == [
        "thing:0", "thing:1", "thing:2", "thing:late",
    ]  # fmt: skip
    newest = Entry.objects.order_by("id").last().pk
    until = time.monotonic() + 60
    while SequencerMark.objects.get().mark != newest:
        # The server counts the transactions of other databases too, and so of tests beside this one.
        assert time.monotonic() < until
        let_time_pass()
        sequencer.sequence(most=10)
    assert sequencer.waiting() == (0, None)
    grow(2, first=10)
    assert_whole(6)


def let_time_pass():
    SequencerMark.objects.update(noted_at=database_now() - timedelta(minutes=1))


@pytest.mark.django_db(transaction=True)
def test_after_a_restore_on_another_server_the_mark_begins_anew():
    grow(3)
    SequencerMark.objects.update(noted_transaction=1 << 60)
    sequencer.sequence(most=10)
    let_time_pass()
    sequencer.sequence(most=10)
    assert SequencerMark.objects.get().mark == Entry.objects.order_by("id").last().pk


@pytest.mark.django_db(transaction=True)
def test_what_was_left_behind_the_mark_is_found_by_the_full_look():
    grow(2)
    SequencerMark.objects.update(mark=1 << 40)
    append(7)
    assert sequencer.sequence(most=10) == 0
    assert sequencer.sequence_left_behind(most=10) == 1
    assert_whole(3)


KILLED = """
import os, signal, sys
import django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from audit.ledger import sequencer
from audit.models import Leaf, Tile

def sequence(last):
    statements = 0
    def count(execute, sql, params, many, context):
        nonlocal statements
        result = execute(sql, params, many, context)
        statements += 1
        if statements == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    with connection.execute_wrapper(count):
        sequencer.sequence(most=1000)
    os._exit(0)

for last in range(1, 100):
    child = os.fork()
    if child == 0:
        sequence(last)
    status = os.waitpid(child, 0)[1]
    if status == 0:
        break
    assert os.WTERMSIG(status) == signal.SIGKILL, status
    assert not Leaf.objects.exists() and not Tile.objects.exists()
    connection.close()
print("killed", last - 1, "times")
"""


@pytest.mark.django_db(transaction=True)
def test_killed_anywhere_another_goes_on():
    for number in range(300):
        append(number)
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    run = subprocess.run(
        [sys.executable, "-c", KILLED, connection.settings_dict["NAME"]],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert int(run.stdout.split()[1]) >= 5, "it was killed after each of its statements"
    assert_whole(300)


@pytest.mark.django_db(transaction=True)
def test_while_one_is_at_work_another_does_nothing():
    append(1)
    with transaction.atomic():
        assert sequencer.sequence(most=10) == 1
        others = []

        def other():
            others.append(sequencer.sequence(most=10))
            connection.close()

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert others == [0]
    assert_whole(1)


@pytest.mark.django_db
def test_a_checkpoint_says_the_size_and_root_and_is_signed():
    made = signed(5)
    note = Note.parse(made.note)
    assert TreeHead.parse(note.text) == TreeHead(keys.origin(), 5, StoredTree(5).root())
    assert note.verified(keys.verifier_keys()) == keys.verifier_keys()[:1]
    assert checkpoints.sign().pk == made.pk, "nothing came since"
    assert checkpoints.covering(4).pk == 5
    assert checkpoints.covering(5) is None


@pytest.mark.django_db
def test_checkpoints_are_made_each_minute_and_each_thousand_entries():
    assert checkpoints.sign_due(most=1) == 0, "nothing to sign"
    grow(1)
    assert checkpoints.sign_due(most=1) == 1
    grow(10, first=1)
    assert checkpoints.sign_due(most=1) == 0, "a minute has not passed"
    grow(990, first=11)
    assert checkpoints.sign_due(most=1) == 1
    assert [row.size for row in Checkpoint.objects.order_by("size")] == [1, 1001]


@pytest.mark.django_db
def test_a_minute_after_a_checkpoint_another_is_due(monkeypatch):
    signed(1)
    grow(1, first=1)
    later = database_now() + timedelta(seconds=61)
    monkeypatch.setattr(checkpoints, "database_now", lambda: later)
    assert checkpoints.sign_due(most=1) == 1


@pytest.mark.django_db
def test_an_empty_ledger_is_not_signed():
    assert checkpoints.sign() is None
    assert checkpoints.catch_up() is None


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["audit_entry", "audit_leaf", "audit_tile", "audit_checkpoint"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_database_refuses_to_change_what_is_recorded(table, change):
    signed(256)
    column = {"audit_entry": "kind", "audit_leaf": "hash", "audit_tile": "root", "audit_checkpoint": "root"}[table]
    with pytest.raises(DatabaseError, match=r"Cannot (update or delete|truncate)"), transaction.atomic():
        connection.cursor().execute(change.format(table, column, column))
