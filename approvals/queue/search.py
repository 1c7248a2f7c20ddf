"""Search for proposals by id, words of the title, or the name of a target, trigger or model."""

from typing import Final
from uuid import UUID

from django.db.models import Q

from audit.ledger.search import of_model

MOST_WORDS: Final = 10
LONGEST_TARGET: Final = 200


def named_by(text: str) -> Q:
    """Return the condition that `text` stands for; without any text, none."""
    term = text.strip().replace("\x00", "")
    if not term:
        return Q()
    if (number := read_id(term)) is not None:
        return Q(pk=number)
    titles = Q()
    for word in term.split()[:MOST_WORDS]:
        titles &= Q(title__icontains=word)
    return titles | Q(targets__contains=[term[:LONGEST_TARGET]]) | Q(trigger__contains={"event": term}) | of_model(term)


def read_id(text: str) -> UUID | None:
    """Return the id that `text` is; None for anything else, such as what somebody wrote into a form."""
    try:
        return UUID(text)
    except ValueError:
        return None
