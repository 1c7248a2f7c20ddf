"""The kinds of card: each folder beside this file that holds a presenter and a template."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final, Protocol, cast

from approvals.cards.asked import CardSubject

FOLDER: Final = Path(__file__).resolve().parent
FIELDS: Final = "fields"


class Presenter(Protocol):
    """What `presenter.py` of a kind offers. Neither function raises, whatever the payload looks like.

    What `present` returns is `shown` in the kind's `card.html`; None where the payload has nothing of the kind.
    `effect` says in one sentence what approving does; `when` says when, as "in 10 seconds".
    """

    @property
    def LABEL(self) -> str: ...  # noqa: N802  # a constant of the module

    def present(self, subject: CardSubject) -> object | None: ...

    def effect(self, subject: CardSubject, *, when: str) -> str | None: ...


@cache
def kinds() -> tuple[str, ...]:
    """Return the kinds, the field table first."""
    folders = (path.parent for path in FOLDER.glob("*/presenter.py"))
    names = sorted(folder.name for folder in folders if (folder / "card.html").is_file())
    return (FIELDS, *(name for name in names if name != FIELDS))


@cache
def stylesheets() -> tuple[str, ...]:
    """Return the static files that style the cards: what all share, then those of kinds that need more."""
    own = (f"approvals/cards/{kind}/card.css" for kind in kinds() if (FOLDER / kind / "static" / "card.css").is_file())
    return ("approvals/cards.css", *own)


def presenter(kind: str) -> Presenter | None:
    """Return the presenter of a kind; None if there is no such kind, or no longer."""
    if kind not in kinds():
        return None
    return cast(Presenter, import_module(f"approvals.cards.{kind}.presenter"))


def choices() -> Iterator[tuple[str, str]]:
    """Yield each kind with its name for people."""
    for kind in kinds():
        offering = presenter(kind)
        if offering is not None:
            yield kind, str(offering.LABEL)
