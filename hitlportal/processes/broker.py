"""The broker for a portal without Redis: one file a message, in the state folder.

kombu's own filesystem transport shows a message's file before it is written, so that a worker can
read half of it, and moves files through the machine's folder for temporary files. Here a file
appears under its name when it is complete, and is claimed by one rename.
"""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps, loads

SCHEME = "portal-files"


class Channel(filesystem.Channel):
    """kombu's channel with messages that are whole or absent."""

    def _put(  # type: ignore[override]  # the stubs name this argument in two ways
        self, queue: str, payload: dict[str, Any], **options: Any
    ) -> None:
        folder = Path(self.data_folder_out)
        name = f"{time.time_ns():020d}_{uuid.uuid4()}"
        draft = folder / f"{name}.draft"
        draft.write_text(dumps(payload), encoding="utf-8")
        draft.rename(folder / f"{name}.{queue}.msg")

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        for file in sorted(Path(self.data_folder_in).glob(f"*.{queue}.msg")):
            taken = file.with_suffix(".taken")
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


def register() -> None:
    """Make addresses that begin with `portal-files://` known to kombu."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
