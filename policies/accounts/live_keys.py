"""Read the live key of an agent, with the agent, its owner and the key's issuer, and whatever else is wanted then."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import connection

from policies.models import Agent, ApiKey
from policies.stored_functions import StoredFunction

PREFIX: Final = object()
"""Stands for the prefix of the key in the parameters of what is read beside it."""

_KEY_FIELDS: Final = ("id", "agent_id", "prefix", "secret_hash", "created_by_id", "last_used_at")
_AGENT_FIELDS: Final = ("slug", "name", "owner_id", "status", "callback_hosts", "callback_when", "rate_per_minute")
_PERSON_FIELDS: Final = ("id", "username")
LIVE_KEY: Final = StoredFunction(
    "policies_live_key",
    "the_prefix text, OUT id bigint, OUT agent_id text, OUT prefix text, OUT secret_hash bytea,"
    " OUT created_by_id integer, OUT last_used_at timestamptz, OUT slug text, OUT name text, OUT owner_id integer,"
    " OUT status text, OUT callback_hosts text[], OUT callback_when text, OUT rate_per_minute integer,"
    " OUT owner text, OUT issuer text",
    f"""
    SELECT {", ".join(f"key.{name}" for name in _KEY_FIELDS)}, {", ".join(f"agent.{name}" for name in _AGENT_FIELDS)},
           person.username, maker.username
      INTO id, agent_id, prefix, secret_hash, created_by_id, last_used_at,
           slug, name, owner_id, status, callback_hosts, callback_when, rate_per_minute, owner, issuer
      FROM policies_apikey AS key JOIN policies_agent AS agent ON agent.slug = key.agent_id
      JOIN auth_user AS person ON person.id = agent.owner_id
      LEFT JOIN auth_user AS maker ON maker.id = key.created_by_id
     WHERE key.prefix = the_prefix AND key.revoked_at IS NULL
       AND (key.expires_at IS NULL OR key.expires_at > statement_timestamp());
    """,  # noqa: S608  # made of the constants above
)
_READ_KEY: Final = "SELECT * FROM policies_live_key(%s)"


def read(prefix: str, sql: str, parameters: Sequence[Any]) -> tuple[ApiKey | None, Any]:
    """Return the live key of this prefix with its agent, that one's owner, and its issuer; and a row of `sql`.

    Fields beyond those above load when asked for. Asked with every request of every agent.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"{_READ_KEY};{sql}", [prefix, *(prefix if one is PREFIX else one for one in parameters)])
        row = cursor.fetchone()
        cursor.nextset()
        beside = cursor.fetchone()
    if row[0] is None:
        return None, None
    *fields, owner, issuer = row
    key = ApiKey.from_db(connection.alias, _KEY_FIELDS, fields[: len(_KEY_FIELDS)])
    key.agent = Agent.from_db(connection.alias, _AGENT_FIELDS, fields[len(_KEY_FIELDS) :])
    key.agent.owner = User.from_db(connection.alias, _PERSON_FIELDS, (key.agent.owner_id, owner))
    if key.created_by_id is not None:
        key.created_by = User.from_db(connection.alias, _PERSON_FIELDS, (key.created_by_id, issuer))
    return key, beside
