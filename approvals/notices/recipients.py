"""Recipients of a notice, after rules and stand-ins, read once for many occasions together."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.contrib.auth.models import User

from approvals.models import ASKING, Decision, Notice, NoticeKind, NoticeRule, Occasion, Proposal
from approvals.notices import directory, substitutes
from approvals.notices.directory import Directory, Member
from approvals.notices.substitutes import Substitute
from approvals.people import eligibility, votes
from policies.engine.policy import Policy
from policies.publishing.publish import active_policy

TO_DECIDERS: Final = (NoticeKind.WAITS_FOR_YOU, NoticeKind.SENT_BACK_ANSWER)
TO_OWNERS: Final = (NoticeKind.SHIPPED_BY_ITSELF, NoticeKind.FAILED, NoticeKind.EXPIRED, NoticeKind.DEMOTED)
TO_PARTICIPANTS: Final = (NoticeKind.DECIDED, NoticeKind.EXPIRED, NoticeKind.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the notification rules say of one kind on one surface."""

    added: frozenset[str]
    muted: frozenset[str]


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who is told; `stands_in_for` names the people who are away and would have been asked."""

    person: User
    stands_in_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OccasionCall:
    """One occasion with whom it calls: by role, as people, and in place of whom."""

    occasion: Occasion
    proposal: Proposal
    rules: Rules
    roles: frozenset[str]
    """Without those that a rule has added."""
    people: frozenset[int]
    substitutes: Sequence[Substitute]

    @property
    def named(self) -> frozenset[int]:
        """The ids of those whom it may concern, whatever their roles."""
        return self.people | {one.person for one in self.substitutes}


def of_each(pairs: Sequence[tuple[Occasion, Proposal]]) -> list[list[Reader]]:
    """Return who is told of each occasion: active people who may see its proposal, and never who did it.

    Of those who are asked to decide only such as may, and besides them those who stand in for one of them; others
    where the occasion or a rule names them. A fixed number of queries, however many occasions there are.
    """
    calls = _calls(pairs)
    roles = frozenset().union(*(call.roles | call.rules.added for call in calls))
    known = directory.read(roles=roles, people=frozenset().union(*(call.named for call in calls)))
    asking = {call.proposal.pk: call.proposal for call in calls if call.occasion.kind in ASKING}
    voters = {
        proposal: {int(person) for vote in cast for person in vote.people}
        for proposal, cast in votes.of_each([*asking.values()]).items()
    }
    policy = active_policy()
    return [_readers(call, known, voters.get(call.proposal.pk, set()), policy) for call in calls]


def _calls(pairs: Sequence[tuple[Occasion, Proposal]]) -> list[OccasionCall]:
    rules = list(NoticeRule.objects.filter(kind__in={occasion.kind for occasion, _proposal in pairs}))
    standing_in = substitutes.everywhere()
    took_part = _participants({occasion.proposal_id for occasion, _ in pairs if occasion.kind in TO_PARTICIPANTS})
    return [
        OccasionCall(
            occasion,
            proposal,
            _rules(rules, occasion.kind, proposal.surface_id),
            frozenset(_roles(occasion, proposal)),
            frozenset(occasion.people)
            | (took_part.get(proposal.pk, frozenset()) if occasion.kind in TO_PARTICIPANTS else frozenset()),
            substitutes.on(proposal, standing_in),
        )
        for occasion, proposal in pairs
    ]


def _readers(call: OccasionCall, known: Directory, voters: Collection[int], policy: Policy) -> list[Reader]:
    occasion, proposal = call.occasion, call.proposal
    here = frozenset((proposal.owner_id, *proposal.deciding_roles))
    standing_in = frozenset(one.person for one in call.substitutes)
    people = known.find(roles=(call.roles | call.rules.added) - call.rules.muted, people=call.people)
    deciders = _deciders(call, known, voters, policy) if occasion.kind in ASKING else None
    all_readers = [
        member
        for member in people
        if member.user.pk != occasion.by
        and member.may_see(here, stands_in=member.user.pk in standing_in)
        and _is_told(member, call, deciders)
    ]
    readers = [Reader(member.user) for member in all_readers]
    if deciders is None:
        return readers
    roles = frozenset(call.roles) or frozenset(proposal.deciding_roles)
    instead = _instead({member.user.pk for member in all_readers}, call, deciders, roles=roles)
    stand_ins = (known.members[person] for person in sorted(instead))
    return readers + [
        Reader(member.user, instead[member.user.pk]) for member in stand_ins if member.may_see(here, stands_in=True)
    ]


@dataclass(frozen=True, slots=True)
class Deciders:
    """People who may be asked to decide: the proposal's roles that they hold, and those able to stand in."""

    holding: Mapping[int, frozenset[str]]
    able_to_stand_in: Collection[int]
    roles: frozenset[str]

    def hold(self, person: int, roles: Collection[str]) -> bool:
        """Whether `person` may be asked in one of `roles`, by a right of their own."""
        return not self.holding.get(person, frozenset()).isdisjoint(roles)


def _deciders(call: OccasionCall, known: Directory, voters: Collection[int], policy: Policy) -> Deciders:
    """Return who may decide and has not yet: nobody close to the agent, nor the revision's author, unless they may."""
    proposal = call.proposal
    surface = policy.surfaces.get(proposal.surface_id)
    left_out: set[int | None] = set(voters)
    if surface is None or not surface.agent_owner_may_decide:
        left_out |= eligibility.close_to(proposal)
    if surface is None or not surface.editor_may_approve:
        left_out.add(proposal.revision.author_id)
    roles = frozenset(proposal.deciding_roles)
    candidates = known.find(roles=call.roles | call.rules.added, people=call.named)
    able = [member for member in candidates if member.may_decide and member.user.pk not in left_out]
    holding = {member.user.pk: held for member in able if (held := member.roles & roles)}
    standing_in = {one.person for one in call.substitutes}
    return Deciders(holding, {member.user.pk for member in able} & standing_in, roles)


def _is_told(member: Member, call: OccasionCall, deciders: Deciders | None) -> bool:
    held, person = member.roles, member.user.pk
    if held & call.rules.added or person in call.occasion.people:
        return True
    if held and held <= call.rules.muted:
        return False
    if deciders is None or person in deciders.holding:
        return True
    # Who is called only to know of it.
    return bool(held & ({*call.occasion.roles} - deciders.roles))


def _instead(
    recipients: Collection[int], call: OccasionCall, deciders: Deciders, *, roles: frozenset[str]
) -> dict[int, tuple[str, ...]]:
    """Return who is asked in place of those of `told` who are away, with whose names.

    As with the decision itself: only for somebody who could decide, only in the roles that are asked and were lent,
    and never who has such a role of their own.
    """
    stand_ins: dict[int, tuple[str, ...]] = {}
    for one in call.substitutes:
        is_asked = one.absent in recipients and deciders.hold(one.absent, one.roles & roles)
        may = one.person in deciders.able_to_stand_in and not deciders.hold(one.person, roles)
        if is_asked and may and one.person not in recipients and one.person != call.occasion.by:
            stand_ins[one.person] = (*stand_ins.get(one.person, ()), one.absent_name)
    return stand_ins


def _roles(occasion: Occasion, proposal: Proposal) -> Iterator[str]:
    yield from occasion.roles
    if occasion.kind in TO_DECIDERS and not occasion.roles:
        yield from votes.asked_first(proposal)
    if occasion.kind in TO_OWNERS:
        yield proposal.owner_id


def _participants(proposals: Collection[UUID]) -> dict[UUID, frozenset[int]]:
    """Return who decided on each proposal, or was asked to."""
    if not proposals:
        return {}
    voted = Decision.objects.filter(proposal__in=proposals).values_list("proposal", "by")
    notices = Notice.objects.filter(proposal__in=proposals, kind__in=ASKING).values_list("proposal", "person")
    participants: dict[UUID, set[int]] = {}
    for proposal, person in voted.order_by().union(notices.order_by()):
        participants.setdefault(proposal, set()).add(person)
    return {proposal: frozenset(people) for proposal, people in participants.items()}


def _rules(rows: Iterable[NoticeRule], kind: str, surface: str) -> Rules:
    """Return what the rules say of a kind on a surface; the surface's own have the last word."""
    says: dict[str, bool] = {}
    mine = [row for row in rows if row.kind == kind and row.surface_id in (None, surface)]
    for row in sorted(mine, key=lambda row: row.surface_id is not None):
        says[row.role_id] = row.is_told
    return Rules(
        added=frozenset(role for role, is_told in says.items() if is_told),
        muted=frozenset(role for role, is_told in says.items() if not is_told),
    )
