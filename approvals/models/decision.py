from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from approvals.models.absence import Absence
from approvals.models.ids import uuid7
from approvals.models.proposal import Proposal
from approvals.models.revision import IMMUTABLE, Revision
from approvals.models.verdicts import DecisionVerdict

if TYPE_CHECKING:
    from approvals.models.dispatch import Dispatch


@dataclass(frozen=True, slots=True)
class DecisionAnswer:
    """What the use case that decided has in hand for its answer: all decisions, and the dispatch if it made one."""

    decisions: "Sequence[Decision]"
    dispatch: "Dispatch | None"


class Decision(models.Model):
    """What one person said of one revision, naming the number and digest that were on the screen."""

    Verdict: TypeAlias = DecisionVerdict

    class ReasonCode(models.TextChoices):
        INACCURATE = "inaccurate", _("Not correct")
        OFF_BRAND = "off_brand", _("Not our tone or brand")
        WRONG_AUDIENCE = "wrong_audience", _("Wrong audience")
        BAD_TIMING = "bad_timing", _("Bad timing")
        TOO_RISKY = "too_risky", _("Too risky")
        TOO_EXPENSIVE = "too_expensive", _("Too expensive")
        NOT_COMPLIANT = "not_compliant", _("Against the rules")
        DUPLICATE = "duplicate", _("Done already")
        OTHER = "other", _("Other (say why)")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="decisions")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="decisions")
    revision_number = models.PositiveIntegerField(_("revision"))
    digest = models.CharField(_("digest"), max_length=71)
    verdict = models.CharField(_("verdict"), max_length=10, choices=Verdict.choices)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        on_delete=models.PROTECT,
        related_name="decisions",
        db_index=False,
    )
    by_name = models.CharField(_("reviewer"), max_length=200)
    roles = ArrayField(
        models.CharField(max_length=150),
        verbose_name=_("in the roles"),
        default=list,
        blank=True,
        help_text=_("The roles of the person that let them decide, as they were then."),
    )
    at = models.DateTimeField(_("at"))
    reason_code = models.CharField(_("reason"), max_length=16, choices=ReasonCode.choices, blank=True)
    comment = models.TextField(_("comment"), blank=True)
    ticked = ArrayField(
        models.CharField(max_length=80),
        verbose_name=_("ticked"),
        default=list,
        blank=True,
        help_text=_("Of the checklist."),
    )
    is_signed = models.BooleanField(_("signed"), default=False, help_text=_("The person signed in again for this."))

    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("on behalf of"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text=_("Who was away and had asked this person to decide."),
    )
    absence = models.ForeignKey(
        Absence, null=True, blank=True, on_delete=models.PROTECT, related_name="decisions", db_index=False
    )

    batch = models.UUIDField(
        _("batch"), null=True, blank=True, help_text=_("Ties together what was decided in one go.")
    )

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["by", "-id"], name="decision_by_person"),
            models.Index(fields=["at"], name="decision_by_time"),
            models.Index(fields=["batch"], name="decision_by_batch", condition=Q(batch__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(
                name="decision_rejection_has_a_reason", condition=~Q(verdict="reject") | ~Q(reason_code="")
            ),
            models.CheckConstraint(
                name="decision_for_another_rests_on_an_absence",
                condition=Q(on_behalf_of__isnull=True, absence__isnull=True)
                | Q(on_behalf_of__isnull=False, absence__isnull=False),
            ),
        ]
        triggers = [pgtrigger.Protect(name="immutable", operation=IMMUTABLE)]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()} · {self.by_name}"
