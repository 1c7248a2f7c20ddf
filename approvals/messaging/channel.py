"""The interface of a channel kind: each folder beside this file implements it in `channel.py`."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from django.contrib.auth.models import User

from approvals.messaging.composition import Sight
from approvals.messaging.message import Digest, Message
from approvals.models import NoticeDelivery
from approvals.notices.channels import NoticeChannel


class SendingChannel(NoticeChannel):
    """One way of telling people, with what carries the messages."""

    settings: ClassVar[Sequence[str]] = ()
    """The variables of docs/configuration.md that set it up."""
    can_ask: ClassVar[bool] = True
    """Whether a message may ask for a decision; else it only tells."""
    most_in_one: ClassVar[int] = 1
    """How many gathered notices go into one message."""
    follow_ups: ClassVar[Sequence[Callable[[], bool]]] = ()
    """What else there is to do besides sending; each does one thing and says whether there was one."""

    def choices(self, message: Message, seen: Sight, person: User) -> Message:
        """Return `message` with the means to decide, where it asks somebody who may decide from there."""
        return message

    def send(self, row: NoticeDelivery, message: Message) -> None:
        """Send one notice. Raises NotSent."""
        raise NotImplementedError

    def send_report(self, person: User, message: Message) -> None:
        """Send a person what is about no single proposal. Raises NotSent."""
        raise NotImplementedError

    def send_digest(self, row: NoticeDelivery, digest: Digest) -> None:
        """Send several notices as one message, to the reader of `row`. Raises NotSent."""
        raise NotImplementedError
