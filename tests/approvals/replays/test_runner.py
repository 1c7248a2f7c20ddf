"""Replays in the background and on the command line: in slices, taken up by others, with the same figures."""

import json
import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F

from approvals import tasks
from approvals.replays import recorded_cases, runner
from approvals.replays.recorded_cases import Window
from approvals.replays.runner import ReplayInvalid
from policies.models import PolicyVersion, ReplayRun, Surface
from policies.publishing import publish, replay_runs
from tests import world as worlds
from tests.world import World

pytestmark = pytest.mark.django_db


GUARDRAIL = {
    "kind": "length", "surfaces": [], "paths": [], "config": {"wrong": 1}, "effect": "deny", "tier": None, "text": "",
}  # fmt: skip


@pytest.fixture
def world() -> World:
    world = worlds.build()
    for number in range(12):
        proposal = world.propose(
            "email.lifecycle" if number % 2 else "ads.budget", content={"confidence": 0.95, "amount": 100 * number}
        )
        if number == 4:
            world.decide(proposal, "reject", reason_code="too_risky")
    return world


@pytest.fixture
def draft(world) -> dict:
    """Budgets pass by themselves, mails are looked at: both ways at once."""
    Surface.objects.filter(slug="ads.budget").update(tier="autopilot")
    Surface.objects.filter(slug="email.lifecycle").update(tier="single")
    return publish.document()


@pytest.fixture
def small_slices(monkeypatch):
    monkeypatch.setattr(recorded_cases, "BATCH", 2)
    monkeypatch.setattr(runner, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(runner, "SAVE_SECONDS", 0.0)


def test_it_says_who_would_be_gated_and_freed(draft):
    result = runner.run(draft, Window())
    assert result["cases"] == 12
    assert {name: number for name, number in result["changes"].items() if number} == {"gated": 6, "freed": 6}
    assert result["surfaces"]["ads.budget"]["changes"] == {"freed": 6}
    assert result["fates"]["rejected"]["let_through_now"] == 1
    assert result["surfaces"]["ads.budget"]["is_measured"]
    assert not result["surfaces"]["email.lifecycle"]["is_measured"]


def test_in_the_background_it_goes_on_slice_by_slice_to_the_same_figures(draft, small_slices):
    run = replay_runs.ask(document=draft, by=None)
    seen = []
    while runner.run_next():
        run.refresh_from_db()
        seen.append((run.status, run.done, run.percent))
    assert seen[:2] == [("running", 2, 16), ("running", 4, 33)]
    assert seen[-1] == ("done", 12, 100)
    assert run.total == 12
    assert run.result == runner.run(draft, Window(run.since, run.most))
    assert run.tally is None


def test_what_a_lost_worker_had_counted_is_not_counted_again(draft, small_slices, monkeypatch):
    run = replay_runs.ask(document=draft, by=None)
    runner.run_next()

    def die(claimed):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(replay_runs, "put_down", die)
        with pytest.raises(KeyboardInterrupt):
            runner.run_next()
    assert not runner.run_next()  # it is still held
    ReplayRun.objects.update(lease_until=F("lease_until") - timedelta(minutes=5))
    while runner.run_next():
        pass
    run.refresh_from_db()
    assert (run.status, run.crashes) == ("done", 1)
    assert run.result["cases"] == 12


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ({"rules": {"one": {"condition": "amont > 1", "decision": "deny"}}}, "amount"),
        ({"guardrails": {"one": GUARDRAIL}}, "Guardrail one"),
        ({"surfaces": {"ads.budget": {}}}, "not in its right form"),
    ],
)
def test_a_draft_that_cannot_be_used_says_why(draft, part, why):
    with pytest.raises(ReplayInvalid, match=why):
        runner.run(draft | part, Window())
    run = replay_runs.ask(document=draft | part, by=None)
    assert runner.run_next()
    run.refresh_from_db()
    assert run.status == ReplayRun.Status.FAILED
    assert why in run.error
    assert not runner.run_next()


def test_the_task_carries_on_what_waits(draft):
    tasks.replay_policies()
    run = replay_runs.ask(document=draft, by=None)
    tasks.replay_policies()
    run.refresh_from_db()
    assert run.status == ReplayRun.Status.DONE


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_count_each_proposal_once(draft, small_slices):
    run = replay_runs.ask(document=draft, by=None)

    def work() -> None:
        try:
            while not ReplayRun.objects.get(pk=run.pk).is_finished:
                runner.run_next()
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    run.refresh_from_db()
    assert (run.status, run.result["cases"], run.crashes) == ("done", 12, 0)


def test_the_command_prints_figures(draft, capsys):
    call_command("policy", "replay", "--draft", "--last", "2d")
    printed = capsys.readouterr().out
    assert "proposals 12\ngated 6\nfreed 6\n" in printed
    assert "rejected 1: let through 1 (then 0), caught 0" in printed
    call_command("policy", "replay", "--json")
    assert json.loads(capsys.readouterr().out)["changes"]["freed"] == 6


def test_the_command_tries_a_published_version(draft, capsys):
    number = PolicyVersion.objects.latest("number").number
    call_command("policy", "replay", f"--version={number}", "--json")
    assert not any(json.loads(capsys.readouterr().out)["changes"].values())


@pytest.mark.parametrize("options", [["--version=999"], ["--last=soon"], ["--last=0d"], ["--draft", "--version=1"]])
def test_the_command_refuses_what_it_does_not_understand(options, world):
    with pytest.raises(CommandError):
        call_command("policy", "replay", *options)
