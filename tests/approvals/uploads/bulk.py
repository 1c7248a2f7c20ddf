"""A surface that takes rows by reference, and rows by the hundred thousand."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from approvals.models import Proposal, Upload
from approvals.uploads import intake
from policies.models import Agent, Connector, Surface
from tests import world as worlds
from tests.world import World

ROW: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "op"],
    "properties": {
        "id": {"type": "string", "maxLength": 40},
        "op": {"enum": ["update", "delete"]},
        "email": {"type": "string", "maxLength": 200},
        "note": {"type": "string", "maxLength": 2000},
        "$ref": {"$ref": "#/$defs/short"},
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["rows"],
    "$defs": {"short": {"type": "string", "maxLength": 5}},
    "properties": {
        "rows": {
            "type": "array",
            "maxItems": 10_000,
            "items": ROW,
            "x-by-reference": {"max_rows": 200_000, "key": "id", "kind": "op"},
        },
        "reason": {"type": "string"},
    },
}


def surface(world: World, slug: str = "crm.hygiene", **fields: Any) -> Surface:
    """Add a surface that takes rows by reference, whose work an executor of its own pulls."""
    runner, _ = Agent.objects.get_or_create(slug="runner", defaults={"name": "Runner", "owner": world.owner})
    pull, _ = Connector.objects.get_or_create(slug="crm", defaults={"kind": "pull", "executor": runner})
    made = world.unpublished_surface(slug, fields.pop("tier", "single"), **{"payload_schema": SCHEMA, **fields})
    made.connector = pull
    made.save()
    worlds.publish()
    return made


def row(number: int) -> dict[str, Any]:
    op = "delete" if number % 10 == 0 else "update"
    return {"id": f"lead-{number}", "op": op, "email": f"person{number}@example.com"}


def lines(count: int, **changed: Any) -> Iterator[bytes]:
    for number in range(1, count + 1):
        yield json.dumps({**row(number), **changed}).encode() + b"\n"


class Source:
    """Yields lines as a socket does: as many bytes as asked for, made when they are asked for."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces
        self.held = b""

    def __call__(self, most: int) -> bytes:
        parts, size = [self.held], len(self.held)
        while size < most and (piece := next(self.pieces, b"")):
            parts.append(piece)
            size += len(piece)
        whole = b"".join(parts)
        self.held = whole[most:]
        return whole[:most]


def upload(world: World, count: int = 30, *, pieces: Iterator[bytes] | None = None, on: str = "crm.hygiene") -> Upload:
    source = Source(lines(count) if pieces is None else pieces)
    return intake.receive(agent=world.agent, surface=on, member="", source=source)


def payload(upload: Upload, **more: Any) -> dict[str, Any]:
    return {"rows": intake.reference(upload), **more}


def propose(world: World, upload: Upload, *, on: str = "crm.hygiene", **content: Any) -> Proposal:
    return world.propose(on, content={"payload": payload(upload), **content})


@contextmanager
def without_triggers() -> Iterator[Any]:
    """Write as somebody could who owns the database and goes around its triggers."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        yield cursor
        cursor.execute("SET session_replication_role = DEFAULT")


def change_one_byte(upload: Upload) -> None:
    """Let the database's owner change one digit in the middle of the stored rows."""
    with without_triggers() as cursor:
        cursor.execute(
            """
            UPDATE approvals_uploadchunk SET body = set_byte(body, 20, get_byte(body, 20) # 1)
             WHERE upload_id = %s AND number = %s
            """,
            [upload.pk, upload.chunks.count() // 2],
        )
