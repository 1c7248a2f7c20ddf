import pgtrigger
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from policies.models.agent import Agent
from policies.models.fields import CurrencyField
from policies.models.loosening import Loosening
from policies.models.surface import Surface

MOST_USES = 1_000


class StandingApproval(models.Model):
    """A temporary rule that two people gave: this agent, this action, up to this much, so many times, until then.

    What it lets through ships after a hold, as on the loop. It passes no floor, limit, guardrail or kill switch.
    """

    agent = models.ForeignKey(Agent, verbose_name=_("agent"), on_delete=models.PROTECT, related_name="+")
    surface = models.ForeignKey(Surface, verbose_name=_("surface"), on_delete=models.PROTECT, related_name="+")
    action = models.CharField(_("action"), max_length=120)
    most_amount = models.DecimalField(
        _("amount at most"),
        max_digits=20,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("Of each proposal. Empty: only proposals without an amount."),
    )
    currency = CurrencyField(_("currency"))
    most_uses = models.PositiveIntegerField(
        _("times at most"), validators=[MinValueValidator(1), MaxValueValidator(MOST_USES)]
    )
    used = models.PositiveIntegerField(_("used"), default=0, editable=False)
    begins_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    note = models.CharField(_("why"), max_length=500)
    loosening = models.OneToOneField(
        Loosening, verbose_name=_("agreed to as"), on_delete=models.PROTECT, related_name="+"
    )
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_by_name = models.CharField(_("ended by"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("standing approval")
        verbose_name_plural = _("standing approvals")
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["agent", "surface"], name="standing_approval_live", condition=Q(ended_at__isnull=True))
        ]
        constraints = [
            models.CheckConstraint(name="standing_approval_not_overused", condition=Q(used__lte=F("most_uses"))),
            models.CheckConstraint(
                name="standing_approval_is_bounded",
                condition=Q(most_uses__gte=1, most_uses__lte=MOST_USES, ends_at__gt=F("begins_at"))
                & (Q(most_amount__isnull=True) | Q(most_amount__gte=0)),
            ),
            models.CheckConstraint(
                name="standing_approval_ended_by_somebody",
                condition=Q(ended_at__isnull=True, ended_by__isnull=True)
                | Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="standing_approval_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="standing_approval_same_bounds",
                fields=[
                    "agent",
                    "surface",
                    "action",
                    "most_amount",
                    "currency",
                    "most_uses",
                    "begins_at",
                    "ends_at",
                    "loosening",
                    "note",
                ],
            ),
            pgtrigger.Protect(
                name="standing_approval_ended_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__ended_at__isnull=False),
            ),
            pgtrigger.Protect(
                name="standing_approval_use_is_never_given_back",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(new__used__lt=pgtrigger.F("old__used")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} · {self.surface_id} · {self.action}"
