"""What is looked for again and again, one row each: beat, the sweep, the tasks and the lag figures read it here.

Work is named by its dotted path, so that the settings can read the table before any model is there.
"""

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NETWORK: Final = (120, 180)
"""Soft and hard limit of a task, in seconds. Deliveries may take a minute each; what uses only the database may not."""
DATABASE: Final = (60, 120)
MODEL: Final = (360, 420)


@dataclass(frozen=True, slots=True)
class Work:
    """A function that takes `most` and returns how much it did."""

    path: str
    most: int
    """At a time, by a task."""
    most_in_sweep: int
    is_repeated: bool = True
    """Whether a task goes on while there is more; else the next wake-up does."""


@dataclass(frozen=True, slots=True)
class Due:
    """What the metrics and the health page tell of work that is due; `measure` is a function of `figures.lag`."""

    kind: str
    label: str | Promise
    measure: str
    tolerable_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One kind of work that time makes due."""

    task: str
    title: str
    """Its name in the beat schedule."""
    every_seconds: float
    expires_seconds: int = 5
    """How long a wake-up is worth carrying out."""
    limits: tuple[int, int] = DATABASE
    work: tuple[Work, ...] = ()
    due: tuple[Due, ...] = ()
    is_slow: bool = False
    """Whether one piece may take long; the sweep does such work apart, so that shipping waits for none of it."""


SWEEPS: Final = (
    Sweep(
        task="approvals.tasks.ship_due",
        title="ship due dispatches",
        every_seconds=1.0,
        limits=NETWORK,
        work=(Work("approvals.shipping.delivery.ship_due", 1, 20),),
        due=(Due("shipping", _("Shipping"), "shipping_due", 60),),
    ),
    Sweep(
        task="approvals.tasks.deliver_callbacks",
        title="deliver callbacks",
        every_seconds=1.0,
        limits=NETWORK,
        work=(Work("approvals.shipping.delivery.deliver_callbacks", 1, 20),),
        due=(Due("callbacks", _("Telling agents"), "callbacks_due", 60),),
    ),
    Sweep(
        task="approvals.tasks.expire_overdue",
        title="expire overdue proposals",
        every_seconds=5.0,
        work=(Work("approvals.lifecycle.escalation.expire_overdue", 200, 200),),
        due=(Due("expiry", _("Expiring what ran out of time"), "expiry_due", 60),),
    ),
    Sweep(
        task="approvals.tasks.fire_due",
        title="remind and escalate",
        every_seconds=3.0,
        work=(Work("approvals.lifecycle.escalation.fire_due", 200, 200),),
        due=(Due("escalations", _("Reminders and escalations"), "escalations_due", 60),),
    ),
    Sweep(
        task="approvals.tasks.reevaluate_open",
        title="judge what is open by the policy in force",
        every_seconds=5.0,
        work=(Work("approvals.lifecycle.reevaluation.reevaluate_open", 100, 100),),
        due=(Due("reevaluation", _("Applying a new policy to what is open"), "reevaluation_due", 0),),
    ),
    Sweep(
        task="approvals.tasks.deliver_notices",
        title="deliver notices",
        every_seconds=2.0,
        limits=NETWORK,
        work=(
            Work("approvals.notices.occasions.fan_out", 50, 500),
            Work("approvals.messaging.sending.deliver_due", 1, 10),  # late in the table: a dead channel takes its time
        ),
        due=(
            Due("occasions", _("Working out whom to tell"), "occasions_due", 60),
            Due("notices", _("Sending messages to people"), "notices_due", 120),
        ),
    ),
    Sweep(
        task="approvals.tasks.forget_old_answers",
        title="forget old answers",
        every_seconds=3600.0,
        expires_seconds=3600,
        work=(
            Work("approvals.api.http.idempotency.forget_old", 5_000, 5_000),
            Work("approvals.notices.retention.forget_old_notices", 1_000, 1_000),
        ),
        due=(Due("forgetting", _("Forgetting old answers"), "forgetting_due", 4 * 3600),),
    ),
    Sweep(
        task="approvals.tasks.assess_waiting",
        title="ask the model about checklists",
        every_seconds=10.0,
        expires_seconds=10,
        limits=MODEL,
        work=(Work("approvals.lifecycle.assessment.assess_waiting", 5, 1, is_repeated=False),),
        due=(Due("assessing", _("Asking the model"), "assessing_due", 600),),
        is_slow=True,
    ),
    Sweep(
        task="approvals.tasks.replay_policies",
        title="carry on replays",
        every_seconds=1.0,
        work=(Work("approvals.replays.runner.run_due", 1, 1, is_repeated=False),),
        due=(Due("replays", _("Trying a policy on the past"), "replays_due", 600),),
        is_slow=True,
    ),
)
