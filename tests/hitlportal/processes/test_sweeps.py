"""One table of sweeps: beat, the sweep, the tasks and the lag figures know the same work."""

import inspect
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from celery import Celery, signals
from django.conf import settings
from django.utils.module_loading import import_string

from approvals import sweeps as table
from approvals import tasks
from approvals.figures import lag
from approvals.models import IdempotentAnswer, Upload
from approvals.models.answer import KEPT_FOR
from approvals.sweeps import Due, Sweep, Work
from approvals.uploads import intake
from audit.clock import database_now
from hitlportal.celery import app
from hitlportal.environment.schedule import SWEEPS
from hitlportal.processes import portal, pulse, sweeping
from hitlportal.processes.beat.looks import Looks
from hitlportal.processes.beat.reminders import BeatThread
from hitlportal.processes.supervisor import Supervisor
from tests import world as worlds
from tests.approvals.uploads import bulk

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
    looks = Looks([made("first"), made("second", every_seconds=3600)])
    sweeping.sweep(looks.due())
    sweeping.sweep(looks.due())
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


@pytest.mark.django_db
def test_uploads_that_nothing_names_are_due_to_be_forgotten_after_their_day() -> None:
    world = worlds.build()
    bulk.surface(world)
    upload = bulk.upload(world, 3)
    assert forgetting().rows == 0
    with bulk.without_triggers():
        old = database_now() - intake.LIFETIME - timedelta(hours=5)
        Upload.objects.filter(pk=upload.pk).update(created_at=old)
    due = forgetting()
    assert (due.rows, due.is_late) == (1, True)
    assert 5 * 3600 <= due.seconds < 6 * 3600
    intake.forget_unused()
    assert forgetting().rows == 0


def forgetting() -> lag.Lag:
    (due,) = lag.measure_all({"forgetting"})
    return due


def test_what_takes_long_is_swept_apart() -> None:
    slow = {sweep.task for sweep in SWEEPS if sweep.is_slow}
    assert slow == {
        "approvals.tasks.assess_waiting",
        "approvals.tasks.replay_policies",
        "approvals.tasks.recount_trust",
        "approvals.tasks.verify_ledger",
    }


def test_a_row_of_lag_names_a_function_of_the_figures() -> None:
    for due in (due for sweep in table.SWEEPS for due in sweep.due):
        assert isinstance(due, Due)
        assert callable(getattr(lag, due.measure))


def worker_of(*queues: str) -> SimpleNamespace:
    """A worker as Celery hands it over, which serves these queues."""
    return SimpleNamespace(app=SimpleNamespace(amqp=SimpleNamespace(queues=SimpleNamespace(consume_from=queues))))


def test_notices_have_a_queue_of_their_own_and_nothing_else_is_in_it() -> None:
    routed = {sweep.task: app.amqp.router.route({}, sweep.task)["queue"].name for sweep in SWEEPS}
    assert [task for task, queue in routed.items() if queue == table.NOTICES] == [
        "approvals.tasks.deliver_notices",
        "approvals.tasks.send_daily_reports",
    ]
    assert routed["approvals.tasks.ship_due"] == table.SHIPPING
    everything = {table.WORK, table.SHIPPING, table.NOTICES}
    assert {queue.routing_key for queue in app.conf.task_queues} == everything
    assert {*app.amqp.queues.consume_from} == everything, "a worker of one's own serves all of them"


@pytest.mark.parametrize(
    ("queues", "wanted"),
    [
        ((table.NOTICES,), {"approvals.tasks.deliver_notices", "approvals.tasks.send_daily_reports"}),
        ((table.SHIPPING,), {"approvals.tasks.ship_due"}),
    ],
)
def test_a_worker_sweeps_for_its_own_queues(monkeypatch, queues, wanted) -> None:
    begun = set()
    monkeypatch.setattr(sweeping, "Sweeper", lambda _name, mine: begun.update(each.task for each in mine) or Mock())
    monkeypatch.setattr(pulse, "of_this_process", Mock())
    sweeping.start(instance=worker_of(*queues))
    assert begun == wanted


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("number", "programs"),
    [
        (0, {"worker": "hitlportal,shipping,notices"}),
        (1, {"worker": "hitlportal,shipping", "notices": "notices"}),
        (2, {"worker": "hitlportal,shipping", "notices-1": "notices", "notices-2": "notices"}),
    ],
)
def test_serve_runs_as_many_notice_workers_as_it_is_told_to(number, programs) -> None:
    environment = replace(settings.ENVIRONMENT, notice_workers=number)
    supervisor = Supervisor(lambda _name, _line: None)
    portal.add_programs(supervisor, environment)
    queues = {
        child.name: argument.partition("=")[2]
        for child in supervisor._children
        for argument in child.argv
        if argument.startswith("--queues=")
    }
    assert queues == programs
    beats = [child.name for child in supervisor._children if "--with-beat" in child.argv]
    assert beats == ["worker"]


def test_beat_is_a_program_where_it_is_asked_for_by_name() -> None:
    lines = dict(portal.command_lines(settings.ENVIRONMENT, ("worker", "beat")))
    assert "--with-beat" not in lines["worker"]
    assert "beat" in lines["beat"]
    assert [*dict(portal.command_lines(settings.ENVIRONMENT, ("web", "worker")))] == ["web", "worker"]


@pytest.fixture
def silent_beat():
    """Beat that says nothing in the database."""
    signals.beat_init.disconnect(pulse._with_beat)
    yield
    signals.beat_init.connect(pulse._with_beat)


@pytest.mark.usefixtures("silent_beat")
def test_beat_in_a_worker_sends_reminders_until_it_is_stopped() -> None:
    other = Celery("other", broker="memory://", set_as_current=False)
    other.conf.update(beat_schedule={"due": {"task": "look", "schedule": 0.1}}, task_default_queue="reminders")
    beat = BeatThread(other)
    beat.start()
    with other.connection_for_read() as connection, connection.SimpleQueue("reminders") as reminders:
        for _ in range(3):
            message = reminders.get(timeout=60)
            assert message.headers["task"] == "look"
            message.ack()
    beat.stop()
    beat.join(timeout=60)
    assert not beat.is_alive()
