"""Slack: messages with buttons, kept up to date with their proposals."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from approvals.messaging.channel import SendingChannel
from approvals.messaging.composition import Sight
from approvals.messaging.message import Digest, Message
from approvals.messaging.slack import live_messages, transport
from approvals.models import DispatchStatus, NoticeDelivery, SlackLink, SlackMessage


class SlackChannel(SendingChannel):
    slug = "slack"
    label = _("Slack")
    settings = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_API_URL")
    is_linked = True
    follow_ups = (live_messages.update_next, live_messages.answer_next)

    def reached(self, people: Sequence[User]) -> Collection[int]:
        """Those who have linked their account, where the portal can speak with Slack at all."""
        if not has_slack():
            return ()
        return {*SlackLink.objects.filter(person__in=people).values_list("person_id", flat=True)}

    def choices(self, message: Message, seen: Sight, person: User) -> Message:
        """Add a button to approve, and a menu of reasons to reject."""
        return live_messages.with_choices(message, seen, person)

    def send(self, row: NoticeDelivery, message: Message) -> None:
        """Send one message to the person's account."""
        live_messages.post(row, message)

    def send_report(self, person: User, message: Message) -> None:
        """Send one message about no single proposal to the person's account; it is not changed later."""
        transport.post(message, to=live_messages.linked(person.pk).slack_user)

    def send_digest(self, row: NoticeDelivery, digest: Digest) -> None:
        """Send one message about several to the person's account. It has no buttons, and is not changed later."""
        live_messages.post_digest(row, digest)

    def bring_up_to_date(self, proposals: Collection[UUID], *, at: datetime) -> None:
        """Have every message about `proposals` changed."""
        standing = SlackMessage.objects.filter(proposal__in=proposals).exclude(status=DispatchStatus.WAITING)
        # A worker that is about to write an older state loses its claim by the fence.
        standing.update(status=DispatchStatus.WAITING, attempts_made=0, lease_until=None, next_attempt_at=at)


def has_slack() -> bool:
    """Whether the portal can speak with Slack at all."""
    return bool(settings.SLACK_BOT_TOKEN)
