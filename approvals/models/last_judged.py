from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

LAST_JUDGED: Final = ("policy_version", "mandate", "asked_again_at")


class LastJudged(models.Model):
    """By which policy version, and under which mandate of its agent, a proposal was judged last.

    Approvals from before `asked_again_at` count no more.
    """

    policy_version = models.PositiveIntegerField(_("policy version"), default=0, editable=False)
    mandate = models.CharField(_("mandate"), max_length=100, blank=True, editable=False)
    asked_again_at = models.DateTimeField(_("asked again at"), null=True, blank=True, editable=False)

    class Meta:
        abstract = True
