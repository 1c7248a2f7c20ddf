"""Who is told of what: those whom a kind of notice is for, as the notification rules change it."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from approvals.models import ASKING, Decision, Notice, NoticeKind, NoticeRule, Occasion, Proposal
from approvals.people import eligibility, votes
from approvals.people.eligibility import DECIDE, SEE, SEE_ALL, Substitute
from policies.publishing.publish import active_policy

BACKEND: Final = "django.contrib.auth.backends.ModelBackend"
TO_DECIDERS: Final = (NoticeKind.WAITS_FOR_YOU, NoticeKind.SENT_BACK_ANSWER)
TO_OWNERS: Final = (NoticeKind.SHIPPED_BY_ITSELF, NoticeKind.FAILED, NoticeKind.EXPIRED)
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


def of(occasion: Occasion, proposal: Proposal) -> list[Reader]:
    """Return who is told of `occasion`: active people who may see the proposal, and never who did it.

    Of those who are asked to decide only such as may, and besides them whoever stands in for one of them; others
    where the occasion or a rule names them.
    """
    rules = _rules(occasion.kind, proposal.surface_id)
    roles = {*_roles(occasion, proposal)} | rules.added
    ids = {*occasion.people, *_participants(occasion, proposal)}
    substitutes = eligibility.substitutes(proposal)
    may_see = _who_may_see(proposal, substitutes)
    people = may_see.filter(Q(groups__name__in=roles - rules.muted) | Q(pk__in=ids)).distinct()
    if occasion.by is not None:
        people = people.exclude(pk=occasion.by)
    deciders = _deciders(proposal, substitutes) if occasion.kind in ASKING else None
    told = [
        person
        for person in people.order_by("pk").prefetch_related("groups")
        if _is_told(person, occasion, rules, deciders)
    ]
    if deciders is None:
        return [Reader(person) for person in told]
    asked = frozenset(_roles(occasion, proposal)) or frozenset(proposal.deciding_roles)
    instead = _instead(told, substitutes, deciders, asked=asked, by=occasion.by)
    stand_ins = may_see.filter(pk__in=instead).distinct().order_by("pk")
    return [*(Reader(person) for person in told), *(Reader(person, instead[person.pk]) for person in stand_ins)]


def _is_told(person: User, occasion: Occasion, rules: Rules, deciders: "Deciders | None") -> bool:
    held = {group.name for group in person.groups.all()}
    is_named = person.pk in occasion.people
    if held & rules.added or is_named:
        return True
    if held and held <= rules.muted:
        return False
    if deciders is None or person.pk in deciders.holding:
        return True
    # Who is called only to know of it.
    return bool(held & ({*occasion.roles} - deciders.roles))


def _instead(
    told: Iterable[User],
    substitutes: Iterable[Substitute],
    deciders: "Deciders",
    *,
    asked: frozenset[str],
    by: int | None,
) -> dict[int, tuple[str, ...]]:
    """Return who is asked in place of those of `told` who are away, with whose names.

    As with the decision itself: only for somebody who could decide, only in the roles that are asked and were lent,
    and never who has such a role of their own.
    """
    known = {person.pk for person in told}
    found: dict[int, tuple[str, ...]] = {}
    for one in substitutes:
        is_asked = one.absent in known and deciders.hold(one.absent, one.roles & asked)
        may = one.person in deciders.able_to_stand_in and not deciders.hold(one.person, asked)
        if is_asked and may and one.person not in known and one.person != by:
            found[one.person] = (*found.get(one.person, ()), one.absent_name)
    return found


def _roles(occasion: Occasion, proposal: Proposal) -> Iterator[str]:
    yield from occasion.roles
    if occasion.kind in TO_DECIDERS and not occasion.roles:
        yield from votes.asked_first(proposal)
    if occasion.kind in TO_OWNERS:
        yield proposal.owner_id


def _participants(occasion: Occasion, proposal: Proposal) -> set[int]:
    """Return who decided on the proposal, or was asked to."""
    if occasion.kind not in TO_PARTICIPANTS:
        return set()
    voted = Decision.objects.filter(proposal=proposal).values_list("by_id", flat=True)
    asked = Notice.objects.filter(proposal=proposal, kind__in=ASKING).values_list("person_id", flat=True)
    return {*voted, *asked}


def _rules(kind: str, surface: str) -> Rules:
    rows = NoticeRule.objects.filter(Q(surface=surface) | Q(surface=None), kind=kind)
    says: dict[str, bool] = {}
    for row in sorted(rows, key=lambda row: row.surface_id is not None):  # the surface's own have the last word
        says[row.role_id] = row.is_told
    return Rules(
        added=frozenset(role for role, is_told in says.items() if is_told),
        muted=frozenset(role for role, is_told in says.items() if not is_told),
    )


def _who_may_see(proposal: Proposal, substitutes: Sequence[Substitute]) -> QuerySet[User]:
    """Return what `eligibility.visible` says, the other way round: the people of one proposal."""
    here = [proposal.owner_id, *proposal.deciding_roles]
    who_may = User.objects.with_perm(SEE, backend=BACKEND)
    of_a_role = who_may.filter(Q(groups__name__in=here) | Q(pk__in=[one.person for one in substitutes]))
    of_all = User.objects.with_perm(SEE_ALL, backend=BACKEND)
    return User.objects.filter(Q(pk__in=of_a_role.values("pk")) | Q(pk__in=of_all.values("pk")), is_active=True)


@dataclass(frozen=True, slots=True)
class Deciders:
    """Who may be asked to decide: which roles of the proposal people hold, and who is able to stand in."""

    holding: Mapping[int, Collection[str]]
    able_to_stand_in: Collection[int]
    roles: frozenset[str]

    def hold(self, person: int, roles: Collection[str]) -> bool:
        """Whether `person` may be asked in one of `roles`, by a right of their own."""
        return not frozenset(roles).isdisjoint(self.holding.get(person, ()))


def _deciders(proposal: Proposal, substitutes: Sequence[Substitute]) -> Deciders:
    """Return who may decide and has not yet: nobody close to the agent, nor the revision's author, unless they may."""
    surface = active_policy().surfaces.get(proposal.surface_id)
    left_out: set[int | None] = {int(person) for vote in votes.votes(proposal) for person in vote.people}
    if surface is None or not surface.agent_owner_may_decide:
        left_out |= eligibility.close_to(proposal)
    if surface is None or not surface.editor_may_approve:
        left_out.add(proposal.revision.author_id)
    may = User.objects.with_perm(DECIDE, backend=BACKEND).exclude(pk__in=[one for one in left_out if one])
    roles = frozenset(proposal.deciding_roles)
    holding: dict[int, set[str]] = {}
    for person, role in may.filter(groups__name__in=roles).values_list("pk", "groups__name"):
        holding.setdefault(person, set()).add(role)
    instead = [one.person for one in substitutes]
    return Deciders(holding, {*may.filter(pk__in=instead).values_list("pk", flat=True)} if instead else (), roles)
