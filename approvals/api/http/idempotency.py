"""One request, one effect: the first answer under an Idempotency-Key is kept and repeated.

The only writer of IdempotentAnswer. The answer is stored in the transaction of the work itself, so
there is never the one without the other, however a request ends.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import IntegrityError, connection
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from approvals.errors import KeyReused, ProposalError
from approvals.models import IdempotentAnswer
from approvals.models.answer import KEPT_FOR

MOST_KEY: Final = 200
KEY_FORMAT: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
"""Printable ASCII, up to MOST_KEY of it; HTTP takes away the spaces around a header."""
BATCH: Final = 5_000

# Asked with every submission: building this with the ORM takes longer than answering it.
_FIRST_ANSWER: Final = """
SELECT request_digest, status, headers::text, body FROM approvals_idempotentanswer WHERE agent_id = %s AND key = %s
"""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An HTTP answer, as it was or will be sent."""

    status: int
    body: bytes
    headers: dict[str, str]
    is_replayed: bool = False


@dataclass(frozen=True, slots=True)
class RequestAttempt:
    """One attempt at a request: whose, under which key, and the digest of all that it asks."""

    agent: str
    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where the work puts its answer, within its own transaction."""

    attempt: RequestAttempt | None

    def rows(self, answer: StoredAnswer, *, at: datetime) -> list[IdempotentAnswer]:
        """Return the row that keeps `answer`, unsaved; none where there is no key."""
        if self.attempt is None:
            return []
        return [
            IdempotentAnswer(
                agent_id=self.attempt.agent,
                key=self.attempt.key,
                request_digest=self.attempt.digest,
                status=answer.status,
                headers=answer.headers,
                body=answer.body,
                created_at=at,
            )
        ]

    def write(self, answer: StoredAnswer, *, at: datetime) -> None:
        """Keep `answer`."""
        IdempotentAnswer.objects.bulk_create(self.rows(answer, at=at))


def answer_once(attempt: RequestAttempt | None, work: Callable[[Keeping], StoredAnswer]) -> StoredAnswer:
    """Do `work`, or repeat the answer it got before under the same key. Without a key it is done each time.

    Of two at the same time one waits for the other's commit, loses what it did, and repeats. Raises
    KeyReused where the key belongs to another request; whatever `work` raises is not kept.
    """
    if attempt is None:
        return work(Keeping(None))
    if (first := _first_answer(attempt)) is not None:
        return first
    try:
        return work(Keeping(attempt))
    except (IntegrityError, ProposalError):
        # The other one of two has committed meanwhile; what it was answered counts.
        if (first := _first_answer(attempt)) is None:
            raise
        return first


def forget_old(*, most: int = BATCH) -> int:
    """Delete the answers that are older than KEPT_FOR, at most `most` of them; return how many."""
    old = IdempotentAnswer.objects.filter(created_at__lt=Now() - KEPT_FOR).order_by("created_at")
    deleted, _by_model = IdempotentAnswer.objects.filter(pk__in=old.values("pk")[:most]).delete()
    return deleted


def _first_answer(attempt: RequestAttempt) -> StoredAnswer | None:
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_ANSWER, [attempt.agent, attempt.key])
        kept = cursor.fetchone()
    if kept is None:
        return None
    digest, status, headers, body = kept
    if digest != attempt.digest:
        raise KeyReused(_("This Idempotency-Key was used for another request. Take a new key."))
    return StoredAnswer(status, bytes(body), json.loads(headers), is_replayed=True)
