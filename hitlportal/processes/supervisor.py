"""Runs several programs as one: starts them, joins their logs, restarts and stops them."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hitlportal.processes.nursery.nursery import Forked, Nursery, NurseryFailed

logger = logging.getLogger(__name__)

POLL_SECONDS, WATCH_SECONDS = 0.1, 0.25
GRACE_SECONDS = 15.0
FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 10.0
# A child that lived this long starts over with a clean record.
STEADY_SECONDS = 30.0
DEATHS_IN_A_ROW = 5
LOOK_SECONDS = 1.0

Emit = Callable[[str, str], None]


# Becomes the program in its place. The system ends it when the thread that started it is gone, however that ended.
_LEASH = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execvp(sys.argv[2], sys.argv[2:])
"""


def leashed(argv: Sequence[str]) -> list[str]:
    """Return the command line of a program that ends with this process, also where this one is killed. Linux only.

    It is the starting thread that counts: start it from one that lives for as long as the program is to.
    """
    if sys.platform != "linux":
        return [*argv]
    return [sys.executable, "-I", "-S", "-c", _LEASH, str(os.getpid()), *argv]


class ChildrenFailed(RuntimeError):
    """A child keeps dying, or did not become ready; the message says which and how."""


@dataclass
class _Child:
    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    process: subprocess.Popen[str] | Forked | None = None
    started_at: float = 0.0
    restart_at: float = 0.0
    deaths: int = 0
    readers: list[threading.Thread] = field(default_factory=list)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass
class _Kept:
    """Something that runs by itself: looked at every second, and started again by its own `revive`."""

    name: str
    is_alive: Callable[[], bool]
    revive: Callable[[], None]
    look_at: float = 0.0
    started_at: float = 0.0
    deaths: int = 0


class Supervisor:
    """Children that live and stop together.

    `emit(name, line)` receives every line the children write and what the supervisor has to say.
    Times are seconds. After `start` a thread watches the children until `stop`.
    """

    def __init__(self, emit: Emit, *, grace_seconds: float = GRACE_SECONDS, nursery: Nursery | None = None) -> None:
        self._emit = emit
        self._nursery = nursery
        self._grace_seconds = grace_seconds
        self._children: list[_Child] = []
        self._kept: list[_Kept] = []
        self._lock = threading.Lock()
        self._is_asked_to_stop = False
        self._stopping = threading.Event()
        self._finished = threading.Event()
        self._watched = threading.Event()
        self._ended = threading.Event()
        self._failure = ""
        self._watcher: threading.Thread | None = None

    def add(self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Register a program to start; `env` is added to this process's environment."""
        self._children.append(_Child(name, argv, {**os.environ, **(env or {})}))

    def keep(self, name: str, *, is_alive: Callable[[], bool], revive: Callable[[], None]) -> None:
        """Keep something alive that runs already and is no child; `revive` raises RuntimeError where it cannot."""
        self._kept.append(_Kept(name, is_alive, revive))

    def start(self) -> None:
        """Start all children and watch over them."""
        for child in self._children:
            self._spawn(child)
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._watcher.start()

    def wait_ready(self, probe: Callable[[], bool], *, timeout_seconds: float) -> None:
        """Return once `probe` says yes. Raises ChildrenFailed after the timeout or a failure.

        Returns early, too, when somebody asks to stop meanwhile.
        """
        deadline = time.monotonic() + timeout_seconds
        while not self.is_stopping and not probe():
            if self._failure:
                raise ChildrenFailed(self._failure)
            if time.monotonic() > deadline:
                raise ChildrenFailed(f"Not ready after {timeout_seconds:.0f} seconds.")
            self._finished.wait(POLL_SECONDS)

    def wait(self) -> None:
        """Wait until somebody asks to stop. Raises ChildrenFailed if a child keeps dying."""
        # Short waits, because a signal handler runs only between them.
        while not self._finished.wait(WATCH_SECONDS):
            if self.is_stopping:
                return
        raise ChildrenFailed(self._failure)

    def request_stop(self) -> None:
        """Make `wait` and `wait_ready` return. It takes no lock: a signal handler may be interrupted by itself."""
        self._is_asked_to_stop = True

    @property
    def is_stopping(self) -> bool:
        """Somebody asked to stop."""
        return self._is_asked_to_stop or self._stopping.is_set()

    def pid(self, name: str) -> int:
        """Return the process id of a child. Raises KeyError for a name that does not run."""
        with self._lock:
            for child in self._children:
                if child.name == name and child.process is not None and child.is_running:
                    return child.process.pid
        raise KeyError(name)

    def stop(self) -> None:
        """Ask every child to end, end those that have not after the grace, and return when none is left."""
        self._stopping.set()
        if self._watcher is not None:
            self._watched.wait()  # nothing is started any more
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + self._grace_seconds
        while any(child.is_running for child in self._children) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        self._signal(signal.SIGKILL)
        for child in self._children:
            if child.process is not None:
                child.process.wait()
                self._end_group(child)
            for reader in child.readers:
                reader.join(timeout=1)
        if self._nursery is not None:
            self._nursery.stop()
        self._ended.set()

    def _spawn(self, child: _Child) -> None:
        with self._lock:
            child.process = self._forked(child) or self._started(child)
            child.started_at = time.monotonic()
        reader = threading.Thread(target=self._read, args=(child.name, child.process), daemon=True)
        child.readers = [*(thread for thread in child.readers if thread.is_alive()), reader]
        reader.start()

    def _forked(self, child: _Child) -> Forked | None:
        """Start it from the nursery, if it can be."""
        if self._nursery is None or not self._nursery.can_run(child.argv):
            return None
        try:
            return self._nursery.spawn(child.argv, child.env)
        except NurseryFailed as problem:
            self._emit(child.name, f"starts by itself; it could not be forked ({problem})")
            return None

    @staticmethod
    def _started(child: _Child) -> subprocess.Popen[str]:
        return subprocess.Popen(
            leashed(child.argv),
            env=child.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,  # Ctrl-C in the terminal reaches the supervisor alone
        )

    def _read(self, name: str, process: subprocess.Popen[str] | Forked) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self._emit(name, line.rstrip("\n"))

    def _watch(self) -> None:
        self._watch_until_stopped()
        self._watched.set()
        self._ended.wait()  # what this thread has started would end with it

    def _watch_until_stopped(self) -> None:
        while not self._stopping.wait(WATCH_SECONDS):
            for child in self._children:
                if not child.is_running:
                    self._revive(child)
            for kept in self._kept:
                self._look_at(kept)
            if self._failure:
                self._finished.set()
                return

    def _revive(self, child: _Child) -> None:
        """Note a death once, and start the child again when its pause is over."""
        now = time.monotonic()
        if not child.restart_at:
            assert child.process is not None
            self._end_group(child)
            lived = now - child.started_at
            child.deaths = 1 if lived > STEADY_SECONDS else child.deaths + 1
            if child.deaths >= DEATHS_IN_A_ROW:
                self._failure = f"{child.name} keeps dying ({_end(child.process.returncode)}); its last lines say why."
                return
            pause = _pause(child.deaths)
            child.restart_at = now + pause
            self._emit(
                child.name,
                f"died ({_end(child.process.returncode)}) after {lived:.0f} s; starts again in {pause:.1f} s",
            )
        elif now >= child.restart_at:
            child.restart_at = 0.0
            self._spawn(child)

    def _look_at(self, kept: _Kept) -> None:
        """Revive what has died, at once the first time and then with growing pauses."""
        now = time.monotonic()
        if now < kept.look_at:
            return
        kept.look_at = now + LOOK_SECONDS
        if kept.is_alive():
            return
        kept.deaths = 1 if now - kept.started_at > STEADY_SECONDS else kept.deaths + 1
        if kept.deaths > DEATHS_IN_A_ROW:
            self._failure = f"{kept.name} keeps dying; its last lines say why."
            return
        self._emit(kept.name, "died; it is started again")
        try:
            kept.revive()
            self._emit(kept.name, "runs again")
        except RuntimeError as problem:
            self._emit(kept.name, str(problem))
        kept.started_at = time.monotonic()
        kept.look_at = kept.started_at + max(LOOK_SECONDS, _pause(kept.deaths))

    def _signal(self, number: signal.Signals) -> None:
        for child in self._children:
            if child.process is not None and child.is_running:
                if number is signal.SIGKILL:
                    self._emit(child.name, f"did not end within {self._grace_seconds:.0f} s; it is killed")
                    self._end_group(child)
                else:
                    child.process.send_signal(number)

    @staticmethod
    def _end_group(child: _Child) -> None:
        """Kill what is left of the child's process group, such as orphaned web workers."""
        assert child.process is not None
        try:
            os.killpg(child.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _pause(deaths: int) -> float:
    """Return for how many seconds to wait after so many deaths in a row."""
    return float(min(FIRST_BACKOFF_SECONDS * 2 ** (deaths - 1), LONGEST_BACKOFF_SECONDS))


def _end(code: int | None) -> str:
    """Say how a process ended, from its return code."""
    assert code is not None
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
