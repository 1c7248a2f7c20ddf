"""Occasions, one notice for each person, and its delivery through a channel."""

from typing import Final

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from approvals.models.ids import uuid7
from approvals.models.outbox import Delivery
from approvals.models.proposal import Proposal
from policies.models.fields import EncryptedTextField


class NoticeKind(models.TextChoices):
    WAITS_FOR_YOU = "waits_for_you", _("Needs you")
    REMINDER = "reminder", _("Reminder before the deadline")
    ESCALATED = "escalated", _("Escalated to you")
    ASSIGNED = "assigned", _("Assigned to you")
    SENT_BACK_ANSWER = "sent_back_answer", _("The agent revised what was sent back")
    DECIDED = "decided", _("Decided by others")
    SHIPPED_BY_ITSELF = "shipped_by_itself", _("Ships automatically")
    FAILED = "failed", _("Could not be shipped")
    EXPIRED = "expired", _("Expired without a decision")
    WITHDRAWN = "withdrawn", _("Withdrawn by the agent")
    DEMOTED = "demoted", _("An agent lost its autonomy")


ASKING: Final = (
    NoticeKind.WAITS_FOR_YOU,
    NoticeKind.REMINDER,
    NoticeKind.ESCALATED,
    NoticeKind.ASSIGNED,
    NoticeKind.SENT_BACK_ANSWER,
)
"""These ask for a decision. All others only tell."""


CHANNEL_LABELS: Final[dict[str, str | Promise]] = {}
"""What people call each channel; filled when the channels are offered."""


class Occasion(models.Model):
    """Something happened of which people may want to know. A sweep tells them, and deletes the row with that.

    `roles` and `people` (ids) are told besides those whom the kind is for by itself.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=20, choices=NoticeKind.choices)
    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="+")
    roles = ArrayField(models.CharField(max_length=150), default=list, blank=True)
    people = ArrayField(models.IntegerField(), default=list, blank=True)
    by = models.IntegerField(null=True, blank=True, help_text=_("Who did it; nobody is told of their own act."))
    by_name = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("occasion")
        verbose_name_plural = _("occasions")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.kind} · {self.proposal_id}"


class NoticeSubject(models.Model):
    """Of what somebody is told."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=20, choices=NoticeKind.choices)
    by_name = models.CharField(_("by"), max_length=200, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        abstract = True


class Notice(NoticeSubject):
    """What one person is told of one proposal, as their inbox shows it. When it happens again it is new again."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    is_in_inbox = models.BooleanField(_("in the inbox"), default=True)
    read_at = models.DateTimeField(_("read at"), null=True, blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="notice_once", fields=["person", "proposal", "kind"])]
        indexes = [
            models.Index(fields=["person", "-at"], name="notice_inbox", condition=Q(is_in_inbox=True)),
            models.Index(
                fields=["person", "-at"], name="notice_unread", condition=Q(is_in_inbox=True, read_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} · {self.proposal_id}"


class OutsideAddress(models.Model):
    """An address of another service, such as a Teams channel, that is told what happens and never decides."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    url = EncryptedTextField(
        _("address"), help_text=_("For example workflows://…, as Apprise writes it. Stored encrypted, never shown.")
    )
    kinds = ArrayField(
        models.CharField(max_length=20, choices=NoticeKind.choices),
        verbose_name=_("kinds"),
        default=list,
        blank=True,
        help_text=_("Of what it is told. Empty: everything."),
    )
    surfaces = models.ManyToManyField(
        "policies.Surface", verbose_name=_("surfaces"), blank=True, related_name="+", help_text=_("Empty: all.")
    )
    is_enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        verbose_name = _("outside address")
        verbose_name_plural = _("outside addresses")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def is_told(self, kind: str, surface: str) -> bool:
        """Whether it is told of this kind on this surface. Prefetch `surfaces` where many are asked."""
        here = {each.pk for each in self.surfaces.all()}
        return (not here or surface in here) and (not self.kinds or kind in self.kinds)


class NoticeDelivery(Delivery, NoticeSubject):
    """A notice on its way to one person through a channel, or to an outside address."""

    channel = models.CharField(_("channel"), max_length=10)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("to"), null=True, blank=True, on_delete=models.CASCADE,
        related_name="+",
    )  # fmt: skip
    address = models.ForeignKey(
        OutsideAddress, verbose_name=_("outside address"), null=True, blank=True, on_delete=models.CASCADE,
        related_name="+",
    )  # fmt: skip
    lane = models.CharField(
        _("lane"),
        max_length=40,
        help_text=_("What rests together when it cannot be reached."),
    )
    is_gathered = models.BooleanField(_("in a digest"), default=False)
    is_bundled = models.BooleanField(
        _("in one message with others"),
        default=False,
        db_default=False,
        help_text=_("With what is due about the same surface."),
    )

    class Meta(Delivery.Meta):
        verbose_name = _("notice on its way")
        verbose_name_plural = _("notices on their way")
        indexes = [
            models.Index(fields=["next_attempt_at"], name="notice_due", condition=Q(status="waiting")),
            models.Index(fields=["lease_until"], name="notice_leased", condition=Q(status="claimed")),
            models.Index(fields=["next_attempt_at"], name="notice_bundled", condition=Q(is_bundled=True)),
        ]
        constraints = [
            models.CheckConstraint(
                name="notice_goes_to_one",
                condition=Q(person__isnull=False, address__isnull=True) | Q(person__isnull=True, address__isnull=False),
            ),
            # What has not left yet is not said twice.
            models.UniqueConstraint(
                name="notice_waits_once",
                fields=["person", "address", "proposal", "kind", "channel"],
                condition=Q(status="waiting"),
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {CHANNEL_LABELS.get(self.channel, self.channel)}"


class ReportDelivery(Delivery):
    """The report of one day on its way to an owner through a channel: once for each."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, verbose_name=_("to"), on_delete=models.CASCADE,
                               related_name="+")  # fmt: skip
    day = models.DateField(_("day"))
    channel = models.CharField(_("channel"), max_length=10)

    class Meta(Delivery.Meta):
        verbose_name = _("daily report on its way")
        verbose_name_plural = _("daily reports on their way")
        constraints = [models.UniqueConstraint(name="report_once", fields=["person", "day", "channel"])]
        indexes = [
            models.Index(fields=["next_attempt_at"], name="report_due", condition=Q(status="waiting")),
            models.Index(fields=["lease_until"], name="report_leased", condition=Q(status="claimed")),
        ]

    def __str__(self) -> str:
        return f"{self.day} · {self.channel}"


class ChannelHealth(models.Model):
    """How a channel fares. One that cannot be reached is left alone until `next_try_at`."""

    lane = models.CharField(_("channel"), primary_key=True, max_length=40)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    next_try_at = models.DateTimeField(_("next try"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)
    last_sent_at = models.DateTimeField(_("last sent at"), null=True, blank=True)

    class Meta:
        verbose_name = _("channel")
        verbose_name_plural = _("channels")
        ordering = ["lane"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.lane
