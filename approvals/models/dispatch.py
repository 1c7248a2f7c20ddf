from typing import Final

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from approvals.models.dispatch_queries import DispatchQuerySet
from approvals.models.outbox import Delivery
from approvals.models.proposal import Proposal
from approvals.models.revision import Revision
from approvals.models.states import DISPATCH_EDGES, DispatchStatus
from approvals.models.stored_row import StoredRow
from policies.compiled_queries import CompiledQuery
from policies.models import Connector

_REVISION: Final = CompiledQuery(lambda pk: Revision.objects.filter(pk=pk))


class Dispatch(StoredRow, Delivery):
    """The work of shipping one approved revision, or of rolling it back."""

    class Kind(models.TextChoices):
        EXECUTE = "execute", _("Execute")
        ROLLBACK = "rollback", _("Roll back")

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="dispatches")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="dispatches", db_index=False)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    connector = models.ForeignKey(Connector, null=True, blank=True, on_delete=models.PROTECT, related_name="dispatches")
    digest = models.CharField(_("digest"), max_length=71, help_text=_("Of the bytes that may be shipped."))
    decision = models.JSONField(
        _("decision"), null=True, blank=True, help_text=_("Who cleared it, by role, when and why: the grant says it.")
    )
    grant = models.TextField(_("grant"), blank=True)
    receipt = models.JSONField(_("receipt"), null=True, blank=True)

    objects = DispatchQuerySet.as_manager()

    class Meta(Delivery.Meta):
        verbose_name = _("dispatch")
        verbose_name_plural = _("dispatches")
        indexes = [
            models.Index(
                fields=["next_attempt_at"], name="dispatch_next", condition=Q(status__in=["waiting", "claimed"])
            ),
            models.Index(fields=["lease_until"], name="dispatch_leased", condition=Q(status="claimed")),
            models.Index(fields=["status", "-id"], name="dispatch_by_status"),
            models.Index(fields=["-delivered_at", "-id"], name="dispatch_delivered", condition=Q(status="delivered")),
            models.Index(fields=["created_at"], name="dispatch_by_time"),
        ]
        constraints = [
            models.UniqueConstraint(name="dispatch_once_per_revision_and_kind", fields=["revision", "kind"]),
            models.CheckConstraint(
                name="dispatch_claimed_iff_leased",
                condition=Q(status="claimed", lease_until__isnull=False)
                | ~Q(status="claimed") & Q(lease_until__isnull=True),
            ),
            models.CheckConstraint(
                name="dispatch_delivered_iff_receipt",
                condition=Q(status="delivered", receipt__isnull=False, delivered_at__isnull=False)
                | ~Q(status="delivered") & Q(receipt__isnull=True, delivered_at__isnull=True),
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="dispatch_legal_edges", field="status", transitions=[(str(a), str(b)) for a, b in DISPATCH_EDGES]
            ),
            pgtrigger.ReadOnly(name="dispatch_same_work", fields=["id", "proposal", "revision", "kind", "digest"]),
            pgtrigger.Protect(name="dispatch_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.proposal_id}"

    def read_revision(self) -> None:
        """Read the revision, by a query that is compiled once."""
        self.revision = _REVISION.get(pk=self.revision_id)

    @property
    def body(self) -> bytes:
        """The bytes to ship, as they are stored now; the claim compares them with `digest`."""
        stored = self.revision.body if self.kind == self.Kind.EXECUTE else self.revision.rollback_body
        return bytes(stored or b"")

    @property
    def is_dead(self) -> bool:
        return self.status == DispatchStatus.FAILED


class Attempt(models.Model):
    """One try at a dispatch: written when it begins, completed when it ends."""

    dispatch = models.ForeignKey(Dispatch, on_delete=models.PROTECT, related_name="attempts", db_index=False)
    fence = models.PositiveIntegerField(_("fence"))
    worker = models.CharField(_("worker"), max_length=200)
    digest = models.CharField(_("digest of the bytes sent"), max_length=71)
    policy_version = models.PositiveIntegerField(
        _("policy version"), null=True, blank=True, help_text=_("The one in force; none counts for a roll back.")
    )
    requirements = models.JSONField(_("requirements"), default=list, help_text=_("What was asked of people then."))
    distinct_people = models.BooleanField(_("distinct people"), default=False)
    started_at = models.DateTimeField(_("started at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    http_status = models.PositiveSmallIntegerField(_("answer"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["dispatch", "fence"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(name="attempt_once_per_fence", fields=["dispatch", "fence"]),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="attempt_same_try",
                fields=[
                    "dispatch",
                    "fence",
                    "worker",
                    "digest",
                    "started_at",
                    "policy_version",
                    "requirements",
                    "distinct_people",
                ],
            ),
            pgtrigger.Protect(name="attempt_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.dispatch_id} / {self.fence}"
