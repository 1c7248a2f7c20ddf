"""From checked JSON to what the use cases take."""

from typing import Any

from approvals.api.http.reading import moment
from approvals.evaluation.judgement import Content
from approvals.lifecycle.submission import NewProposal


def draft(said: dict[str, Any]) -> NewProposal:
    """Make the draft of a body that meets `schemas.PROPOSAL`. Raises InvalidBody for an impossible time."""
    return NewProposal(
        surface=said["surface"],
        action=said["action"],
        title=said["title"],
        content=content(said),
        rationale=said.get("rationale", ""),
        trigger=said.get("trigger"),
        evidence=said.get("evidence", ()),
        metrics=said.get("metrics", ()),
        expected_outcome=said.get("expected_outcome"),
        currency=said.get("currency") or "",
        targets=tuple(said.get("targets", ())),
        tags=tuple(said.get("tags", ())),
        model=said.get("model"),
        callback_url=said.get("callback_url") or "",
        expires_at=moment(said.get("expires_at"), "/expires_at"),
    )


def content(said: dict[str, Any]) -> Content:
    """Make the content of a body that meets `schemas.PROPOSAL` or `schemas.REVISION`."""
    size = said.get("audience_size")
    return Content(
        payload=said["payload"],
        before=said.get("before"),
        rollback=said.get("rollback"),
        amount=said.get("amount"),
        audience_size=None if size is None else int(size),  # JSON Schema counts 5.0 as a whole number
        confidence=said.get("confidence"),
        note=said.get("note", ""),
    )
