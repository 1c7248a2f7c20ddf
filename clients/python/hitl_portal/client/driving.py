"""Drive the steps of a call over HTTP, blocking or awaiting."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import httpx

from hitl_portal.client.asks import Answered, Ask, Lost, Pause, Steps, T
from hitl_portal.configuration import Configuration

TIMEOUT_SECONDS: Final = 30.0
CONNECT_SECONDS: Final = 10.0
# These fail before anything is sent.
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class Driver:
    """Does what steps ask for over one pool of connections."""

    def __init__(self, configuration: Configuration, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(
            base_url=configuration.url, headers=configuration.headers(), transport=transport, follow_redirects=False
        )

    def run(self, steps: Steps[T]) -> T:
        """Do the steps and return what they return."""
        result: Answered | Lost | None = None
        try:
            while True:
                step = steps.send(result)
                if isinstance(step, Pause):
                    time.sleep(step.seconds)
                    result = None
                else:
                    result = self._ask(step)
        except StopIteration as end:
            value: T = end.value
            return value

    def _ask(self, ask: Ask) -> Answered | Lost:
        try:
            answer = self._http.request(
                ask.method, ask.path, content=ask.body, headers=dict(ask.headers), timeout=_patience(ask)
            )
        except httpx.TransportError as error:
            return _lost(error)
        return _answered(answer)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


class AsyncDriver:
    """The same for programs that await."""

    def __init__(self, configuration: Configuration, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(
            base_url=configuration.url, headers=configuration.headers(), transport=transport, follow_redirects=False
        )

    async def run(self, steps: Steps[T]) -> T:
        """Do the steps and return what they return."""
        result: Answered | Lost | None = None
        try:
            while True:
                step = steps.send(result)
                if isinstance(step, Pause):
                    await asyncio.sleep(step.seconds)
                    result = None
                else:
                    result = await self._ask(step)
        except StopIteration as end:
            value: T = end.value
            return value

    async def _ask(self, ask: Ask) -> Answered | Lost:
        try:
            answer = await self._http.request(
                ask.method, ask.path, content=ask.body, headers=dict(ask.headers), timeout=_patience(ask)
            )
        except httpx.TransportError as error:
            return _lost(error)
        return _answered(answer)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def _patience(ask: Ask) -> httpx.Timeout:
    return httpx.Timeout(TIMEOUT_SECONDS + ask.wait_seconds, connect=CONNECT_SECONDS)


def _lost(error: httpx.TransportError) -> Lost:
    return Lost(type(error).__name__, was_sent=not isinstance(error, _NEVER_SENT))


def _answered(answer: httpx.Response) -> Answered:
    return Answered(answer.status_code, answer.headers, answer.content)
