"""Quick list: what may be decided from one line by one key, and how much may not, and why."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from approvals.admin.batch import proposals
from approvals.admin.batch import rows as batch_rows
from approvals.admin.batch.rows import BatchRow
from approvals.admin.desk.rows import Listed
from approvals.errors import NotEligible
from approvals.lifecycle.decision_rules import why_not_quick
from approvals.models import OPEN, Proposal, State
from approvals.people import eligibility
from policies.engine import risk
from policies.engine.policy import Policy
from policies.models import Surface

MOST: Final = 100
FIELDS: Final = 5
"""So many fields of a proposal fit its line."""


@dataclass(frozen=True, slots=True)
class QuickList:
    """Lines to decide, the most urgent first; `left_out` counts the others by the reason; `more` were not looked at."""

    rows: Sequence[BatchRow]
    left_out: Mapping[str, int]
    more: int


def load(person: User, listed: Listed) -> QuickList:
    """Return the quick list of what was looked for. A fixed number of queries."""
    ids = [turn.id for turn in listed.order[:MOST]]
    checked = _checked(person, ids, listed.policy)
    left_out = Counter(why for _proposal, why in checked.values() if why)
    fitting = [checked[each][0] for each in ids if each in checked and not checked[each][1]]
    rows = [batch_rows.row(proposal, listed.policy, most=FIELDS) for proposal in fitting]
    return QuickList(rows, dict(left_out), max(listed.turns.count - len(ids), 0))


def find(person: User, proposal_id: UUID, policy: Policy) -> tuple[BatchRow, str] | None:
    """Return the line of one proposal, and why it is not for the quick list; None where `person` does not see it."""
    known = _checked(person, [proposal_id], policy).get(proposal_id)
    return None if known is None else (batch_rows.row(known[0], policy, most=FIELDS), known[1])


def _checked(person: User, ids: Sequence[UUID], policy: Policy) -> dict[UUID, tuple[Any, str]]:
    by_id = proposals.read(person, ids)
    rivals = proposals.in_conflict(by_id)
    touches = Surface.objects.filter(pk__in={one.surface_id for one in by_id}).values("slug", *risk.WORDS)
    low = {row["slug"] for row in touches if risk.is_low(row)}
    return {
        one.pk: (one, _why_not(person, one, policy, is_of_low_risk=one.surface_id in low, is_rival=one.pk in rivals))
        for one in by_id
    }


def _why_not(person: User, proposal: Any, policy: Policy, *, is_of_low_risk: bool, is_rival: bool) -> str:
    slug: str = proposal.surface_id
    surface = policy.surfaces.get(slug)
    if State(proposal.state_now) not in OPEN or surface is None:
        return _("This is settled. There is nothing left to decide.")
    try:
        eligibility.require(person, proposal, surface, approving=True)
    except NotEligible as refusal:
        return str(refusal)
    tier = policy.tiers.get(proposal.tier_id or "")
    why = why_not_quick(proposal, tier, is_of_low_risk=is_of_low_risk, is_in_conflict=is_rival)
    if not why and proposals.is_large(proposal.revision):
        return _("It doesn’t fit on one line.")
    return why


def helpers(person: User, rows: Sequence[BatchRow], policy: Policy, *, most: int) -> list[User]:
    """Return the people to whom something of the list can be handed: those who may decide on its first line."""
    if not rows:
        return []
    first: Proposal = rows[0].proposal
    surface = policy.surfaces.get(first.surface_id)
    return [] if surface is None else list(eligibility.deciders(first, surface).exclude(pk=person.pk)[:most])
