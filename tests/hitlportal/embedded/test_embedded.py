import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psycopg
import pytest

from hitlportal.embedded.placement import place
from hitlportal.embedded.server import EmbeddedPostgres, EmbeddedPostgresFailed

CHECKOUT = Path(__file__).resolve().parent.parent.parent.parent
USER = """
    import sys
    from pathlib import Path
    from hitlportal.embedded.server import EmbeddedPostgres

    server = EmbeddedPostgres(Path(sys.argv[1]))
    print(server.ensure_running(), flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def folder(state_folder):
    return state_folder / "postgres"


@pytest.fixture
def user_of(request):
    """Starts a program that uses the server of a folder until it is told to end."""

    def start(folder):
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(USER), str(folder)],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        request.addfinalizer(lambda: (process.kill(), process.wait()))
        return process

    return start


def end(process):
    process.communicate("\n", timeout=30)
    assert process.returncode == 0


def is_running(folder):
    pid_file = place(folder).data / "postmaster.pid"
    return pid_file.exists() and Path(f"/proc/{pid_file.read_text().split()[0]}").exists()


def ask(socket, name):
    with psycopg.connect(host=str(socket), user="postgres", dbname="hitlportal") as connection:
        return connection.execute(f"SHOW {name}").fetchone()[0]


def test_it_is_durable_private_and_wide_enough(folder):
    server = EmbeddedPostgres(folder)
    socket = server.ensure_running()
    try:
        assert {name: ask(socket, name) for name in ("fsync", "full_page_writes", "synchronous_commit")} == {
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
        }
        assert ask(socket, "max_connections") == "200"
        assert ask(socket, "listen_addresses") == ""
        assert place(folder).data.stat().st_mode & 0o077 == 0
    finally:
        server.leave()
    assert not is_running(folder)


def test_its_folders_and_its_superuser_are_the_users_alone(folder):
    server = EmbeddedPostgres(folder / ("long" * 20) / ("longer" * 20))
    socket = server.ensure_running()
    placement = server._placement
    try:
        for closed in (socket, placement.data, placement.data.parent):
            assert closed.stat().st_mode & 0o077 == 0, closed
        assert (socket / ".s.PGSQL.5432").stat().st_mode & 0o077 == 0
        with psycopg.connect(host=str(socket), user="postgres", dbname="hitlportal") as connection:
            rules = connection.execute("SELECT type, user_name, auth_method FROM pg_hba_file_rules").fetchall()
        assert rules == [("local", ["all"], "peer")]
    finally:
        server.leave()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try as another account")
def test_another_account_of_the_machine_is_not_let_in(state_folder):
    server = EmbeddedPostgres(state_folder / ("long" * 20) / ("longer" * 20))
    socket = server.ensure_running()
    knock = [
        str(server._placement.binaries / "psql"),
        "--no-password",
        "-h",
        str(socket),
        "-U",
        "postgres",
        "-c",
        "SELECT 1",
    ]
    try:
        as_nobody = {"user": "nobody", "group": "nogroup", "extra_groups": [], "capture_output": True, "cwd": "/"}
        assert b"Permission denied" in subprocess.run(knock, check=False, **as_nobody).stderr
        # Were the folder open by accident, the system's word on who connects still keeps it closed.
        socket.chmod(0o755)
        (socket / ".s.PGSQL.5432").chmod(0o777)
        assert b"Peer authentication failed" in subprocess.run(knock, check=False, **as_nobody).stderr
    finally:
        server.leave()


def test_folders_and_rules_of_an_older_portal_are_closed(folder, user_of):
    first = user_of(folder)
    first.stdout.readline()
    end(first)
    data = place(folder).data
    data.parent.chmod(0o755)
    (data / "pg_hba.conf").write_text("local all all trust\n")
    second = user_of(folder)
    second.stdout.readline()
    assert data.parent.stat().st_mode & 0o077 == 0
    assert "trust" not in (data / "pg_hba.conf").read_text()
    end(second)


def test_a_socket_folder_that_somebody_else_has_laid_out_is_refused(state_folder, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(state_folder))
    home = state_folder / ("long" * 20) / ("longer" * 20)
    elsewhere = place(home).socket
    elsewhere.rmdir()
    elsewhere.symlink_to("/tmp")
    with pytest.raises(EmbeddedPostgresFailed, match="belongs to somebody else"):
        EmbeddedPostgres(home).ensure_running()


def test_it_is_revived_when_it_was_killed(folder):
    server = EmbeddedPostgres(folder)
    socket = server.ensure_running()
    try:
        assert server.is_running()
        os.kill(int((server._placement.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        deadline = time.monotonic() + 60
        while server.is_running():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        server.revive()
        assert server.is_running()
        assert ask(socket, "fsync") == "on"
    finally:
        server.leave()


def test_processes_that_come_together_start_it_once_and_the_last_stops_it(folder, user_of):
    users = [user_of(folder) for _ in range(3)]
    assert len({user.stdout.readline() for user in users}) == 1
    for user in users[:2]:
        end(user)
        assert is_running(folder)
    end(users[2])
    assert not is_running(folder)


def test_a_killed_process_does_not_keep_it_running(folder, user_of):
    killed, last = user_of(folder), user_of(folder)
    assert killed.stdout.readline() == last.stdout.readline()
    killed.kill()
    killed.wait()
    end(last)
    assert not is_running(folder)


def test_it_comes_back_with_its_data_after_a_crash(folder, user_of):
    first = user_of(folder)
    socket = first.stdout.readline().strip()
    with psycopg.connect(host=socket, user="postgres", dbname="hitlportal") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    first.kill()
    first.wait()
    os.kill(int((place(folder).data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    server = EmbeddedPostgres(folder)
    socket = server.ensure_running()
    try:
        with psycopg.connect(host=str(socket), user="postgres", dbname="hitlportal") as connection:
            assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
    finally:
        server.leave()


def test_a_long_path_gets_a_short_socket(state_folder):
    server = EmbeddedPostgres(state_folder / ("long" * 20) / ("longer" * 20))
    socket = server.ensure_running()
    try:
        assert len(str(socket)) < 80
        assert ask(socket, "fsync") == "on"
    finally:
        server.leave()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as another user")
def test_root_never_opens_a_private_home_for_it(state_folder, caplog):
    home = state_folder / "home"
    home.mkdir(mode=0o700)
    server = EmbeddedPostgres(home / "postgres")
    socket = server.ensure_running()
    try:
        assert ask(socket, "fsync") == "on"
        assert "cannot enter" in caplog.text
        assert home.stat().st_mode & 0o777 == 0o700
    finally:
        server.leave()
