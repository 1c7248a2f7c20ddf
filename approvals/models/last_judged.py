from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

LAST_JUDGED: Final = ("policy_version", "mandate", "asked_again_at", "standing_approval")


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
