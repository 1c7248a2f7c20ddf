"""The ledger to the public: the newest checkpoint and the tiles, in the layout of C2SP tlog-tiles.

Anyone may read them: a checkpoint and hashes tell how much happens here and nothing of what. Entries tell kinds,
subjects and times; they are for those who may read the ledger.
"""

import re
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from audit.ledger import tiles
from audit.ledger.commitments import leaf
from audit.ledger.tiles import HEIGHT, WIDTH
from audit.models import Checkpoint, Leaf

_NUMBER: Final = r"(?:x[0-9]{3}/){0,5}[0-9]{3}"
_TILE: Final = re.compile(
    rf"(?P<level>entries|0|[1-9][0-9]?)/(?P<index>{_NUMBER})(?:\.p/(?P<width>[1-9][0-9]{{0,2}}))?"
)
_HIGHEST_LEVEL: Final = 63 // HEIGHT
_FOR_EVER: Final = "public, max-age=31536000, immutable"


@require_safe
def checkpoint(request: HttpRequest) -> HttpResponse:
    """Answer with the newest signed head."""
    newest = Checkpoint.objects.first()
    if newest is None:
        raise Http404
    response = HttpResponse(newest.note, content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    return response


@require_safe
def tile(request: HttpRequest, path: str) -> HttpResponse:
    """Answer with a tile, complete or partial, of what is signed."""
    match = _TILE.fullmatch(path)
    if match is None:
        raise Http404
    level, index, width = match["level"], _number(match["index"]), int(match["width"] or WIDTH)
    is_entries = level == "entries"
    height = 0 if is_entries else int(level)
    if height > _HIGHEST_LEVEL or width > WIDTH or (match["width"] and width == WIDTH):
        raise Http404
    if index * WIDTH + width > _signed_size() >> height * HEIGHT:
        raise Http404
    if is_entries and not request.user.has_perm("audit.view_entry"):
        raise Http404
    body = _bundle(index, width) if is_entries else b"".join(tiles.hashes(height, index * WIDTH, width))
    response = HttpResponse(body, content_type="application/octet-stream")
    response["Cache-Control"] = "private, no-store" if is_entries else _FOR_EVER
    return response


def tile_path(index: int) -> str:
    """Write the number of a tile in groups of three digits, all but the last with an x: 1234067 is x001/x234/067."""
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03}")
    return "/".join(groups)


def _number(path: str) -> int:
    index = int(path.replace("/", "").replace("x", ""))
    if tile_path(index) != path:
        raise Http404
    return index


def _signed_size() -> int:
    newest = Checkpoint.objects.values_list("size", flat=True).first()
    return int(newest or 0)


def _bundle(index: int, width: int) -> bytes:
    """Return leaves one after the other, each behind its length in two bytes."""
    span = {"index__gte": index * WIDTH, "index__lt": index * WIDTH + width}
    rows = Leaf.objects.filter(**span).order_by("index").select_related("entry").defer("entry__data")
    parts = []
    for row in rows:
        entry = row.entry
        written = leaf(
            kind=entry.kind, subject=entry.subject, actor=entry.actor, at=entry.at, commitment=bytes(entry.commitment)
        )
        parts.append(len(written).to_bytes(2, "big") + written)
    return b"".join(parts)
