"""Choosing on the publish page which changes to publish: the list to tick, and what goes together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from policies.comparison import Change, Direction
from policies.publishing import selection
from policies.publishing.drafts import Draft, selected

ONLY = "only"
Show = Callable[[Change], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Picked:
    """The changes that a person has chosen, and what follows from the choice."""

    draft: Draft
    chosen: tuple[str, ...]
    together: tuple[str, ...]
    left: tuple[str, ...]


def picked(request: HttpRequest, whole: Draft) -> Picked | None:
    """Return what the address chooses of the draft; None where it is nothing, or nothing that is waiting."""
    chosen = tuple(dict.fromkeys(request.GET.getlist(ONLY)))
    if not chosen or whole.base is None:
        return None
    try:
        chosen_parts = selected(whole, chosen)
    except ValueError:
        messages.warning(request, _("None of the chosen changes is waiting any more."))
        return None
    names = selection.parts(whole.base.document, whole.document)
    left = [
        change.sentence
        for change in whole.changes
        if (name := selection.part_of(change, names)) and name not in chosen_parts.parts
    ]
    together = [_together(name, why, whole, names) for name, why in chosen_parts.together.items()]
    return Picked(chosen_parts.draft, chosen, tuple(together), tuple(left))


def _together(name: str, why: str, whole: Draft, names: Mapping[str, Any]) -> str:
    words = {"part": _told(name, whole, names), "why": _told(why, whole, names)}
    if why in names:
        return _("%(part)s. It goes along, because this does not work without it: %(why)s.") % words
    return _("%(part)s. It goes along, because without it: %(why)s") % words


def _told(name: str, whole: Draft, names: Mapping[str, Any]) -> str:
    sentences = [change.sentence for change in whole.changes if selection.part_of(change, names) == name]
    return "; ".join(sentences) or name


def context(whole: Draft, chosen: Picked | None, show: Show) -> dict[str, Any]:
    """Return the list to tick, or what was chosen, for the page."""
    if whole.base is None:
        return {"picked": None, "parts": [], "others": [], "is_partly_ticked": False}
    names = selection.parts(whole.base.document, whole.document)
    by_thing: dict[str, list[Change]] = {name: [] for name in names}
    others = []
    for change in whole.changes:
        name = selection.part_of(change, names)
        by_thing[name].append(change) if name else others.append(change)
    rows = [_row(name, changes, show) for name, changes in by_thing.items()]
    return {
        "picked": chosen,
        "parts": rows if len(rows) > 1 else [],
        "is_partly_ticked": len({row["is_tighter"] for row in rows}) > 1,
        "others": [show(change) for change in others],
    }


def _row(name: str, changes: list[Change], show: Show) -> dict[str, Any]:
    is_looser = any(change.direction is Direction.LOOSER for change in changes)
    is_tighter = not is_looser and any(change.direction is Direction.TIGHTER for change in changes)
    direction = Direction.LOOSER if is_looser else Direction.TIGHTER if is_tighter else Direction.NEUTRAL
    shown = [show(change) for change in changes]
    return {"name": name, "changes": shown, "direction": direction, "is_tighter": not is_looser}


def back(request: HttpRequest) -> HttpResponseRedirect:
    """Lead back to the page as it was, with what was chosen."""
    query = urlencode([(ONLY, name) for name in request.POST.getlist(ONLY)])
    address = reverse("admin:policies_publish")
    return HttpResponseRedirect(f"{address}?{query}" if query else address)
