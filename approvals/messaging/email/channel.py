"""E-mail: what one is told in good time, gathered into digests, with a link that decides."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.messaging import composition, decision_links
from approvals.messaging.channel import SendingChannel
from approvals.messaging.composition import Sight
from approvals.messaging.email import transport
from approvals.messaging.message import Digest, Message, NotSent
from approvals.models import NoticeDelivery, NoticeKind, Pace


class EmailChannel(SendingChannel):
    slug = "email"
    label = gettext_lazy("E-mail")
    settings = ("EMAIL_URL",)
    most_in_one = 101
    told = Pace.DAILY
    told_of = {
        NoticeKind.SHIPPED_BY_ITSELF: Pace.HOURLY,
        NoticeKind.FAILED: Pace.NOW,
        NoticeKind.DEMOTED: Pace.NOW,
        NoticeKind.WITHDRAWN: Pace.NEVER,
    }

    def reached(self, people: Sequence[User]) -> Collection[int]:
        """Those who have an address."""
        return [person.pk for person in people if person.email]

    def choices(self, message: Message, seen: Sight, person: User) -> Message:
        """Put a link that decides once in place of the one to the page."""
        token = decision_links.issue(person=person, proposal=seen.proposal, via=self.slug, at=seen.now)
        url = composition.site_url(reverse("decide", args=[token]))
        return replace(message, url=url, link_text=_("Look and decide"), is_personal=True)

    def send(self, row: NoticeDelivery, message: Message) -> None:
        """Send one mail about one notice."""
        transport.send(message, to=_address(row.person))

    def send_report(self, person: User, message: Message) -> None:
        """Send one mail about no single proposal."""
        transport.send(message, to=_address(person))

    def send_digest(self, row: NoticeDelivery, digest: Digest) -> None:
        """Send one mail about several notices."""
        transport.send_digest(digest, to=_address(row.person))


def _address(person: User | None) -> str:
    if person is None or not person.email:
        raise NotSent(_("The person has no e-mail address."), is_final=True)
    return person.email
