"""Filters of a list of proposals, from the query string; all of them must hold."""

from collections.abc import Callable
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from approvals.api.contract.schemas import NO_NUL, TIME_PATTERN
from approvals.api.http.errors import InvalidBody, MalformedRequest
from approvals.api.http.reading import moment
from approvals.models import Decision, State
from approvals.models.proposal_queries import ProposalQuerySet, overdue
from policies import plain_text
from policies.engine.payloads import FieldError, validator

PAGING: Final = frozenset({"cursor", "limit"})
_TIME: Final = {"type": "string", "format": "date-time", "maxLength": 40, "pattern": TIME_PATTERN}
_TIME_CHECKER: Final = validator(_TIME)
LONGEST: Final = 200


def _state(value: str) -> Q:
    """By the database's clock: what has run out of time is expired, swept or not."""
    if value not in State.values:
        raise ValueError(_("One of %s.") % ", ".join(State.values))
    if value == State.EXPIRED:
        return Q(state=value) | overdue()
    return Q(state=value) & ~overdue()


def _is(field: str) -> Callable[[str], Q]:
    return lambda value: Q(**{field: plain_text.name(value)})


def _has(column: str, member: str) -> Callable[[str], Q]:
    """Compare a member of what an agent sent, so that the column's index answers."""
    return lambda value: Q(**{f"{column}__contains": {member: value}})


def _by_role(value: str) -> Q:
    """By a role in which somebody has decided."""
    return Q(Exists(Decision.objects.filter(proposal=OuterRef("pk"), roles__contains=[value])))


def _version(value: str) -> Q:
    if not (value.isascii() and value.isdecimal() and len(value) < 10):
        raise ValueError(_("The number of a policy version."))
    return Q(verdict__policy_version=int(value))


def _at(lookup: str) -> Callable[[str], Q]:
    def compare(value: str) -> Q:
        # A plus that was not escaped arrives as a space, and a time has no other.
        text = value.replace(" ", "+")
        wrong = ValueError(_("A time as RFC 3339 has it, with its offset."))
        if not _TIME_CHECKER.is_valid(text):
            raise wrong
        try:
            at = moment(text, "")
        except InvalidBody as error:
            raise wrong from error
        return Q(**{lookup: at})

    return compare


FILTERS: Final[dict[str, Callable[[str], Q]]] = {
    "state": _state,
    "surface": _is("surface"),
    "action": _is("action"),
    "tier": _is("tier"),
    "agent": _is("agent"),
    "owner": _is("owner__name"),
    "model": _has("model", "name"),
    "model_version": _has("model", "version"),
    "trigger": _has("trigger", "event"),
    "role": _by_role,
    "policy_version": _version,
    "target": lambda value: Q(targets__contains=[plain_text.name(value)]),
    "tag": lambda value: Q(tags__contains=[plain_text.name(value)]),
    "created_after": _at("created_at__gt"),
    "created_before": _at("created_at__lt"),
    "updated_after": _at("updated_at__gt"),
    "updated_before": _at("updated_at__lt"),
}

_FORMS: Final[dict[str, dict[str, Any]]] = {
    "state": {"type": "string", "enum": list(State.values)},
    "policy_version": {"type": "string", "pattern": "^[0-9]{1,9}$"},
    **dict.fromkeys(("created_after", "created_before", "updated_after", "updated_before"), _TIME),
}
_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": NO_NUL}
PARAMETERS: Final = [
    OpenApiParameter(name, {"type": "array", "items": _FORMS.get(name, _TEXT)}, OpenApiParameter.QUERY, explode=True)
    for name in FILTERS
]


def apply(proposals: ProposalQuerySet, request: Request) -> ProposalQuerySet:
    """Return those of `proposals` that the query string asks for; a filter that repeats means any of its values.

    The view knows that there are such filters. Raises MalformedRequest, naming what is wrong.
    """
    wrong: list[FieldError] = []
    for name, values in request.query_params.lists():
        if name in PAGING:
            continue
        try:
            proposals = proposals.filter(_any(name, values))
        except ValueError as error:
            wrong.append(FieldError(f"?{name}", "invalid_filter", str(error)))
    if wrong:
        raise MalformedRequest(_("The query string is not understood."), errors=wrong)
    return proposals


def _any(name: str, values: list[Any]) -> Q:
    condition = Q()
    for value in values:
        if not value or len(value) > LONGEST or "\0" in value:
            raise ValueError(_("A value of 1 to %d characters.") % LONGEST)
        condition |= FILTERS[name](value)
    return condition
