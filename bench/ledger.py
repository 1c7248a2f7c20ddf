"""Costs and speed of the record: appending, sequencing, verifying, proving."""

import hashlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any, Final
from unittest.mock import patch

from django.db import connection, transaction
from django.db.models import Model

from approvals import transitions
from approvals.lifecycle import review, submission
from approvals.lifecycle.review import SeenRevision
from approvals.models import Proposal
from approvals.models.together import insert_together, write_together
from approvals.models.verdicts import DecisionVerdict
from audit.clock import database_now
from audit.kinds import registry
from audit.kinds.kind import Kind
from audit.kinds.shapes import COUNT, DIGEST, WORD
from audit.ledger import checkpoints, entries, merkle, sequencer, tiles
from audit.ledger.entries import SYSTEM
from audit.ledger.tiles import StoredTree
from audit.models import Entry, Leaf, Tile
from audit.verification import walk
from bench import data
from bench.decide import reviewer
from policies.models import Agent

registry.register(
    [
        Kind("bench.done", "A bench did something.", {"from": WORD, "to": WORD, "digest": DIGEST, "number": COUNT}),
    ]
)

ROUNDS: Final = 6
A_ROUND: Final = 40
SEQUENCED: Final = 20_000
LARGE: Final = 1_000_000


def measure() -> dict[str, Any]:
    """Return the share that recording takes of a submission and a decision, and the ledger's own speeds."""
    data.fresh_portal()
    return {**_recording(), **_sequencing(), **_proving()}


def _recording() -> dict[str, float]:
    """Submit and approve in turns with and without entries; the shares are of this process's time."""
    agent = Agent.objects.select_related("owner").get(pk="pacer")
    person = reviewer("reviewer")
    used: dict[tuple[str, bool], list[float]] = {}
    number = 0
    for turn in range(ROUNDS * 2):
        is_recorded = turn % 2 == 0
        with _as_usual() if is_recorded else _without_entries():
            made = []
            begun = time.process_time()
            for _ in range(A_ROUND):
                made.append(submission.submit(agent=agent, draft=data.draft(number)))
                number += 1
            between = time.process_time()
            for proposal in made:
                _approve(proposal, person)
            ended = time.process_time()
        if turn > 1:  # the first of each is a warm-up
            used.setdefault(("submission", is_recorded), []).append(between - begun)
            used.setdefault(("decision", is_recorded), []).append(ended - between)
    shares = {
        f"{step}_costs_more_%": round((median(used[step, True]) / median(used[step, False]) - 1) * 100, 1)
        for step in ("submission", "decision")
    }
    return {**shares, "append_ms": _append_ms(), **_checking()}


def _checking() -> dict[str, float]:
    """Return the processor time of making the entry of a submission, and of checking it against its kind."""
    told = Entry.objects.filter(kind="proposal.submitted").latest("id")
    with transaction.atomic():
        made = _timed(
            5_000, lambda: entries.entry(told.kind, subject="bench:1", actor=SYSTEM, at=told.at, data=told.data)
        )
    checked = _timed(50_000, lambda: registry.check(told.kind, told.data))
    return {"submitted_entry_us": round(made / 5_000 * 1e6, 1), "kind_check_us": round(checked / 50_000 * 1e6, 2)}


def _approve(proposal: Proposal, person: Any) -> None:
    saw = SeenRevision(proposal.revision.number, proposal.revision.digest)
    review.decide(proposal_id=proposal.pk, seen=saw, by=person, verdict=DecisionVerdict.APPROVE)


def _append_ms() -> float:
    """Return the processor time of making one entry, without its way to the database."""
    with transaction.atomic():
        return round(_timed(2_000, lambda: _entry(1)) * 1000 / 2_000, 4)


def _entry(number: int) -> Entry:
    facts: dict[str, Any] = {"from": "pending", "to": "approved", "digest": "sha256:" + "0" * 64, "number": number}
    return entries.entry("bench.done", subject=f"bench:{number}", actor=SYSTEM, at=database_now(), data=facts)


def _timed(times: int, work: Callable[[], Any]) -> float:
    at = database_now()
    with patch(f"{__name__}.database_now", lambda: at):
        begun = time.process_time()
        for _ in range(times):
            work()
        return time.process_time() - begun


@contextmanager
def _as_usual() -> Iterator[None]:
    yield


@contextmanager
def _without_entries() -> Iterator[None]:
    def kept(rows: Sequence[Model]) -> list[Model]:
        return [row for row in rows if not isinstance(row, Entry)]

    with (
        patch.object(
            submission, "insert_together", lambda rows, *then, **more: insert_together(kept(rows), *then, **more)
        ),
        patch.object(
            transitions, "write_together", lambda old, new, *then, **more: write_together(old, kept(new), *then, **more)
        ),
        patch.object(entries, "entry", lambda *_kind, **_facts: Entry()),
    ):
        yield


def _sequencing() -> dict[str, float]:
    checkpoints.catch_up()
    with transaction.atomic():
        Entry.objects.bulk_create([_entry(number) for number in range(SEQUENCED)], batch_size=1_000)
    began = time.perf_counter(), time.process_time()
    while sequencer.sequence(most=1_000):
        pass
    sequenced, sequencing = time.perf_counter() - began[0], time.process_time() - began[1]
    checkpoints.sign()
    began = time.perf_counter(), time.process_time()
    report = walk.whole()
    verified, verifying = time.perf_counter() - began[0], time.process_time() - began[1]
    assert report.fault is None, str(report.fault)
    return {
        "sequenced_s": round(SEQUENCED / sequenced),
        "sequenced_per_cpu_s": round(SEQUENCED / sequencing),
        "verified_entries_s": round(report.size / verified),
        "verified_hashes_s": round(report.hashes / verified),
        "verified_hashes_per_cpu_s": round(report.hashes / verifying),
    }


def _proving() -> dict[str, float]:
    """Prove and check at a million leaves; the tree is filled without entries."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for model in (Leaf, Tile):
            cursor.execute(f"DELETE FROM {model._meta.db_table}")
        cursor.execute(
            "INSERT INTO audit_leaf (index, entry_id, hash) SELECT n, n, sha256(n::text::bytea)"
            " FROM generate_series(0, %s) AS n",
            [LARGE - 1],
        )
        cursor.execute("SET session_replication_role = origin")
    hashes = [hashlib.sha256(str(number).encode()).digest() for number in range(LARGE)]
    begun = time.process_time()
    root = merkle.root_of(hashes)
    hashed = time.process_time() - begun
    with transaction.atomic():
        sequencer.complete_tiles(0, 0, hashes)
    waits, used = [], time.process_time()
    for index in random.Random(1).sample(range(LARGE), 100):
        begun = time.perf_counter()
        proof = StoredTree(LARGE).inclusion_proof(index)
        waits.append(time.perf_counter() - begun)
        merkle.verify_inclusion(index=index, size=LARGE, leaf=hashes[index], proof=proof, root=root)
    used = time.process_time() - used
    assert tiles.size() == LARGE
    return {
        "hashes_per_cpu_s": round(LARGE / hashed),
        "proof_at_1000000_ms": round(median(waits) * 1000, 2),
        "proof_at_1000000_cpu_ms": round(used * 10, 2),
    }
