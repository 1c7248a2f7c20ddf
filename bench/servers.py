"""Start what is measured: the portal or the floor under the same server, and a whole portal."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from bench.environment import BEHIND_PROXY, CHECKOUT

START_SECONDS = 60
WORKERS = 1
THREADS = 8


def free_port() -> int:
    """Return a TCP port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def web(application: str) -> Iterator[int]:
    """Serve a WSGI application as `make serve` does, with equal workers for all; give the port."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface=wsgi", "--host=127.0.0.1", f"--port={port}"]
    command += [f"--workers={WORKERS}", f"--blocking-threads={THREADS}", "--blocking-threads-idle-timeout=600"]
    with _running([*command, "--no-ws", "--log-level=error", application], {}):
        _wait(f"http://127.0.0.1:{port}/")
        yield port


@contextmanager
def portal() -> Iterator[int]:
    """Run the whole portal, `manage.py serve`; give the port once it is ready."""
    port = free_port()
    with _running([sys.executable, "manage.py", "serve"], {"PORT": str(port)}):
        _wait(f"http://127.0.0.1:{port}/readyz")
        yield port


@contextmanager
def _running(command: list[str], env: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        command, cwd=CHECKOUT, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=sys.stderr
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
