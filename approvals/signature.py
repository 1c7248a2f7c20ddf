"""A signature: the person who decides proves once more that it is them."""

from datetime import datetime
from typing import Final

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import transaction
from django.utils.translation import gettext as _

from approvals.errors import SignatureRequired, TooManyTries, WrongPassword
from audit.clock import database_now

WRONG_A_MINUTE: Final = 5


def sign(person: User, password: str) -> None:
    """Check the password of `person` for a signature.

    After WRONG_A_MINUTE wrong ones none is looked at until the minute is over, so that a stolen session
    cannot guess; who signs often and rightly is never held up. Call it outside a transaction, which
    would forget the count. Raises SignatureRequired, WrongPassword or TooManyTries, each saying what to
    do next.
    """
    if not password:
        raise SignatureRequired(_("This needs your signature: enter your password."))
    is_right = _try(person, password, at=database_now())
    if is_right is None:
        raise TooManyTries(_("Too many tries. Wait a minute, then enter your password again."))
    if not is_right:
        raise WrongPassword(_("That is not your password. Nothing was decided; enter it again."))


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
