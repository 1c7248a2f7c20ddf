"""Counts in the header of every page: proposals that need the reader, and unread notices."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Value
from django.http import HttpRequest

from approvals.admin.records.filters import policy_of
from approvals.notices import occasions
from approvals.people import eligibility
from approvals.queue import turns

MOST: Final = 99


@dataclass(frozen=True, slots=True)
class Waiting:
    """Both counted no further than MOST + 1."""

    turns: int
    unread: int


def waiting_for(request: HttpRequest, person: User) -> Waiting:
    """Count what waits for `person`, once in a request and in one query."""
    known: Waiting | None = getattr(request, "waiting", None)
    if known is None:
        known = _count(request, person)
        request.waiting = known  # type: ignore[attr-defined]
    return known


def _count(request: HttpRequest, person: User) -> Waiting:
    unread = occasions.unread_by(person).annotate(what=Value("unread")).values_list("what")[: MOST + 1]
    if not person.has_perm(eligibility.DECIDE):
        return Waiting(turns=0, unread=len(unread))
    mine = turns.waiting_for(person, policy=policy_of(request)).order_by("deadline_at")
    both = mine.annotate(what=Value("turn")).values_list("what")[: MOST + 1].union(unread, all=True)
    counted = Counter(what for (what,) in both)
    return Waiting(turns=counted["turn"], unread=counted["unread"])
