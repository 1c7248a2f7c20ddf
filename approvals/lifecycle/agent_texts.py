"""Normalize agents' texts before they are stored: one spelling, short texts on one line, nothing hidden.

Every text of a proposal but its payload, the state before and the rollback comes through here, whichever call
brought it. Those three are content: guardrails read them, and pages write out what is hidden in them.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _

from approvals.errors import InvalidProposal
from approvals.outbox.statements import AS_SENT
from policies import plain_text
from policies.engine.payloads import FieldError

if TYPE_CHECKING:
    from approvals.lifecycle.submission import NewProposal

_LONG: Final = frozenset({"value", "event", "note"})
"""Members of evidence, triggers and outcomes that may have several lines."""
_READ_BY_NAME: Final = frozenset({"title", "rationale", "targets", "tags"})
_TITLE, _ACTION, _TARGET, _TAG = 300, 120, 200, 80


class Door:
    """Reads texts, and remembers what is wrong with which of them."""

    def __init__(self) -> None:
        self.faults: list[FieldError] = []

    def name(self, pointer: str, text: str, longest: int) -> str:
        """Return a name as it is compared with others: in NFC, on one line, trimmed."""
        kept = plain_text.name(self._shown(pointer, text))
        self._require_visible(pointer, kept)
        if len(kept) > longest:
            self._fault(pointer, "too_long", _("Written in NFC it has more than %d characters.") % longest)
        return kept

    def names(self, pointer: str, texts: tuple[str, ...], longest: int) -> tuple[str, ...]:
        """Return each name once, however often and in however many spellings it was sent."""
        kept = (self.name(f"{pointer}/{number}", text, longest) for number, text in enumerate(texts))
        return tuple(dict.fromkeys(kept))

    def line(self, pointer: str, text: str) -> str:
        """Return a text on one line; it may be empty."""
        return plain_text.one_line(self._shown(pointer, text))

    def title(self, pointer: str, text: str) -> str:
        """Return a text on one line that has something to see."""
        kept = self.line(pointer, text)
        self._require_visible(pointer, kept)
        return kept

    def text(self, pointer: str, text: str) -> str:
        """Return a text of any number of lines."""
        return plain_text.lines(self._shown(pointer, text))

    def tree(self, pointer: str, value: Any, member: str = "") -> Any:
        """Return a JSON value with every text in it as it is kept."""
        if isinstance(value, str):
            return self.text(pointer, value) if member in _LONG else self.line(pointer, value)
        if isinstance(value, dict):
            return {
                self.line(pointer, str(key)): self.tree(f"{pointer}/{_escaped(str(key))}", part, str(key))
                for key, part in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.tree(f"{pointer}/{number}", part, member) for number, part in enumerate(value)]
        return value

    def require_no_faults(self) -> None:
        """Raise InvalidProposal if anything was wrong."""
        if self.faults:
            raise InvalidProposal(self.faults)

    def _shown(self, pointer: str, text: str) -> str:
        spot = next(plain_text.hidden_spots(text), None)
        if spot is not None:
            facts = {"char": plain_text.written_out(text[spot[0]]), "place": spot[0] + 1}
            words = _("Character %(place)d, %(char)s, is hidden or changes the direction of the text. Leave it out.")
            self._fault(pointer, "hidden_characters", words % facts)
        return text

    def _require_visible(self, pointer: str, text: str) -> None:
        if not plain_text.has_something_visible(text):
            self._fault(pointer, "nothing_visible", _("This needs something that people can see."))

    def _fault(self, pointer: str, code: str, detail: str) -> None:
        self.faults.append(FieldError(pointer, code, detail))


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def kept(draft: "NewProposal") -> "NewProposal":
    """Return `draft` with its texts as they are kept. Raises InvalidProposal, naming each field."""
    door = Door()
    trees = {name: door.tree(f"/{name}", getattr(draft, name)) for name in AS_SENT if name not in _READ_BY_NAME}
    clean = replace(
        draft,
        **trees,
        surface=plain_text.name(draft.surface),
        action=door.name("/action", draft.action, _ACTION),
        title=door.title("/title", draft.title),
        rationale=door.text("/rationale", draft.rationale),
        currency=plain_text.name(draft.currency),
        targets=door.names("/targets", draft.targets, _TARGET),
        tags=door.names("/tags", draft.tags, _TAG),
        content=replace(draft.content, note=door.text("/note", draft.content.note)),
    )
    door.require_no_faults()
    return clean


def kept_note(note: str) -> str:
    """Return the note of a revision or an outcome as it is kept. Raises InvalidProposal."""
    door = Door()
    clean = door.text("/note", note)
    door.require_no_faults()
    return clean


def kept_lines(**texts: str) -> dict[str, str]:
    """Return short texts, by the name of their field, as they are kept. Raises InvalidProposal."""
    door = Door()
    clean = {name: door.line(f"/{name}", text) for name, text in texts.items()}
    door.require_no_faults()
    return clean
