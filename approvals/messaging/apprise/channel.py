"""Other services, through Apprise: addresses that an administrator set up are told, and never asked."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from approvals.messaging.apprise import transport
from approvals.messaging.channel import SendingChannel
from approvals.messaging.message import Digest, Message
from approvals.models import NoticeDelivery, OutsideAddress


class AppriseChannel(SendingChannel):
    slug = "apprise"
    label = _("Other services")
    is_personal = False
    can_ask = False

    def addresses(self) -> Sequence[OutsideAddress]:
        """Those that are not turned off."""
        return list(OutsideAddress.objects.filter(is_enabled=True).prefetch_related("surfaces"))

    def send(self, row: NoticeDelivery, message: Message) -> None:
        """Tell one address."""
        transport.send(message, url=_url(row))

    def send_digest(self, row: NoticeDelivery, digest: Digest) -> None:
        """Tell one address of several."""
        transport.send_digest(digest, url=_url(row))


def _url(row: NoticeDelivery) -> str:
    return row.address.url if row.address and row.address.is_enabled else ""
