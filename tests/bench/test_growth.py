"""The row `growth` of the benchmarks: a past that was written is as sound as one that was lived."""

import json
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils.module_loading import import_string

from approvals import invariants
from approvals.admin.desk.recent import recent
from approvals.lifecycle import reevaluation
from approvals.models import Attempt, Decision, Proposal, Timer
from approvals.trust import counts
from audit.models import Entry, Leaf
from audit.verification import walk
from bench import growth
from bench.growth import past, steps, variants
from hitlportal.environment.schedule import SWEEPS
from policies.publishing import publish
from tests.costs import rows_read

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_written_past_holds_every_invariant():
    made = past.make(300, agents=3, surfaces=2)
    results = list(invariants.check())
    assert {result.code: result.breach for result in results} == dict.fromkeys(one.code for one in results)
    states = Counter(Proposal.objects.values_list("state", flat=True))
    assert states["pending"] == made.waiting == 6
    assert sum(states.values()) == 300
    assert states["shipped"] > 250
    assert Attempt.objects.count() == states["shipped"]
    assert Decision.objects.filter(verdict="reject").count() == states["rejected"] > 0
    assert Timer.objects.exists()


def test_every_proposal_is_one_of_its_own():
    past.make(300, agents=3, surfaces=2)
    rows = Proposal.objects.values_list("payload_digest", "title", "agent_id", "surface_id")
    digests, titles, agents, surfaces = (set(column) for column in zip(*rows, strict=True))
    assert len(digests) == len(titles) == 300
    assert agents == {"agent-000", "agent-001", "agent-002"}
    assert surfaces == {"ads.budget-00", "ads.budget-01"}
    pairs = list(Proposal.objects.order_by("id").values_list("created_at", flat=True))
    assert pairs == sorted(pairs)


def test_the_ledger_of_a_written_past_is_proved_whole():
    made = past.make(300)
    report = walk.whole()
    assert report.fault is None
    assert report.size == made.entries == Leaf.objects.count() == Entry.objects.count() > 900


def test_trust_counted_anew_finds_what_was_written():
    past.make(300, agents=3)
    recounted = counts.recount()
    assert (recounted.proposals, recounted.differences) == (300, 0)


def test_indexes_made_afterwards_are_those_from_before(monkeypatch):
    before = _indexes()
    monkeypatch.setattr(past, "MANY", 100)
    past.make(100)
    assert _indexes() == before
    assert "proposal_due" in before


def _indexes():
    """Columns of each index, and whether it has a condition: PostgreSQL words that anew."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'")
        return {name: definition.partition(" WHERE ")[:2] for name, definition in cursor.fetchall()}


def test_sweeps_find_nothing_to_do_in_a_written_past(monkeypatch):
    monkeypatch.setattr(past, "EVERY", timedelta(hours=1))
    past.make(300)
    whole = ("verify_ledger", "recount_trust")
    works = [work for sweep in SWEEPS if not sweep.task.endswith(whole) for work in sweep.work]
    found = {work.path: import_string(work.path)(most=work.most) for work in works}
    assert {path for path, number in found.items() if number} == set()


def test_what_is_asked_often_reads_little_of_a_long_past():
    person = past.make(3_000).person
    policy = publish.active_policy()
    with transaction.atomic():
        assert len(recent(person, policy)) > 0
        assert rows_read("approvals_dispatch") < 200
    with transaction.atomic():
        before = rows_read("approvals_proposal")
        assert reevaluation.reevaluate_open() == 0
        assert rows_read("approvals_proposal") == before


def test_the_row_gives_figures_of_each_step_and_variant(monkeypatch):
    monkeypatch.setattr(steps, "IDLE", 2)
    monkeypatch.setattr(steps, "WARM_UP", 1)
    monkeypatch.setattr(variants, "PEOPLE", 30)
    monkeypatch.setattr(variants, "DECIDING", 10)
    monkeypatch.setattr(variants, "RULES", 20)
    made = past.make(200)
    figures = growth.of_one_size(made, list(variants.NAMES), rounds=2, pages=1)
    report = json.loads(json.dumps(growth.report({200: figures, 400: figures})))
    plain = report["sizes"]["200"]["plain"]
    assert set(plain) == set(steps.NAMES)
    assert all(step["cpu_ms"] > 0 and step["median_ms"] > 0 and step["round_trips"] > 0 for step in plain.values())
    assert plain["idle"]["cpu_ms_of"].keys() == report["sweep_ratios"].keys() >= {"beat", "ship_due", "sequence"}
    assert set(report["variant_ratios"]["200"]) == set(variants.NAMES) - {variants.AGENTS}
    assert report["worst_ratio"] == 1.0
