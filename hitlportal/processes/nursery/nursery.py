"""Start programs by forking one process that has loaded the portal already, so that they share its memory.

The supervisor keeps a nursery: a process that imports everything once, opens nothing, has a single thread, and
forks on request. What it forks is handed to the supervisor, which is from then on its parent as of any child:
it waits for it, and the child ends with it. Linux only; elsewhere `Nursery.start` does nothing.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# The first one waits until the portal is loaded, on a busy machine.
FORK_SECONDS: Final = 60.0
END_SECONDS: Final = 5.0
# Here the names of the programs are written, for a list of the processes.
TITLE_BYTES: Final = 2048
POLL_SECONDS: Final = 0.05
LOADED: Final = ("celery", "granian")
"""Modules that the nursery runs as programs."""
_PR_SET_CHILD_SUBREAPER: Final = 36


class NurseryFailed(RuntimeError):
    """The nursery has not started the program; it can be started in the usual way."""


class Child:
    """A child of this process that `subprocess` has not started, with what is used of `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """Return how it ended, as Popen does; None while it runs."""
        with self._lock:
            if self.returncode is None:
                try:
                    pid, status = os.waitpid(self.pid, os.WNOHANG)
                except ChildProcessError:  # somebody else has waited for it
                    self.returncode = -signal.SIGKILL
                else:
                    self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return how it ended, once it has. Raises TimeoutExpired after `timeout` seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
            time.sleep(POLL_SECONDS)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


class Forked(Child):
    """A program that the nursery has forked for us, and what it writes."""

    def __init__(self, pid: int, stdout: IO[str]) -> None:
        super().__init__(pid)
        self.stdout = stdout


class Nursery:
    """The supervisor's side of it. One thread at a time calls `spawn`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | Child | None = None
        self._socket: socket.socket | None = None

    @classmethod
    def resume(cls, pid: int, descriptor: int) -> Nursery:
        """Return the nursery that this process had before it became another program; see `hand_over`."""
        nursery = cls()
        if pid:
            os.set_inheritable(descriptor, False)
            nursery._process, nursery._socket = Child(pid), socket.socket(fileno=descriptor)
            nursery._socket.settimeout(FORK_SECONDS)
        return nursery

    def hand_over(self) -> tuple[int, int]:
        """Return what `resume` takes, and keep it open for the program that this process is about to become."""
        if self._process is None or self._socket is None:
            return 0, 0
        self._socket.set_inheritable(True)
        return self._process.pid, self._socket.detach()

    def start(self) -> None:
        """Start loading the portal; `spawn` waits for the end of that. Call it from a thread that stays."""
        if sys.platform != "linux":
            return
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(FORK_SECONDS)
        program = [sys.executable, "-m", f"{__package__}.forking", str(theirs.fileno()), str(os.getpid())]
        with theirs:
            self._process = subprocess.Popen(
                [*program, " " * TITLE_BYTES],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                process_group=0,  # Ctrl-C in the terminal reaches the supervisor alone
            )
        self._socket = ours

    def can_run(self, argv: Sequence[str]) -> bool:
        """Whether the command line is one of a program that the nursery has loaded, and it runs."""
        runs = self._process is not None and self._process.poll() is None
        return runs and [*argv[:2]] == [sys.executable, "-m"] and argv[2] in LOADED

    def spawn(self, argv: Sequence[str], env: Mapping[str, str]) -> Forked:
        """Fork a process that runs this command line as if it had been started. Raises NurseryFailed."""
        assert self._socket is not None
        read, write = os.pipe()
        request = json.dumps({"argv": [*argv], "env": {**env}}).encode()
        pid = 0
        try:
            with _adopting():
                socket.send_fds(self._socket, [request], [write])
                pid = int(self._socket.recv(64))
                # Raises ChildProcessError where the system has given the child to somebody else.
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except (OSError, ValueError) as error:
            os.close(read)
            if pid:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.stop()
            raise NurseryFailed(str(error) or type(error).__name__) from error
        finally:
            os.close(write)
        return Forked(pid, os.fdopen(read, encoding="utf-8", errors="replace"))

    def stop(self) -> None:
        """End the nursery; what it has forked runs on."""
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGKILL)
                self._process.wait()
        self._process = self._socket = None


@contextmanager
def _adopting() -> Iterator[None]:
    """Be the one to whom the system gives orphans, and only now: PostgreSQL, for one, is nobody's child."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0)
