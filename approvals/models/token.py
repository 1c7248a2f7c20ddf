import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from approvals.models.decision import Decision
from approvals.models.proposal import Proposal


class DecisionToken(models.Model):
    """The right of one person to decide once on one revision, from a message. Only its hash is kept."""

    hash = models.CharField(primary_key=True, max_length=64)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="+")
    revision_number = models.PositiveIntegerField(_("revision"))
    digest = models.CharField(_("digest"), max_length=71)
    via = models.CharField(_("through"), max_length=10)
    made_at = models.DateTimeField(_("made at"))
    expires_at = models.DateTimeField(_("expires at"))
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)
    decision = models.OneToOneField(
        Decision, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("decision")
    )

    class Meta:
        verbose_name = _("decision token")
        verbose_name_plural = _("decision tokens")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="token_used_iff_decided",
                condition=Q(used_at__isnull=True, decision__isnull=True)
                | Q(used_at__isnull=False, decision__isnull=False),
            )
        ]
        triggers = [
            pgtrigger.Protect(
                name="used_once", operation=pgtrigger.Update, condition=pgtrigger.Q(old__used_at__isnull=False)
            ),
            pgtrigger.ReadOnly(
                name="bound_for_good",
                fields=["hash", "person", "proposal", "revision_number", "digest", "expires_at"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.proposal_id} · {self.person_id}"
