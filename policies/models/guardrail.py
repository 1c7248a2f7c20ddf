from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from policies.models.fields import DottedSlugField
from policies.models.limit import LimitEffect
from policies.models.rule import names
from policies.models.tier import Tier


class Guardrail(models.Model):
    """A check on the content of payloads, by agents and by people alike."""

    class Kind(models.TextChoices):
        FORBIDDEN_PHRASES = "forbidden_phrases", _("Forbidden phrases")
        REQUIRED_PHRASES = "required_phrases", _("Required phrases")
        REQUIRED_MERGE_TAG = "required_merge_tag", _("Required merge tag, e.g. to unsubscribe")
        MERGE_TAG_FALLBACK = "merge_tag_fallback", _("Merge tags have a fallback")
        LINK_DOMAINS = "link_domains", _("Links only to these domains")
        PERSONAL_DATA = "personal_data", _("Personal data")
        HIDDEN_UNICODE = "hidden_unicode", _("Hidden characters")
        CONFUSABLES = "confusables", _("Look-alike characters")
        PROMPT_INJECTION = "prompt_injection", _("Orders to an AI")
        LENGTH = "length", _("Length")
        CHECKLIST = "checklist", _("A question for the reviewer")

    slug = DottedSlugField(_("slug"), primary_key=True)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    surfaces = names(_("surfaces"), _("Which surfaces, with * for any text. Empty: all."))
    paths = names(_("where"), _("Which texts of the payload, e.g. /html or /variants/*/subject. Empty: every text."))
    config = models.JSONField(_("settings"), default=dict, blank=True, help_text=_("What docs/guardrails.md lists."))
    effect = models.CharField(_("then"), max_length=4, choices=LimitEffect.choices)
    tier = models.ForeignKey(Tier, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    text = models.CharField(_("sentence"), max_length=300, help_text=_("What the reviewer and the agent read."))

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("guardrail")
        verbose_name_plural = _("guardrails")
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                name="guardrail_tier_goes_with_its_effect",
                condition=Q(effect="tier", tier__isnull=False) | ~Q(effect="tier") & Q(tier__isnull=True),
                violation_error_message=_("Choose a tier where the tier is raised, and only there."),
            ),
        ]

    def __str__(self) -> str:
        return self.slug
