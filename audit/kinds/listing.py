"""The kinds of ledger entries as a table for people, and as schemas for programs."""

from typing import Any

from audit.kinds import registry
from audit.kinds.kind import Kind


def table() -> str:
    """Return a Markdown table of every kind: its name, what it means, and the names of its data."""
    rows = [f"| `{kind.name}` | {kind.meaning} | {_names(kind)} |" for kind in registry.known()]
    return "\n".join(["| kind | what happened | data |", "|---|---|---|", *rows])


def schemas() -> dict[str, Any]:
    """Return what every kind means, and the JSON Schema of its data, by name."""
    return {kind.name: {"meaning": str(kind.meaning), "data": kind.schema()} for kind in registry.known()}


def _names(kind: Kind) -> str:
    """Return the names of the data; those in italics may be missing."""
    always, sometimes = [f"`{name}`" for name in kind.data], [f"*`{name}`*" for name in kind.more]
    names = ", ".join([*always, *sometimes])
    other = ", ".join(f"`{name}`" for name in kind.otherwise)
    return f"{names}; or {other}" if other else names
