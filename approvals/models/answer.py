from datetime import timedelta
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from policies.models import Agent

KEPT_FOR: Final = timedelta(days=7)
"""How long answers can be repeated; 24 hours are promised."""


class IdempotentAnswer(models.Model):
    """The first answer given under an Idempotency-Key, kept to be repeated byte for byte."""

    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(_("key"), max_length=200)
    request_digest = models.CharField(_("digest of the request"), max_length=71)
    status = models.PositiveSmallIntegerField(_("status"))
    headers = models.JSONField(_("headers"), default=dict)
    body = models.BinaryField(_("body"))
    created_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("idempotent answer")
        verbose_name_plural = _("idempotent answers")
        default_permissions = ()
        indexes = [models.Index(fields=["created_at"], name="answer_by_age")]
        constraints = [
            models.UniqueConstraint(name="answer_once_per_key", fields=["agent", "key"]),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.key}"
