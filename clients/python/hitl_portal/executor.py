"""Execute approved work of a pull connector: claim, run, report, and keep the lease alive meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from hitl_portal.client import operations
from hitl_portal.client.operations import Work
from hitl_portal.errors import CallRefused, PortalError, PortalUnavailable

if TYPE_CHECKING:
    from hitl_portal.client.driving import Driver

Handler = Callable[[Work], Any]
RENEW_SECONDS: Final = 60.0
IDLE_SECONDS: Final = 2.0


class NotDone(Exception):
    """Raised by a handler that did nothing; `retry` is whether to try again later."""

    def __init__(self, reason: str, *, retry: bool = True) -> None:
        super().__init__(reason)
        self.retry = retry


class Executor:
    """Claims what is approved and runs it, one after the other.

    `handlers` says what this program does: by surface and action a function of the `Work`, whose result is the
    receipt; `(surface, action, "rollback")` reverses it. What none handles is reported as failed. A process that dies
    in between gets the same work again, with the same `work.id`: hand that id on, or keep it, to do it once.
    """

    def __init__(
        self,
        driver: Driver,
        handlers: Mapping[tuple[str, ...], Handler],
        *,
        idle_seconds: float = IDLE_SECONDS,
        renew_seconds: float = RENEW_SECONDS,
    ) -> None:
        self._driver = driver
        self._handlers = {key if len(key) == 3 else (*key, "execute"): handler for key, handler in handlers.items()}
        self._idle_seconds = idle_seconds
        self._renew_seconds = renew_seconds
        self._stopping = threading.Event()

    def run(self) -> None:
        """Work until `stop`, patiently where the portal is away."""
        while not self._stopping.is_set():
            try:
                is_idle = not self.run_once()
            except PortalUnavailable:
                is_idle = True
            if is_idle:
                self._stopping.wait(self._idle_seconds)

    def stop(self) -> None:
        """Finish what is under way and claim nothing more."""
        self._stopping.set()

    def run_once(self) -> bool:
        """Claim one piece of work and do it; False where there is none. Raises PortalError."""
        work = self._driver.run(operations.claim())
        if work is None:
            return False
        with self._lease_kept(work):
            result = self._result(work)
        with suppress(CallRefused):  # the lease was lost: its holder reports
            self._driver.run(operations.report(work, result))
        return True

    def _result(self, work: Work) -> dict[str, Any]:
        handler = self._handlers.get((*work.place, work.kind))
        if handler is None:
            return {"status": "failed", "error": "This executor does not handle that.", "retry": False}
        try:
            return {"status": "delivered", "receipt": handler(work)}
        except NotDone as reason:
            return {"status": "failed", "error": str(reason)[:500], "retry": reason.retry}
        except Exception as error:  # noqa: BLE001  # whatever a handler of somebody else's raises
            # What it did before it raised is not known, so nothing tries again by itself.
            return {"status": "failed", "error": f"{type(error).__name__}: {error}"[:500], "retry": False}

    @contextmanager
    def _lease_kept(self, work: Work) -> Iterator[None]:
        done = threading.Event()

        def renew() -> None:
            while not done.wait(self._renew_seconds):
                with suppress(PortalError):
                    self._driver.run(operations.renew(work))

        thread = threading.Thread(target=renew, name=f"lease-{work.id}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
