"""The channels as notices know them: whom each reaches, and how soon it tells by default.

What speaks through them is a room above; it hands its channels over when the app starts.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.contrib.auth.models import User
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from approvals.models import ASKING, OutsideAddress, Pace
from approvals.models.notice import CHANNEL_LABELS


class NoticeChannel:
    """One way of telling people. A kind sets what differs from this."""

    slug: ClassVar[str]
    label: ClassVar[str | Promise]
    is_personal: ClassVar[bool] = True
    """Whether it reaches one person, who chooses when; else it tells addresses that an administrator set up."""
    is_linked: ClassVar[bool] = False
    """Whether a person must link an account first; only then is it offered to them."""
    paces: ClassVar[Sequence[tuple[str, str | Promise]]] = Pace.choices
    """What a person may choose."""
    told: ClassVar[str] = Pace.NEVER
    """When it usually tells what asks nobody for a decision; `told_of` names the exceptions."""
    told_of: ClassVar[Mapping[str, str]] = {}

    def usual(self, kind: str) -> str:
        """Return one of Pace: when somebody who chose nothing is told of `kind`."""
        return Pace.NOW if kind in ASKING else self.told_of.get(kind, self.told)

    def reached(self, people: Sequence[User]) -> Collection[int]:
        """Return the ids of those whom it can reach now. At most one query."""
        return ()

    def addresses(self) -> Sequence[OutsideAddress]:
        """Return the addresses that are told besides people, with what decides of what."""
        return ()

    def bring_up_to_date(self, proposals: Collection[UUID], *, at: datetime) -> None:
        """Have what was sent of `proposals` say how they are now, where sent messages can be changed."""


class Inbox(NoticeChannel):
    """The page in the portal. Nothing is sent."""

    slug = "inbox"
    label = _("Inbox")
    paces = ((Pace.NOW, _("Yes")), (Pace.NEVER, _("No")))
    told = Pace.NOW


INBOX = Inbox()
Offered = Callable[[], Sequence[NoticeChannel]]
_OFFERED: list[Offered] = []


def offer(channels: Offered) -> None:
    """Have people told through `channels` too."""
    if channels not in _OFFERED:
        _OFFERED.append(channels)
        CHANNEL_LABELS.update({channel.slug: channel.label for channel in [INBOX, *channels()]})


def sending() -> list[NoticeChannel]:
    """Return the channels that send something."""
    return [channel for channels in _OFFERED for channel in channels()]


def personal() -> list[NoticeChannel]:
    """Return the channels that reach one person, the inbox first."""
    return [INBOX, *(channel for channel in sending() if channel.is_personal)]


def label(slug: str) -> str:
    """Return the name of a channel for people; of one that is gone, its slug."""
    return next((str(channel.label) for channel in [INBOX, *sending()] if channel.slug == slug), slug)
