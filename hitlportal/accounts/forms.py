"""The forms in which a person gives a second factor."""

from typing import Any

from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django.core.exceptions import ValidationError
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from policies.accounts import second_factor
from policies.accounts.second_factor import Answer

NOT_RIGHT = _("That code is not right, or it was used before. Wait for the next one.")
TOO_MANY = _("Too many wrong codes. Wait five minutes, then try again.")


NO_PASSKEY = _("The passkey was not accepted. Try again.")


class _CheckedCode:
    """Checks a code as a signature does: under a lock, each code once, and only so many wrong ones."""

    def clean_code(self) -> str:
        """Return the code if it is right. Raises ValidationError."""
        code: str = self.cleaned_data["code"]  # type: ignore[attr-defined]
        user = self.user  # type: ignore[attr-defined]
        match second_factor.check_code(user, code):
            case Answer.RIGHT:
                used = Authenticator.objects.filter(user=user, type__in=second_factor.CODE_KINDS)
                self.authenticator = used.order_by(F("last_used_at").desc(nulls_last=True)).first()
                return code
            case Answer.TOO_MANY:
                raise ValidationError(TOO_MANY)
        raise ValidationError(NOT_RIGHT)


class CodeForm(_CheckedCode, AuthenticateForm):  # type: ignore[misc]  # allauth has no types
    """The code after the password."""


class CodeAgainForm(_CheckedCode, ReauthenticateForm):  # type: ignore[misc]  # allauth has no types
    """The code before something that matters."""


class _ReadCredential:
    """Refuses what no passkey made, where the package's own reading would break."""

    def clean_credential(self) -> Authenticator:
        """Return the passkey that signed. Raises ValidationError."""
        try:
            return super().clean_credential()  # type: ignore[misc]
        except second_factor.MALFORMED as error:
            raise ValidationError(NO_PASSKEY) from error


class PasskeyForm(_ReadCredential, AuthenticateWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """The passkey after the password."""


class PasskeyAgainForm(_ReadCredential, ReauthenticateWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """The passkey before something that matters."""


class PasskeyAloneForm(_ReadCredential, LoginWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """The passkey instead of a password."""


class NewPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """A passkey that was just made."""

    def clean(self) -> dict[str, Any]:
        """Return what was sent. Raises ValidationError where no passkey made it."""
        try:
            cleaned: dict[str, Any] = super().clean()
        except second_factor.MALFORMED as error:
            raise ValidationError(NO_PASSKEY) from error
        return cleaned
