"""Search terms of lists and ledger that name what is kept as JSON."""

from typing import Final

from django.db.models import Q

MOST_WORDS: Final = 10


def of_model(text: str, path: str = "") -> Q:
    """Return the condition that a model is called `text`: its name, or its name and version with a space between."""
    condition = Q(**{f"{path}model__contains": {"name": text}})
    words = text.split(" ")
    for cut in range(1, min(len(words), MOST_WORDS)):
        name, version = " ".join(words[:cut]), " ".join(words[cut:])
        condition |= Q(**{f"{path}model__contains": {"name": name, "version": version}})
    return condition
