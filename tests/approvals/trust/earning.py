"""A past made up for trust: many judged proposals, without living through each."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from approvals.models import TrustCase, TrustCount
from approvals.models.ids import uuid7
from approvals.trust import counts
from audit.clock import database_now

_ADD_UP = """
INSERT INTO approvals_trustcount ({key}, {names})
SELECT {key}, {sums} FROM (SELECT *, {day} AS day FROM approvals_trustcase) AS counted GROUP BY {key}"""


def past(
    rights: Sequence[bool], *, surface: str = "ads.budget", agent: str = "pacer", until: datetime | None = None,
    days: float = 60, confidence: float = 0.98, model: str = "", kind: str = "approved",
) -> None:  # fmt: skip
    """Add judged proposals, spread evenly over so many days until a time, in the order given."""
    until = until or database_now()
    TrustCase.objects.bulk_create(
        TrustCase(
            proposal_id=uuid7(), agent=agent, surface=surface, action="shift_budget", model=model,
            tenth=min(int(confidence * 10), 9), kind=kind if right else "rejected", is_right=right, weight=1000,
            confidence=int(confidence * 1_000_000), reason="", is_rolled_back=False, has_shipped=right,
            has_incident=False, settled_at=until - timedelta(days=days) * (1 - number / len(rights)), wait_seconds=60,
            entry=0,
        )
        for number, right in enumerate(rights)
    )  # fmt: skip
    add_up()


def add_up() -> None:
    """Make the sums those of the cases."""
    TrustCount.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(counts._sql(_ADD_UP))
