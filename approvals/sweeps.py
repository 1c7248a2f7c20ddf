"""The periodic sweeps, one row each: beat, the sweep without a broker, the tasks and the lag figures use it.

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
VERIFICATION: Final = (1800, 2400)
WORK, SHIPPING, NOTICES = "hitlportal", "shipping", "notices"
"""What is shipped and what people are told have queues of their own, so that they can have programs of their own."""


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
    look: str = ""
    """A function of questions whether anything is due, see `due_work`. Without one it always is."""
    queue: str = WORK
    """Which programs take it up."""
    is_slow: bool = False
    """Whether one piece may take long; the sweep does such work apart, so that shipping waits for none of it."""


SWEEPS: Final = (
    Sweep(
        task="approvals.tasks.ship_due",
        title="ship due dispatches",
        every_seconds=1.0,
        look="approvals.due_work.shipping",
        limits=NETWORK,
        queue=SHIPPING,
        work=(Work("approvals.shipping.delivery.ship_due", 1, 20),),
        due=(Due("shipping", _("Shipping"), "shipping_due", 60),),
    ),
    Sweep(
        task="approvals.tasks.deliver_callbacks",
        title="deliver callbacks",
        every_seconds=1.0,
        look="approvals.due_work.callbacks",
        limits=NETWORK,
        work=(Work("approvals.shipping.delivery.deliver_callbacks", 1, 20),),
        due=(Due("callbacks", _("Telling agents"), "callbacks_due", 60),),
    ),
    Sweep(
        task="approvals.tasks.expire_overdue",
        title="expire overdue proposals",
        every_seconds=5.0,
        look="approvals.due_work.expiry",
        work=(
            Work("approvals.lifecycle.escalation.expire_overdue", 200, 200),
            Work("approvals.shipping.claims.give_up_unheard", 50, 50),
        ),
        due=(Due("expiry", _("Expiring what ran out of time"), "expiry_due", 60),),
    ),
    Sweep(
        task="approvals.tasks.fire_due",
        title="remind and escalate",
        every_seconds=3.0,
        look="approvals.due_work.escalation",
        work=(Work("approvals.lifecycle.escalation.fire_due", 200, 200),),
        due=(Due("escalations", _("Reminders and escalations"), "escalations_due", 60),),
    ),
    Sweep(
        task="approvals.tasks.reevaluate_open",
        title="judge what is open by the policy in force",
        every_seconds=5.0,
        look="approvals.due_work.reevaluating",
        work=(
            Work("approvals.lifecycle.reevaluation.reevaluate_open", 100, 100),
            Work("approvals.lifecycle.reevaluation.judge_released", 100, 100),
        ),
        due=(Due("reevaluation", _("Applying a new policy to what is open"), "reevaluation_due", 0),),
    ),
    Sweep(
        task="approvals.tasks.deliver_notices",
        title="deliver notices",
        every_seconds=2.0,
        look="approvals.due_work.notices",
        limits=NETWORK,
        queue=NOTICES,
        work=(
            Work("approvals.notices.occasions.fan_out", 500, 2_000),
            Work("approvals.messaging.sending.deliver_due", 1, 10),  # late in the table: a dead channel takes its time
        ),
        due=(
            Due("occasions", _("Working out whom to tell"), "occasions_due", 60),
            Due("notices", _("Sending messages to people"), "notices_due", 120),
        ),
    ),
    Sweep(
        task="approvals.tasks.send_daily_reports",
        title="send daily reports",
        every_seconds=60.0,
        expires_seconds=60,
        limits=NETWORK,
        queue=NOTICES,
        work=(
            Work("approvals.messaging.daily_report.plan_due", 1_000, 1_000, is_repeated=False),
            Work("approvals.messaging.daily_report.send_due", 20, 100),
        ),
        due=(Due("reports", _("Sending daily reports"), "reports_due", 3600),),
    ),
    Sweep(
        task="approvals.tasks.forget_old_answers",
        title="forget old answers",
        every_seconds=3600.0,
        expires_seconds=3600,
        work=(
            Work("approvals.api.http.idempotency.forget_old", 5_000, 5_000),
            Work("approvals.notices.retention.forget_old_notices", 1_000, 1_000),
            Work("approvals.uploads.intake.forget_unused", 20, 20),
        ),
        due=(Due("forgetting", _("Forgetting old answers"), "forgetting_due", 4 * 3600),),
    ),
    Sweep(
        task="approvals.tasks.sequence_ledger",
        title="put the ledger in order and sign it",
        every_seconds=1.0,
        look="approvals.due_work.ledger",
        work=(
            Work("audit.ledger.sequencer.sequence", 1_000, 5_000),
            Work("audit.verification.keepsake.sign_due", 1, 1, is_repeated=False),
        ),
        due=(Due("ledger", _("Putting the ledger in order"), "ledger_due", 300),),
    ),
    Sweep(
        task="approvals.tasks.verify_ledger",
        title="verify the ledger",
        every_seconds=3600.0,
        expires_seconds=3600,
        limits=VERIFICATION,
        work=(Work("audit.verification.runs.run_due", 1, 1, is_repeated=False),),
        due=(
            Due("verification", _("Verifying the ledger"), "verification_due", 2 * 3600),
            Due("ledger_faults", _("The ledger, as last verified"), "ledger_faults", 0),
        ),
        is_slow=True,
    ),
    Sweep(
        task="approvals.tasks.assess_waiting",
        title="ask the model about checklists",
        every_seconds=10.0,
        look="approvals.due_work.assessing",
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
        look="approvals.due_work.replays",
        work=(Work("approvals.replays.runner.run_due", 1, 1, is_repeated=False),),
        due=(Due("replays", _("Trying a policy on the past"), "replays_due", 600),),
        is_slow=True,
    ),
    Sweep(
        task="approvals.tasks.recalculate_trust",
        title="recalculate trust",
        every_seconds=3.0,
        look="approvals.due_work.trust",
        work=(Work("approvals.trust.recalculation.recalculate", 500, 500),),
        due=(Due("trust", _("Recalculating trust"), "trust_due", 600),),
    ),
    Sweep(
        task="approvals.tasks.recount_trust",
        title="count trust anew",
        every_seconds=900.0,
        expires_seconds=900,
        limits=MODEL,
        work=(Work("approvals.trust.recalculation.recount_due", 1, 1, is_repeated=False),),
        due=(Due("trust_anew", _("Counting trust anew"), "recount_due", 12 * 3600),),
        is_slow=True,
    ),
)
