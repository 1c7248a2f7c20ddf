"""Delete old notices. The ledger keeps what was decided."""

from datetime import timedelta
from typing import Final

from django.db.models import Model, Q
from django.db.models.functions import Now

from approvals.models import (
    DecisionToken,
    DispatchStatus,
    Notice,
    NoticeDelivery,
    ReportDelivery,
    SlackAnswer,
    SlackMessage,
)

BATCH: Final = 1000
_OVER: Final = Q(status__in=(DispatchStatus.DELIVERED, DispatchStatus.CANCELLED, DispatchStatus.FAILED))
_OLD: Final[tuple[tuple[type[Model], Q], ...]] = (
    (ReportDelivery, _OVER & Q(created_at__lt=Now() - timedelta(days=30))),
    (NoticeDelivery, _OVER & Q(created_at__lt=Now() - timedelta(days=30))),
    (SlackAnswer, Q(created_at__lt=Now() - timedelta(days=1))),
    (SlackMessage, _OVER & Q(created_at__lt=Now() - timedelta(days=90))),
    (Notice, Q(at__lt=Now() - timedelta(days=180))),
    # A link says for three months after its time what became of it.
    (DecisionToken, Q(expires_at__lt=Now() - timedelta(days=90))),
)


def forget_old_notices(*, most: int = BATCH) -> int:
    """Delete up to `most` old rows of each kind; return how many there were."""
    return sum(_forget(model, old, most) for model, old in _OLD)


def _forget(model: type[Model], old: Q, most: int) -> int:
    rows = model._default_manager.filter(old).values("pk")[:most]  # noqa: SLF001  # Django's documented interface
    count, _each = model._default_manager.filter(pk__in=rows).delete()  # noqa: SLF001
    return count
