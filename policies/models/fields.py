"""Fields shared by the policy's tables."""

import base64
import hashlib
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from policies import currencies

name_validator = RegexValidator(
    r"\A[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)*\Z",
    _("Use small letters, digits, hyphens and underscores, in parts separated by dots."),
)


class DottedSlugField(models.CharField[str, str]):
    """A primary key that people can read, such as `email.lifecycle`. It cannot be renamed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 80)
        kwargs.setdefault("validators", [name_validator])
        super().__init__(*args, **kwargs)


def currency_validator(code: str) -> None:
    """Refuse what is no currency's code."""
    if not currencies.is_known(code):
        text = _("%(code)s is no currency. Write the three letters of ISO 4217, such as USD.")
        raise ValidationError(text, "invalid", {"code": code})


class CurrencyField(models.CharField[str, str]):
    """The code of a currency; empty where none is named."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 3)
        kwargs.setdefault("blank", True)
        kwargs.setdefault("default", "")
        kwargs.setdefault("validators", [currency_validator])
        super().__init__(*args, **kwargs)


def _cipher() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet(
        [
            Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"hitlportal.secrets.v1" + key.encode()).digest()))
            for key in keys
        ]
    )


def seal(text: str) -> str:
    """Return `text` encrypted under SECRET_KEY."""
    return _cipher().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Return what `seal` was given; SECRET_KEY_FALLBACKS open it too. Raises ImproperlyConfigured."""
    try:
        return _cipher().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise ImproperlyConfigured(
            "A stored secret cannot be opened. Put the SECRET_KEY it was written under into SECRET_KEY_FALLBACKS."
        ) from error


class EncryptedTextField(models.TextField[str, str]):
    """Text that is encrypted in the database under SECRET_KEY; SECRET_KEY_FALLBACKS still open it.

    A copy of the database alone gives nobody the secrets with which the portal signs.
    """

    def get_prep_value(self, value: Any) -> Any:
        text = super().get_prep_value(value)
        return seal(text) if text else text

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        return unseal(value) if value else value
