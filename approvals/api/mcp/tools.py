"""The tools that an MCP host sees: five that are always there, and one for each action of the agent's surfaces."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from approvals.api.contract import schemas
from approvals.models import Proposal
from policies.engine.policy import Policy, SurfacePolicy
from policies.models import Agent, Mandate
from policies.publishing.publish import active_policy

LONGEST_NAME: Final = 64
LOOKED_AT: Final = 200
"""How many of the agent's last proposals on a surface say which actions it takes there."""
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_-]+")
_GLOB: Final = re.compile(r"[*?\[]")
READS: Final = {"readOnlyHint": True, "openWorldHint": False}
ASKS: Final = {"readOnlyHint": False, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}
"""Hints for hosts. The portal itself reads none: what is done is for people and policy to say."""
ID: Final = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "format": "uuid"}}}
BESIDE: Final = (
    "title", "rationale", "confidence", "amount", "currency", "audience_size", "targets", "tags", "evidence",
    "before", "rollback", "expected_outcome",
)  # fmt: skip
"""What a tool of one action takes beside its payload."""


@dataclass(frozen=True, slots=True)
class ActionTool:
    """The tool of one action on one surface."""

    name: str
    surface: SurfacePolicy
    action: str

    def shown(self) -> dict[str, Any]:
        """Describe it as MCP does; the payload's schema is the surface's own."""
        payload, definitions = _nested(self.surface.payload_schema)
        properties = {name: schemas.PROPOSAL["properties"][name] for name in BESIDE}
        return {
            "name": self.name,
            "title": f"{self.action} on {self.surface.slug}",
            "description": f"Propose the action {self.action} on {self.surface.slug}. People or policy decide on it; "
            "the answer is a handle, and nothing is done before they have.",
            "inputSchema": {
                "type": "object",
                "required": ["title", "payload"],
                "additionalProperties": False,
                "properties": {**_inlined(properties), "payload": payload},
                **({"$defs": definitions} if definitions else {}),
            },
            "annotations": ASKS,
        }


def fixed() -> list[dict[str, Any]]:
    """Describe the tools that every agent has."""
    proposal = _inlined(schemas.PROPOSAL)
    outcome = _inlined(schemas.OUTCOME)
    outcome = {
        **outcome,
        "required": ["id", *outcome["required"]],
        "properties": outcome["properties"] | ID["properties"],
    }
    return [
        _tool(
            "propose",
            "Submit a proposal. The answer is a handle; nothing is done before it is approved.",
            proposal,
            ASKS,
        ),
        _tool("evaluate", "Ask what the policy would say of a proposal; nothing is stored.", proposal, READS),
        _tool(
            "get_proposal", "Look at a proposal: whether it waits, was approved, rejected, or has shipped.", ID, READS
        ),
        _tool("withdraw", "Take a proposal back before it ships.", ID, ASKS),
        _tool("report_outcome", "Report what a shipped action did in the world.", outcome, ASKS),
    ]


def of_actions(agent: Agent) -> dict[str, ActionTool]:
    """Return the tools of the agent's actions by name: those that rules name, and those it has proposed lately."""
    policy = active_policy()
    tools: dict[str, ActionTool] = {}
    for slug in Mandate.objects.filter(agent=agent).order_by("surface_id").values_list("surface_id", flat=True):
        surface = policy.surfaces.get(slug)
        if surface is None or not surface.is_enabled:
            continue
        for action in sorted({*_ruled(policy, slug), *_proposed(agent, slug)}):
            tool = ActionTool(_name(slug, action), surface, action)
            tools[tool.name] = tool
    return tools


def _ruled(policy: Policy, slug: str) -> set[str]:
    """The actions that rules of this surface name in full."""
    named = (rule.actions for rule in policy.rules.rules if slug in rule.surfaces)
    return {action for actions in named for action in actions if not _GLOB.search(action)}


def _proposed(agent: Agent, slug: str) -> set[str]:
    latest = Proposal.objects.filter(agent=agent, surface=slug).order_by("-created_at")
    return set(latest.values_list("action", flat=True)[:LOOKED_AT])


def _name(slug: str, action: str) -> str:
    """Return a name that every host takes; what had to be changed for that is told apart by a few letters."""
    whole = f"{slug}__{action}"
    name = _NO_NAME.sub("_", whole)
    if name == whole.replace(".", "_") and len(name) <= LONGEST_NAME:
        return name
    mark = sha256(whole.encode()).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - 9]}_{mark}"


def _tool(name: str, description: str, schema: dict[str, Any], hints: dict[str, bool]) -> dict[str, Any]:
    return {"name": name, "description": description, "inputSchema": schema, "annotations": hints}


def _nested(schema: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a surface's schema for use within another, and its definitions for the root, where its references look."""
    definitions = schema.get("$defs", {})
    refers = [text for text in _references(schema) if not text.startswith("#/$defs/")]
    if refers:  # to itself, or to elsewhere: hosts could not follow that, and the portal checks it anyway
        return {"type": "object", "description": "As `GET surfaces/` describes it."}, {}
    return {"type": "object", **{name: part for name, part in schema.items() if name != "$defs"}}, definitions


def _references(schema: Any) -> list[str]:
    if isinstance(schema, list | tuple):
        return [text for part in schema for text in _references(part)]
    if not isinstance(schema, Mapping):
        return []
    own = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
    return own + [text for part in schema.values() for text in _references(part)]


def _inlined(schema: Any) -> Any:
    """Return one of the API's schemas without its references to the API's document: there they mean any JSON."""
    if isinstance(schema, list):
        return [_inlined(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: _inlined(part) for name, part in schema.items() if name != "$ref"}
