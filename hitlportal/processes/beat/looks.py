"""What is due of the sweeps: one statement asks for all of them, each at its own pace."""

import math
import time
from collections.abc import Iterable, Sequence
from typing import Final

from django.utils.module_loading import import_string

from approvals import due_work
from approvals.due_work import Question
from approvals.sweeps import Sweep


class Looks:
    """Asks again and again what is due, from one thread."""

    def __init__(self, sweeps: Iterable[Sweep]) -> None:
        self._sweeps: Final = tuple(sweeps)
        self._asked: Final[dict[str, float]] = {}
        self._questions: Final[dict[str, Sequence[Question]]] = {}

    def due(self) -> list[Sweep]:
        """Return what is due of those that were not asked for within their `every_seconds`. At most one statement.

        Raises the database's Error; then all are asked for again the next time.
        """
        now = time.monotonic()
        ripe = [each for each in self._sweeps if now - self._asked.get(each.task, -math.inf) >= each.every_seconds]
        answered = due_work.answers({each.task: self._ask(each) for each in ripe if each.look})
        self._asked.update(dict.fromkeys((each.task for each in ripe), now))
        return [each for each in ripe if not each.look or each.task in answered]

    def again(self, sweep: Sweep) -> None:
        """Ask for this one the next time: it was due, and was not done."""
        self._asked.pop(sweep.task, None)

    def _ask(self, sweep: Sweep) -> Sequence[Question]:
        """Return its questions, which are put together once: Django takes longer for that than PostgreSQL to answer."""
        if sweep.task not in self._questions:
            self._questions[sweep.task] = import_string(sweep.look)()
        return self._questions[sweep.task]
