"""The secrets with which messages to connectors and agents are signed. The only writer of them."""

import base64
import binascii
import secrets
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from audit.clock import database_now
from audit.ledger import entries
from policies.actors import actor
from policies.models import Agent, Connector

PREFIX: Final = "whsec_"
KEPT: Final = 2
"""A new secret signs beside the one before it, so that the far side can change over."""
_BYTES: Final = 32
_LEAST_BYTES: Final = 24


class SecretInvalid(ValueError):
    """That is no Standard Webhooks secret; the message never contains it."""

    code = "secret_invalid"


def new() -> str:
    """Return a new secret: "whsec_" and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


@transaction.atomic
def new_for_connector(connector: Connector, text: str = "", *, by: User) -> str:
    """Give a connector a new signing secret (`text`, or a random one) and return it. Raises SecretInvalid."""
    secret = _checked(text) if text else new()
    row = Connector.objects.select_for_update().get(pk=connector.pk)
    row.secret = _before(row.secret, secret)
    row.save(update_fields=["secret"])
    entries.record("connector.secret_changed", subject=f"connector:{row.pk}", actor=actor(by), at=database_now())
    return secret


@transaction.atomic
def new_for_agent(agent: Agent, text: str = "", *, by: User) -> str:
    """Give an agent a new secret for its callbacks and return it. Raises SecretInvalid."""
    secret = _checked(text) if text else new()
    row = Agent.objects.select_for_update().get(pk=agent.pk)
    row.callback_secret = _before(row.callback_secret, secret)
    row.save(update_fields=["callback_secret"])
    entries.record("agent.secret_changed", subject=f"agent:{row.pk}", actor=actor(by), at=database_now())
    return secret


def _before(known: str, secret: str) -> str:
    """Put `secret` before the ones in use; the oldest go."""
    return " ".join([secret, *(older for older in known.split() if older != secret)][:KEPT])


def _checked(text: str) -> str:
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise SecretInvalid(_('A secret is "whsec_" followed by base64.')) from None
    if not text.startswith(PREFIX) or len(key) < _LEAST_BYTES:
        raise SecretInvalid(_('A secret is "whsec_" followed by at least %s bytes in base64.') % _LEAST_BYTES)
    return text
