from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from policies.models.fields import DottedSlugField


class PolicyTest(models.Model):
    """Given these facts, the policy must say this. A version that fails one cannot be published."""

    class Outcome(models.TextChoices):
        ALLOW = "allow", _("Allow")
        REQUIRE_APPROVAL = "require_approval", _("Require approval")
        DENY = "deny", _("Deny")

    slug = DottedSlugField(_("slug"), primary_key=True)
    facts = models.JSONField(_("facts"), help_text=_("For example: surface, action, agent, amount, confidence, tags."))
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome.choices)
    tier = models.CharField(_("tier"), max_length=80, blank=True, help_text=_("Empty: any."))
    deciding = models.CharField(
        _("deciding reason"), max_length=80, blank=True, help_text=_("Its id, e.g. a rule's slug. Empty: any.")
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("policy test")
        verbose_name_plural = _("policy tests")
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug
