"""Whether work of a sweep is due: questions so cheap that they can be asked every second.

An answer may be yes too often and never no too often: what is asked for here is all that the work itself looks for, or
more. So the joins and locks of the work are left out where what they leave out is rare. `approvals.sweeps` names them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import Model, Q, QuerySet, Subquery
from django.db.models.functions import Now

from approvals.lifecycle import reevaluation
from approvals.models import (
    Callback,
    ChannelHealth,
    Dispatch,
    DispatchStatus,
    NoticeDelivery,
    Occasion,
    Proposal,
    SlackAnswer,
    SlackMessage,
    Timer,
)
from approvals.shipping import kinds
from approvals.trust import recalculation
from audit.ledger import checkpoints, sequencer
from policies.models import Activation, ReplayRun


class Question(NamedTuple):
    """A condition in SQL, with its parameters."""

    sql: str
    parameters: Sequence[Any] = ()


def answers(questions: Mapping[str, Iterable[Question]]) -> set[str]:
    """Return for which names one of the questions is answered with yes. One statement, or none without questions."""
    known = {name: some for name, each in questions.items() if (some := [*each])}
    if not known:
        return set()
    columns = ", ".join(" OR ".join(f"({one.sql})" for one in some) for some in known.values())
    parameters = [value for some in known.values() for one in some for value in one.parameters]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns}", parameters)
        row = cursor.fetchone()
    return {name for name, is_due in zip(known, row, strict=True) if is_due}


def exists(rows: QuerySet[Any]) -> Question:
    """Ask whether there are such rows."""
    sql, parameters = rows.order_by().values("pk").query.sql_with_params()
    return Question(f"EXISTS ({sql})", parameters)


_TO_SEND: Final = Q(status=DispatchStatus.WAITING, next_attempt_at__lte=Now()) | Q(
    status=DispatchStatus.CLAIMED, lease_until__lte=Now()
)


def _to_send(kind: type[Model]) -> QuerySet[Any]:
    return kind._default_manager.filter(_TO_SEND)  # noqa: SLF001  # Django's documented interface


def shipping() -> list[Question]:
    """What the portal itself may ship, also where a switch or a target still stops it."""
    carried = Q(connector__kind__in=kinds.CARRIED, connector__is_enabled=True) | Q(connector=None)
    return [exists(_to_send(Dispatch).filter(carried))]


def callbacks() -> list[Question]:
    """What agents are to be told."""
    return [exists(_to_send(Callback))]


def expiry() -> list[Question]:
    """What has run out of time, and what was consumed and never heard of."""
    unheard = Dispatch.objects.filter(status=DispatchStatus.CLAIMED, lease_until__lte=Now())
    return [exists(Proposal.objects.overdue()), exists(unheard.filter(connector__kind=kinds.SPENT_BY_A_CLAIM))]


def escalation() -> list[Question]:
    """Reminders and levels whose time has come."""
    return [exists(Timer.objects.filter(fired_at=None, due_at__lte=Now()))]


def reevaluating() -> list[Question]:
    """What is open under another policy than the one in force, or waits because a kill switch was engaged."""
    newest = Subquery(Activation.objects.order_by("-id").values("version")[:1])
    return [exists(reevaluation.outdated(newest)), exists(reevaluation.held_by_switches())]


def notices() -> list[Question]:
    """What people are to be told, on channels that are not left alone, and what Slack is still to show."""
    resting = ChannelHealth.objects.filter(next_try_at__gt=Now()).values("lane")
    messages = _to_send(NoticeDelivery).exclude(lane__in=resting)
    return [exists(Occasion.objects.all()), *map(exists, (messages, _to_send(SlackMessage), _to_send(SlackAnswer)))]


def ledger() -> list[Question]:
    """Entries without a place in the tree, a mark to be noted, a checkpoint to be signed."""
    return [Question(sequencer.IS_DUE), Question(checkpoints.IS_DUE)]


def assessing() -> list[Question]:
    """What a model is to be asked about."""
    return [exists(Proposal.objects.filter(is_to_be_assessed=True))] if settings.LLM_BASE_URL else []


def replays() -> list[Question]:
    """Policies to be tried on the past."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=Now())
    waiting = Q(status=ReplayRun.Status.WAITING) | Q(free, status=ReplayRun.Status.RUNNING)
    return [exists(ReplayRun.objects.filter(waiting))]


def trust() -> list[Question]:
    """What has happened since trust was last counted."""
    return [Question(recalculation.IS_DUE)]
