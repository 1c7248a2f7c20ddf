"""A message as a channel gets it: words and addresses, nothing of the domain."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of what is proposed; `old` is empty where there was nothing before."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class MessageChoice:
    """One thing that can be chosen in the message itself, and what comes back when it is."""

    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One notice, ready to be written out. `asks` tells a request from what is only told.

    `id` stays the same on every attempt, `thread` is the same for all messages about one thing.
    """

    id: str
    thread: str
    asks: bool
    heading: str
    title: str
    effect: str
    url: str
    link_text: str
    is_personal: bool = False
    """Whether `url` acts for its reader, so that nobody else may have it."""
    note: str = ""
    facts: Sequence[Fact] = ()
    differences: Sequence[Difference] = ()
    more_differences: int = 0
    approve: MessageChoice | None = None
    reject: Sequence[MessageChoice] = ()
    reject_text: str = ""
    binding: str = ""
    """What the choices are about; it comes back with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Several notices in one message. `waiting` ask for a decision, `told` only tell; `more` are not written out."""

    id: str
    heading: str
    waiting: Sequence[Message]
    told: Sequence[Message]
    url: str
    link_text: str
    more: int = 0

    @property
    def messages(self) -> Sequence[Message]:
        return [*self.waiting, *self.told]


class NotSent(Exception):
    """A message was not taken. `reason` says why, in a sentence without secrets.

    `is_final`: it never will be. `is_channel_down`: nothing goes through this channel just now.
    `after`: how long the far side wants us to wait.
    """

    code = "not_sent"

    def __init__(
        self, reason: str, *, is_final: bool = False, is_channel_down: bool = False, after: timedelta | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final
        self.is_channel_down = is_channel_down
        self.after = after
