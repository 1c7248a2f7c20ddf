"""Tell other services through Apprise. They are told, and never decide."""

from typing import Final

from apprise import Apprise, AppriseAsset, NotifyFormat
from apprise.plugins.base import NotifyBase
from django.template.loader import render_to_string

from approvals.messaging.apprise import addresses
from approvals.messaging.message import Digest, Message, NotSent

_ASSET: Final = AppriseAsset(
    app_id="HITL Portal",
    app_desc="HITL Portal",
    image_url_mask="",
    image_url_logo="",
    image_path_mask="",
    async_mode=False,
)


def send(message: Message, *, url: str) -> None:
    """Send one notice. Raises NotSent. Apprise tells no reasons, so every failure counts as the service's."""
    body = render_to_string("apprise/notice.txt", {"message": message})
    _send(f"{message.heading}: {message.title}", body, url=url)


def send_digest(digest: Digest, *, url: str) -> None:
    """Send several notices as one message. Raises NotSent."""
    _send(digest.heading, render_to_string("apprise/digest.txt", {"digest": digest}), url=url)


def _send(heading: str, body: str, *, url: str) -> None:
    plugin = _plugin(url)
    # Some of the services send mail and would leave an encoded word as it is, for the reader to decode.
    title = " ".join(heading.split()).replace("=?", "= ?")[:200]
    client = Apprise(asset=_ASSET)
    client.add(plugin)
    if not client.notify(body=body, title=title, body_format=NotifyFormat.TEXT):
        raise NotSent("The service did not take the message.", is_channel_down=True)


def _plugin(url: str) -> NotifyBase:
    """Return what speaks with the service of `url`; it follows nobody elsewhere and checks certificates."""
    try:
        addresses.check(url)
    except addresses.AddressRefused as refused:
        raise NotSent(str(refused), is_final=True) from refused
    plugin = Apprise.instantiate(url, asset=_ASSET, suppress_exceptions=True)
    if not isinstance(plugin, NotifyBase):
        raise NotSent("The address is not complete.", is_final=True)
    plugin.redirects = False
    plugin.verify_certificate = True
    return plugin


def is_complete(url: str) -> bool:
    """Whether the address names everything that its service needs. Connects to nothing."""
    try:
        _plugin(url)
    except NotSent:
        return False
    return True
