"""The sample proposal of the measurements, and a portal for it."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import psycopg
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connection
from psycopg.sql import SQL, Identifier

from approvals.evaluation.judgement import Content
from approvals.lifecycle.submission import NewProposal
from audit import canonical
from audit.clock import database_now
from hitlportal.processes import portal
from policies.models import Activation, Agent, Connector, Mandate, PolicyVersion, Surface
from policies.publishing import publish
from policies.registry import agents, bootstrap

SURFACE = "ads.budget"
OWNER = "Channel owner"
ACTION: dict[str, Any] = {
    "surface": SURFACE,
    "action": "shift_budget",
    "title": "Move $4,000 from Search to Social",
    "rationale": "Social CPA is 31 % lower this week.",
    "trigger": {"event": "daily_pacing", "at": "2026-11-20T06:00:00Z"},
    "evidence": [{"label": "CPA, 7 days", "value": "12.40 vs 18.10", "url": "https://example.com/report"}],
    "metrics": [{"name": "CPA", "current": 18.1, "projected": 14.9, "unit": "USD"}],
    "expected_outcome": {"metric": "CPA", "low": 13.5, "high": 16.0},
    "confidence": 0.93,
    "amount": 4000,
    "currency": "USD",
    "payload": {"from": "search", "to": "social", "amount": 4000},
    "before": {"search": 20000, "social": 8000},
    "rollback": {"from": "social", "to": "search", "amount": 4000},
    "targets": ["campaign:search-brand", "campaign:social-q4"],
    "tags": ["financial"],
    "model": {"name": "pacer", "version": "2026-11-01"},
}


CALLBACK = "https://127.0.0.1/hooks/hitl"
LIMIT: dict[str, Any] = {
    "surfaces": [],
    "agents": [],
    "measure": "count",
    "per": "surface",
    "limit": 1_000_000,
    "effect": "deny",
    "tier": None,
    "warning": None,
    "warning_effect": "flag",
    "warning_tier": None,
    "window": {"kind": "rolling", "length_seconds": 86_400, "time_zone": "UTC"},
}


def fresh_portal(receiver_url: str = "http://127.0.0.1:9/") -> str:
    """Make the portal's database anew with the sample surfaces and one agent; return the agent's key."""
    empty_portal()
    return make_portal(receiver_url)


def empty_portal() -> None:
    """Make the portal's database anew, migrated and empty."""
    fresh_database(connection.settings_dict["NAME"])
    if settings.LEDGER_KEEPSAKE is not None:
        settings.LEDGER_KEEPSAKE.unlink(missing_ok=True)  # its ledger is gone
    portal.prepare()


def make_portal(receiver_url: str = "http://127.0.0.1:9/", *, surfaces: Iterable[str] = ()) -> str:
    """Put the sample surfaces in force, with others like SURFACE, and one agent; return the agent's key."""
    bootstrap.make_missing()
    for name in surfaces:
        another = Surface.objects.get(pk=SURFACE)
        another.pk, another.name, another._state.adding = name, name, True
        another.save()
    connector = Connector.objects.create(
        slug="bench", kind="webhook", url=receiver_url, secret="whsec_" + "A" * 43 + "="
    )
    # Nothing of what is measured waits on purpose: approvals ship at once.
    Surface.objects.update(connector=connector, undo_window=timedelta(0))
    publish.put_in_force()
    agent = Agent.objects.create(slug="pacer", name="Budget pacer", owner=User.objects.create_user("agent-owner"))
    Mandate.objects.create(agent=agent, surface_id=SURFACE, tier_id="autopilot")
    return agents.issue_key(agent=agent, by=None).text


def make_realistic(*, rules: int = 50) -> None:
    """Publish rules and a limit that covers all, make ten people who are told, and let the agent be called back."""
    version = store(with_rules(publish.document(), number=rules) | {"limits": {"count": LIMIT}})
    Activation.objects.create(version=version, at=database_now())
    Agent.objects.update(callback_hosts=["127.0.0.1"], callback_when="every")
    for number in range(10):
        User.objects.create_user(f"told-{number}", is_staff=True).groups.set(Group.objects.filter(name=OWNER))


def store(document: dict[str, Any]) -> PolicyVersion:
    """Write `document` down as a version that is not in force."""
    digest = canonical.digest(canonical.encode(document))
    version: PolicyVersion
    version = PolicyVersion.objects.create(digest=digest, document=document, created_at=database_now())
    return version


def with_rules(document: dict[str, Any], *, number: int) -> dict[str, Any]:
    """Return `document` with `number` rules that compare amount and confidence.

    They ask of every surface and hold for few proposals, as rules in force do.
    """
    return document | {
        "rules": {
            f"rule-{index:04}": {
                "surfaces": ["ads.*", "email.*", "pricing"][index % 3 : index % 3 + 1],
                "actions": [],
                "topics": [],
                "agents": [],
                "any_tags": ["financial"] if index % 2 else [],
                "all_tags": [],
                "condition": f"amount > {5000 + 7 * index} && confidence < {0.2 + index / 2000:.4f}",
                "decision": "require_approval",
                "tier": None,
                "requirements": None,
                "reason": "{amount} is more than may pass with such a confidence.",
            }
            for index in range(number)
        }
    }


def draft(number: int = 0) -> NewProposal:
    """Return the proposal as the use cases take it; of each number another one, with targets of its own."""
    fields = dict(ACTION)
    if number:
        amount = round(4000 - number / 100, 2)
        payload = {**ACTION["payload"], "amount": amount}
        fields |= {"payload": payload, "amount": amount, "targets": [f"campaign:{number}"]}
    names = ("payload", "before", "rollback", "amount", "confidence")
    content = Content(**{name: fields.pop(name) for name in names})
    return NewProposal(
        content=content, **{**fields, "targets": tuple(fields["targets"]), "tags": tuple(fields["tags"])}
    )


def fresh_database(name: str) -> None:
    """Make an empty database of that name in the embedded PostgreSQL, in place of any that is there."""
    params = connection.get_connection_params()
    connection.close()
    with psycopg.connect(host=params["host"], user=params["user"], dbname="postgres", autocommit=True) as server:
        server.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
        server.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
