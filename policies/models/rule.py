from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from policies.models.fields import DottedSlugField
from policies.models.tier import Tier


def names(verbose_name: Any, help_text: Any) -> ArrayField[Any, Any]:
    """Return a field for a list of names or globs, empty by default."""
    return ArrayField(
        models.CharField(max_length=120), verbose_name=verbose_name, default=list, blank=True, help_text=help_text
    )


class Rule(models.Model):
    """A condition on one proposal, and what follows where it holds. The strictest rule that holds wins."""

    class Decision(models.TextChoices):
        ALLOW = "allow", _("Allow")
        REQUIRE_APPROVAL = "require_approval", _("Require approval")
        DENY = "deny", _("Deny")

    slug = DottedSlugField(_("slug"), primary_key=True)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    surfaces = names(_("surfaces"), _("Which surfaces, with * for any text, e.g. email.*. Empty: all."))
    actions = names(_("actions"), _("Which actions, with * for any text. Empty: all."))
    topics = names(_("topics"), _("Surfaces or actions: one of the two has to match. Empty: all."))
    agents = names(_("agents"), _("Which agents. Empty: all."))
    any_tags = names(_("any of these tags"), _("At least one of them. Empty: any."))
    all_tags = names(_("all of these tags"), _("Every one of them. Empty: any."))
    condition = models.TextField(
        _("condition"), blank=True, help_text=_("For example: amount > 100. Empty: always holds.")
    )
    decision = models.CharField(_("decision"), max_length=16, choices=Decision.choices)
    tier = models.ForeignKey(
        Tier,
        verbose_name=_("tier"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Which oversight it requires or allows. Empty: individual review, or the usual automatic tier."),
    )
    requirements = models.JSONField(
        _("whose approvals"),
        null=True,
        blank=True,
        help_text=_('Instead of the usual: [{"stage": 1, "name": "money", "role": "Finance", "approvals": 1}].'),
    )
    reason = models.CharField(
        _("reason"),
        max_length=300,
        blank=True,
        help_text=_("A sentence for reviewer and agent. It may name facts: {amount}, {currency}, {agent}, …"),
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                name="rule_denial_has_no_tier",
                condition=~Q(decision="deny") | Q(tier__isnull=True),
                violation_error_message=_("A rule that denies has no tier."),
            ),
        ]

    def __str__(self) -> str:
        return self.slug
