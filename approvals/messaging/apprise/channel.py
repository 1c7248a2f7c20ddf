"""Other services, through Apprise: addresses that an administrator set up are told, and never asked."""

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext_lazy as _

from approvals.messaging.apprise import transport
from approvals.messaging.channel import SendingChannel, Written
from approvals.models import OutsideAddress


class AppriseChannel(SendingChannel):
    slug = "apprise"
    label = _("Other services")
    is_personal = False
    can_ask = False

    def addresses(self, kind: str, surface: str) -> Iterable[OutsideAddress]:
        """Those that are told of this kind on this surface; where a row names none, of all."""
        for address in OutsideAddress.objects.filter(is_enabled=True).prefetch_related("surfaces"):
            here = address.surfaces.all()
            is_here = not here or surface in {each.pk for each in here}
            if is_here and (not address.kinds or kind in address.kinds):
                yield address

    def send(self, written: Sequence[Written]) -> None:
        """Tell one address."""
        row, message = written[0]
        transport.send(message, url=row.address.url if row.address and row.address.is_enabled else "")
