"""Programs that are forked are the supervisor's children as any that it starts, and share memory."""

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from hitlportal.processes.nursery import nursery as nurseries
from hitlportal.processes.nursery.nursery import Nursery, NurseryFailed
from hitlportal.processes.supervisor import Supervisor

ENVIRONMENT = {**os.environ, "DEBUG": "true"}
VERSION = [sys.executable, "-m", "celery", "--version"]
# Stands for a program that the nursery has loaded: what it says of itself can be read.
NUMBERS = [sys.executable, "-m", "tests.hitlportal.processes.nursery.numbers"]


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def nursery(monkeypatch_module, tmp_path_factory):
    monkeypatch_module.setenv("DEBUG", "true")
    monkeypatch_module.setenv("VAR_DIR", str(tmp_path_factory.mktemp("var")))
    monkeypatch_module.setattr(nurseries, "LOADED", ("celery", "granian", NUMBERS[2]))
    started = Nursery()
    started.start()
    yield started
    started.stop()


@pytest.fixture
def lines():
    return []


@pytest.fixture
def supervisor(nursery, lines):
    supervisor = Supervisor(lambda name, line: lines.append((name, line)), grace_seconds=5)
    supervisor._nursery = nursery
    yield supervisor
    supervisor._nursery = None  # the other tests go on with it
    supervisor.stop()


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_forked_program_says_what_a_started_one_says_and_how_it_ended(nursery):
    forked = nursery.spawn(VERSION, ENVIRONMENT)
    assert forked.wait(timeout=60) == 0
    assert "(" in forked.stdout.read()
    forked = nursery.spawn([*VERSION[:3], "--no-such-option"], ENVIRONMENT)
    assert forked.wait(timeout=60) == 2
    forked.stdout.close()


def test_a_forked_program_is_a_child_of_ours_under_its_own_name(nursery):
    forked = nursery.spawn([*NUMBERS, "--stay"], ENVIRONMENT)
    forked.stdout.readline()
    process = psutil.Process(forked.pid)
    assert process.ppid() == os.getpid()
    assert os.getpgid(forked.pid) == forked.pid
    assert " ".join(process.cmdline()).strip() == " ".join([*NUMBERS, "--stay"])
    forked.send_signal(signal.SIGTERM)
    assert forked.wait(timeout=60) == -signal.SIGTERM
    forked.stdout.close()


def test_forked_programs_draw_different_numbers(nursery):
    forked = [nursery.spawn(NUMBERS, ENVIRONMENT) for _ in range(3)]
    drawn = [each.stdout.read().split() for each in forked]
    assert [each.wait(timeout=60) for each in forked] == [0, 0, 0]
    assert all(len(set(numbers)) == 3 for numbers in zip(*drawn, strict=True))


def test_the_nursery_has_one_thread_and_no_connection(nursery):
    nursery.spawn(NUMBERS, ENVIRONMENT).wait(timeout=60)
    process = psutil.Process(nursery._process.pid)
    assert process.num_threads() == 1
    assert process.net_connections(kind="inet") == []
    sockets = [each for each in Path(f"/proc/{process.pid}/fd").iterdir() if "socket" in str(each.readlink())]
    assert len(sockets) == 1  # the supervisor's


def test_a_forked_program_that_dies_starts_again(supervisor, lines):
    supervisor.add("numbers", [*NUMBERS, "--stay"], {"DEBUG": "true"})
    supervisor.start()
    wait_until(lambda: lines)
    os.kill(supervisor.pid("numbers"), signal.SIGKILL)
    wait_until(lambda: sum("starts again" in line for _, line in lines) == 1 and len(lines) > 2)
    assert psutil.Process(supervisor.pid("numbers")).ppid() == os.getpid()


def test_without_its_nursery_a_program_starts_by_itself(lines, monkeypatch):
    monkeypatch.setattr(nurseries, "LOADED", (NUMBERS[2],))
    lost = Nursery()
    lost.start()
    supervisor = Supervisor(lambda name, line: lines.append((name, line)), grace_seconds=5, nursery=lost)
    os.kill(lost._process.pid, signal.SIGSTOP)
    monkeypatch.setattr(nurseries, "END_SECONDS", 0.1)
    lost._socket.settimeout(0.1)
    supervisor.add("numbers", [*NUMBERS, "--stay"])
    supervisor.start()
    wait_until(lambda: len(lines) > 1)
    assert "starts by itself" in lines[0][1]
    supervisor.stop()


def test_a_nursery_that_is_gone_says_so(monkeypatch):
    gone = Nursery()
    gone.start()
    gone._process.kill()
    with pytest.raises(NurseryFailed):
        gone.spawn(VERSION, ENVIRONMENT)
    assert not gone.can_run(VERSION)
