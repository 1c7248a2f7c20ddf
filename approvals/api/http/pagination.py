"""Pages of proposals by cursor: newest first, and steady while new ones arrive."""

import base64
import re
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from approvals.api.contract import representation
from approvals.api.http.errors import MalformedRequest
from approvals.models import Proposal
from approvals.models.proposal_queries import ProposalQuerySet
from policies.engine.payloads import FieldError

USUAL: Final = 50
MOST: Final = 200
_OLDER, _NEWER = "o", "n"

# A letter and the 16 bytes of an id in base64url, whose last four bits nothing follows.
CURSOR_PATTERN: Final = "^b[g-z0-9_-][A-Za-z0-9_-]{20}[AEIMQUYcgkosw048]=$"

PARAMETERS: Final = [
    OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL}),
    OpenApiParameter("cursor", {"type": "string", "pattern": CURSOR_PATTERN}, description="From next or previous."),
]


def page(proposals: ProposalQuerySet, request: Request) -> dict[str, Any]:
    """Return one page with the addresses of its neighbours. Raises MalformedRequest."""
    limit = _limit(request.query_params.get("limit"))
    direction, at = _cursor(request.query_params.get("cursor"))
    rows, has_more = _rows(proposals, direction, at, limit)
    has_newer = has_more if direction == _NEWER else at is not None
    has_older = True if direction == _NEWER else has_more
    return {
        "next": _address(request, _OLDER, rows[-1].pk) if rows and has_older else None,
        "previous": _address(request, _NEWER, rows[0].pk) if rows and has_newer else None,
        "results": [representation.listed(row) for row in rows],
    }


def _rows(proposals: ProposalQuerySet, direction: str, at: UUID | None, limit: int) -> tuple[list[Proposal], bool]:
    """Return up to `limit` rows, newest first, and whether there are more in the same direction."""
    shown = representation.loaded(proposals.as_of_now())
    if at is not None:
        shown = shown.filter(pk__gt=at) if direction == _NEWER else shown.filter(pk__lt=at)
    rows = list(shown.order_by("id" if direction == _NEWER else "-id")[: limit + 1])
    kept = rows[:limit]
    if direction == _NEWER:
        kept.reverse()
    return kept, len(rows) > limit


def _limit(text: str | None) -> int:
    if text is None:
        return USUAL
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= MOST):
        raise _wrong("limit", _("A whole number from 1 to %d.") % MOST)
    return int(text)


def _cursor(text: str | None) -> tuple[str, UUID | None]:
    if text is None:
        return _OLDER, None
    if not re.fullmatch(CURSOR_PATTERN, text):
        raise _wrong("cursor", _FOREIGN)
    raw = base64.urlsafe_b64decode(text)
    return chr(raw[0]), UUID(bytes=raw[1:])


_FOREIGN: Final = "Take cursors from next and previous as they are."


def _wrong(name: str, detail: str) -> MalformedRequest:
    return MalformedRequest(
        _("The query string is not understood."), errors=[FieldError(f"?{name}", "invalid_filter", detail)]
    )


def _address(request: Request, direction: str, at: UUID) -> str:
    query = request.query_params.copy()
    query["cursor"] = base64.urlsafe_b64encode(direction.encode() + at.bytes).decode()
    return f"{request.build_absolute_uri(request.path)}?{query.urlencode()}"
