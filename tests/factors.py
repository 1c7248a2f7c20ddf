"""Second factors in tests: real codes of a real app's arithmetic."""

import base64
import hashlib
import hmac
import struct
import time

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import decrypt
from django.contrib.auth.models import User

from policies.models.fields import seal

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code(secret: str = SECRET, *, steps: int = 0, at: float | None = None) -> str:
    """Return the code that an app shows now, or `steps` half minutes later (RFC 6238 over RFC 4226)."""
    counter = int(time.time() if at is None else at) // 30 + steps
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", counter), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**6:06}"


def wrong_code() -> str:
    """Return six digits that are no code of these minutes."""
    right = {code(steps=steps) for steps in range(-3, 4)}
    return next(number for number in ("000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777")
                if number not in right)  # fmt: skip


def enrol(person: User, secret: str = SECRET) -> Authenticator:
    """Give `person` an authenticator app, as if it had been set up some time ago."""
    return Authenticator.objects.create(user=person, type="totp", data={"secret": seal(secret)})


def recovery_codes(person: User) -> list[str]:
    """Give `person` recovery codes and return them."""
    held = Authenticator.objects.create(
        user=person, type="recovery_codes", data={"seed": seal("ab" * 40), "used_mask": 0}
    )
    assert decrypt(held.data["seed"]) == "ab" * 40
    return list(held.wrap().get_unused_codes())
