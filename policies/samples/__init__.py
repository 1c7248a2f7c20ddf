"""Starting tables of a new portal, as files that people can read: roles, tiers, surfaces and the starter policy."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parent


def tiers() -> list[dict[str, Any]]:
    """Return the rows of the six tiers; durations are ISO 8601 text."""
    rows: list[dict[str, Any]] = _read(FOLDER / "tiers.json")
    return rows


def roles() -> dict[str, list[str]]:
    """Return for each role the permissions it starts with, as `app.codename`, where `*` stands for anything."""
    written = _read(FOLDER / "roles.json")
    return {
        role: [permission for name in sets for permission in written["sets"][name]]
        for role, sets in written["roles"].items()
    }


def surfaces() -> list[dict[str, Any]]:
    """Return the rows of the sample surfaces, in the order of their slugs; durations are ISO 8601 text."""
    return [_read(path) for path in sorted((FOLDER / "surfaces").glob("*.json"))]


def starter() -> str:
    """Return the starter policy, a policy file."""
    return _text(FOLDER / "starter.yaml")


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _read(path: Path) -> Any:
    # Parsed anew each time, so that nobody changes another's copy.
    return json.loads(_text(path))
