"""Read recorded proposals for a replay: the facts that were stored then, and what became of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from approvals.models.verdicts import CHOICES
from policies.engine.simulation import Case, Needs

NEWEST: Final = UUID(int=2**128 - 1)
"""Before the newest proposal: where a replay begins."""
MOST: Final = 100_000
EVER: Final = datetime.min.replace(tzinfo=UTC)
BATCH: Final = 2_000
BATCH_WITH_PAYLOADS: Final = 500
LARGE_BYTES: Final = 64 * 1024
"""Payloads above this are read one at a time, so that a batch of them never fills the memory."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which proposals: those made since a time, at most so many, the newest first."""

    since: datetime = EVER
    most: int = MOST


@dataclass(frozen=True, slots=True)
class CasePage:
    """Some cases, and the id of the last one, from which the next page goes on."""

    cases: Iterator[Case]
    last: UUID
    size: int


# A page by id and not a cursor held open: nothing is locked or kept by the server between two pages, so a
# replay may pause, end with its worker, and be taken up by another. The agent's own first revision and its
# first verdict count; what people and later versions of the policy made of it is what became of it.
_PAGE: Final = """
SELECT proposal.id, verdict.facts::text, verdict.outcome, verdict.tier_id, verdict.at, proposal.state,
       (SELECT bool_or(every.author_id IS NOT NULL) FROM approvals_revision AS every
         WHERE every.proposal_id = proposal.id),
       revision.id{content}
  FROM approvals_proposal AS proposal
  JOIN approvals_revision AS revision ON revision.proposal_id = proposal.id AND revision.number = 1
 CROSS JOIN LATERAL (SELECT facts, outcome, tier_id, at FROM approvals_verdict
                      WHERE revision_id = revision.id ORDER BY id LIMIT 1) AS verdict
 WHERE proposal.created_at >= %(since)s AND proposal.id < %(after)s AND revision.proposal_id < %(after)s
 ORDER BY proposal.id DESC
 LIMIT %(size)s
"""
_SMALL: Final = f"CASE WHEN octet_length(revision.body) <= {LARGE_BYTES} THEN revision.body END"
_BEFORE: Final = f"CASE WHEN pg_column_size(revision.before) <= {LARGE_BYTES} THEN revision.before::text END"
_LARGE: Final = "SELECT body, before::text FROM approvals_revision WHERE id = %s"
_COUNT: Final = """
SELECT count(*) FROM (SELECT 1 FROM approvals_proposal
 WHERE created_at >= %(since)s LIMIT %(most)s) AS newest
"""
_MINUTES: Final = """
SELECT proposal.surface_id,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM first.at - proposal.created_at)) / 60
  FROM approvals_proposal AS proposal
  JOIN (SELECT proposal_id, min(at) AS at FROM approvals_decision
         WHERE verdict = ANY(%(choices)s) GROUP BY proposal_id) AS first
    ON first.proposal_id = proposal.id
 WHERE proposal.created_at >= %(since)s
 GROUP BY proposal.surface_id
"""


def count(window: Window) -> int:
    """Return how many proposals a replay of `window` has to judge."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"since": window.since, "most": window.most})
        (number,) = cursor.fetchone()
    return int(number)


def review_minutes(window: Window) -> dict[str, float]:
    """Return the median minutes from submission to the first decision, of each surface that had one."""
    with connection.cursor() as cursor:
        cursor.execute(_MINUTES, {"since": window.since, "choices": [*map(str, CHOICES)]})
        return {surface: float(minutes) for surface, minutes in cursor.fetchall()}


def pages(window: Window, needs: Needs, *, after: UUID = NEWEST, done: int = 0) -> Iterator[CasePage]:
    """Yield the proposals of `window`, the newest first, from the one after `after`; `done` came before it.

    Only the columns that `needs` names are read. Memory is bounded by one page. Each page has to be used
    before the next is asked for.
    """
    size = BATCH_WITH_PAYLOADS if needs.payload or needs.before else BATCH
    query = _PAGE.format(content=_content(needs))
    while done < window.most:
        with connection.cursor() as cursor:
            most = min(size, window.most - done)
            cursor.execute(query, {"since": window.since, "after": after, "size": most})
            rows = cursor.fetchall()
        if not rows:
            return
        after, done = rows[-1][0], done + len(rows)
        yield CasePage((_case(row, needs) for row in rows), after, len(rows))


def cases(window: Window, needs: Needs) -> Iterator[Case]:
    """Yield the proposals of `window`, the newest first."""
    for page in pages(window, needs):
        yield from page.cases


def _content(needs: Needs) -> str:
    if not needs.payload and not needs.before:
        return ", NULL, NULL, false"
    body = _SMALL if needs.payload else "NULL::bytea"
    before = _BEFORE if needs.before else "NULL"
    large = " OR ".join(
        [f"octet_length(revision.body) > {LARGE_BYTES}"] * needs.payload
        + [f"coalesce(pg_column_size(revision.before) > {LARGE_BYTES}, false)"] * needs.before
    )
    return f", {body}, {before}, {large}"


def _case(row: tuple[Any, ...], needs: Needs) -> Case:
    proposal, facts, outcome, tier, at, state, is_edited, revision, body, before, is_large = row
    if is_large:
        with connection.cursor() as cursor:
            cursor.execute(_LARGE, [revision])
            whole, replaced = cursor.fetchone()
        body, before = whole if needs.payload else None, replaced if needs.before else None
    return Case(
        proposal=str(proposal),
        facts=facts,
        outcome=outcome,
        tier=tier,
        at=at,
        is_rejected=state == "rejected",
        is_edited=is_edited,
        is_rolled_back=state == "rolled_back",
        payload=None if body is None else bytes(body),
        before=before,
    )
