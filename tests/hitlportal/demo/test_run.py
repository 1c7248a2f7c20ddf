"""The demo, in a state folder of its own."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from django.conf import settings

from hitlportal.demo import run
from hitlportal.embedded.server import DATABASE, SUPERUSER, EmbeddedPostgres
from hitlportal.environment import environment
from hitlportal.processes import portal
from hitlportal.processes.supervisor import leashed

ENVIRONMENT_READERS = sorted((settings.BASE_DIR / "hitlportal" / "environment").glob("*.py"))


@pytest.fixture
def start(state_folder, unused_port) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start demos in the same state folder, and see that none is left."""
    started = []

    def start(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            leashed([sys.executable, "manage.py", "demo", *words]),
            cwd=settings.BASE_DIR,
            env={**os.environ, "DEBUG": "true", "VAR_DIR": str(state_folder), "PORT": str(unused_port)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def history_of_another_version(folder: Path) -> None:
    """Leave a database that remembers a migration which this version does not know."""
    server = EmbeddedPostgres(folder)
    with psycopg.connect(host=str(server.ensure_running()), user=SUPERUSER, dbname=DATABASE) as connection:
        connection.execute("CREATE TABLE django_migrations (id int, app text, name text, applied timestamptz)")
        connection.execute("INSERT INTO django_migrations VALUES (1, 'policies', '0002_everywhere', now())")
    server.leave()


# Minutes, because tests may share a busy machine; the demo itself gives up long before.
@pytest.mark.timeout(400)
def test_the_demo_checks_itself_and_a_person_can_follow_in_the_same_state(start, state_folder, unused_port):
    checked = start("--check")
    out, _ = checked.communicate(timeout=180)
    assert checked.returncode == 0, out
    assert len(re.findall(r"^  ok ", out, re.MULTILINE)) == 13
    assert "executed ads.budget shift_budget; signature and grant verified" in out
    assert "E-mail to finance@shop.example: Needs your decision: Lower the starter plan from $29 to $24" in out
    assert "E-mail to executive@shop.example: Escalated to you: needs your decision: Lower the starter" in out
    assert "Content-Type" not in out

    memory = state_folder / "demo" / "demo.json"
    assert stat.S_IMODE(memory.stat().st_mode) == 0o600
    before = json.loads(memory.read_text())

    followed = start()
    lines = until(followed, "Ctrl-C stops everything")
    assert any(before["passwords"]["manager"] in line for line in lines)
    assert json.loads(memory.read_text())["keys"] == before["keys"]
    assert httpx.get(f"http://127.0.0.1:{unused_port}/readyz").status_code == 200

    said, _ = start().communicate(timeout=90)
    assert "is taken, so the demo is on" in said
    assert "A demo runs already" in said

    followed.send_signal(signal.SIGINT)
    rest, _ = followed.communicate(timeout=60)
    assert followed.returncode == 0
    assert "The demo has stopped" in rest
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{unused_port}/readyz")


def test_a_demo_of_another_version_is_left_alone_where_nobody_can_be_asked(start, state_folder):
    history_of_another_version(state_folder / "demo" / "postgres")
    process = start()
    told, _ = process.communicate(timeout=90)
    assert process.returncode == 1
    assert "Nothing was changed" in told
    assert "Traceback" not in told


def until(process: subprocess.Popen[str], part: str) -> list[str]:
    stop = threading.Timer(120, process.terminate)
    stop.start()
    lines = []
    for line in process.stdout:
        lines.append(line)
        if part in line:
            stop.cancel()
            return lines
    pytest.fail(f"never said {part!r}: {''.join(lines)}")


def test_nothing_of_a_real_portal_reaches_the_demo():
    present = dict.fromkeys(run.SETTINGS, "real") | {"SECRET_KEY_FILE": "real", "HOME": "/home/olga"}
    got = run.environment(Path("state"), 8123, present | {"LOG_LEVEL": "INFO"})
    assert "real" not in got.values()
    assert (got["HOME"], got["PORT"], got["VAR_DIR"], got["LOG_LEVEL"]) == ("/home/olga", "8123", "state", "INFO")


def test_its_mail_goes_into_its_folder(tmp_path):
    var = tmp_path / "a folder + more"
    read = environment.read(run.environment(var, 8123, {}), default_var=tmp_path)
    assert read.email["EMAIL_BACKEND"] == "django.core.mail.backends.filebased.EmailBackend"
    assert read.email["EMAIL_FILE_PATH"] == str(var / "mail")


def test_the_demo_knows_every_setting_there_is():
    source = "".join(module.read_text() for module in ENVIRONMENT_READERS)
    read = set(re.findall(r'reader\.\w+\(\s*"([A-Z_]+)"|_service\(reader, "([A-Z_]+)"', source))
    names = {name for pair in read for name in pair if name}
    assert len(names) > 15
    assert names - {"LOG_LEVEL", "TIME_ZONE"} <= set(run.SETTINGS)


def test_a_taken_port_is_stepped_over(unused_port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", unused_port))
        taken.listen()
        assert run.free_port(unused_port) in range(unused_port + 1, unused_port + run.PORTS_TO_TRY)


def test_no_port_at_all_is_told(monkeypatch, unused_port):
    monkeypatch.setattr(run, "PORTS_TO_TRY", 0)
    with pytest.raises(portal.PortTaken, match="PORT="):
        run.free_port(unused_port)
