"""Dispatches that may be claimed: due, not stopped by a kill switch, their targets free."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from approvals.evaluation import conflicts
from approvals.models import Dispatch, DispatchStatus, Proposal
from approvals.shipping import kinds
from policies.compiled_queries import CompiledQuery
from policies.models import EVERYWHERE, Connector
from policies.stored_functions import StoredFunction, naming


def due(kind: Connector.Kind) -> QuerySet[Dispatch]:
    """Return what is due, oldest first, with its rows locked as they are read.

    Switches and revisions are read apart: joined here, they cost the database more in planning the
    statement than all the rest of a claim.
    """
    # All that is due was due once: in the order of one index, the search ends with the first.
    was_due = Q(status__in=[DispatchStatus.WAITING, DispatchStatus.CLAIMED], next_attempt_at__lte=Now())
    is_due = was_due & (Q(status=DispatchStatus.WAITING) | Q(lease_until__lte=Now()))
    can_execute = Q(connector__kind=kind, connector__is_enabled=True)
    if kind == kinds.FALLBACK:
        can_execute |= Q(connector=None)
    # What ran out of time before any claim is not a failure: the sweep of `escalation` expires it.
    never_claimed = Q(fence=0, kind=Dispatch.Kind.EXECUTE, proposal__expires_at__lte=Now())
    return (
        Dispatch.objects.select_for_update(skip_locked=True, of=("self", "proposal"))
        .select_related("proposal", "connector")
        .filter(is_due, can_execute)
        .exclude(never_claimed)
        .order_by("next_attempt_at")
    )


def first_due(kind: Connector.Kind) -> Callable[[], Dispatch | None]:
    """Return what locks and reads the first that is `due`, compiled: workers ask it each time that they are woken."""
    return _FIRST[kind].first


def _first(kind: Connector.Kind) -> QuerySet[Dispatch]:
    return due(kind)[:1]


_FIRST: Final = {kind: CompiledQuery(partial(_first, kind)) for kind in Connector.Kind}


def unhindered(due: QuerySet[Dispatch]) -> QuerySet[Dispatch]:
    """Leave out what a kill switch stops, and what waits for a target that another one holds. One query."""
    stopped, held = _hindrances()
    if EVERYWHERE in stopped:
        return Dispatch.objects.none()
    if stopped:
        surfaces = [scope.removeprefix("surface:") for scope in stopped if scope.startswith("surface:")]
        agents = [scope.removeprefix("agent:") for scope in stopped if scope.startswith("agent:")]
        due = due.exclude(Q(proposal__surface__in=surfaces) | Q(proposal__agent__in=agents))
    if held:
        # What holds a target itself may be claimed once more, when its lease has run out.
        due = due.exclude(status=DispatchStatus.WAITING, proposal__targets__overlap=held)
    return due


class _Hindrances(NamedTuple):
    """What to pass over. The claim asks again, under locks."""

    stopped: frozenset[str]
    """Scopes of the engaged kill switches."""
    held: list[str]
    """Targets of the proposals that are claimed at present."""


_HINDRANCES: Final = """
SELECT ARRAY(SELECT scope FROM policies_killswitch WHERE is_engaged),
       ARRAY(SELECT DISTINCT unnest(proposal.targets)
               FROM approvals_dispatch AS dispatch
               JOIN approvals_proposal AS proposal ON proposal.id = dispatch.proposal_id
              WHERE dispatch.status = 'claimed')
"""


def _hindrances() -> _Hindrances:
    with connection.cursor() as cursor:
        cursor.execute(_HINDRANCES)
        stopped, held = cursor.fetchone()
    return _Hindrances(frozenset(stopped), list(held))


HOLD_TARGETS: Final = StoredFunction(
    "approvals_hold_targets",
    "the_own uuid, the_targets varchar[], the_stripes integer[], OUT at timestamptz",
    f"""
    PERFORM {naming(conflicts.LOCK, "stripes").removeprefix("SELECT ")};
    SELECT clock_timestamp() INTO at WHERE NOT EXISTS (
        SELECT FROM approvals_dispatch AS dispatch JOIN approvals_proposal AS other ON other.id = dispatch.proposal_id
         WHERE dispatch.status = 'claimed' AND other.id <> the_own AND other.targets && the_targets);
    """,  # noqa: S608  # made of the constants above
)
"""Locks targets; says when, or nothing where another proposal that names one of them is claimed."""


def hold_targets(proposal: Proposal) -> datetime | None:
    """Lock the targets of a proposal; return when, or None where another proposal that names one is claimed.

    Until we commit, none can be. A claim whose lease has run out still holds its own: it may have reached the far side.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT approvals_hold_targets(%s, %s::varchar[], %s::integer[])",
            [proposal.pk, proposal.targets, conflicts.stripes(proposal.targets)],
        )
        at: datetime | None = cursor.fetchone()[0]
    return at
