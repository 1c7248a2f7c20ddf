"""Write a message in Slack's blocks. PURE."""

import re
from collections.abc import Sequence
from typing import Any, Final

from approvals.messaging.message import Digest, Message

APPROVE: Final = "approve"
REJECT: Final = "reject"
OPEN: Final = "open"
LONGEST: Final = 2_900
"""Slack takes 3,000 characters in a section, and cuts nothing by itself."""


def blocks(message: Message) -> list[dict[str, Any]]:
    """Return the blocks of one message; buttons only where it offers choices, else a link."""
    head = f"*{escaped(message.heading)}*\n<{message.url}|{escaped(message.title)}>\n{escaped(message.effect)}"
    if message.note:
        head += f"\n> {escaped(message.note)}"
    sections = [_section(head)]
    if message.facts:
        fields = [_text(f"*{escaped(fact.label)}*\n{escaped(fact.value)}"[:1_900]) for fact in message.facts[:10]]
        sections.append({"type": "section", "fields": fields})
    if message.differences:
        sections.append(_section(_changes(message)))
    sections.append(_actions(message))
    return sections


def plain(message: Message) -> str:
    """Return the text that stands in notifications and for readers of screens."""
    return plain_heading(f"{message.heading}: {message.title}")


def plain_heading(text: str) -> str:
    """Return what stands in notifications, on one line."""
    return _entities(" ".join(text.split()))[:LONGEST]


def digest_blocks(digest: Digest) -> list[dict[str, Any]]:
    """Return the blocks of several notices in one message: a line with a link for each, and one way to all of them."""
    lines = [f"• <{one.url}|{escaped(one.title)}>: {escaped(one.heading)}" for one in digest.messages]
    if digest.more:
        lines.append(f"• … {digest.more}")
    sections = [_section(f"*{escaped(digest.heading)}*"), *map(_section, _pieces(lines))]
    button = {"type": "button", "action_id": OPEN, "url": digest.url, "text": _label(digest.link_text)}
    return [*sections, {"type": "actions", "elements": [button]}]


def _pieces(lines: Sequence[str]) -> list[str]:
    """Put as many lines together as fit a section."""
    pieces = [""]
    for line in lines:
        text = f"{pieces[-1]}\n{line}".strip()
        pieces = [*pieces[:-1], text] if len(text) <= LONGEST else [*pieces, line]
    return pieces


_FORMATTING: Final = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})
_EDGE: Final = re.compile(r"(?<!\w)_|_(?!\w)")
_EMOJI_CODE: Final = re.compile(r":(?=[\w+'-]+:)")


def escaped(text: str) -> str:
    """Write text on one line so that nothing in it is a mention, a link, a channel, a picture or bold.

    Slack has no way to escape its asterisks, so what would be markup becomes a sign that looks the same.
    """
    line = " ".join(text.split()).translate(_FORMATTING)
    line = _EMOJI_CODE.sub("∶", _EDGE.sub("ˍ", line))
    return _entities(line)


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _changes(message: Message) -> str:
    lines = []
    for field in message.differences:
        old = f"{_quoted(field.old)} → " if field.old else ""
        lines.append(f"• {escaped(field.path)}: {old}{_quoted(field.new)}")
    if message.more_differences:
        lines.append(f"• … {message.more_differences}")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """Write a value so that no asterisk, tilde or underscore in it is read as markup."""
    line = _entities(" ".join(text.split())).replace("`", "ˋ")
    return f"`{line}`" if line else "``"


def _actions(message: Message) -> dict[str, Any]:
    elements: list[dict[str, Any]] = []
    if message.approve is not None:
        button = {"type": "button", "action_id": APPROVE, "style": "primary", "value": message.approve.value}
        elements.append({**button, "text": _label(message.approve.label)})
    if message.reject:
        options = [{"text": _label(choice.label), "value": choice.value} for choice in message.reject]
        elements.append(
            {
                "type": "static_select",
                "action_id": REJECT,
                "placeholder": _label(message.reject_text),
                "options": options,
            }
        )
    elements.append({"type": "button", "action_id": OPEN, "url": message.url, "text": _label(message.link_text)})
    # What the menu is about goes along in its block's id, as its options have no room for it.
    block_id = {"block_id": message.binding} if message.binding else {}
    return {"type": "actions", **block_id, "elements": elements}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _text(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")}


def _text(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def _label(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text[:75]}
