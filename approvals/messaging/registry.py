"""The kinds of channel, one line each; they are shown in this order."""

from approvals.messaging.apprise.channel import AppriseChannel
from approvals.messaging.channel import SendingChannel
from approvals.messaging.email.channel import EmailChannel
from approvals.messaging.slack.channel import SlackChannel

CHANNELS: tuple[SendingChannel, ...] = (
    EmailChannel(),
    SlackChannel(),
    AppriseChannel(),
)


def channels() -> tuple[SendingChannel, ...]:
    """Return all kinds."""
    return CHANNELS


def channel(slug: str) -> SendingChannel | None:
    """Return the kind of this name; None where there is none, or no longer."""
    return next((channel for channel in CHANNELS if channel.slug == slug), None)
