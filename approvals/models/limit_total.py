from django.db import models
from django.utils.translation import gettext_lazy as _

from approvals.models.proposal import Proposal


class LimitDefinition(models.Model):
    """What a limit counts: everything of it but how much is too much. Another definition counts anew."""

    slug = models.CharField(_("limit"), max_length=80)
    digest = models.CharField(_("digest of what it counts"), max_length=71)
    measure = models.CharField(_("measure"), max_length=13)
    currency = models.CharField(_("currency"), max_length=3, blank=True, default="")
    counted_for = models.BigIntegerField(
        _("counted for"), help_text=_("The last activation under which nothing that it counts was missed.")
    )

    class Meta:
        verbose_name = _("what a limit counts")
        verbose_name_plural = _("what limits count")
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="limit_defined_once", fields=["slug", "digest"])]

    def __str__(self) -> str:
        return f"{self.slug} {self.digest}"


class LimitTotal(models.Model):
    """The running total of one scope: the sum of its counted entries that are not older than `tail_at`.

    A calendar window has one row for each period, which begins at `since`. A rolling window has one row;
    its tail moves forward as entries leave the window, so that each of them is taken off once.
    """

    definition = models.ForeignKey(LimitDefinition, on_delete=models.PROTECT, related_name="totals", db_index=False)
    scope = models.CharField(_("scope"), max_length=200, blank=True)
    since = models.DateTimeField(_("since"))
    tail_at = models.DateTimeField(_("entries from"))
    total = models.DecimalField(_("total"), max_digits=30, decimal_places=4)

    class Meta:
        verbose_name = _("running total")
        verbose_name_plural = _("running totals")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="limit_one_total_per_scope", fields=["definition", "scope", "since"]),
        ]

    def __str__(self) -> str:
        return f"{self.definition_id} {self.scope}"


class LimitEntry(models.Model):
    """What one proposal adds to one running total, whether or not it counts at present."""

    running = models.ForeignKey(LimitTotal, on_delete=models.PROTECT, related_name="entries", db_index=False)
    # No constraint in the database: it would lock the proposal's row, and others lock that before a total.
    # No proposal is ever deleted; `check_invariants` looks that each entry has its own.
    proposal = models.ForeignKey(
        Proposal, on_delete=models.PROTECT, related_name="limit_entries", db_constraint=False, db_index=True
    )
    amount = models.DecimalField(_("amount"), max_digits=24, decimal_places=4)
    at = models.DateTimeField(_("at"))
    is_counted = models.BooleanField(_("counts"))

    class Meta:
        verbose_name = _("entry of a running total")
        verbose_name_plural = _("entries of running totals")
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="limit_counts_a_proposal_once", fields=["running", "proposal"])]
        indexes = [
            models.Index(
                fields=["running", "at"],
                name="limit_entry_by_age",
                include=["amount"],
                condition=models.Q(is_counted=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.proposal_id} {self.amount}"
