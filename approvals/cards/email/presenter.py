"""An e-mail: as its readers see it, as text, who gets it, and what differs from the one before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from approvals.cards import reading, wording
from approvals.cards.asked import MAX_CHARACTERS, CardSubject
from approvals.cards.email import alternatives, inventory, merge_tags, message, unseen
from approvals.cards.email.alternatives import Alternative
from approvals.cards.email.inventory import Link
from approvals.cards.email.message import EmailMessage
from approvals.cards.email.unseen import Unseen
from approvals.presentation import words
from approvals.presentation.marks import Part, ends

LABEL: Final = gettext_lazy("E-mail: preview, text and audience")


@dataclass(frozen=True, slots=True)
class HeadLine:
    """One line of the head: its label, and its text with merge tags, findings and changed words marked."""

    label: str
    text: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Email:
    """`preview` and `old_preview` are addresses for a frame, empty where there is no HTML."""

    lines: Sequence[HeadLine]
    refuses: bool
    """The one lead it goes to has asked for no e-mail."""
    preview: str
    old_preview: str
    text: Sequence[Part]
    is_text_derived: bool
    left_out: int
    links: Sequence[Link]
    links_left_out: int
    remote_pictures: int
    unseen: Sequence[Unseen]
    """What was found where the preview cannot mark it."""
    unseen_left_out: int
    alternatives: Sequence[Alternative]
    """What some readers see and the preview does not."""
    alternatives_left_out: int


def present(subject: CardSubject) -> Email | None:
    """Return the e-mail; None where the payload has no part of one."""
    new, old = message.read(subject.payload), message.read(subject.before)
    if not (new.subject or new.html or new.text or new.template):
        return None
    content = inventory.of(new.html)
    text = new.text or content.text
    lead = reading.mapping(reading.mapping(subject.payload).get("lead"))
    places, places_left_out = unseen.found(new.html, subject.spans.get(new.html_path, ()))
    others, others_left_out = alternatives.found(new.html, new.html_path, subject.payload)
    return Email(
        lines=_lines(subject, new, old),
        refuses=lead.get("do_not_email") is True,
        preview=subject.preview_url if new.html else "",
        old_preview=f"{subject.preview_url}&side=before" if new.html and old.html else "",
        text=_text(subject, new, text, old.text or inventory.of(old.html).text),
        is_text_derived=bool(text and not new.text),
        left_out=max(len(text) - MAX_CHARACTERS, 0),
        links=content.links,
        links_left_out=content.links_left_out,
        remote_pictures=content.remote_pictures,
        unseen=places,
        unseen_left_out=places_left_out,
        alternatives=others,
        alternatives_left_out=others_left_out,
    )


def effect(subject: CardSubject, *, when: str) -> str | None:
    """Say what goes to whom, where the action says that it sends."""
    payload, new = reading.mapping(subject.payload), message.read(subject.payload)
    name = reading.short(new.subject or new.template)
    if not name or "send" not in subject.action.lower():
        return None
    audience, lead = reading.mapping(payload.get("audience")), reading.mapping(payload.get("lead"))
    at = reading.day(payload.get("send_at"))
    facts = {"name": name, "when": _("on %s") % at if at else when}
    if reading.text(lead.get("id")):
        facts["lead"] = reading.short(lead["id"])
        return _("If approved, “%(name)s” goes to lead %(lead)s %(when)s.") % facts
    size = reading.count(audience.get("size"))
    if size is None:
        return None
    facts["people"] = ngettext("%s person", "%s people", size) % words.number(size)
    if segment := reading.short(reading.text(audience.get("segment"))):
        facts["segment"] = segment
        return _("If approved, “%(name)s” goes to %(people)s (%(segment)s) %(when)s.") % facts
    return _("If approved, “%(name)s” goes to %(people)s %(when)s.") % facts


def _lines(subject: CardSubject, new: EmailMessage, old: EmailMessage) -> list[HeadLine]:
    head = (
        (_("Subject"), "subject", new.subject, old.subject),
        (_("Preheader"), "preheader", new.preheader, old.preheader),
        (_("From"), "from", new.sender, old.sender),
    )
    lines = [HeadLine(label, _compared(subject, path, text, was)) for label, path, text, was in head if text or was]
    if new.template and not new.html:
        lines.append(HeadLine(_("Template"), _compared(subject, "template", new.template, old.template)))
    if audience := _audience(subject):
        lines.append(HeadLine(_("Goes to"), audience))
    if at := reading.day(reading.mapping(subject.payload).get("send_at")):
        lines.append(HeadLine(_("Sent at"), [Part(at)]))
    return lines


def _compared(subject: CardSubject, path: str, text: str, was: str) -> list[Part]:
    if not was or was == text:
        return merge_tags.told(subject.marked(path, text))
    marked = list(subject.spans.get(path, ()))
    is_short = max(len(was), len(text)) <= MAX_CHARACTERS
    changed = wording.changed(was, text, marked) if is_short else None
    if changed is None:
        new = [Part(part.text, part.is_marked, "added") for part in subject.marked(path, text) if part.text]
        old = [Part(part.text, change="removed") for part in ends(was, most=MAX_CHARACTERS)]
        changed = [*old, *new]
    return merge_tags.told(changed)


def _audience(subject: CardSubject) -> list[Part]:
    payload = reading.mapping(subject.payload)
    audience, lead = reading.mapping(payload.get("audience")), reading.mapping(payload.get("lead"))
    if name := reading.text(lead.get("id")):
        return [Part(_("one lead: ")), *subject.line("lead.id", name)]
    segment, size = reading.text(audience.get("segment")), reading.count(audience.get("size"))
    parts = subject.line("audience.segment", segment) if segment else []
    if size is not None:
        people = ngettext("%s person", "%s people", size) % words.number(size)
        parts.append(Part(f" · {people}" if parts else people))
    return parts


def _text(subject: CardSubject, new: EmailMessage, text: str, was: str) -> list[Part]:
    """Return the text with what was found in it; of a text read from the HTML no places are known."""
    spans = [] if not new.text else list(subject.spans.get(new.text_path, ()))
    if was and was != text and max(len(was), len(text)) <= MAX_CHARACTERS:
        changed = wording.changed(was, text, spans)
        if changed is not None:
            return merge_tags.told(changed)
    return merge_tags.told(ends(text, spans, most=MAX_CHARACTERS))
