"""How people sign in: with the accounts an administrator gave them."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest

from audit.clock import database_now
from audit.ledger import entries
from policies.actors import actor
from policies.models.fields import seal, unseal

LOCKED_SECONDS = 300


class ClosedAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Nobody opens an account by themselves; signing in, and being locked out, leave an entry in the ledger."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    @transaction.atomic
    def login(self, request: HttpRequest, user: User) -> None:
        """Sign a person in, whose proofs have all been given."""
        proofs = [proof.get("type") or proof["method"] for proof in get_authentication_records(request, user)]
        super().login(request, user)
        entries.record(
            "user.signed_in",
            subject=f"user:{user.pk}",
            actor=actor(user),
            at=database_now(),
            data={"with": [*dict.fromkeys(proofs)]},
        )

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the try. Raises ValidationError where there were too many."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            _record_lock(credentials.get("username", ""))
            raise


@transaction.atomic
def _record_lock(username: str) -> None:
    """Write down that somebody failed too often; once a lock, so that nobody floods the ledger."""
    person = User.objects.filter(username__iexact=username).first()
    if person is not None and cache.add(f"sign-in-locked:{person.pk}", "told", timeout=LOCKED_SECONDS):
        entries.record("user.sign_in_locked", subject=f"user:{person.pk}", actor=actor(None), at=database_now())


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Keeps the secrets of second factors encrypted."""

    def encrypt(self, text: str) -> str:
        """Encrypt a secret for the database."""
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Open what `encrypt` made."""
        return unseal(encrypted_text)

    def get_totp_label(self, user: User) -> str:
        """Return what an authenticator app shows."""
        return user.get_username()

    def build_totp_svg(self, url: str) -> str:
        """Return the picture without the XML declaration, which has no place within a page."""
        picture: str = super().build_totp_svg(url)
        return picture[picture.index("<svg") :]
