from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pgtrigger
from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django_fsm import ConcurrentTransitionMixin, FSMField, transition
from simple_history.models import HistoricalRecords

from approvals.models.ids import uuid7
from approvals.models.last_judged import BY_POLICY, LAST_JUDGED, LastJudged
from approvals.models.proposal_queries import ProposalQuerySet
from approvals.models.provenance import ASKED_ONCE, BEHIND, BY_ORIGIN, STAYS_CLOSE, Provenance
from approvals.models.states import CLEARED, EDGES, INITIAL, OPEN, WAITING, State
from approvals.models.stored_row import StoredRow
from policies.engine.calendars import business_time
from policies.engine.calendars.business_time import BusinessCalendar
from policies.models import Agent, Surface, Tier

if TYPE_CHECKING:
    from approvals.models.decision import DecisionAnswer


class Proposal(ConcurrentTransitionMixin, StoredRow, Provenance, LastJudged):
    """One action an agent asks to have done.

    What was asked is written once; what follows from it (state, current revision, verdict) changes only
    through the transitions below, which the use cases call under the row's lock.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agent = models.ForeignKey(
        Agent, verbose_name=_("agent"), on_delete=models.PROTECT, related_name="proposals", db_index=False
    )
    surface = models.ForeignKey(
        Surface, verbose_name=_("surface"), on_delete=models.PROTECT, related_name="proposals", db_index=False
    )
    action = models.CharField(_("action"), max_length=120)
    title = models.CharField(_("title"), max_length=300)
    rationale = models.TextField(_("rationale"), blank=True)
    trigger = models.JSONField(_("trigger"), null=True, blank=True)
    evidence = models.JSONField(_("evidence"), default=list, blank=True)
    metrics = models.JSONField(_("metrics"), default=list, blank=True)
    expected_outcome = models.JSONField(_("expected outcome"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    targets = ArrayField(models.CharField(max_length=200), verbose_name=_("targets"), default=list, blank=True)
    tags = ArrayField(models.CharField(max_length=80), verbose_name=_("tags"), default=list, blank=True)
    model = models.JSONField(_("model"), null=True, blank=True)
    callback_url = models.URLField(_("callback address"), max_length=2000, blank=True)
    callback_when = models.CharField(_("callbacks"), max_length=8, choices=Agent.CallbackWhen, default="every")
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    created_at = models.DateTimeField(_("proposed at"))

    state = FSMField(_("state"), max_length=16, choices=State.choices, protected=True)
    revision = models.ForeignKey("approvals.Revision", on_delete=models.PROTECT, related_name="+", db_index=False)
    verdict = models.ForeignKey("approvals.Verdict", on_delete=models.PROTECT, related_name="+", db_index=False)
    tier = models.ForeignKey(
        Tier, verbose_name=_("tier"), null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    payload_digest = models.CharField(_("payload digest"), max_length=71, blank=True, editable=False)
    confidence = models.FloatField(_("confidence"), null=True, blank=True)
    amount = models.DecimalField(_("amount"), max_digits=20, decimal_places=4, null=True, blank=True)
    audience_size = models.PositiveBigIntegerField(_("audience size"), null=True, blank=True)
    owner = models.ForeignKey(
        Group, verbose_name=_("owner role"), to_field="name", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    requirements = models.JSONField(
        _("requirements"), default=list, help_text=_("Whose approvals it needs, as copied when it was submitted.")
    )
    deciding_roles = ArrayField(
        models.CharField(max_length=150), verbose_name=_("decided by"), default=list, blank=True, editable=False
    )
    distinct_people = models.BooleanField(
        _("distinct people"), default=False, help_text=_("Nobody counts for more than one of the names.")
    )
    checklist = models.JSONField(
        _("checklist"), default=list, blank=True, help_text=_("What has to be ticked before it is approved.")
    )
    is_to_be_assessed = models.BooleanField(
        _("a model is to be asked"), default=False, help_text=_("About the checklist, before people tick it.")
    )
    deadline_at = models.DateTimeField(_("deadline"))
    release_at = models.DateTimeField(_("ships from"), null=True, blank=True)
    approved_digest = models.CharField(_("approved digest"), max_length=71, blank=True)
    updated_at = models.DateTimeField(_("changed at"))

    decided: "DecisionAnswer | None" = None  # the rest of the answer to a decision that was just made on it
    has_decisions = True  # or False, where it was read under its lock and nobody had decided on it

    objects = ProposalQuerySet.as_manager()
    history = HistoricalRecords(
        excluded_fields=[
            "rationale", "trigger", "evidence", "metrics", "expected_outcome", "currency", "targets", "tags", "model",
            "callback_url", "callback_when", "expires_at", "created_at", "requirements", "deciding_roles",
            "distinct_people", "verdict", "checklist", "is_to_be_assessed", *LAST_JUDGED, *BEHIND, "close_people",
            "payload_digest",
        ],
        no_db_index=["agent", "surface", "revision", "tier", "owner"],
    )  # fmt: skip

    class Meta:
        verbose_name = _("proposal")
        verbose_name_plural = _("proposals")
        ordering = ["-id"]
        default_permissions = ("view",)
        permissions = [
            ("view_all_proposals", "Can see the proposals of every surface"),
            ("decide_proposal", "Can decide on proposals of their role"),
        ]
        indexes = [
            models.Index(fields=["agent", "-id"], name="proposal_by_agent"),
            models.Index(fields=["surface", "-id"], name="proposal_by_surface"),
            models.Index(fields=["agent", "surface", "created_at"], name="proposal_by_touchpoint"),
            models.Index(fields=["state", "-id"], name="proposal_by_state"),
            models.Index(fields=["owner", "-id"], name="proposal_by_owner"),
            models.Index(fields=["tier", "-id"], name="proposal_by_tier"),
            models.Index(fields=["deadline_at"], name="proposal_due", condition=Q(state__in=WAITING)),
            models.Index(
                fields=["expires_at"], name="proposal_expiring", condition=Q(state="approved", expires_at__isnull=False)
            ),
            models.Index(fields=["created_at"], name="proposal_by_time"),
            *(BY_POLICY, *BY_ORIGIN),
            models.Index(
                fields=["updated_at"],
                name="proposal_ended_undecided",
                condition=Q(state__in=(State.BLOCKED, State.WITHDRAWN, State.EXPIRED)),
            ),
            GinIndex(fields=["deciding_roles"], name="proposal_by_deciding_roles"),
            models.Index(
                fields=["agent", "surface", "-id"],
                name="proposal_settled",
                condition=Q(state__in=("approved", "failed", "rejected", "rolled_back", "shipped")),
            ),
            models.Index(
                fields=["payload_digest", "surface", "action"],
                name="proposal_live_twins",
                condition=Q(state__in=(*WAITING, State.APPROVED)),
            ),
            models.Index(fields=["id"], name="proposal_to_be_assessed", condition=Q(is_to_be_assessed=True)),
            GinIndex(fields=["targets"], name="proposal_live_targets", condition=Q(state__in=(*WAITING, "approved"))),
        ]
        constraints = [
            models.CheckConstraint(
                name="proposal_cleared_iff_release_at_and_digest",
                condition=Q(state__in=CLEARED, release_at__isnull=False) & ~Q(approved_digest="")
                | ~Q(state__in=CLEARED) & Q(release_at__isnull=True, approved_digest=""),
            ),
            models.CheckConstraint(
                name="proposal_state_is_known",
                condition=Q(state__in=State.values),
            ),
            models.CheckConstraint(
                name="proposal_confidence_is_a_share",
                condition=Q(confidence__isnull=True) | Q(confidence__gte=0, confidence__lte=1),
            ),
            models.CheckConstraint(
                name="proposal_deadline_not_after_expiry",
                condition=Q(expires_at__isnull=True) | Q(deadline_at__lte=F("expires_at")),
            ),
        ]
        triggers = [
            pgtrigger.FSM(name="legal_edges", field="state", transitions=[(str(a), str(b)) for a, b in EDGES]),
            pgtrigger.Protect(
                name="starts_at_the_beginning",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__state__in=INITIAL),
            ),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="asked_once", fields=[*ASKED_ONCE]),
            STAYS_CLOSE,
        ]

    def __str__(self) -> str:
        return self.title

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        """Read the row again, or one column that was left out.

        django-fsm lifts the protection of `state` from the field itself while it reads, for all threads at once: one
        that ends puts it back under the feet of another. Taking the old value off this object needs no lifting.
        """
        old = self.__dict__.pop("state", None)
        try:
            StoredRow.refresh_from_db(self, *args, **kwargs)
        finally:
            if old is not None:
                self.__dict__.setdefault("state", old)
        self._update_initial_state()

    def guards(self) -> list[tuple[str, Any]]:
        """Let nobody write a state over another one than was read."""
        return [("state", self._stored["state"])] if self._stored and "state" in self._stored else []

    def remember(self) -> None:
        """Take the row, and the state that a transition led to, for what is stored."""
        super().remember()
        self._update_initial_state()

    @property
    def is_open(self) -> bool:
        """Whether people may decide, as far as the row knows; the deadline is compared by the use case."""
        return self.state in OPEN

    # Transitions assign fields and do nothing else. Each use case holds the lock, checks, and records.

    @transition(field=state, source=[State.PENDING, State.EDITED], target=State.EDITED)
    def edit(self) -> None:
        """A person changed the payload."""

    @transition(field=state, source=[State.PENDING, State.RETURNED], target=State.PENDING)
    def revise(self, *, deadline_at: datetime) -> None:
        """The agent changed the payload."""
        self.deadline_at = deadline_at

    @transition(field=state, source=list(WAITING), target=State.BLOCKED)
    def block(self) -> None:
        """The policy denies the new revision."""

    @transition(field=state, source=list(OPEN), target=State.APPROVED)
    def approve(self, *, release_at: datetime) -> None:
        """People met every requirement."""
        self.release_at = release_at
        self.approved_digest = self.revision.digest

    @transition(field=state, source=list(OPEN), target=State.REJECTED)
    def reject(self) -> None:
        """A person said no."""

    @transition(field=state, source=list(OPEN), target=State.RETURNED)
    def send_back(self) -> None:
        """A person asks the agent to revise."""

    @transition(field=state, source=list(OPEN), target=State.TAKEN_OVER)
    def take_over(self) -> None:
        """A person does it by hand."""

    @transition(field=state, source=[State.APPROVED, State.REJECTED], target=State.PENDING)
    def undo(self, *, deadline_at: datetime) -> None:
        """A person takes an approval or a rejection back."""
        self._lose_clearance()
        self.deadline_at = deadline_at

    @transition(field=state, source=[State.APPROVED, State.FAILED], target=State.PENDING)
    def hold_back(self, *, deadline_at: datetime) -> None:
        """People are asked before it ships, or ships after all."""
        self._lose_clearance()
        self.deadline_at = deadline_at

    @transition(field=state, source=[*WAITING, State.APPROVED], target=State.WITHDRAWN)
    def withdraw(self) -> None:
        """The agent took it back."""
        self._lose_clearance()

    @transition(field=state, source=[*WAITING, State.APPROVED], target=State.EXPIRED)
    def expire(self) -> None:
        """Nobody decided, or nothing could ship it, in time."""
        self._lose_clearance()

    @transition(field=state, source=State.APPROVED, target=State.SHIPPED)
    def ship(self) -> None:
        """The executor answered; the receipt is recorded."""

    @transition(field=state, source=State.APPROVED, target=State.FAILED)
    def fail(self) -> None:
        """The dispatcher gave up."""

    @transition(field=state, source=State.FAILED, target=State.APPROVED)
    def retry(self, *, release_at: datetime) -> None:
        """A person wants it tried again."""
        self.release_at = release_at

    @transition(field=state, source=State.SHIPPED, target=State.ROLLED_BACK)
    def roll_back(self) -> None:
        """The rollback payload was executed."""

    def _lose_clearance(self) -> None:
        self.release_at = None
        self.approved_digest = ""

    @staticmethod
    def deadline(
        *, at: datetime, allowed: timedelta, expires_at: datetime | None, calendar: BusinessCalendar | None = None
    ) -> datetime:
        """Return when a decision is due: after `allowed` of business time, but never later than the agent's expiry."""
        due = business_time.later(calendar, at, allowed)
        return due if expires_at is None else min(due, expires_at)

    def require_approvals(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write down whose approvals it needs, unsaved, and with it which roles decide."""
        self.requirements = list(rows)
        self.deciding_roles = sorted({row["role"] for row in rows})

    def roles(self) -> Collection[str]:
        """The roles whose people may decide."""
        return {row["role"] for row in self.requirements}
