"""A signature: the person who decides proves once more that it is them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import transaction
from django.utils.translation import gettext as _

from approvals.errors import SecondFactorRequired, SignatureRequired, TooManyTries, WrongCode, WrongPassword
from audit.clock import database_now
from policies.accounts import second_factor
from policies.accounts.second_factor import Answer

WRONG_A_MINUTE: Final = 5


def sign(person: User, password: str, *, code: str = "", passkey: Mapping[str, Any] | None = None) -> None:
    """Check the password of `person` for a signature, and their second factor if they have one.

    The factor is a `code` (of an app, or a recovery code) or what a `passkey` signed in answer to this
    session's challenge. Who has no password here, because an identity provider signs them in, signs with
    the second factor alone. After WRONG_A_MINUTE wrong passwords none is looked at until the minute is
    over, so that a stolen session cannot guess; who signs often and rightly is never held up. Call it
    outside a transaction, which would forget the count. Raises SignatureRequired, SecondFactorRequired,
    WrongPassword, WrongCode or TooManyTries, each saying what to do next.
    """
    has_factor, has_password = second_factor.is_enrolled(person), person.has_usable_password()
    if not has_factor and second_factor.is_required("signature"):
        raise SecondFactorRequired(_("Signing needs a second factor here. Set one up under “Account”, then sign."))
    if not has_factor and not has_password:
        raise SecondFactorRequired(_("You have no password here. Set up a second factor under “Account”, then sign."))
    if has_password and not password:
        raise SignatureRequired(_("This needs your signature: enter your password."))
    if has_factor and not code.strip() and not passkey:
        raise SecondFactorRequired(_("Your second factor is needed too: enter the code from your app."))
    if has_password:
        _check_password(person, password)
    if has_factor:
        _check_factor(person, code, passkey)


def _check_password(person: User, password: str) -> None:
    is_right = _try(person, password, at=database_now())
    if is_right is None:
        raise TooManyTries(_("Too many tries. Wait a minute, then enter your password again."))
    if not is_right:
        raise WrongPassword(_("That is not your password. Nothing was decided; enter it again."))


def _check_factor(person: User, code: str, passkey: Mapping[str, Any] | None) -> None:
    given = second_factor.check_passkey(person, passkey) if passkey else second_factor.check_code(person, code)
    if given is Answer.TOO_MANY:
        raise TooManyTries(_("Too many wrong codes. Wait five minutes, then sign again."))
    if given is Answer.WRONG and passkey:
        raise WrongCode(_("The passkey was not accepted. Nothing was decided; try again."))
    if given is Answer.WRONG:
        raise WrongCode(_("That code is not right, or it was used before. Nothing was decided; enter the next one."))


@transaction.atomic
def _try(person: User, password: str, *, at: datetime) -> bool | None:
    """Tell whether the password is right; None if too many were wrong in this minute."""
    # The cache cannot count atomically, so tries at the same instant queue up at the person's row.
    User.objects.select_for_update(no_key=True).only("pk").get(pk=person.pk)
    key = f"signature:{person.pk}:{at:%Y%m%d%H%M}"
    wrong: int = cache.get(key, 0)
    if wrong >= WRONG_A_MINUTE:
        return None
    if person.check_password(password):
        return True
    cache.set(key, wrong + 1, timeout=120)
    return False
