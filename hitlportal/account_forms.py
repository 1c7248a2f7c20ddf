"""The forms in which a person gives a second factor."""

from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from policies import second_factor
from policies.second_factor import Answer

NOT_RIGHT = _("That code is not right, or it was used before. Wait for the next one.")
TOO_MANY = _("Too many wrong codes. Wait five minutes, then try again.")


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
