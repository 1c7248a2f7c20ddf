"""Start what is measured: the portal or the floor under the same server, and a whole portal."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil

from bench.environment import BEHIND_PROXY, CHECKOUT, STATE
from hitlportal.embedded.placement import place
from hitlportal.processes.supervisor import leashed

START_SECONDS = 180  # a machine that does other work as well is slow to start it
WORKERS = 1
THREADS = 8


def free_port() -> int:
    """Return a TCP port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def web(
    application: str, *, workers: int = WORKERS, threads: int = THREADS, env: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Serve a WSGI application as `make serve` does, with equal workers for all; give the port."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface=wsgi", "--host=127.0.0.1", f"--port={port}"]
    command += [f"--workers={workers}", f"--blocking-threads={threads}", "--blocking-threads-idle-timeout=600"]
    with _running([*command, "--no-ws", "--log-level=error", application], dict(env or {})):
        _wait(f"http://127.0.0.1:{port}/")
        yield port


@contextmanager
def portal(web_workers: int = WORKERS) -> Iterator[int]:
    """Run the whole portal, `manage.py serve`; give the port once it is ready."""
    port = free_port()
    env = {"PORT": str(port), "WEB_WORKERS": str(web_workers)}
    with _running([sys.executable, "manage.py", "serve"], env):
        _wait(f"http://127.0.0.1:{port}/readyz")
        yield port


def of_database() -> list[psutil.Process]:
    """Return the processes of the embedded PostgreSQL."""
    file = place(STATE / "postgres").data / "postmaster.pid"
    postmaster = psutil.Process(int(file.read_text().split()[0]))
    return [postmaster, *postmaster.children(recursive=True)]


@contextmanager
def _running(command: list[str], env: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        leashed(command), cwd=CHECKOUT, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=sys.stderr
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(url: str) -> None:
    """Return once `url` answers anything but a refusal to connect or 503. Raises TimeoutError."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(urllib.request.Request(url, headers=BEHIND_PROXY), timeout=5).close()
        except urllib.error.HTTPError as error:
            if error.code != 503:
                return
        except OSError:
            pass
        else:
            return
        time.sleep(0.1)
    raise TimeoutError(f"{url} did not answer within {START_SECONDS} seconds.")
