"""One table of sweeps: beat, the sweep, the tasks and the lag figures know the same work."""

import inspect
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from approvals import sweeps as table
from approvals import tasks
from approvals.figures import lag
from approvals.models import IdempotentAnswer
from approvals.models.answer import KEPT_FOR
from approvals.sweeps import Due, Sweep, Work
from audit.clock import database_now
from hitlportal.celery import app
from hitlportal.environment.schedule import SWEEPS
from hitlportal.processes import sweeping
from tests import world as worlds

EVERY = pytest.mark.parametrize("sweep", SWEEPS, ids=lambda sweep: sweep.task)
OF_PROPOSALS = pytest.mark.parametrize("sweep", table.SWEEPS, ids=lambda sweep: sweep.task)

calls: list[tuple[str, int]] = []


def first(*, most: int) -> int:
    calls.append(("first", most))
    return 0


def second(*, most: int) -> int:
    calls.append(("second", most))
    return 0


def made(name: str, *, every_seconds: float = 0.0) -> Sweep:
    work = Work(f"{__name__}.{name}", 3, 7)
    return Sweep(task=f"tests.{name}", title=name, every_seconds=every_seconds, work=(work,))


@EVERY
def test_beat_asks_for_each_sweep_and_celery_knows_its_task(sweep: Sweep) -> None:
    entry = settings.CELERY_BEAT_SCHEDULE[sweep.title]
    assert (entry["task"], entry["schedule"]) == (sweep.task, sweep.every_seconds)
    app.loader.import_default_modules()
    assert sweep.task in app.tasks


def test_beat_asks_for_nothing_else() -> None:
    assert settings.CELERY_BEAT_SCHEDULE.keys() == {sweep.title for sweep in SWEEPS}


@EVERY
def test_the_work_of_a_sweep_takes_how_much_at_most(sweep: Sweep) -> None:
    assert sweep.work
    for work in sweep.work:
        assert "most" in inspect.signature(import_string(work.path)).parameters


@OF_PROPOSALS
def test_each_sweep_has_its_figures_of_lag(sweep: Sweep) -> None:
    assert sweep.due
    assert {due.kind for due in sweep.due} <= lag.known_kinds()


@OF_PROPOSALS
def test_each_task_has_the_limits_of_its_row(sweep: Sweep) -> None:
    task = tasks.TASKS[sweep.task.removeprefix("approvals.tasks.")]
    assert (task.soft_time_limit, task.time_limit) == sweep.limits


def test_a_sweep_does_everything_and_each_kind_no_oftener_than_beat() -> None:
    calls.clear()
    rows, last = [made("first"), made("second", every_seconds=3600)], {}
    sweeping.sweep(rows, last)
    sweeping.sweep(rows, last)
    assert calls == [("first", 7), ("second", 7), ("first", 7)]


@pytest.mark.django_db
def test_the_sweep_forgets_old_answers_while_the_broker_is_away() -> None:
    world = worlds.build()
    old = database_now() - KEPT_FOR - timedelta(hours=5)
    IdempotentAnswer.objects.create(
        agent=world.agent, key="old", request_digest="x", status=201, body=b"", created_at=old
    )
    assert {row.kind: row.is_late for row in lag.measure_all()}["forgetting"]
    sweeping.sweep([row for row in SWEEPS if not row.is_slow])
    assert not IdempotentAnswer.objects.exists()


def test_what_takes_long_is_swept_apart() -> None:
    slow = {sweep.task for sweep in SWEEPS if sweep.is_slow}
    assert slow == {"approvals.tasks.assess_waiting", "approvals.tasks.replay_policies"}


def test_a_row_of_lag_names_a_function_of_the_figures() -> None:
    for due in (due for sweep in table.SWEEPS for due in sweep.due):
        assert isinstance(due, Due)
        assert callable(getattr(lag, due.measure))
