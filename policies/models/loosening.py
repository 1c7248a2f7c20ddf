import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from policies.models.version import PolicyVersion


class Loosening(models.Model):
    """A change that takes oversight away. One person asks for it; it happens when another agrees."""

    class Kind(models.TextChoices):
        PUBLISH = "publish", _("Publish the policy")
        ACTIVATE = "activate", _("Put an earlier version in force")
        MANDATE = "mandate", _("Give an agent less oversight")
        RELEASE = "release", _("Release a kill switch")
        AGENT = "agent", _("Let a suspended agent work again")
        OWNER = "owner", _("Give an agent another owner")
        KEY = "key", _("Issue a key for someone else’s agent")
        PERSON = "person", _("Give a person more rights")
        ROLE = "role", _("Give a role more rights")
        TUNING = "tuning", _("Let a role tune a surface")
        ADDRESS = "address", _("Point a connector to another address")
        STANDING = "standing", _("Let a kind of proposal through for a while")

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waits for a second person")
        DONE = "done", _("Done")
        REFUSED = "refused", _("Refused")
        OUTDATED = "outdated", _("Overtaken by another change")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    subject = models.CharField(_("subject"), max_length=200, help_text=_("What it is about, as the ledger names it."))
    change = models.JSONField(_("change"), help_text=_("What exactly is asked for; nothing else can be agreed to."))
    note = models.CharField(_("why"), max_length=500, blank=True)
    base = models.ForeignKey(PolicyVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.WAITING)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_by_name = models.CharField(_("asked by"), max_length=200)
    asked_at = models.DateTimeField(_("asked at"))
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    answered_by_name = models.CharField(_("answered by"), max_length=200, blank=True)
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)

    class Meta:
        verbose_name = _("request to relax the policy")
        verbose_name_plural = _("requests to relax the policy")
        ordering = ["-id"]
        default_permissions = ("view",)
        permissions = [
            ("ask_loosening", "Can ask for less oversight, and publish what tightens it"),
            ("agree_loosening", "Can agree to less oversight that somebody else asks for"),
        ]
        constraints = [
            models.CheckConstraint(
                name="loosening_needs_a_second_person",
                condition=~Q(status="done") | Q(answered_by__isnull=False) & ~Q(answered_by=F("asked_by")),
            ),
            models.UniqueConstraint(
                name="loosening_one_waiting_per_subject", fields=["kind", "subject"], condition=Q(status="waiting")
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="loosening_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="loosening_same_change",
                fields=["kind", "subject", "change", "base", "asked_by", "asked_by_name", "asked_at"],
            ),
            pgtrigger.FSM(
                name="loosening_answered_once",
                field="status",
                transitions=[("waiting", "done"), ("waiting", "refused"), ("waiting", "outdated")],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.subject}"
