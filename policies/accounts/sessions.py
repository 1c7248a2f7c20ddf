"""A person's open sessions, and how to end them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.functions import Now
from django.utils.crypto import constant_time_compare

from audit.clock import database_now
from audit.ledger import entries
from policies.actors import actor


@dataclass(frozen=True, slots=True)
class SignedInBrowser:
    """One browser that is signed in. `number` names it in forms; it is no secret and opens nothing."""

    number: int
    device: str
    address: str
    since: datetime
    last_active_at: datetime
    is_current: bool


def places(person: User, current: str) -> list[SignedInBrowser]:
    """Return where `person` is signed in, this browser (its session's key is `current`) first. Reads only."""
    alive = {session.session_key for session in _alive(person)}
    rows = UserSession.objects.filter(user=person, session_key__in=alive).order_by("-last_seen_at")
    places = [
        SignedInBrowser(row.pk, row.user_agent, row.ip, row.created_at, row.last_seen_at, row.session_key == current)
        for row in rows
    ]
    return sorted(places, key=lambda place: not place.is_current)


def count(person: User) -> int:
    """Return in how many browsers `person` is signed in; the one that asks counts, listed or not."""
    return max(1, sum(1 for _session in _alive(person)))


@transaction.atomic
def end_one(*, person: User, number: int, by: User) -> int:
    """End one session of a person; return how many were ended (none, if it is not theirs or over)."""
    keys = list(UserSession.objects.filter(user=person, pk=number).values_list("session_key", flat=True))
    return _end(person, keys, by=by, what="one")


@transaction.atomic
def end_others(*, person: User, current: str, by: User) -> int:
    """End all sessions of a person but the one whose key is `current`; return how many there were."""
    return _end(person, [session.session_key for session in _of(person) if session.session_key != current], by=by)


@transaction.atomic
def end_all(*, person: User, by: User) -> int:
    """Sign a person out everywhere; return of how many sessions."""
    return _end(person, [session.session_key for session in _of(person)], by=by)


def _end(person: User, keys: list[str], *, by: User, what: str = "many") -> int:
    ended, _ = Session.objects.filter(session_key__in=keys).delete()
    UserSession.objects.filter(user=person, session_key__in=keys).delete()
    if ended or what == "many":
        entries.record(
            "user.sessions_ended",
            subject=f"user:{person.pk}",
            actor=actor(by),
            at=database_now(),
            data={"sessions": ended},
        )
    return ended


def _of(person: User) -> Iterator[Session]:
    """Yield the unexpired sessions of a person: all are read, since the table does not say whose they are."""
    for session in Session.objects.filter(expire_date__gt=Now()).iterator():
        if session.get_decoded().get(SESSION_KEY) == str(person.pk):
            yield session


def _alive(person: User) -> Iterator[Session]:
    """Yield those that still open something: a new password ends the others."""
    known = UserSession.objects.filter(user=person).values("session_key")
    for session in Session.objects.filter(session_key__in=known, expire_date__gt=Now()):
        held = session.get_decoded()
        is_his = held.get(SESSION_KEY) == str(person.pk) and BACKEND_SESSION_KEY in held
        if is_his and constant_time_compare(held.get(HASH_SESSION_KEY, ""), person.get_session_auth_hash()):
            yield session
