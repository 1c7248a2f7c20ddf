"""Let several threads do something at the same moment, many times over, each on its own connection."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

from approvals.errors import ProposalError

PATIENCE_SECONDS = 30


def race(rounds: int, *contenders: Callable[[int], Any]) -> list[list[Any]]:
    """Start all contenders together in each round; return what each gave or the domain error it met.

    Any other error fails the race: a deadlock, a row that vanished, a broken constraint.
    """
    results: list[list[Any]] = [[None] * len(contenders) for _ in range(rounds)]
    start = threading.Barrier(len(contenders))

    def run(lane: int) -> None:
        try:
            for number in range(rounds):
                start.wait(PATIENCE_SECONDS)
                try:
                    results[number][lane] = contenders[lane](number)
                except ProposalError as refused:
                    results[number][lane] = refused
        except BaseException:
            start.abort()
            raise
        finally:
            connection.close()

    with ThreadPoolExecutor(len(contenders)) as pool:
        lanes = [pool.submit(run, lane) for lane in range(len(contenders))]
    causes = [error for lane in lanes if (error := lane.exception()) is not None]
    for error in causes:
        if not isinstance(error, threading.BrokenBarrierError):
            raise error
    assert not causes
    return results


def winners(results: list[Any]) -> list[int]:
    """Return the lanes that were not refused."""
    return [lane for lane, result in enumerate(results) if not isinstance(result, ProposalError)]
