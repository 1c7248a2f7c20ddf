from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from approvals.models.outbox import Delivery
from approvals.models.proposal import Proposal


class SlackLink(models.Model):
    """The Slack user that a person has proved to be."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="slack_link"
    )
    slack_user = models.CharField(_("Slack user"), max_length=40, unique=True)
    confirmed_at = models.DateTimeField(_("confirmed at"))

    class Meta:
        verbose_name = _("Slack link")
        verbose_name_plural = _("Slack links")
        default_permissions = ()

    def __str__(self) -> str:
        return self.slack_user


class SlackMessage(Delivery):
    """A message that stands in Slack. When its proposal moves on it waits to be brought up to date."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="slack_messages")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(_("kind"), max_length=20)
    slack_channel = models.CharField(_("channel"), max_length=40)
    slack_ts = models.CharField(_("message"), max_length=40)

    class Meta(Delivery.Meta):
        verbose_name = _("Slack message")
        verbose_name_plural = _("Slack messages")
        constraints = [models.UniqueConstraint(name="slack_message_once", fields=["slack_channel", "slack_ts"])]
        indexes = [
            models.Index(fields=["next_attempt_at"], name="slack_message_due", condition=Q(status="waiting")),
            models.Index(fields=["lease_until"], name="slack_message_leased", condition=Q(status="claimed")),
        ]


class SlackAnswer(Delivery):
    """What a person who pressed a button in Slack is told, seen by them alone."""

    url = models.URLField(_("address"), max_length=500)
    text = models.CharField(_("text"), max_length=1000)

    class Meta(Delivery.Meta):
        verbose_name = _("Slack answer")
        verbose_name_plural = _("Slack answers")
        indexes = [
            models.Index(fields=["next_attempt_at"], name="slack_answer_due", condition=Q(status="waiting")),
            models.Index(fields=["lease_until"], name="slack_answer_leased", condition=Q(status="claimed")),
        ]


class SlackCall(models.Model):
    """A call of Slack that was answered, so that a copy of it is not. Kept for an hour."""

    signature = models.CharField(primary_key=True, max_length=80)
    at = models.DateTimeField(_("at"), db_index=True)

    class Meta:
        verbose_name = _("Slack call")
        verbose_name_plural = _("Slack calls")
        default_permissions = ()
