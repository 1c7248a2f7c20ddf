"""Play a stream of proposals over HTTP, as an agent would, and account for each line."""

import json
import math
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from hitl_portal.streams import Line, Stream

TRIES: Final = 12
TIMEOUT_SECONDS: Final = 30.0
LONGEST_WAIT_SECONDS: Final = 60.0
# The portal is busy or asks for patience; anything else is an answer.
_COME_AGAIN: Final = frozenset({429, 502, 503, 504})


@dataclass(slots=True)
class Tally:
    """What became of the lines; `latencies` are seconds from the first byte sent to the answer read."""

    states: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    """Lines that were proposed in an earlier run already, and were not proposed again."""
    latencies: list[float] = field(default_factory=list)

    @property
    def answered(self) -> int:
        """How many lines the portal took or refused."""
        return self.states.total() + self.refusals.total()

    def percentile(self, share: float) -> float:
        """Return the latency that `share` of the answers did not exceed (nearest rank); 0 without any."""
        if not self.latencies:
            return 0.0
        ordered = sorted(self.latencies)
        return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]

    def lines(self, total: int) -> Iterator[str]:
        """Say what became of `total` lines, one fact a line."""
        yield f"lines {total}"
        for title, counts in (("state", self.states), ("refused", self.refusals), ("no answer", self.unanswered)):
            yield from (f"{title} {name} {number}" for name, number in sorted(counts.items()))
        if self.repeated:
            yield f"of these proposed before {self.repeated}"
        times = (f"p{100 * share:.0f} {1000 * self.percentile(share):.1f} ms" for share in (0.5, 0.95, 0.99))
        yield f"latency {'  '.join(times)}"


@dataclass(frozen=True, slots=True)
class Target:
    """Where to propose and as whom. `rate` is proposals per second in all; 0 is as fast as it goes."""

    url: str
    key: str
    threads: int = 4
    rate: float = 0.0
    run: str = ""
    """Another name proposes everything once more."""


class StreamPlayer:
    """One pass over a stream. `play` blocks; `stop` makes it end after the lines under way."""

    def __init__(self, stream: Stream, target: Target, *, progress: Callable[[], object] = lambda: None) -> None:
        self.tally = Tally()
        self._stream = stream
        self._target = target
        self._progress = progress
        self._lines: Queue[Line] = Queue(maxsize=2 * target.threads)
        self._pace = _Pace(target.rate)
        self._lock = threading.Lock()
        self._is_fed = threading.Event()
        self._stopping = threading.Event()
        self._failure: BaseException | None = None

    def play(self) -> Tally:
        """Send every line and return what became of them. Raises StreamInvalid, and what a thread raised."""
        limits = httpx.Limits(max_connections=self._target.threads, max_keepalive_connections=self._target.threads)
        headers = {"Authorization": f"Bearer {self._target.key}", "Content-Type": "application/json"}
        with httpx.Client(
            base_url=self._target.url, headers=headers, limits=limits, timeout=TIMEOUT_SECONDS, trust_env=False
        ) as client:
            threads = [
                threading.Thread(target=self._work, args=(client,), name=f"replay-{number}")
                for number in range(self._target.threads)
            ]
            for thread in threads:
                thread.start()
            try:
                self._feed()
                _join(threads)
            except BaseException:
                self.stop()
                raise
            finally:
                _join(threads)
        if self._failure is not None:
            raise self._failure
        return self.tally

    def stop(self) -> None:
        """Send no further line."""
        self._stopping.set()

    def _feed(self) -> None:
        for line in self._stream.lines():
            self._put(line)
            if self._stopping.is_set():
                return
        self._is_fed.set()

    def _put(self, line: Line) -> None:
        while not self._stopping.is_set():
            try:
                self._lines.put(line, timeout=0.2)
            except Full:
                continue
            return

    def _work(self, client: httpx.Client) -> None:
        try:
            for line in self._taken():
                self._pace.wait()
                self._account(*self._send(client, line))
        except BaseException as error:  # noqa: BLE001  # raised again by play, in the caller's thread
            self._failure = error
            self.stop()

    def _taken(self) -> Iterator[Line]:
        while not self._stopping.is_set():
            try:
                yield self._lines.get(timeout=0.1)
            except Empty:
                if self._is_fed.is_set():
                    return

    def _send(self, client: httpx.Client, line: Line) -> tuple[httpx.Response | str, float]:
        """Return the answer, or the name of what went wrong last, and the seconds it took."""
        headers = {"Idempotency-Key": line.key(self._target.run)}
        said: httpx.Response | str = "stopped"
        for attempt in range(1, TRIES + 1):
            began = time.perf_counter()
            try:
                said = client.post("/api/v1/proposals/", content=line.body, headers=headers)
            except httpx.TransportError as error:
                said = type(error).__name__
            taken = time.perf_counter() - began
            if isinstance(said, httpx.Response) and said.status_code not in _COME_AGAIN:
                return said, taken
            if attempt == TRIES or self._stopping.wait(_pause(said, attempt)):
                break
        return said if isinstance(said, str) else str(said.status_code), 0.0

    def _account(self, said: httpx.Response | str, taken: float) -> None:
        with self._lock:
            if isinstance(said, str):
                self.tally.unanswered[said] += 1
            else:
                self.tally.latencies.append(taken)
                self._read(said)
            self._progress()

    def _read(self, answer: httpx.Response) -> None:
        body = _object(answer)
        if not answer.is_success:
            self.tally.refusals[f"{answer.status_code} {body.get('code', '')}".strip()] += 1
        elif isinstance(body.get("state"), str):
            self.tally.states[body["state"]] += 1
            self.tally.repeated += answer.headers.get("Idempotency-Replayed") == "true"
        else:
            self.tally.unanswered[f"{answer.status_code} without a state"] += 1


class _Pace:
    """Lets `rate` callers pass per second, whatever their number."""

    def __init__(self, rate: float) -> None:
        self._step = 1 / rate if rate > 0 else 0.0
        self._next = time.monotonic()
        self._lock = threading.Lock()

    def wait(self) -> None:
        if not self._step:
            return
        with self._lock:
            slot = max(self._next, time.monotonic())
            self._next = slot + self._step
        time.sleep(max(slot - time.monotonic(), 0))


def _join(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join()


def _pause(said: httpx.Response | str, attempt: int) -> float:
    """Return how many seconds to wait before the next try: what the portal asked for, or a random wait."""
    seconds = said.headers.get("retry-after", "") if isinstance(said, httpx.Response) else ""
    if seconds.isascii() and seconds.isdecimal():  # the portal asks in seconds, a proxy may name a date
        return min(max(float(seconds), 0.1), LONGEST_WAIT_SECONDS)
    # The chance spreads the threads out; it decides nothing.
    return min(0.1 * 2.0**attempt, 5.0) * random.uniform(0.5, 1)  # noqa: S311


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {}
    return body if isinstance(body, dict) else {}


def is_address(url: str) -> bool:
    """Whether `url` is the address of a web server."""
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
