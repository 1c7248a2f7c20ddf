import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from approvals.models.proposal import Proposal


class Timer(models.Model):
    """Something that happens once while a proposal waits: a reminder, or a level of its escalation.

    What happens and to whom is copied from the policy when people are first asked. `share` says when: at which
    part of the time they have. While nobody is asked, `due_at` is empty.
    """

    class Kind(models.TextChoices):
        REMIND_50 = "remind_50", _("Half the time is over")
        REMIND_80 = "remind_80", _("80 % of the time is over")
        LEVEL = "level", _("Escalated")

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="timers")
    kind = models.CharField(_("kind"), max_length=9, choices=Kind.choices)
    level = models.PositiveSmallIntegerField(_("level"), default=0)
    role = models.CharField(_("role"), max_length=150, blank=True)
    widens = models.BooleanField(_("may decide then"), default=False)
    share = models.FloatField(_("share of the time"))
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    fired_at = models.DateTimeField(_("happened"), null=True, blank=True)

    class Meta:
        verbose_name = _("timer")
        verbose_name_plural = _("timers")
        ordering = ["proposal", "share", "level"]
        default_permissions = ("view",)
        indexes = [
            models.Index(
                fields=["due_at", "id"], name="timer_due", condition=Q(fired_at__isnull=True, due_at__isnull=False)
            ),
        ]
        constraints = [
            models.UniqueConstraint(name="timer_one_per_level", fields=["proposal", "kind", "level"]),
            models.CheckConstraint(name="timer_is_inside_the_time", condition=Q(share__gt=0, share__lt=1)),
            models.CheckConstraint(
                name="timer_never_early",
                condition=Q(fired_at__isnull=True) | Q(due_at__isnull=False, fired_at__gte=F("due_at")),
            ),
            models.CheckConstraint(
                name="timer_level_calls_a_role",
                condition=Q(kind="level", level__gte=1) & ~Q(role="") | ~Q(kind="level") & Q(level=0, widens=False),
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="fires_once", operation=pgtrigger.Update, condition=pgtrigger.Q(old__fired_at__isnull=False)
            ),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="copied_once", fields=["proposal", "kind", "level", "role", "widens", "share"]),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.level or ''}".strip()
