"""The nursery itself, a program: loads the portal, then forks whatever the supervisor asks for.

It opens no connection, starts no thread and makes no random number, so that a fork of it is as good as a start.
"""

from __future__ import annotations

import array
import ctypes
import gc
import json
import os
import runpy
import signal
import socket
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NoReturn

_PR_SET_PDEATHSIG: Final = 1
LONGEST_REQUEST: Final = 1 << 20
ADOPTION_SECONDS: Final = 10.0
PAUSE_SECONDS: Final = 0.002
PROGRAMS: Final = (
    "celery.app.amqp",
    "celery.app.control",
    "celery.app.events",
    "celery.app.log",
    "celery.app.routes",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.thread",
    "celery.utils.debug",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer",
    "celery.worker.consumer.delayed_delivery",
    "celery.worker.strategy",
    "approvals.messaging.daily_report",
    "hitlportal.accounts.permissions",
    "kombu.mixins",
    "granian.cli",
    "granian.server",
)


def main() -> None:
    """Fork until the supervisor has gone."""
    control, supervisor = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    _end_with(supervisor)
    _show([sys.executable, "-m", __spec__.name])
    gc.disable()  # else what is freed leaves holes, in pages that would then be written to
    _load()
    filling: list[object] = []
    while True:
        request, fds = _receive(control)
        if not request:
            return
        if not filling:
            _load_pages()
            gc.collect()
            filling = _fill_holes()
            gc.freeze()
        pid = _fork_for(supervisor, request, output=fds[0], closing=control)
        os.close(fds[0])
        control.send(str(pid).encode())


def _load() -> None:
    """Import what every program needs, as each of them would."""
    import_module("django").setup()
    for name in PROGRAMS:
        import_module(name)
    app = import_module("hitlportal.celery").app
    app.finalize()
    app.loader.import_default_modules()
    import_module("django.urls").get_resolver().url_patterns  # noqa: B018  # reading it loads all pages


def _load_pages() -> None:
    """Import the web application: it lists the static files, which are there by the time of the first request."""
    import_module("hitlportal.wsgi")


def _fill_holes() -> list[object]:
    """Take what is free in pages that are in use, so that a fork puts new objects into pages of its own.

    Else each small object of a fork would copy a page that it could have shared. Four MiB less for each program.
    """
    held: list[object] = [*(object() for _ in range(900)), *(float(number) for number in range(900))]
    for size in range(48, 513, 16):  # Python keeps pages of each of these sizes
        count = 4500 if size <= 64 else 1200 if size <= 160 else 200
        held += [bytes(size - sys.getsizeof(b"")) for _ in range(count)]
    return held


def _receive(control: socket.socket) -> tuple[bytes, list[int]]:
    request, fds, _, _ = socket.recv_fds(control, LONGEST_REQUEST, 1)
    return request, list(fds)


def _fork_for(supervisor: int, request: bytes, *, output: int, closing: socket.socket) -> int:
    """Fork a process and make it the supervisor's child; return its id.

    The process between the two ends at once, and the system gives its child to the supervisor, which has asked for
    orphans of its own. That has happened by the time the one between has been waited for.
    """
    read, write = os.pipe()
    between = os.fork()
    if between == 0:
        pid = os.fork()
        if pid == 0:
            os.close(read)
            os.close(write)
            closing.close()
            _become(supervisor, json.loads(request), output)
        os.write(write, array.array("i", [pid]).tobytes())
        os._exit(0)
    os.close(write)
    pid = int.from_bytes(os.read(read, 4), sys.byteorder)
    os.close(read)
    os.waitpid(between, 0)
    return pid


def _become(supervisor: int, request: dict[str, Any], output: int) -> NoReturn:
    """Run the program of the request in this process."""
    argv = request["argv"]
    os.setpgid(0, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    until = time.monotonic() + ADOPTION_SECONDS
    while os.getppid() != supervisor and time.monotonic() < until:
        time.sleep(PAUSE_SECONDS)
    _end_with(supervisor)
    os.environ.clear()
    # The command has checked the models before anything was started.
    os.environ.update(request["env"], SKIP_CHECKS="true")
    _show(argv)
    gc.enable()
    sys.argv = argv[2:]
    runpy.run_module(argv[2], run_name="__main__", alter_sys=True)
    sys.exit()


def _end_with(supervisor: int) -> None:
    """Have the system end this process when the supervisor ends, however that ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != supervisor:
        sys.exit(1)


def _show(argv: Sequence[str]) -> None:
    """Let this process be listed with another command line, which has to fit where the first one was."""
    start, end = (int(field) for field in Path("/proc/self/stat").read_text().rpartition(")")[2].split()[45:47])
    words = "\0".join(argv).encode()[: end - start - 1]
    ctypes.memmove(start, words.ljust(end - start, b"\0"), end - start)


if __name__ == "__main__":
    main()
