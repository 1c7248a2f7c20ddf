import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from approvals.models.proposal import Proposal
from approvals.models.revision import IMMUTABLE, Revision, Verdict
from policies.models import PolicyVersion, Tier


class Reevaluation(models.Model):
    """A revision was judged again, by the policy version then in force. It may have changed nothing.

    Where it was stricter, the proposal has a new verdict; otherwise this is the only trace of the facts.
    """

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="reevaluations", db_index=False)
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    outcome = models.CharField(_("outcome"), max_length=16, choices=Verdict.Outcome.choices)
    tier = models.ForeignKey(Tier, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    reasons = models.JSONField(_("reasons"))
    facts = models.JSONField(_("facts"), help_text=_("What the policy looked at, without the payload."))
    is_met = models.BooleanField(_("met"), help_text=_("Nothing more is asked of people than they gave."))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("re-evaluation")
        verbose_name_plural = _("re-evaluations")
        ordering = ["id"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["proposal", "-id"], name="reevaluation_by_proposal")]
        triggers = [pgtrigger.Protect(name="reevaluation_immutable", operation=IMMUTABLE)]

    def __str__(self) -> str:
        return f"{self.proposal_id} · {self.version_id}"
