"""A real mail server on this machine that keeps what it is handed."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

BACKEND = "django.core.mail.backends.smtp.EmailBackend"


@dataclass
class Mailbox:
    """Answers RCPT with `answer`, and DATA as a mail server does."""

    answer: str = "250 OK"
    mails: list[EmailMessage] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 Message accepted"

    def text(self, index: int = -1) -> str:
        return self._part("plain", index)

    def html(self, index: int = -1) -> str:
        return self._part("html", index)

    def _part(self, kind: str, index: int) -> str:
        part = self.mails[index].get_body((kind,))
        assert part is not None
        return str(part.get_content())


@contextmanager
def mail_server(settings: Any, **options: Any) -> Iterator[Mailbox]:
    """Run a mail server, and have Django hand its e-mail in there."""
    mailbox = Mailbox(**options)
    controller = Controller(mailbox, hostname="127.0.0.1", port=_free_port())
    controller.start()
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = BACKEND, "127.0.0.1", controller.port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    mailbox.port = controller.port
    try:
        yield mailbox
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
