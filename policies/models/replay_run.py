import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ReplayRun(models.Model):
    """One policy document against the recorded proposals: asked for by a person, worked off in the background.

    `tally` and `last` are how far it got, so that another worker can go on where one went away.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waits")
        RUNNING = "running", _("Runs")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    digest = models.CharField(_("digest"), max_length=71)
    document = models.JSONField(_("document"))
    version = models.IntegerField(_("version"), null=True, help_text=_("Which version it is; none for a draft."))
    since = models.DateTimeField(_("proposals since"))
    most = models.PositiveIntegerField(_("at most"))
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.WAITING)
    total = models.PositiveIntegerField(_("proposals"), null=True)
    done = models.PositiveIntegerField(_("judged"), default=0)
    last = models.UUIDField(_("judged down to"), null=True)
    tally = models.JSONField(_("counted so far"), null=True)
    result = models.JSONField(_("result"), null=True)
    error = models.CharField(_("error"), max_length=500, blank=True)
    fence = models.PositiveIntegerField(_("fence"), default=0)
    crashes = models.PositiveIntegerField(_("workers lost"), default=0)
    lease_until = models.DateTimeField(_("held until"), null=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    asked_by_name = models.CharField(_("asked by"), max_length=200)
    asked_at = models.DateTimeField(_("asked at"))
    finished_at = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        verbose_name = _("replay")
        verbose_name_plural = _("replays")
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["digest", "-id"], name="replay_by_digest")]
        constraints = [
            models.UniqueConstraint(
                name="replay_one_at_a_time", fields=["digest"], condition=Q(status__in=["waiting", "running"])
            ),
            models.CheckConstraint(
                name="replay_is_done_iff_it_has_a_result",
                condition=Q(status="done", result__isnull=False) | ~Q(status="done") & Q(result__isnull=True),
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="replay_same_question", fields=["digest", "document", "version", "since", "most", "asked_by"]
            ),
            pgtrigger.FSM(
                name="replay_edges",
                field="status",
                transitions=[("waiting", "running"), ("running", "done"), ("running", "failed")],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.digest[:19]} · {self.get_status_display()}"

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self.status in {self.Status.DONE, self.Status.FAILED}

    @property
    def percent(self) -> int:
        """How far it is, in whole percent; 100 only once it is done."""
        if self.status == self.Status.DONE:
            return 100
        return min(99, 100 * self.done // self.total) if self.total else 0
