"""Places for waiting clients: each holds a thread of the web server, so there are only so many.

A WSGI server tells nobody that a client has gone: granian closes the connection, and the thread that
answers it goes on. A place is therefore held for a short lease; after that, the next to come and finds
none free takes over the one that was held longest, and the client that had it is answered at once.
"""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

LEASE_SECONDS: Final = 2.0
"""A dropped client keeps others out for no longer than this; nobody who waits is turned out sooner."""


@dataclass(eq=False, slots=True)
class WaitingPlace:
    """The right of one client to wait, until `lost` is set."""

    holder: str
    since: float = field(default_factory=time.monotonic)
    lost: threading.Event = field(default_factory=threading.Event)


class Places:
    """So many clients may wait at a time in this process."""

    def __init__(self, most: int, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self._most = most
        self._lease_seconds = lease_seconds
        self._lock = threading.Lock()
        self._taken: list[WaitingPlace] = []

    def take(self, holder: str) -> WaitingPlace | None:
        """Return a place, if need be another client's whose lease has run out; None where there is none.

        It comes from the caller that holds most places, so that one caller's many clients cannot keep another's out.
        """
        with self._lock:
            if len(self._taken) >= self._most and not self._take_over():
                return None
            place = WaitingPlace(holder)
            self._taken.append(place)
            return place

    def give_back(self, place: WaitingPlace) -> None:
        """End one client's wait."""
        with self._lock:
            if place in self._taken:
                self._taken.remove(place)

    def _take_over(self) -> bool:
        latest = time.monotonic() - self._lease_seconds
        held = Counter(place.holder for place in self._taken)
        free = [place for place in self._taken if place.since <= latest]
        if not free:
            return False
        chosen = max(free, key=lambda place: (held[place.holder], -place.since))
        chosen.lost.set()
        self._taken.remove(chosen)
        return True
