"""A small process that stops the embedded PostgreSQL once all who used it are gone, however they ended."""

import subprocess
import sys
from pathlib import Path
from typing import Final

# Stops the server once nobody uses it: a portal that is killed cannot. It needs nothing but the standard library.
_GUARD: Final = """
import fcntl, os, signal, sys, time
folder, file = sys.argv[1:]
if os.fork():
    os._exit(0)
os.setsid()
while True:
    time.sleep(1)
    try:
        pid = int(open(file).read().split()[0])
        os.kill(pid, 0)
    except (OSError, ValueError, IndexError):
        break
    with open(os.path.join(folder, "lock"), "w") as lock, open(os.path.join(folder, "users"), "a") as users:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        os.kill(pid, signal.SIGINT)
        for _ in range(600):
            if not os.path.exists(file):
                break
            time.sleep(0.1)
        break
"""


def leave(folder: Path, file: Path) -> None:
    """Leave it behind for the server of a folder, which has written its process id into `file`."""
    words = [sys.executable, "-I", "-S", "-c", _GUARD, str(folder.absolute()), str(file)]
    nothing = subprocess.DEVNULL
    subprocess.run(words, check=True, cwd="/", stdin=nothing, stdout=nothing, stderr=nothing)
