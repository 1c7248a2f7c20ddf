"""What people type to find a proposal: its id, words of its title, or the exact name of a target."""

from typing import Final
from uuid import UUID

from django.db.models import Q

MOST_WORDS: Final = 10
LONGEST_TARGET: Final = 200


def named_by(text: str) -> Q:
    """Return the condition that `text` stands for; without any text, none."""
    term = text.strip().replace("\x00", "")
    if not term:
        return Q()
    if (found := read_id(term)) is not None:
        return Q(pk=found)
    titles = Q()
    for word in term.split()[:MOST_WORDS]:
        titles &= Q(title__icontains=word)
    return titles | Q(targets__contains=[term[:LONGEST_TARGET]])


def read_id(text: str) -> UUID | None:
    """Return the id that `text` is; None for anything else, such as what somebody wrote into a form."""
    try:
        return UUID(text)
    except ValueError:
        return None
