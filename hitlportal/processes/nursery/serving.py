"""The supervisor of `manage.py serve`, a program without Django: what the command has prepared, this keeps running.

The command becomes this program (`become`), in the same process: the one that started it notices nothing, and what it
had loaded to migrate the database is given back.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from hitlportal.embedded.server import EmbeddedPostgres, EmbeddedPostgresFailed
from hitlportal.processes.nursery.nursery import Nursery
from hitlportal.processes.nursery.readiness import Probe
from hitlportal.processes.supervisor import ChildrenFailed, Supervisor

READY_SECONDS: Final = 60
COLOURS: Final = {"web": 32, "worker": 36, "shipper": 34, "beat": 35, "portal": 33}
STOPS: Final = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run and what to say. It is handed on as JSON and holds no secret: those are in the environment."""

    programs: Sequence[tuple[str, Sequence[str]]]
    ready: str
    stopped: str
    probe: dict[str, Any] | None = None
    postgres: tuple[str, int] | None = None
    """The folder of the embedded server, and the descriptor by which this process is one of its users."""
    nursery: tuple[int, int] = (0, 0)


class Terminal:
    """Prints lines of the programs, each under its program's name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._has_colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def emit(self, name: str, line: str) -> None:
        """Print one line of one program."""
        label = f"{name:>7} |"
        if self._has_colours:
            label = f"\x1b[{COLOURS.get(name, 31 + zlib.crc32(name.encode()) % 6)}m{label}\x1b[0m"
        with self._lock:
            print(label, line, flush=True)  # noqa: T201  # it is what the terminal shows


def become(plan: Plan) -> NoReturn:
    """Turn this process into the supervisor of the plan."""
    read, write = os.pipe()
    os.set_inheritable(read, True)
    with os.fdopen(write, "w") as pipe:  # far less than a pipe holds
        json.dump(asdict(plan), pipe)
    # Who asks to stop meanwhile is heard as soon as the supervisor listens.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", __name__, str(read), "serve"])  # noqa: S606  # there is none


def main() -> None:
    """Run the plan behind the descriptor that the command line names, until somebody asks to stop."""
    with os.fdopen(int(sys.argv[1])) as pipe:
        plan = Plan(**json.load(pipe))
    terminal = Terminal()
    supervisor = Supervisor(terminal.emit, nursery=Nursery.resume(*plan.nursery))
    for number in STOPS:
        signal.signal(number, lambda *_: supervisor.request_stop())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    try:
        _run(plan, supervisor, terminal)
    except (ChildrenFailed, EmbeddedPostgresFailed) as problem:
        sys.exit(f"CommandError: {problem}")
    finally:
        supervisor.stop()
    terminal.emit("portal", plan.stopped)


def _run(plan: Plan, supervisor: Supervisor, terminal: Terminal) -> None:
    if plan.postgres:
        folder, users = plan.postgres
        server = EmbeddedPostgres.resume(Path(folder), users)
        supervisor.keep("postgres", is_alive=server.is_running, revive=server.revive)
    for name, argv in plan.programs:
        supervisor.add(name, argv)
    supervisor.start()
    if plan.probe:
        supervisor.wait_ready(Probe(**plan.probe), timeout_seconds=READY_SECONDS)
    if not supervisor.is_stopping:
        terminal.emit("portal", plan.ready)
    supervisor.wait()


if __name__ == "__main__":
    main()
