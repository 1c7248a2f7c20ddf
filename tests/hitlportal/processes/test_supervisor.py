import os
import signal
import sys
import threading
import time

import psutil
import pytest

from hitlportal.processes.supervisor import ChildrenFailed, Supervisor

SLEEP = [sys.executable, "-uc", "import time; print('up'); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-uc",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(60)",
]
WITH_CHILD = [
    sys.executable,
    "-uc",
    f"import subprocess, time; print(subprocess.Popen({SLEEP!r}).pid); time.sleep(60)",
]
DIES = [sys.executable, "-uc", "print('no luck'); raise SystemExit(3)"]


class Log:
    def __init__(self):
        self.lines = []

    def __call__(self, name, line):
        self.lines.append((name, line))

    def count(self, part):
        return sum(part in line for _, line in list(self.lines))


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def supervisor(log):
    supervisor = Supervisor(log, grace_seconds=1)
    yield supervisor
    supervisor.stop()


def is_alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(true, seconds=60):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_children_run_with_names_and_end_together(supervisor, log):
    supervisor.add("one", SLEEP)
    supervisor.add("two", SLEEP)
    supervisor.start()
    supervisor.wait_ready(lambda: log.count("up") == 2, timeout_seconds=60)
    pids = [supervisor.pid(name) for name in ("one", "two")]
    supervisor.stop()
    assert sorted(log.lines) == [("one", "up"), ("two", "up")]
    assert not any(is_alive(pid) for pid in pids)


def test_a_child_gets_its_environment(supervisor, log):
    supervisor.add("one", [sys.executable, "-c", "import os; print(os.environ['COLOUR'])"], {"COLOUR": "blue"})
    supervisor.start()
    wait_until(lambda: log.count("blue"))


def test_a_killed_child_starts_again_and_it_is_told(supervisor, log):
    supervisor.add("one", SLEEP)
    supervisor.start()
    wait_until(lambda: log.count("up"))
    os.kill(supervisor.pid("one"), signal.SIGKILL)
    wait_until(lambda: log.count("up") == 2)
    assert log.count("died (SIGKILL)") == 1


def test_a_child_that_keeps_dying_is_given_up(supervisor, log, monkeypatch):
    monkeypatch.setattr("hitlportal.processes.supervisor.FIRST_BACKOFF_SECONDS", 0.01)
    supervisor.add("one", DIES)
    supervisor.add("two", SLEEP)
    supervisor.start()
    with pytest.raises(ChildrenFailed, match=r"one keeps dying \(exit code 3\)"):
        supervisor.wait()
    assert log.count("no luck") == 5


def test_waiting_for_readiness_ends_with_a_message(supervisor):
    supervisor.add("one", SLEEP)
    supervisor.start()
    with pytest.raises(ChildrenFailed, match="Not ready after 0 seconds"):
        supervisor.wait_ready(lambda: False, timeout_seconds=0.2)


def test_waiting_ends_when_somebody_asks_to_stop(supervisor):
    supervisor.add("one", SLEEP)
    supervisor.start()
    threading.Timer(0.2, supervisor.request_stop).start()
    supervisor.wait_ready(lambda: False, timeout_seconds=30)
    supervisor.wait()
    assert supervisor.is_stopping


def test_a_stubborn_child_is_killed_after_the_grace(supervisor, log):
    supervisor.add("one", STUBBORN)
    supervisor.start()
    wait_until(lambda: log.count("up"))
    pid = supervisor.pid("one")
    supervisor.stop()
    assert not is_alive(pid)
    assert log.count("is killed") == 1


def test_children_of_children_do_not_outlive_them(supervisor, log):
    supervisor.add("one", WITH_CHILD)
    supervisor.start()
    wait_until(lambda: log.lines)
    grandchild = int(log.lines[0][1])
    supervisor.stop()
    wait_until(lambda: not is_alive(grandchild))


class Database:
    """Something that runs by itself and is no child."""

    def __init__(self, *, comes_back=True):
        self.is_up, self.comes_back, self.revived = True, comes_back, 0

    def revive(self):
        self.revived += 1
        self.is_up = self.comes_back
        if not self.comes_back:
            raise RuntimeError("the disk is full")


def test_what_is_kept_is_revived_when_it_dies(supervisor, log, monkeypatch):
    monkeypatch.setattr("hitlportal.processes.supervisor.LOOK_SECONDS", 0.05)
    kept = Database()
    supervisor.keep("postgres", is_alive=lambda: kept.is_up, revive=kept.revive)
    supervisor.start()
    kept.is_up = False
    wait_until(lambda: log.count("runs again") == 1)
    assert (kept.revived, log.lines) == (1, [("postgres", "died; it is started again"), ("postgres", "runs again")])


def test_what_cannot_be_revived_ends_it_all(supervisor, log, monkeypatch):
    for name in ("LOOK_SECONDS", "FIRST_BACKOFF_SECONDS"):
        monkeypatch.setattr(f"hitlportal.processes.supervisor.{name}", 0.01)
    kept = Database(comes_back=False)
    supervisor.keep("postgres", is_alive=lambda: kept.is_up, revive=kept.revive)
    kept.is_up = False
    supervisor.start()
    with pytest.raises(ChildrenFailed, match="postgres keeps dying"):
        supervisor.wait()
    assert (kept.revived, log.count("the disk is full")) == (5, 5)


def test_a_second_signal_may_come_while_the_first_is_handled(supervisor):
    with supervisor._stopping._cond:  # as a handler has it that is interrupted while it tells
        asking = threading.Thread(target=supervisor.request_stop, daemon=True)
        asking.start()
        asking.join(5)
        assert not asking.is_alive()
    assert supervisor.is_stopping
    supervisor.wait()
