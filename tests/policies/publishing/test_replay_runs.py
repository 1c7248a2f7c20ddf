"""Replays as rows: one at a time for a document, claimed under a lease, carried on by anyone who comes."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.models import F

from policies.models import PolicyVersion, ReplayRun
from policies.publishing import replay_runs
from policies.publishing.replay_runs import Progress, ReplayTaken
from tests import world as worlds
from tests.approvals.races import race

DOCUMENT = {"tiers": {}, "surfaces": {}}
PROGRESS = Progress(done=5, last=UUID(int=5), tally={"some": "counts"})


def expire_lease() -> None:
    ReplayRun.objects.update(lease_until=F("lease_until") - timedelta(minutes=5))


@pytest.mark.django_db
def test_the_same_document_is_replayed_once_at_a_time():
    first = replay_runs.ask(document=DOCUMENT, by=None)
    assert replay_runs.ask(document=dict(DOCUMENT), by=None) == first
    other = replay_runs.ask(document={**DOCUMENT, "rules": {}}, by=None)
    assert other != first
    assert replay_runs.newest(DOCUMENT) == first
    assert replay_runs.newest({"tiers": {"more": {}}}) is None


@pytest.mark.django_db
def test_a_finished_replay_can_be_asked_for_again():
    first = replay_runs.ask(document=DOCUMENT, by=None)
    replay_runs.finish(replay_runs.claim_next(), done=0, result={"cases": 0})
    again = replay_runs.ask(document=DOCUMENT, by=None)
    assert again != first
    assert again.status == ReplayRun.Status.WAITING


@pytest.mark.django_db
def test_who_asked_for_what_is_kept():
    person = worlds.person("manager")
    version = PolicyVersion.objects.create(digest="sha256:1", document=DOCUMENT, created_at="2026-11-20T00:00Z")
    asked = replay_runs.ask(document=DOCUMENT, by=person, version=version, days=7)
    assert (asked.asked_by, asked.asked_by_name, asked.version) == (person, "manager", version.number)
    assert asked.asked_at - asked.since == timedelta(days=7)
    with pytest.raises(ProgrammingError, match="replay_same_question"), transaction.atomic():
        ReplayRun.objects.update(document={})


@pytest.mark.django_db
def test_the_one_that_waits_longest_comes_first_and_nobody_takes_it_twice():
    first = replay_runs.ask(document=DOCUMENT, by=None)
    second = replay_runs.ask(document={**DOCUMENT, "rules": {}}, by=None)
    assert replay_runs.claim_next() == first
    assert replay_runs.claim_next() == second
    assert replay_runs.claim_next() is None


@pytest.mark.django_db
def test_a_replay_that_was_put_down_goes_on_where_it_was():
    replay_runs.ask(document=DOCUMENT, by=None)
    mine = replay_runs.claim_next()
    replay_runs.start(mine, total=10)
    replay_runs.advance(mine, PROGRESS)
    replay_runs.put_down(mine)
    taken = replay_runs.claim_next()
    assert (taken.total, taken.done, taken.last, taken.tally) == (10, 5, UUID(int=5), {"some": "counts"})
    assert (taken.percent, taken.crashes) == (50, 0)


@pytest.mark.django_db
def test_a_worker_that_lost_its_lease_writes_nothing_more():
    replay_runs.ask(document=DOCUMENT, by=None)
    slow = replay_runs.claim_next()
    expire_lease()
    quick = replay_runs.claim_next()
    replay_runs.put_down(quick)
    quick = replay_runs.claim_next()
    for late in (
        lambda: replay_runs.advance(slow, PROGRESS),
        lambda: replay_runs.put_down(slow),
        lambda: replay_runs.finish(slow, done=1, result={}),
        lambda: replay_runs.fail(slow, error="late"),
    ):
        with pytest.raises(ReplayTaken):
            late()
    replay_runs.finish(quick, done=0, result={"cases": 0})
    assert ReplayRun.objects.get().result == {"cases": 0}


@pytest.mark.django_db
def test_what_ends_its_workers_is_given_up():
    replay_runs.ask(document=DOCUMENT, by=None)
    for _ in range(replay_runs.MOST_CRASHES + 1):
        assert replay_runs.claim_next() is not None
        expire_lease()
    assert replay_runs.claim_next() is None
    given_up = ReplayRun.objects.get()
    assert given_up.status == ReplayRun.Status.FAILED
    assert "went away" in given_up.error


@pytest.mark.django_db
def test_old_ones_are_forgotten():
    for number in range(replay_runs.KEPT + 3):
        replay_runs.ask(document={**DOCUMENT, "rules": {"n": number}}, by=None)
        replay_runs.finish(replay_runs.claim_next(), done=0, result={})
    waiting = replay_runs.ask(document=DOCUMENT, by=None)
    assert ReplayRun.objects.count() == replay_runs.KEPT + 1
    assert ReplayRun.objects.filter(pk=waiting.pk).exists()


@pytest.mark.django_db
def test_the_database_knows_no_result_without_an_end():
    replay_runs.ask(document=DOCUMENT, by=None)
    with pytest.raises(IntegrityError, match="replay_is_done_iff"), transaction.atomic():
        ReplayRun.objects.update(result={})
    with pytest.raises(ProgrammingError, match="transition"), transaction.atomic():
        ReplayRun.objects.update(status="done", result={})
    assert connection.is_usable()


@pytest.mark.django_db(transaction=True)
def test_many_who_ask_at_once_get_the_same_one():
    rounds = race(5, *[lambda number: replay_runs.ask(document={**DOCUMENT, "rules": {"n": number}}, by=None).pk] * 6)
    assert all(len(set(asked)) == 1 for asked in rounds)


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_take_different_ones():
    for number in range(12):
        replay_runs.ask(document={**DOCUMENT, "rules": {"n": number}}, by=None)
    rounds = race(3, *[lambda _: getattr(replay_runs.claim_next(), "pk", None)] * 4)
    taken = [pk for claimed in rounds for pk in claimed if pk is not None]
    assert len(taken) == len(set(taken))
    assert len(taken) >= 3
