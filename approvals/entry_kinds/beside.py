"""Kinds of entries about trust, people who are away, uploads, exports and messages."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.kinds.kind import Kind, Shapes
from audit.kinds.shapes import COUNT, DIGEST, ID, PERSON, TEXT, TEXTS, TIME, UUID, WORD, list_of, map_of, or_null
from policies.entry_kinds.tables import of_table

_ABSENCE: Final[Shapes] = {
    "absence": ID,
    "delegate": or_null(PERSON),
    "begins_at": TIME,
    "ends_at": TIME,
    "roles": TEXTS,
    "surfaces": TEXTS,
}
_ROWS: Final[Shapes] = {"surface": WORD, "rows": COUNT, "digest": DIGEST}


def _exported(what: str, meaning: str | Promise) -> Kind:
    return Kind(f"{what}.exported", meaning, {"filter": map_of(TEXT), "rows": COUNT})


KINDS: Final = (
    Kind(
        "trust.recommended",
        _("The portal recommends more autonomy for an agent on a surface."),
        {"surface": WORD, "from": WORD, "to": WORD, "recommendation": ID},
    ),
    Kind(
        "trust.accepted",
        _("A person asked for what was recommended; a second one has to agree."),
        {"surface": WORD, "to": WORD, "recommendation": ID},
    ),
    Kind(
        "trust.declined",
        _("A person declined what was recommended."),
        {"surface": WORD, "to": WORD, "recommendation": ID},
    ),
    Kind(
        "trust.demoted",
        _("An agent lost its autonomy on a surface, and people look at each proposal again."),
        {"surface": WORD, "from": WORD, "to": WORD, "why": WORD, "demotion": ID, "model": TEXT},
    ),
    Kind("absence.noted", _("Somebody will be away, and may have named a stand-in."), _ABSENCE),
    Kind("absence.ended", _("An absence ended before its time, or was called off."), _ABSENCE),
    Kind("upload.received", _("An agent uploaded rows."), _ROWS),
    Kind(
        "upload.rows_left_out",
        _("A person left rows out of an upload."),
        _ROWS,
        {"of": UUID, "left_out": list_of(COUNT)},
    ),
    Kind(
        "rows.exported",
        _("Somebody downloaded the rows of an upload."),
        {"upload": UUID, "proposal": UUID, "rows": COUNT, "digest": DIGEST},
    ),
    _exported("proposals", _("Somebody downloaded a list of proposals.")),
    _exported("decisions", _("Somebody downloaded a list of decisions.")),
    _exported("dispatches", _("Somebody downloaded a list of dispatches.")),
    _exported("touchpoints", _("Somebody downloaded the list of AI touchpoints.")),
    Kind("slack.linked", _("Somebody confirmed that a Slack account is theirs.")),
    Kind("slack.unlinked", _("Somebody’s Slack account decides nothing any more.")),
    *of_table("noticerule", _("A rule about who is told of what")),
    *of_table("outsideaddress", _("An address outside the portal that is told")),
)
