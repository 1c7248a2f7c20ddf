"""What is proposed in the measurements, and the portal that it is proposed to."""

from datetime import timedelta
from typing import Any

import psycopg
from django.contrib.auth.models import User
from django.db import connection
from psycopg.sql import SQL, Identifier

from approvals.evaluation.judgement import Content
from approvals.lifecycle.submission import NewProposal
from hitlportal.processes import portal
from policies.models import Agent, Connector, Mandate, Surface
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


def fresh_portal(receiver_url: str = "http://127.0.0.1:9/") -> str:
    """Make the portal's database anew with the sample surfaces and one agent; return the agent's key."""
    fresh_database(connection.settings_dict["NAME"])
    portal.prepare()
    bootstrap.make_missing()
    connector = Connector.objects.create(
        slug="bench", kind="webhook", url=receiver_url, secret="whsec_" + "A" * 43 + "="
    )
    # Nothing of what is measured waits on purpose: approvals ship at once.
    Surface.objects.update(connector=connector, undo_window=timedelta(0))
    publish.put_in_force()
    agent = Agent.objects.create(slug="pacer", name="Budget pacer", owner=User.objects.create_user("agent-owner"))
    Mandate.objects.create(agent=agent, surface_id=SURFACE, tier_id="autopilot")
    return agents.issue_key(agent=agent, by=None).text


def draft() -> NewProposal:
    """Return the proposal as the use cases take it."""
    fields = dict(ACTION)
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
