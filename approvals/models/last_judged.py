from typing import Final

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from approvals.models.states import NOT_OVER

LAST_JUDGED: Final = ("policy_version", "mandate", "asked_again_at", "standing_approval")
BY_POLICY: Final = models.Index(fields=["policy_version"], name="proposal_by_policy", condition=Q(state__in=NOT_OVER))
"""Finds at once what the policy in force has not judged, however much waits."""


class LastJudged(models.Model):
    """By which policy version, and under which mandate of its agent, a proposal was judged last.

    Approvals from before `asked_again_at` count no more.
    """

    policy_version = models.PositiveIntegerField(_("policy version"), default=0, editable=False)
    mandate = models.CharField(_("mandate"), max_length=100, blank=True, editable=False)
    asked_again_at = models.DateTimeField(_("asked again at"), null=True, blank=True, editable=False)

    standing_approval = models.BigIntegerField(
        _("standing approval"), null=True, blank=True, editable=False, help_text=_("By which it passes, if by any.")
    )

    class Meta:
        abstract = True
