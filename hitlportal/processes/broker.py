"""The broker for a portal without Redis: one file a message, in the state folder.

kombu's own filesystem transport shows a message's file before it is written, so that a worker can
read half of it, and moves files through the machine's folder for temporary files. Here a file
appears under its name when it is complete, and is claimed by one rename. Nobody looks at the folder fifty
times a second either: each that waits for messages has a bell there, a named pipe, and each that leaves one rings it.

A task that waits here already is not asked for twice: the later message takes the place of the earlier one. So a
worker that was away for an hour finds a handful of them, and a burst of a thousand approvals wakes it a few times.
"""

from __future__ import annotations

import os
import select
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from queue import Empty
from typing import Any, Final

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps, loads

SCHEME = "portal-files"
# A bell that was not heard costs so much and no more; what is due, the sweep finds besides.
LOOK_SECONDS: Final = 1.0


class Bell:
    """Wakes one process that waits for messages in a folder."""

    def __init__(self, folder: Path) -> None:
        draft = folder / f"{uuid.uuid4()}.cast"
        os.mkfifo(draft, 0o600)
        # For writing too: without a writer a pipe counts as readable for ever.
        self._pipe = os.open(draft, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        # It hangs where it is looked for once somebody listens, or else it would be taken for a dead one.
        self._path = draft.rename(draft.with_suffix(".bell"))

    def wait(self, seconds: float) -> None:
        """Return when it rings, or after `seconds`."""
        if select.select([self._pipe], [], [], seconds)[0]:
            os.read(self._pipe, 4096)

    def close(self) -> None:
        """Take it down."""
        self._path.unlink(missing_ok=True)
        os.close(self._pipe)


def ring(folder: Path) -> None:
    """Ring every bell in a folder, and take down those whose process is gone."""
    for path in folder.glob("*.bell"):
        try:
            pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            path.unlink(missing_ok=True)
            continue
        with suppress(BlockingIOError):  # it rings already
            os.write(pipe, b"!")
        os.close(pipe)


def _name(payload: Mapping[str, Any]) -> str:
    """Return what a message is called: the same for the same task with the same arguments."""
    task = payload.get("headers", {}).get("task")
    if task is None:
        return f"{time.time_ns():020d}_{uuid.uuid4()}"
    return sha256(f"{task} {payload['body']}".encode()).hexdigest()


def _oldest_first(folder: Path, queue: str) -> list[Path]:
    by_age = []
    for path in folder.glob(f"*.{queue}.msg"):
        with suppress(FileNotFoundError):  # another worker was quicker
            by_age.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(by_age)]


class Channel(filesystem.Channel):
    """kombu's channel with messages that are whole or absent."""

    def _put(  # type: ignore[override]  # the stubs name this argument in two ways
        self, queue: str, payload: dict[str, Any], **options: Any
    ) -> None:
        folder = Path(self.data_folder_out)
        draft = folder / f"{uuid.uuid4()}.draft"
        draft.write_text(dumps(payload), encoding="utf-8")
        draft.rename(folder / f"{_name(payload)}.{queue}.msg")
        ring(folder)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        for file in _oldest_first(Path(self.data_folder_in), queue):
            taken = file.with_name(f"{uuid.uuid4()}.taken")
            try:
                file.rename(taken)
            except FileNotFoundError:  # another worker was quicker
                continue
            payload = loads(taken.read_text(encoding="utf-8"))
            taken.unlink()
            return payload
        raise Empty


class Transport(filesystem.Transport):
    """kombu's filesystem transport over the channel above."""

    Channel = Channel
    _bell: Bell | None = None

    def drain_events(  # type: ignore[override]  # the stubs type it in two ways
        self, connection: Any, timeout: float | None = None
    ) -> None:
        """Hand on the next message. Raises TimeoutError where none comes within `timeout` seconds."""
        if self._bell is None:
            self._bell = Bell(Path(connection.client.transport_options["data_folder_in"]))
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                connection.cycle.get(self._deliver, timeout=timeout)
            except Empty:
                left = LOOK_SECONDS if until is None else until - time.monotonic()
                if left <= 0:
                    raise TimeoutError from None
                self._bell.wait(min(left, LOOK_SECONDS))
            else:
                return

    def close_connection(self, connection: Any) -> None:
        """Take the bell down with the connection."""
        super().close_connection(connection)
        if self._bell is not None:
            self._bell.close()
            self._bell = None


def register() -> None:
    """Make addresses that begin with `portal-files://` known to kombu."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
