"""The e-mail that a payload describes."""

import re
from dataclasses import dataclass
from typing import Any, Final

from approvals.cards import reading

SHOWN: Final = ("subject", "preheader", "template", "html", "text", "body")
"""Texts that the card shows as they are."""
_MARKUP: Final = re.compile(r"<(?:!doctype|html|body|table|div|p|br|a|h[1-6]|span|img|ul|ol|b|strong)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class EmailMessage:
    """One e-mail, empty where the payload says nothing; a path is where the text stands in the payload."""

    subject: str = ""
    preheader: str = ""
    sender: str = ""
    template: str = ""
    html: str = ""
    html_path: str = ""
    text: str = ""
    text_path: str = ""


def read(document: Any) -> EmailMessage:
    """Return the e-mail; `body` may be either kind of text, as the payload schema of the samples has it."""
    payload = reading.mapping(document)
    html, text, body = (reading.text(payload.get(name)) for name in ("html", "text", "body"))
    html_path, text_path = "html" if html else "", "text" if text else ""
    if body and not html and _MARKUP.search(body):
        html, html_path = body, "body"
    elif body and not text:
        text, text_path = body, "body"
    return EmailMessage(
        subject=reading.text(payload.get("subject")),
        preheader=reading.text(payload.get("preheader")),
        sender=_sender(payload.get("from")),
        template=reading.text(payload.get("template")),
        html=html,
        html_path=html_path,
        text=text,
        text_path=text_path,
    )


def _sender(value: Any) -> str:
    """Write `{"name": …, "email": …}` as mail programs do."""
    sender = reading.mapping(value)
    name, address = reading.text(sender.get("name")), reading.text(reading.first(sender, "email", "address"))
    if name and address:
        return f"{name} <{address}>"
    return name or address or reading.text(value)
