"""The people behind what an agent sends: who owns it, and who issued its key. They never decide on it."""

from typing import Any

from approvals.models import Proposal, Revision
from audit.canonical import JsonValue
from policies.models import Agent, ApiKey


def author(agent: Agent, key: ApiKey | None) -> dict[str, Any]:
    """Return what a revision says of its author, where that is an agent, and of the people behind it."""
    issuer = key.created_by_id if key else None
    return {"agent": agent, "author_name": agent.name, "agent_owner_id": agent.owner_id, "key_issuer_id": issuer}


def write(proposal: Proposal, agent: Agent, key: ApiKey | None) -> None:
    """Write down, unsaved, who is behind a new proposal, by id and by name, and keep them away from it."""
    issuer = key.created_by if key else None
    proposal.agent_owner, proposal.agent_owner_name = agent.owner, agent.owner.get_username()
    proposal.key_issuer, proposal.key_issuer_name = issuer, issuer.get_username() if issuer else ""
    proposal.keep_away(agent.owner_id, issuer.pk if issuer else None)


def ledger_data(revision: Revision) -> dict[str, JsonValue]:
    """Return what the ledger keeps of the people behind an agent's revision."""
    issuer = revision.key_issuer_id
    return {"agent_owner": f"user:{revision.agent_owner_id}", "key_issuer": f"user:{issuer}" if issuer else None}
