from django.db import models

from approvals.models.proposal import Proposal
from policies.models import PolicyVersion


class Reevaluation(models.Model):
    """An open proposal was looked at again under a policy version. It may have changed nothing."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="reevaluations", db_index=False)
    version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(name="reevaluation_once_per_version", fields=["proposal", "version"]),
        ]

    def __str__(self) -> str:
        return f"{self.proposal_id} · {self.version_id}"
