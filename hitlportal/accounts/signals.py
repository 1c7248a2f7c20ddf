"""Sign-in by the accounts an administrator made: its limits, signals and ledger entries."""

from math import ceil
from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core.internal.ratelimit import get_ip
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit.clock import database_now
from audit.ledger import entries
from hitlportal.accounts.sign_in import known_devices, limits
from hitlportal.accounts.sign_in.limits import Limit
from policies.actors import actor
from policies.models.fields import seal, unseal

LOCK_TOLD_SECONDS: Final = 3600
SLOWED: Final = "slowed"


class ClosedAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Nobody opens an account by themselves; signing in, and failing too often, leave an entry in the ledger."""

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

    def post_login(self, request: HttpRequest, user: User, **facts: Any) -> HttpResponse:
        """Return the answer to a completed sign-in, which makes the browser known for the account."""
        response: HttpResponse = super().post_login(request, user, **facts)
        known_devices.remember(request, response, user.get_username())
        return response

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Look at a password, unless earlier failures make it wait. Raises ValidationError."""
        user: User | None = super().authenticate(request, **credentials)
        if user is not None:
            for key, limit in _counted(request, credentials).items():
                # The other counts are shared: a right password of one's own between guesses at others wipes nothing.
                limits.forgive(key, limit, all_of_it=limit is limits.HERE)
        return user

    @transaction.atomic
    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Record a wrong password for an account; the waits bound how many such entries there can be.

        Names that nobody has fill no ledger. The work is the same until the commit, so that the time it takes hardly
        tells which names there are.
        """
        person = User.objects.filter(username__iexact=credentials.get("username", "")).first()
        subject = f"user:{person.pk}" if person else "user:0"
        entries.record("user.sign_in_failed", subject=subject, actor=actor(None), at=database_now())
        if person is None:
            transaction.set_rollback(True)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the try. Raises ValidationError, with what to do next, where earlier failures make it wait."""
        seconds = limits.count(_counted(request, credentials))
        if seconds:
            _record_lock(credentials.get("username", ""))
            sentence = _("Too many wrong passwords. The password was not checked; try it again in %(wait)s.")
            if not request.user.is_authenticated:
                sentence += " " + _("To sign in sooner, use a passkey or ask for a link by e-mail.")
            raise ValidationError(sentence, code=SLOWED, params={"wait": _duration(seconds)})


def _counted(request: HttpRequest, credentials: dict[str, Any]) -> dict[str, Limit]:
    """Return what a try counts under: a browser that is known for the account, and a session of it, for itself."""
    name = credentials.get("username", "").lower()
    if request.user.is_authenticated and request.user.get_username().lower() == name:
        return {f"session:{request.user.pk}": limits.HERE}
    device = known_devices.find(request, name)
    if device is not None:
        return {f"device:{name}:{device}": limits.HERE}
    address = get_ip(request)
    return {
        f"here:{name}:{address}": limits.HERE,
        f"address:{address}": limits.ADDRESS,
        f"account:{name}:{timezone.now():%Y-%m-%d}": limits.ACCOUNT,
    }


def _duration(seconds: float) -> str:
    if seconds <= 90:
        return ngettext("%d second", "%d seconds", ceil(seconds)) % ceil(seconds)
    minutes = ceil(seconds / 60)
    return ngettext("%d minute", "%d minutes", minutes) % minutes


@transaction.atomic
def _record_lock(username: str) -> None:
    """Write down that somebody failed too often; once an hour, so that nobody floods the ledger."""
    person = User.objects.filter(username__iexact=username).first()
    if person is not None and cache.add(f"sign-in-locked:{person.pk}", "told", timeout=LOCK_TOLD_SECONDS):
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
