import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from policies.models.fields import DottedSlugField, EncryptedTextField


class Agent(models.Model):
    """A registered program that proposes. It authenticates with an API key and is never a Django user."""

    class CallbackWhen(models.TextChoices):
        EVERY = "every", _("At every change of state")
        DECIDED = "decided", _("Once, at the first answer of people or the policy")
        SETTLED = "settled", _("Once, when it can no longer be undone")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended: every proposal is blocked")

    slug = DottedSlugField(_("slug"), primary_key=True)
    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(_("description"), blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        on_delete=models.PROTECT,
        related_name="agents",
        help_text=_(
            "The person who answers for it, and never decides on what it proposed. Another owner takes two people."
        ),
    )
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.ACTIVE)
    model = models.CharField(_("model"), max_length=120, blank=True, help_text=_("The model it runs on, if any."))
    callback_hosts = ArrayField(
        models.CharField(max_length=253),
        verbose_name=_("callback hosts"),
        default=list,
        blank=True,
        help_text=_("Hosts to which the portal may send this agent's callbacks, separated by commas."),
    )
    callback_when = models.CharField(
        _("callbacks"),
        max_length=8,
        choices=CallbackWhen.choices,
        default=CallbackWhen.EVERY,
        help_text=_("What a proposal gets that does not say itself. An automation that resumes on one message: once."),
    )
    callback_secret = EncryptedTextField(_("callback secret"), blank=True)
    rate_per_minute = models.PositiveIntegerField(
        _("requests per minute"), null=True, blank=True, help_text=_("Empty: the portal's usual limit.")
    )

    history = HistoricalRecords(excluded_fields=["callback_secret"])

    class Meta:
        verbose_name = _("agent")
        verbose_name_plural = _("agents")
        ordering = ["slug"]
        triggers = [
            pgtrigger.Trigger(
                name="has_a_kill_switch",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                func=(
                    "INSERT INTO policies_killswitch (scope, agent_id, is_engaged, reason, engaged_by_name)"
                    " VALUES ('agent:' || NEW.slug, NEW.slug, false, '', '') ON CONFLICT DO NOTHING; RETURN NULL;"
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.slug


class ApiKey(models.Model):
    """What an agent authenticates with. Only a hash is kept; the key itself is shown once."""

    agent = models.ForeignKey(Agent, verbose_name=_("agent"), on_delete=models.PROTECT, related_name="keys")
    prefix = models.CharField(_("prefix"), max_length=12, unique=True)
    secret_hash = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(_("made at"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("made by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    loosening = models.OneToOneField(
        "policies.Loosening",
        verbose_name=_("agreed to as"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Of a key that somebody else than the owner issued: the request to which a second person agreed."),
    )
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"hitl_{self.prefix}_…"
