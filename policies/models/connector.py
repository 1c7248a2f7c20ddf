from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from policies.models.fields import DottedSlugField, EncryptedTextField


class Connector(models.Model):
    """How a surface's actions are executed."""

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", _("Webhook: the portal calls your service")
        PULL = "pull", _("Pull: your service fetches its work")
        GATE = "gate", _("Gate: the agent’s own program runs it")

    slug = DottedSlugField(_("slug"), primary_key=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    url = models.URLField(_("address"), blank=True, help_text=_("Where a webhook is sent."))
    secret = EncryptedTextField(
        _("signing secret"),
        blank=True,
        help_text=_("Standard Webhooks secrets, newest first, separated by spaces. Stored encrypted."),
    )
    executor = models.ForeignKey(
        "policies.Agent",
        verbose_name=_("executor"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="executes",
        help_text=_("Whose API key may fetch the work of a pull connector."),
    )
    timeout_seconds = models.PositiveSmallIntegerField(
        _("time limit in seconds"), default=10, validators=[MinValueValidator(1), MaxValueValidator(60)]
    )
    is_enabled = models.BooleanField(_("enabled"), default=True)

    history = HistoricalRecords(excluded_fields=["secret"])

    class Meta:
        verbose_name = _("connector")
        verbose_name_plural = _("connectors")
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                name="connector_webhook_has_address_pull_has_executor",
                condition=(Q(kind="webhook") & ~Q(url=""))
                | Q(kind="pull", executor__isnull=False)
                | Q(kind="gate", url="", executor__isnull=True),
                violation_error_message=_(
                    "A webhook needs an address; a pull connector needs an executor; a gate needs none of these."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.slug
