"""Rows of the monitor: automatic shipments past and due, failures, and samples to review."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from approvals.admin.batch import proposals
from approvals.admin.batch import rows as batch_rows
from approvals.admin.records import keyset
from approvals.admin.records.keyset import Slice
from approvals.admin.review.actions import page_url
from approvals.errors import NotEligible
from approvals.figures import monitoring
from approvals.models import Dispatch, Proposal, Sample, State
from approvals.people import eligibility, held_roles
from approvals.presentation import words
from audit.clock import database_now
from policies import currencies
from policies.engine.policy import Policy
from policies.models import Mandate
from policies.publishing.current import scopes
from policies.registry import kill_switches

SIZE: Final = 20
_UNREAD: Final = ("grant", "receipt", "revision__body", "revision__rollback_body", "revision__before")


@dataclass(frozen=True, slots=True)
class MonitorFilter:
    """What the address asks for: one surface, one agent, and where each list begins."""

    surface: str = ""
    agent: str = ""
    starts: Mapping[str, str] | None = None

    def start(self, name: str) -> str:
        """Return where the list of that name begins; empty for its beginning."""
        return (self.starts or {}).get(name, "")


@dataclass(frozen=True, slots=True)
class MonitorRow:
    """One dispatch or sample in words. `seconds` is how long until it ships, by the database's clock."""

    proposal: Proposal
    url: str
    worth: str
    when: SafeString | str
    state: State
    seconds: int = 0
    is_held: bool = False
    may_act: bool = False
    attempts: int = 0
    error: str = ""
    rollback_url: str = ""
    is_rolling_back: bool = False
    effect: str = ""
    changes: Sequence[batch_rows.ShortChange] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person who looks, what they may decide on, and the time."""

    person: User
    policy: Policy
    roles: frozenset[str]
    now: datetime
    stopped: frozenset[str]
    """Scopes of the engaged kill switches."""

    def why_not(self, proposal: Proposal) -> str:
        """Say why this person may do nothing with `proposal`; empty where they may."""
        surface = self.policy.surfaces.get(proposal.surface_id)
        if surface is None:
            return "—"
        try:
            eligibility.require(self.person, proposal, surface)
        except NotEligible as refusal:
            return str(refusal)
        return ""


def viewer(person: User, policy: Policy) -> Viewer:
    """Return who looks. Three queries."""
    engaged = frozenset(switch.scope for switch in kill_switches.engaged())
    return Viewer(person, policy, held_roles.own(person), database_now(), engaged)


def choices(by: Viewer) -> dict[str, list[str]]:
    """Return the surfaces and agents (slugs) to choose from: those of which this person may see anything. One query."""
    sees_all = by.person.has_perm(eligibility.SEE_ALL)
    surfaces = sorted(slug for slug, row in by.policy.surfaces.items() if sees_all or row.owner in by.roles)
    mandates = Mandate.objects.filter(surface__in=surfaces).order_by("agent")
    return {"surfaces": surfaces, "agents": list(mandates.values_list("agent", flat=True).distinct())}


def lists(by: Viewer, filters: MonitorFilter) -> dict[str, Slice]:
    """Return the first rows of what is upcoming, shipped and failed. Three queries."""
    mine = monitoring.of_person(by.person, surface=filters.surface, agent=filters.agent)
    mine = mine.select_related("revision", "proposal__surface", "proposal__agent").defer(*_UNREAD, *_of_proposal())
    rolling_back = Dispatch.objects.filter(proposal=OuterRef("proposal"), kind=Dispatch.Kind.ROLLBACK)
    wanted = {
        "upcoming": (monitoring.upcoming(mine), "next_attempt_at"),
        "shipped": (monitoring.shipped(mine.annotate(is_rolling_back=Exists(rolling_back))), "delivered_at"),
        "failed": (monitoring.failed(mine), "created_at"),
    }
    slices = {}
    for name, (rows, order) in wanted.items():
        piece = keyset.cut(rows, by=order, after=filters.start(name), size=SIZE)
        slices[name] = Slice([_row(by, dispatch, at=getattr(dispatch, order)) for dispatch in piece.rows], piece.next)
    return slices


def _of_proposal() -> list[str]:
    return [f"proposal__{name}" for name in proposals.UNREAD]


def _row(by: Viewer, dispatch: Any, *, at: datetime) -> MonitorRow:
    proposal = dispatch.proposal
    covering = scopes(agent=proposal.agent_id, surface=proposal.surface_id)
    why_not = by.why_not(proposal)
    may_roll_back = not why_not and proposal.state == State.SHIPPED and bool(dispatch.revision.rollback_digest)
    is_rolling_back = getattr(dispatch, "is_rolling_back", False)
    rollback_url = reverse("admin:approvals_proposal_rollback", args=[proposal.pk])
    return MonitorRow(
        proposal=proposal,
        url=page_url(proposal.pk),
        worth=worth(proposal),
        when=words.ago(at, by.now) if at <= by.now else words.time_tag(at, words.span(at - by.now)),
        state=State(proposal.state),
        seconds=max(int((at - by.now).total_seconds()), 0),
        is_held=not by.stopped.isdisjoint(covering),
        # What a worker has taken once may have reached the far side: it is too late to stop it.
        may_act=not why_not and (proposal.state != State.APPROVED or dispatch.fence == 0),
        attempts=dispatch.attempts_made,
        error=dispatch.last_error,
        rollback_url=rollback_url if may_roll_back and not is_rolling_back else "",
        is_rolling_back=is_rolling_back and proposal.state == State.SHIPPED,
        why_not=why_not,
    )


def worth(proposal: Proposal) -> str:
    """Write the amount and the audience of a proposal in short."""
    parts = []
    if proposal.amount is not None:
        parts.append(currencies.money(proposal.amount, proposal.currency))
    if proposal.audience_size is not None:
        parts.append(_("%s people") % words.number(proposal.audience_size))
    return " · ".join(parts)


def samples(by: Viewer, filters: MonitorFilter) -> Slice:
    """Return what is to be looked at afterwards, with what it changed. Three queries."""
    open_ones = monitoring.to_judge(by.person, surface=filters.surface, agent=filters.agent)
    unread = [f"proposal__{name}" for name in proposals.UNREAD]
    rows = open_ones.select_related("proposal__surface", "proposal__agent").defer(*unread)
    piece = keyset.cut(rows, by="picked_at", after=filters.start("sampled"), size=SIZE)
    proposals.attach_revisions([sample.proposal for sample in piece.rows])
    return Slice([_sampled(by, sample) for sample in piece.rows], piece.next)


def _sampled(by: Viewer, sample: Sample) -> MonitorRow:
    proposal = sample.proposal
    state = State(proposal.state)
    surface = by.policy.surfaces.get(proposal.surface_id)
    changes, _more = batch_rows.short_changes(proposal.revision, surface.payload_schema if surface else {})
    is_own = by.person.pk in eligibility.close_to(proposal)
    return MonitorRow(
        proposal=proposal,
        url=page_url(proposal.pk),
        worth=worth(proposal),
        when=words.ago(sample.picked_at, by.now),
        state=state,
        may_act=not by.why_not(proposal) and not is_own,
        effect=batch_rows.effect(proposal, by.policy, state=state, now=by.now),
        changes=changes,
    )
