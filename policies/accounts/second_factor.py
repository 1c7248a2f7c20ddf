"""The second factor of a person: codes from an app, recovery codes, passkeys; each use counts once."""

import enum
import struct
from collections.abc import Mapping
from datetime import datetime
from hmac import compare_digest
from typing import Any, Final

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from allauth.mfa.webauthn.internal import auth as passkeys
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction

from audit.clock import database_now
from audit.ledger import entries
from policies.actors import actor

PERIOD_SECONDS: Final = 30
TOLERANCE: Final = 1
WRONG_IN_A_WINDOW: Final = 5
WINDOW_SECONDS: Final = 300
MALFORMED: Final = (LookupError, TypeError, ValueError, AttributeError, struct.error)
"""What the reading of a passkey's answer may raise where something made it up."""
CODE_KINDS: Final = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)


class Answer(enum.Enum):
    """What became of one try."""

    RIGHT = "right"
    WRONG = "wrong"
    TOO_MANY = "too_many"


def kinds(person: User) -> frozenset[str]:
    """Return which kinds of factor a person has: `totp`, `webauthn`, `recovery_codes`."""
    return frozenset(Authenticator.objects.filter(user=person).values_list("type", flat=True))


def is_enrolled(person: User) -> bool:
    """Whether a person has a second factor; recovery codes alone are none."""
    return bool(kinds(person) & {Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN})


def is_required(act: str) -> bool:
    """Whether `act` (`signature` or `publish`) wants a second factor of everybody."""
    return act in settings.REQUIRE_SECOND_FACTOR


@transaction.atomic
def check_code(person: User, code: str) -> Answer:
    """Try a code from an app, or a recovery code; a right one is used up by this.

    After WRONG_IN_A_WINDOW wrong tries none is looked at until the window is over. Call it outside a
    transaction, which would forget the count.
    """
    return _count(person, lambda at: _matches(person, "".join(code.split()).replace("-", ""), at))


@transaction.atomic
def check_passkey(person: User, credential: Mapping[str, Any]) -> Answer:
    """Try what a passkey has signed; its challenge is in the session of the request that is being answered."""
    return _count(person, lambda at: _is_signed(person, credential, at))


def _count(person: User, is_right: Any) -> Answer:
    # The cache cannot count atomically, so tries at the same instant queue up at the person's row.
    User.objects.select_for_update(no_key=True).only("pk").get(pk=person.pk)
    at = database_now()
    key = f"second-factor:{person.pk}:{int(at.timestamp()) // WINDOW_SECONDS}"
    wrong: int = cache.get(key, 0)
    if wrong >= WRONG_IN_A_WINDOW:
        return Answer.TOO_MANY
    if is_right(at):
        return Answer.RIGHT
    cache.set(key, wrong + 1, timeout=2 * WINDOW_SECONDS)
    if wrong + 1 == WRONG_IN_A_WINDOW:
        entries.record("user.second_factor_locked", subject=f"user:{person.pk}", actor=actor(None), at=at)
    return Answer.WRONG


def _matches(person: User, code: str, at: datetime) -> bool:
    if not (code.isascii() and code.isdigit()):
        return False
    for held in Authenticator.objects.select_for_update().filter(user=person, type__in=CODE_KINDS):
        if held.type == Authenticator.Type.TOTP:
            counter = _next_counter(held, code, at)
            if counter is not None:
                _used(held, at, last_counter=counter)
                return True
        elif held.wrap().validate_code(code):
            held.refresh_from_db()
            _used(held, at)
            return True
    return False


def _next_counter(held: Authenticator, code: str, at: datetime) -> int | None:
    """Return the half minute whose code this is, unless it, or a later one, was used before (RFC 6238, 5.2)."""
    secret, now = decrypt(held.data["secret"]), int(at.timestamp()) // PERIOD_SECONDS
    last = held.data.get("last_counter", -1)
    for counter in range(max(now - TOLERANCE, last + 1), now + TOLERANCE + 1):
        if compare_digest(format_hotp_value(hotp_value(secret, counter)), code):
            return counter
    return None


def _is_signed(person: User, credential: Mapping[str, Any], at: datetime) -> bool:
    try:
        passkeys.parse_authentication_response(credential)
        _used(passkeys.complete_authentication(person, dict(credential)), at)
    except (ValidationError, *MALFORMED):
        return False
    return True


def _used(held: Authenticator, at: datetime, **facts: int) -> None:
    held.data |= facts
    held.last_used_at = at
    held.save(update_fields=["data", "last_used_at"])


@transaction.atomic
def record_changes(*, person: User, before: Mapping[int, str], by: User) -> dict[int, str]:
    """Record in the ledger which factors came and went since `before`; return what there is now.

    A new app's codes of this half minute and earlier no longer count: the one that set it up was shown.
    """
    now, at = held_by(person), database_now()
    about, who = f"user:{person.pk}", actor(by)
    for key in now.keys() - before.keys():
        entries.record("user.second_factor_added", subject=about, actor=who, at=at, data={"kind": str(now[key])})
    for key in before.keys() - now.keys():
        entries.record("user.second_factor_removed", subject=about, actor=who, at=at, data={"kind": str(before[key])})
    for held in Authenticator.objects.filter(pk__in=now.keys() - before.keys(), type=Authenticator.Type.TOTP):
        held.data["last_counter"] = int(at.timestamp()) // PERIOD_SECONDS
        held.save(update_fields=["data"])
    return now


def held_by(person: User) -> dict[int, str]:
    """Return the kind of each factor of a person, by its key."""
    return dict(Authenticator.objects.filter(user=person).values_list("pk", "type"))


@transaction.atomic
def remove_all(*, person: User, by: User) -> int:
    """Take away whatever factors a person has, because they lost them; return how many."""
    before = held_by(person)
    Authenticator.objects.filter(user=person).delete()
    record_changes(person=person, before=before, by=by)
    return len(before)
