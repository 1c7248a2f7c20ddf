"""Proposals that name the same target, or ask for the same. The only writer of conflicts and of last shipments.

Who names a target holds its lock until the commit, so that of two at the same time one sees the other. A
conflict links both ways, and is resolved once one of the two is given up. What the policy made of it stays:
a verdict that was strict is not loosened afterwards.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zlib import crc32

from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet

from approvals.models import WAITING, Conflict, LastShipped, Proposal, State
from approvals.models.proposal_queries import ProposalQuerySet
from approvals.models.stored_row import Statement
from policies.facts.facts import Twin
from policies.stored_functions import StoredFunction, naming

MOST: Final = 20
"""So many conflicts of one proposal are told, the newest."""
LIVE: Final = (*WAITING, State.APPROVED)
GIVEN_UP: Final = (State.REJECTED, State.BLOCKED, State.EXPIRED, State.WITHDRAWN, State.TAKEN_OVER)
"""What is in these states will not ship, so its conflicts are none any more."""

_SPACE: Final = 0x48495403
_STRIPES: Final = 128
"""Targets share so many locks: a proposal with hundreds of targets must not use up PostgreSQL's lock table."""

LOCK: Final = f"SELECT pg_advisory_xact_lock({_SPACE}, stripe) FROM unnest(%(stripes)s::int[]) AS stripe"  # noqa: S608
FIND: Final = f"""
SELECT id FROM (
    SELECT id FROM approvals_proposal
     WHERE targets && %(targets)s::varchar[] AND state IN {tuple(map(str, LIVE))}
     UNION
    SELECT proposal_id FROM approvals_lastshipped WHERE target = ANY(%(targets)s::varchar[]) AND at > %(warm_since)s
) AS other WHERE id IS DISTINCT FROM %(own)s::uuid ORDER BY id DESC LIMIT {MOST}"""  # noqa: S608


# Held after the targets' locks, by everybody who holds both. One key a proposal, so it needs no stripes.
LOCK_TWINS: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%(same)s, 0))"
TWINS: Final = f"""
SELECT id::text, agent_id, created_at FROM approvals_proposal
 WHERE payload_digest = %(digest)s AND surface_id = %(surface)s AND action = %(action)s
   AND state IN {tuple(map(str, LIVE))} AND id IS DISTINCT FROM %(own)s::uuid
   AND (%(made)s::uuid IS NULL OR revision_id < %(made)s::uuid)
 ORDER BY id LIMIT {MOST}"""  # noqa: S608


NEIGHBOURS: Final = StoredFunction(
    "approvals_neighbours",
    "the_stripes integer[], the_targets varchar[], the_warm_since timestamptz, the_own uuid, the_same text,"
    " the_digest text, the_surface text, the_action text, the_made uuid, is_held boolean,"
    " OUT conflicts text[], OUT twins json",
    f"""
    IF cardinality(the_targets) > 0 THEN
        IF is_held THEN
            PERFORM {naming(LOCK, "stripes").removeprefix("SELECT ")};
        END IF;
        conflicts := ARRAY({naming(FIND, "targets", "warm_since", "own")});
    END IF;
    IF is_held THEN
        PERFORM {naming(LOCK_TWINS, "same").removeprefix("SELECT ")};
    END IF;
    twins := (SELECT json_agg(json_build_array(twin.id, twin.agent_id, twin.created_at))
                FROM ({naming(TWINS, "digest", "surface", "action", "own", "made")}) AS twin);
    """,  # noqa: S608  # made of the constants above
)
"""Proposals that name the same targets or ask for the same, held against newcomers or only looked at.

Each statement of it sees what was committed when it began, so after its lock was granted.
"""
CALL_NEIGHBOURS: Final = (
    "SELECT * FROM approvals_neighbours(%(stripes)s::int[], %(targets)s::varchar[], %(warm_since)s, %(own)s::uuid,"
    " %(same)s, %(digest)s, %(surface)s, %(action)s, %(made)s::uuid, %(is_held)s)"
)


def neighbours(row: Sequence[Any]) -> tuple[tuple[str, ...], tuple[Twin, ...]]:
    """Return the conflicts and twins that NEIGHBOURS has found."""
    conflicts, twins = row
    return tuple(conflicts or ()), tuple(Twin(who, agent, datetime.fromisoformat(at)) for who, agent, at in twins or ())


def same(*, surface: str, action: str, digest: str, made: UUID | None) -> dict[str, Any]:
    """Return the parameters of LOCK_TWINS and TWINS. `made` is the revision in question if it was made before.

    Only what was made earlier counts against it, so that of two equal proposals one stays as it was judged.
    """
    return {
        "same": f"{surface}\n{action}\n{digest}",
        "surface": surface,
        "action": action,
        "digest": digest,
        "made": made,
    }


def twins(proposal: Proposal) -> QuerySet[Proposal]:
    """Return the live proposals that ask for exactly the same, the oldest first."""
    alike: QuerySet[Proposal] = Proposal.objects.filter(
        payload_digest=proposal.payload_digest, surface=proposal.surface_id, action=proposal.action, state__in=LIVE
    )
    return alike.exclude(pk=proposal.pk).order_by("pk")


class _IsOneOf(Func):
    """`%s = ANY(array)`."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()


def with_signs(proposals: ProposalQuerySet) -> ProposalQuerySet:
    """Add `has_twin` and `may_be_stale`, so that a page asks further only where there is something to find."""
    same = Proposal.objects.filter(
        payload_digest=OuterRef("payload_digest"),
        surface=OuterRef("surface"),
        action=OuterRef("action"),
        state__in=LIVE,
    )
    shipped = LastShipped.objects.filter(_IsOneOf(F("target"), OuterRef("targets")), at__gt=OuterRef("created_at"))
    return proposals.annotate(has_twin=Exists(same.exclude(pk=OuterRef("pk"))), may_be_stale=Exists(shipped))


def asked(targets: Iterable[str], *, at: datetime, cool_down: timedelta) -> dict[str, Any]:
    """Return the parameters of LOCK and FIND; FIND also takes `own`, the id of the proposal in question."""
    named = sorted(set(targets))
    return {"targets": named, "stripes": stripes(named), "warm_since": at - cool_down}


def stripes(targets: Iterable[str]) -> list[int]:
    """Return the locks that `targets` share, in the order in which everybody takes them."""
    return sorted({crc32(target.encode()) % _STRIPES for target in targets})


def linking(proposal_id: UUID, others: Iterable[str], *, at: datetime) -> Statement:
    """Return the statement that links a proposal with those it is in conflict with."""
    pairs = [sorted((proposal_id, UUID(other))) for other in others]
    return Statement(_LINK, [at, [older for older, _ in pairs], [newer for _, newer in pairs]])


_LINK: Final = """
INSERT INTO approvals_conflict (older_id, newer_id, found_at)
SELECT older, newer, %s FROM (SELECT unnest(%s::uuid[]) AS older, unnest(%s::uuid[]) AS newer) AS pair
    ON CONFLICT (older_id, newer_id) DO UPDATE SET resolved_at = NULL"""

RESOLVE: Final = """
UPDATE approvals_conflict SET resolved_at = %(at)s
 WHERE resolved_at IS NULL AND (older_id = %(own)s::uuid OR newer_id = %(own)s::uuid)"""

_SHIPPED: Final = """
INSERT INTO approvals_lastshipped (target, proposal_id, at)
SELECT target, %s, %s FROM unnest(%s::varchar[]) AS target ORDER BY target
    ON CONFLICT (target) DO UPDATE SET proposal_id = excluded.proposal_id, at = excluded.at
 WHERE approvals_lastshipped.at <= excluded.at"""


def shipping(proposal: Proposal, *, at: datetime) -> list[Statement]:
    """Return the statement that remembers that a locked proposal has just shipped to its targets, if it has any."""
    return [Statement(_SHIPPED, [proposal.pk, at, sorted(set(proposal.targets))])] if proposal.targets else []


def shipped_since(proposal: Proposal) -> QuerySet[LastShipped]:
    """Return what has shipped to the targets of `proposal` since its agent last wrote a revision, the newest first.

    What an agent says of the state before is as old as its own revision; a person's edit does not renew it.
    """
    revision = proposal.revision
    if not revision.agent_id:
        revision = proposal.revisions.filter(agent__isnull=False).latest("number")
    shipped = LastShipped.objects.filter(target__in=proposal.targets, at__gt=revision.created_at)
    return shipped.exclude(proposal=proposal).order_by("-at", "target")


def of(proposal: Proposal) -> QuerySet[Conflict]:
    """Return the conflicts of a proposal that are still some, the newest first."""
    return (
        Conflict.objects.filter(Q(older=proposal) | Q(newer=proposal), resolved_at=None)
        .select_related("older__revision", "newer__revision")
        .order_by("-found_at", "-id")
    )
