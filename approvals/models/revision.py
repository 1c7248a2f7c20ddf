import json
from typing import Any

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from approvals.models.ids import uuid7
from policies.models import Agent, PolicyVersion, Tier

IMMUTABLE = pgtrigger.Update | pgtrigger.Delete


class Revision(models.Model):
    """One immutable version of a proposal's payload, by the agent or by a person, with its digest.

    `body` is the RFC 8785 canonical JSON of the payload: the very bytes that are approved and shipped.
    JSONB would not do: it does not keep every number as it was written.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    proposal = models.ForeignKey(
        "approvals.Proposal", on_delete=models.PROTECT, related_name="revisions", db_index=False
    )
    number = models.PositiveIntegerField(_("number"))
    agent = models.ForeignKey(Agent, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    author_name = models.CharField(_("author"), max_length=200)
    agent_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text=_("Of an agent's revision: who owned the agent then."),
    )
    key_issuer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text=_("Of an agent's revision: who issued the API key it came with."),
    )
    body = models.BinaryField(_("canonical payload"))
    digest = models.CharField(_("digest"), max_length=71)
    rollback_body = models.BinaryField(_("canonical rollback payload"), null=True, blank=True)
    rollback_digest = models.CharField(_("rollback digest"), max_length=71, blank=True)
    before = models.JSONField(_("state before"), null=True, blank=True)
    amount = models.DecimalField(_("amount"), max_digits=20, decimal_places=4, null=True, blank=True)
    audience_size = models.PositiveBigIntegerField(_("audience size"), null=True, blank=True)
    confidence = models.FloatField(_("confidence"), null=True, blank=True)
    note = models.TextField(_("note"), blank=True)
    created_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("revision")
        verbose_name_plural = _("revisions")
        ordering = ["proposal", "number"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(name="revision_numbered_once", fields=["proposal", "number"]),
            models.CheckConstraint(
                name="revision_has_one_author",
                condition=Q(agent__isnull=False, author__isnull=True) | Q(agent__isnull=True, author__isnull=False),
            ),
            models.CheckConstraint(
                name="revision_rollback_has_digest",
                condition=Q(rollback_body__isnull=True, rollback_digest="")
                | Q(rollback_body__isnull=False) & ~Q(rollback_digest=""),
            ),
        ]
        triggers = [pgtrigger.Protect(name="immutable", operation=IMMUTABLE)]

    def __str__(self) -> str:
        return f"{self.proposal_id} #{self.number}"

    @property
    def payload(self) -> Any:
        """The payload as JSON values."""
        return json.loads(bytes(self.body))

    @property
    def rollback(self) -> Any:
        """The rollback payload as JSON values; None if the proposal came without one."""
        return None if self.rollback_body is None else json.loads(bytes(self.rollback_body))


class Verdict(models.Model):
    """What the policy said of a revision: outcome, tier, the reasons, and the facts it looked at."""

    class Outcome(models.TextChoices):
        ALLOW = "allow", _("Allowed")
        REQUIRE_APPROVAL = "require_approval", _("Needs approval")
        DENY = "deny", _("Denied")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="verdicts")
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome.choices)
    tier = models.ForeignKey(Tier, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    reasons = models.JSONField(_("reasons"))
    facts = models.JSONField(_("facts"), help_text=_("What the policy looked at, without the payload."))
    policy_version = models.ForeignKey(
        PolicyVersion, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    policy_digest = models.CharField(_("policy digest"), max_length=71, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("verdict")
        verbose_name_plural = _("verdicts")
        ordering = ["id"]
        default_permissions = ("view",)
        triggers = [pgtrigger.Protect(name="immutable", operation=IMMUTABLE)]

    def __str__(self) -> str:
        return f"{self.outcome} {self.tier_id or ''}".strip()
