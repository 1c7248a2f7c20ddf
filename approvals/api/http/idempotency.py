"""One request, one effect: the first answer under an Idempotency-Key is kept and repeated.

The only writer of IdempotentAnswer. The answer is stored in the transaction of the work itself, so
there is never the one without the other, however a request ends.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from django.db import IntegrityError, connection
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from approvals.errors import KeyReused, ProposalError
from approvals.models import IdempotentAnswer
from approvals.models.answer import KEPT_FOR
from policies.stored_functions import StoredFunction

MOST_KEY: Final = 200
KEY_FORMAT: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
"""Printable ASCII, up to MOST_KEY of it; HTTP takes away the spaces around a header."""
BATCH: Final = 5_000

FIRST_ANSWER: Final = StoredFunction(
    "approvals_first_answer",
    "the_agent text, the_prefix text, the_key text,"
    " OUT request_digest text, OUT status integer, OUT headers text, OUT body bytea",
    """
    SELECT answer.request_digest, answer.status, answer.headers::text, answer.body
      INTO request_digest, status, headers, body
      FROM approvals_idempotentanswer AS answer
     WHERE answer.key = the_key AND answer.agent_id = coalesce(
           the_agent, (SELECT known.agent_id FROM policies_apikey AS known WHERE known.prefix = the_prefix));
    """,
)
"""What an agent, or whichever has the API key of that prefix, was answered under an Idempotency-Key."""
FOUND: Final = "first_answer"
"""Under this name it lies in the request, read together with the caller's key."""
READ_FIRST: Final = "SELECT * FROM approvals_first_answer(%s, %s, %s)"


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
    found: Sequence[Any] | None = None
    """What READ_FIRST gave when the caller proved itself, where it was asked then."""

    def part(self, number: int) -> "RequestAttempt":
        """Return the attempt at one part of a request: its key follows from that of the whole."""
        key = f"part-{sha256(self.key.encode()).hexdigest()}-{number}"
        return RequestAttempt(self.agent, key, self.digest)


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
    if (first := _first_answer(attempt, attempt.found)) is not None:
        return first
    try:
        return work(Keeping(attempt))
    except (IntegrityError, ProposalError):
        # The other one of two has committed meanwhile; what it was answered counts.
        if (first := _first_answer(attempt)) is None:
            raise
        return first


def require_same(attempts: Sequence[RequestAttempt]) -> None:
    """Raise KeyReused where one of `attempts`, all of one agent and request, was another request. One query."""
    if not attempts:
        return
    first = attempts[0]
    keys = [attempt.key for attempt in attempts]
    before = IdempotentAnswer.objects.filter(agent=first.agent, key__in=keys).exclude(request_digest=first.digest)
    if before.exists():
        raise KeyReused(_("This Idempotency-Key was used for another request. Take a new key."))


def forget_old(*, most: int = BATCH) -> int:
    """Delete the answers that are older than KEPT_FOR, at most `most` of them; return how many."""
    old = IdempotentAnswer.objects.filter(created_at__lt=Now() - KEPT_FOR).order_by("created_at")
    deleted, _by_model = IdempotentAnswer.objects.filter(pk__in=old.values("pk")[:most]).delete()
    return deleted


def _first_answer(attempt: RequestAttempt, row: Sequence[Any] | None = None) -> StoredAnswer | None:
    if row is None:
        with connection.cursor() as cursor:
            cursor.execute(READ_FIRST, [attempt.agent, None, attempt.key])
            row = cursor.fetchone()
    digest, status, headers, body = row
    if digest is None:
        return None
    if digest != attempt.digest:
        raise KeyReused(_("This Idempotency-Key was used for another request. Take a new key."))
    return StoredAnswer(status, bytes(body), json.loads(headers), is_replayed=True)
