"""Register agents, hand out and take back their keys. The only writer of agents' keys and standing."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from audit.clock import database_now
from audit.ledger import entries
from policies.actors import actor
from policies.models import Agent, ApiKey, Loosening
from policies.publishing import loosenings
from policies.publishing.loosenings import LooseningRefused

KEY_FORMAT: Final = re.compile(r"hitl_([a-z0-9]{10})_([A-Za-z0-9_-]{43})")
_PREFIX_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"
MAX_LIVE_KEYS: Final = 2
_LAST_USED_STEP: Final = timedelta(minutes=1)


class TooManyKeys(ValueError):
    """The agent has two live keys already: one in use and one to change over to."""

    code = "too_many_keys"


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key and the only copy of its text there will ever be."""

    key: ApiKey
    text: str


@transaction.atomic
def issue_key(*, agent: Agent, by: User | None, expires_at: datetime | None = None) -> IssuedKey:
    """Make an API key of 256 bits for `agent`. Raises TooManyKeys beyond two live ones."""
    Agent.objects.select_for_update().get(pk=agent.pk)
    if live_keys().filter(agent=agent).count() >= MAX_LIVE_KEYS:
        raise TooManyKeys("This agent has two live keys. Revoke one first.")
    prefix = "".join(secrets.choice(_PREFIX_LETTERS) for _ in range(10))
    text = f"hitl_{prefix}_{secrets.token_urlsafe(32)}"
    at = database_now()
    key = ApiKey.objects.create(
        agent=agent, prefix=prefix, secret_hash=_hash(text), created_at=at, created_by=by, expires_at=expires_at
    )
    _record("agent.key_issued", agent, by=by, at=at, prefix=prefix)
    return IssuedKey(key=key, text=text)


@transaction.atomic
def revoke_key(*, key: ApiKey, by: User) -> None:
    """Make `key` useless from the next request on. Revoking twice changes nothing."""
    at = database_now()
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=at):
        _record("agent.key_revoked", key.agent, by=by, at=at, prefix=key.prefix)


@transaction.atomic
def suspend(*, agent: Agent, by: User | None) -> None:
    """Block every further proposal of `agent`, at once. Twice changes nothing."""
    _set_status(agent.pk, Agent.Status.SUSPENDED, by=by)


@transaction.atomic
def ask_activation(*, agent: Agent, by: User, note: str) -> Loosening:
    """Ask a second person to let a suspended agent work again.

    Raises NotAllowed, or LooseningRefused without a reason, where it was asked already, or where the agent
    is not suspended.
    """
    loosenings.require(by, loosenings.ASK)
    if Agent.objects.get(pk=agent.pk).status != Agent.Status.SUSPENDED:
        raise LooseningRefused(_("This agent is not suspended."))
    return loosenings.ask(
        kind=Loosening.Kind.AGENT,
        subject=f"agent:{agent.pk}",
        change={"agent": agent.pk, "status": str(Agent.Status.ACTIVE)},
        by=by,
        note=note,
    )


def activate_as_asked(asked: Loosening, by: User) -> bool:
    """Let the agent work again, if it is still suspended."""
    return _set_status(asked.change["agent"], Agent.Status.ACTIVE, by=by, loosening=asked.pk)


def _set_status(slug: str, status: Agent.Status, *, by: User | None, **data: int) -> bool:
    locked = Agent.objects.select_for_update().get(pk=slug)
    if locked.status == status:
        return False
    locked.status = status
    locked.save(update_fields=["status"])
    _record("agent.status_changed", locked, by=by, at=database_now(), status=str(status), **data)
    return True


def live_keys() -> QuerySet[ApiKey]:
    """Return the keys that open the API now, by the database's clock."""
    return ApiKey.objects.filter(Q(expires_at=None) | Q(expires_at__gt=Now()), revoked_at=None)


def authenticate(text: str) -> ApiKey | None:
    """Return the live key that `text` is, with its agent; None if there is none. One query.

    The hash is compared in constant time; a prefix that does not exist costs the same comparison.
    """
    match = KEY_FORMAT.fullmatch(text)
    if match is None:
        return None
    key = _live_key(match[1])
    stored = bytes(key.secret_hash) if key else bytes(32)
    if not hmac.compare_digest(stored, _hash(text)) or key is None:
        return None
    return key


# Asked with every request of every agent: building this with the ORM takes longer than answering it.
_KEY_FIELDS: Final = ("id", "agent_id", "prefix", "secret_hash", "created_by_id", "last_used_at")
_AGENT_FIELDS: Final = ("slug", "name", "owner_id", "status", "callback_hosts", "rate_per_minute")
_PERSON_FIELDS: Final = ("id", "username")
_LIVE_KEY: Final = f"""
SELECT {", ".join(f"key.{name}" for name in _KEY_FIELDS)}, {", ".join(f"agent.{name}" for name in _AGENT_FIELDS)},
       owner.username, issuer.username
  FROM policies_apikey AS key JOIN policies_agent AS agent ON agent.slug = key.agent_id
  JOIN auth_user AS owner ON owner.id = agent.owner_id LEFT JOIN auth_user AS issuer ON issuer.id = key.created_by_id
 WHERE key.prefix = %s AND key.revoked_at IS NULL AND (key.expires_at IS NULL OR key.expires_at > statement_timestamp())
"""  # noqa: S608  # made of the constants above


def _live_key(prefix: str) -> ApiKey | None:
    """Return the live key of this prefix with its agent, that one's owner, and its issuer.

    Fields beyond those above load when asked for.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LIVE_KEY, [prefix])
        row = cursor.fetchone()
    if row is None:
        return None
    *fields, owner, issuer = row
    key = ApiKey.from_db(connection.alias, _KEY_FIELDS, fields[: len(_KEY_FIELDS)])
    key.agent = Agent.from_db(connection.alias, _AGENT_FIELDS, fields[len(_KEY_FIELDS) :])
    key.agent.owner = User.from_db(connection.alias, _PERSON_FIELDS, (key.agent.owner_id, owner))
    if key.created_by_id is not None:
        key.created_by = User.from_db(connection.alias, _PERSON_FIELDS, (key.created_by_id, issuer))
    return key


def note_use(key: ApiKey, *, at: datetime) -> None:
    """Remember that `key` was used; written at most once a minute, so that reading stays cheap."""
    if key.last_used_at is None or at - key.last_used_at >= _LAST_USED_STEP:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=at)


def _hash(text: str) -> bytes:
    # A key is 256 random bits, so a plain hash is enough: there is nothing to guess.
    return hashlib.sha256(text.encode()).digest()


def _record(kind: str, agent: Agent, *, by: User | None, at: datetime, **data: str | int) -> None:
    entries.record(kind, subject=f"agent:{agent.slug}", actor=actor(by), at=at, data=dict(data))
