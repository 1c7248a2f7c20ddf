"""Hand agents over, issue and take back their keys. The only writer of agents' owners, keys and standing.

The owner of an agent and the issuer of its key never decide on what it proposes. So another owner, and a key that
somebody else than the owner issues, take two people.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from audit.clock import database_now
from audit.ledger import entries
from policies.accounts import live_keys
from policies.actors import actor
from policies.models import Agent, ApiKey, Loosening
from policies.publishing import loosenings
from policies.publishing.gate import close_gate
from policies.publishing.loosenings import LooseningRefused

KEY_FORMAT: Final = re.compile(r"hitl_([a-z0-9]{10})_([A-Za-z0-9_-]{43})")
_PREFIX_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"
MAX_LIVE_KEYS: Final = 2
PERMIT_LASTS: Final = timedelta(days=1)
"""So long after a second person has agreed, the key may be issued that was asked for."""
_LAST_USED_STEP: Final = timedelta(minutes=1)


class TooManyKeys(ValueError):
    """The agent has two live keys already: one in use and one to change over to."""

    code = "too_many_keys"


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key and the only copy of its text there will ever be."""

    key: ApiKey
    text: str


class KeyOfAnother(LooseningRefused):
    """The agent is somebody else's, and no second person has agreed that this person issues a key for it."""

    code = "key_of_another"


@transaction.atomic
def issue_key(*, agent: Agent, by: User | None, expires_at: datetime | None = None) -> IssuedKey:
    """Make an API key of 256 bits for `agent`. Without `by`, the machine itself issues it in the owner's name.

    Raises TooManyKeys beyond two live ones, and KeyOfAnother where `by` does not own the agent and nobody has agreed
    to the key; that agreement is used up by it.
    """
    locked = Agent.objects.select_for_update().select_related("owner").get(pk=agent.pk)
    permit = None if by is None or by.pk == locked.owner_id else _permit(locked, by)
    if keys_in_use().filter(agent=agent).count() >= MAX_LIVE_KEYS:
        raise TooManyKeys("This agent has two live keys. Revoke one first.")
    prefix = "".join(secrets.choice(_PREFIX_LETTERS) for _ in range(10))
    text = f"hitl_{prefix}_{secrets.token_urlsafe(32)}"
    at = database_now()
    key = ApiKey.objects.create(
        agent=agent,
        prefix=prefix,
        secret_hash=_hash(text),
        created_at=at,
        created_by=by or locked.owner,
        expires_at=expires_at,
        loosening=permit,
    )
    data: dict[str, str | int] = {"owner": f"user:{locked.owner_id}", "issuer": f"user:{key.created_by_id}"}
    if permit is not None:
        data["loosening"] = permit.pk
    _record("agent.key_issued", agent, by=by, at=at, prefix=prefix, **data)
    return IssuedKey(key=key, text=text)


def _permit(agent: Agent, by: User) -> Loosening:
    """Return the agreement under which `by` may issue one key for somebody else's agent. Raises KeyOfAnother."""
    permit = permits(agent=agent, by=by).first()
    if permit is None:
        raise KeyOfAnother(
            _("%s owns this agent. They issue its keys, or you ask for one and a second person agrees.") % agent.owner
        )
    return permit


def permits(*, agent: Agent, by: User) -> QuerySet[Loosening]:
    """Return the agreements of the last day under which `by` may issue a key for `agent`, and has not yet."""
    return Loosening.objects.filter(
        kind=Loosening.Kind.KEY,
        status=Loosening.Status.DONE,
        asked_by=by,
        answered_at__gt=Now() - PERMIT_LASTS,
        change__agent=agent.pk,
        change__owner=agent.owner_id,
    ).exclude(pk__in=ApiKey.objects.exclude(loosening=None).values("loosening"))


@transaction.atomic
def ask_key(*, agent: Agent, by: User, note: str) -> Loosening:
    """Ask a second person to let `by` issue one key for an agent that somebody else owns.

    Raises NotAllowed, or LooseningRefused without a reason, where it was asked already or needs no asking.
    """
    loosenings.require(by, loosenings.ASK)
    current = Agent.objects.select_related("owner").get(pk=agent.pk)
    if current.owner_id == by.pk:
        raise LooseningRefused(_("You own this agent, so you issue its keys yourself."))
    return loosenings.ask(
        kind=Loosening.Kind.KEY,
        subject=f"agent:{agent.pk}",
        change={
            "agent": agent.pk,
            "owner": current.owner_id,
            "owner_name": current.owner.get_username(),
            "issuer": by.pk,
            "issuer_name": by.get_username(),
        },
        by=by,
        note=note,
    )


def permit_key_as_asked(loosening: Loosening, by: User) -> bool:
    """Let the requester issue the key, if the agent still has the same owner. Only they see it, `by` does not."""
    return Agent.objects.filter(pk=loosening.change["agent"], owner=loosening.change["owner"]).exists()


@transaction.atomic
def ask_owner(*, agent: Agent, owner: User, by: User, note: str) -> Loosening:
    """Ask a second person to give `agent` another owner.

    Raises NotAllowed, or LooseningRefused without a reason, where it was asked already, or for an owner who is it
    already or cannot sign in.
    """
    loosenings.require(by, loosenings.ASK)
    current = Agent.objects.select_related("owner").get(pk=agent.pk)
    if current.owner_id == owner.pk:
        raise LooseningRefused(_("%s owns it already.") % owner)
    if not owner.is_active:
        raise LooseningRefused(_("%s cannot sign in.") % owner)
    return loosenings.ask(
        kind=Loosening.Kind.OWNER,
        subject=f"agent:{agent.pk}",
        change={
            "agent": agent.pk,
            "from": current.owner_id,
            "from_name": current.owner.get_username(),
            "to": owner.pk,
            "to_name": owner.get_username(),
        },
        by=by,
        note=note,
    )


def hand_over_as_asked(loosening: Loosening, by: User) -> bool:
    """Give the agent its new owner, if it still has the one from whom it was to be taken."""
    change = loosening.change
    locked = Agent.objects.select_for_update().get(pk=change["agent"])
    if locked.owner_id != change["from"] or not User.objects.filter(pk=change["to"], is_active=True).exists():
        return False
    locked.owner_id = change["to"]
    locked.save(update_fields=["owner"])
    data: dict[str, str | int] = {"from": f"user:{change['from']}", "to": f"user:{change['to']}"}
    _record("agent.owner_changed", locked, by=by, at=database_now(), **data, loosening=loosening.pk)
    return True


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


def activate_as_asked(loosening: Loosening, by: User) -> bool:
    """Let the agent work again, if it is still suspended."""
    return _set_status(loosening.change["agent"], Agent.Status.ACTIVE, by=by, loosening=loosening.pk)


def _set_status(slug: str, status: Agent.Status, *, by: User | None, **data: int) -> bool:
    close_gate()  # before the row is locked: anyone who is judged may need it
    locked = Agent.objects.select_for_update().get(pk=slug)
    if locked.status == status:
        return False
    locked.status = status
    locked.save(update_fields=["status"])
    _record("agent.status_changed", locked, by=by, at=database_now(), status=str(status), **data)
    return True


def keys_in_use() -> QuerySet[ApiKey]:
    """Return the keys that open the API now, by the database's clock."""
    return ApiKey.objects.filter(Q(expires_at=None) | Q(expires_at__gt=Now()), revoked_at=None)


def authenticate(text: str) -> ApiKey | None:
    """Return the live key that `text` is, with its agent; None if there is none. One query.

    The hash is compared in constant time; a prefix that does not exist costs the same comparison.
    """
    return authenticate_beside(text, "SELECT NULL", [])[0]


def authenticate_beside(text: str, sql: str, parameters: Sequence[Any]) -> tuple[ApiKey | None, Any]:
    """Do the same, and read the first row of `sql` in the same round trip; it is returned with a live key only.

    Where `live_keys.PREFIX` stands in `parameters`, the prefix of the key goes.
    """
    match = KEY_FORMAT.fullmatch(text)
    if match is None:
        return None, None
    key, beside = live_keys.read(match[1], sql, parameters)
    stored = bytes(key.secret_hash) if key else bytes(32)
    if not hmac.compare_digest(stored, _hash(text)) or key is None:
        return None, None
    return key, beside


def note_use(key: ApiKey, *, at: datetime) -> None:
    """Remember that `key` was used; written at most once a minute, so that reading stays cheap."""
    if key.last_used_at is None or at - key.last_used_at >= _LAST_USED_STEP:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=at)


def _hash(text: str) -> bytes:
    # A key is 256 random bits, so a plain hash is enough: there is nothing to guess.
    return hashlib.sha256(text.encode()).digest()


def _record(kind: str, agent: Agent, *, by: User | None, at: datetime, **data: str | int) -> None:
    entries.record(kind, subject=f"agent:{agent.slug}", actor=actor(by), at=at, data=dict(data))
