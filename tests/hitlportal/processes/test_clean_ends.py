"""However a program ends that has started others, none of them is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from hitlportal.embedded.placement import place
from tests import database

CHECKOUT = Path(__file__).resolve().parent.parent.parent.parent
SERVE = ("manage.py", "serve")
DEMO = ("manage.py", "demo")
BENCH = ("-m", "bench", "--only", "ship")
ENDS = [
    pytest.param(command, number, id=f"{command[-1]}-{number.name}")
    for command in (SERVE, DEMO, BENCH)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)
]


def belong_to(folder):
    """Return the processes that work in a state folder, by their command line, environment or folder of data."""
    postgres = [folder / "postgres", folder / "demo" / "postgres"]
    places = [str(folder), *(str(place(each).data) for each in postgres if each.exists())]
    found = {}
    for process in psutil.process_iter():
        try:
            words = " ".join(process.cmdline())
            said = f"{words} {process.environ().get('VAR_DIR', '')}"
        except psutil.Error:
            continue
        if process.pid != os.getpid() and any(place in said for place in places):
            found[process.pid] = words
    return found


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.2)


@pytest.mark.parametrize(("command", "number"), ENDS)
def test_nothing_is_left(state_folder, django_db_setup, unused_port, command, number):
    if command == SERVE:  # the others make their own database
        database.put_into(state_folder / "postgres")
    env = {
        **os.environ,
        "DEBUG": "true",
        "PORT": str(unused_port),
        "VAR_DIR": str(state_folder),
        "BENCH_VAR": str(state_folder),
        "DATABASE_URL": "",
        "REDIS_URL": "",
    }
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = subprocess.Popen([sys.executable, *command], cwd=CHECKOUT, env=env, **quiet)
    wait_until(lambda: any(" worker " in words for words in belong_to(state_folder).values()), 120)
    assert any("postgres" in words for words in belong_to(state_folder).values())
    started.send_signal(number)
    started.wait(timeout=120)
    wait_until(lambda: not belong_to(state_folder), 60)
    assert belong_to(state_folder) == {}
