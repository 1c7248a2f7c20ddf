"""Turn checked JSON into the arguments of use cases."""

from dataclasses import fields
from typing import Any, Final

from django.utils.translation import gettext as _

from approvals.api.http.reading import moment
from approvals.errors import InvalidProposal
from approvals.evaluation.judgement import Content
from approvals.lifecycle.submission import NewProposal
from policies.engine.payloads import FieldError
from policies.facts.vocabulary import ALIASES

AMOUNT_ALIASES: Final = tuple(sorted(alias for alias, name in ALIASES.items() if name == "amount"))
_TUPLES: Final = {"targets", "tags"}
_NAMES: Final = tuple(field.name for field in fields(NewProposal) if field.name != "content")


def draft(body: dict[str, Any]) -> NewProposal:
    """Make the draft of a body that meets `schemas.PROPOSAL`; what is null or left out is as NewProposal has it.

    Raises InvalidBody for an impossible time, and InvalidProposal for two amounts.
    """
    sent = {name: body[name] for name in _NAMES if body.get(name) is not None}
    sent |= {name: tuple(sent[name]) for name in _TUPLES & sent.keys()}
    if "expires_at" in sent:
        sent["expires_at"] = moment(sent["expires_at"], "/expires_at")
    return NewProposal(**sent, content=content(body))


def content(body: dict[str, Any]) -> Content:
    """Make the content of a body that meets `schemas.PROPOSAL` or `schemas.REVISION`.

    Raises InvalidProposal for an amount that is sent twice and differs.
    """
    size = body.get("audience_size")
    return Content(
        payload=body["payload"],
        before=body.get("before"),
        rollback=body.get("rollback"),
        amount=_amount(body),
        audience_size=None if size is None else int(size),  # JSON Schema counts 5.0 as a whole number
        confidence=body.get("confidence"),
        note=body.get("note", ""),
    )


def _amount(body: dict[str, Any]) -> Any:
    """Return the amount, by whichever of its names it was sent. Raises InvalidProposal where two names differ."""
    sent = {name: body[name] for name in ("amount", *AMOUNT_ALIASES) if body.get(name) is not None}
    amounts = [*sent.values()]
    if any(amount != amounts[0] for amount in amounts):
        detail = _("amount and %s are the same, and say two different things.") % " and ".join(AMOUNT_ALIASES)
        errors = [FieldError(f"/{name}", "contradicts", detail) for name in sent]
        raise InvalidProposal(errors)
    return amounts[0] if amounts else None
