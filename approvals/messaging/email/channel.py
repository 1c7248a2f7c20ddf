"""E-mail: what one is told in good time, gathered into digests, with a link that decides."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.messaging import composition, decision_links
from approvals.messaging.channel import SendingChannel, Written
from approvals.messaging.composition import Sight
from approvals.messaging.email import transport
from approvals.messaging.message import Message, NotSent
from approvals.models import NoticeKind, Pace


class EmailChannel(SendingChannel):
    slug = "email"
    label = gettext_lazy("E-mail")
    settings = ("EMAIL_URL",)
    most_in_one = 101
    told = Pace.DAILY
    told_of = {
        NoticeKind.SHIPPED_BY_ITSELF: Pace.HOURLY,
        NoticeKind.FAILED: Pace.NOW,
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

    def send(self, written: Sequence[Written]) -> None:
        """Send one mail: the notice itself, or a digest of several."""
        row, message = written[0]
        to = row.person.email if row.person else ""
        if not to:
            raise NotSent(_("The person has no e-mail address."), is_final=True)
        if len(written) == 1:
            transport.send(message, to=to)
        else:
            messages = [one for _row, one in written]
            transport.send_digest(composition.digest(messages, identifier=str(row.pk)), to=to)
