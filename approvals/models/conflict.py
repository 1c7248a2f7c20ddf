from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from approvals.models.proposal import Proposal


class Conflict(models.Model):
    """Two proposals that name the same target. One row links both, `older` being the one with the lower id.

    It stays when one of the two is given up; `resolved_at` then says since when it is no conflict any more.
    """

    # No constraint in the database: it would lock the other proposal's row, which may be locked by somebody
    # who waits for a target that we hold. No proposal is ever deleted.
    older = models.ForeignKey(
        Proposal, on_delete=models.PROTECT, related_name="conflicts_with_newer", db_constraint=False, db_index=False
    )
    newer = models.ForeignKey(
        Proposal, on_delete=models.PROTECT, related_name="conflicts_with_older", db_constraint=False, db_index=True
    )
    found_at = models.DateTimeField(_("found at"))
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)

    class Meta:
        verbose_name = _("conflict")
        verbose_name_plural = _("conflicts")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="conflict_told_once", fields=["older", "newer"]),
            models.CheckConstraint(name="conflict_is_of_two", condition=Q(older__lt=F("newer"))),
        ]

    def __str__(self) -> str:
        return f"{self.older_id} · {self.newer_id}"


class LastShipped(models.Model):
    """Which proposal shipped to a target last, and when: a target cools down for a while."""

    target = models.CharField(_("target"), max_length=200, primary_key=True)
    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("last shipment to a target")
        verbose_name_plural = _("last shipments to targets")
        default_permissions = ()

    def __str__(self) -> str:
        return self.target
