"""Hand e-mail to whatever backend Django is set up with."""

import smtplib
from email.header import Header
from email.message import Message as RawMessage
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from approvals.messaging.message import Digest, Message, NotSent

LONGEST_SUBJECT: Final = 160


def send(message: Message, *, to: str) -> None:
    """Send one notice. Raises NotSent."""
    subject = f"{message.heading}: {message.title}"
    thread = f"<proposal.{message.thread}@{_host()}>"
    _send("notice", message, subject, to=to, headers={"References": thread, "In-Reply-To": thread})


def send_digest(digest: Digest, *, to: str) -> None:
    """Send several notices as one mail. Raises NotSent."""
    _send("digest", digest, digest.heading, to=to, headers={})


def _send(template: str, content: Message | Digest, subject: str, *, to: str, headers: dict[str, str]) -> None:
    context = {"message": content, "digest": content, "site_url": settings.SITE_URL}
    mail = _Mail(
        subject=_one_line(subject),
        body=render_to_string(f"email/{template}.txt", context),
        to=[to],
        headers={
            "Message-ID": f"<notice.{content.id}@{_host()}>",
            "Date": format_datetime(timezone.now()),
            "List-Id": f"{_('HITL Portal')} <notices.{_host()}>",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            **headers,
        },
    )
    mail.attach_alternative(render_to_string(f"email/{template}.html", context), "text/html")
    try:
        mail.connection = get_connection()
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        refused = [code for code, _answer in error.recipients.values()]
        is_for_good = all(code >= 500 for code in refused)
        raise NotSent("The mail server refused the recipient.", is_final=is_for_good) from error
    except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as error:
        raise NotSent(f"The mail server answered {error.smtp_code}.", is_final=error.smtp_code >= 500) from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent(f"The mail server cannot be used ({type(error).__name__}).", is_channel_down=True) from error


class _Mail(EmailMultiAlternatives):
    """A mail whose subject reads as it was written."""

    def message(self, **options: Any) -> Any:
        """Return the message; what looks like an encoded word in its subject is text, and no reader decodes it."""
        made = super().message(**options)
        if "=?" in self.subject or not self.subject.isascii():
            del made["Subject"]
            # On one line, since Django takes no other; readers drop the space between two encoded words.
            subject = Header(str(self.subject), "utf-8", header_name="Subject").encode(linesep="")
            RawMessage.__setitem__(made, "Subject", subject)
        return made


def _one_line(text: str) -> str:
    """Write a subject: line breaks in it would be headers of somebody else's making."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 1]}…"


def _host() -> str:
    return urlsplit(settings.SITE_URL).hostname or "localhost"
