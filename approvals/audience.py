"""Who is told of what: those whom a kind of notice is for, as the notification rules change it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from approvals.eligibility import DECIDE, SEE, SEE_ALL
from approvals.models import ASKING, Decision, Notice, NoticeKind, NoticeRule, Occasion, Proposal
from policies.publishing import active_policy

BACKEND: Final = "django.contrib.auth.backends.ModelBackend"
TO_DECIDERS: Final = (NoticeKind.WAITS_FOR_YOU, NoticeKind.SENT_BACK_ANSWER)
TO_OWNERS: Final = (NoticeKind.SHIPPED_BY_ITSELF, NoticeKind.FAILED, NoticeKind.EXPIRED)
TO_PARTICIPANTS: Final = (NoticeKind.DECIDED, NoticeKind.EXPIRED, NoticeKind.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the notification rules say of one kind on one surface."""

    added: frozenset[str]
    muted: frozenset[str]


def of(occasion: Occasion, proposal: Proposal) -> list[User]:
    """Return who is told of `occasion`: active people who may see the proposal, and never who did it.

    Of those who are asked to decide only such as may; others where the occasion or a rule names them.
    """
    rules = _rules(occasion.kind, proposal.surface_id)
    roles = {*_roles(occasion, proposal)} | rules.added
    ids = {*occasion.people, *_participants(occasion, proposal)}
    people = _who_may_see(proposal).filter(Q(groups__name__in=roles - rules.muted) | Q(pk__in=ids)).distinct()
    if occasion.by is not None:
        people = people.exclude(pk=occasion.by)
    deciders = _deciders(proposal) if occasion.kind in ASKING else None
    return [
        person
        for person in people.order_by("pk").prefetch_related("groups")
        if _is_told(person, occasion, rules, deciders)
    ]


def _is_told(person: User, occasion: Occasion, rules: Rules, deciders: Collection[int] | None) -> bool:
    held = {group.name for group in person.groups.all()}
    is_named = person.pk in occasion.people
    if held & rules.added or is_named:
        return True
    if held and held <= rules.muted:
        return False
    return deciders is None or person.pk in deciders or bool(held & {*occasion.roles})


def _roles(occasion: Occasion, proposal: Proposal) -> Iterable[str]:
    yield from occasion.roles
    if occasion.kind in TO_DECIDERS or (occasion.kind == NoticeKind.REMINDER and not occasion.roles):
        yield from proposal.deciding_roles
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


def _who_may_see(proposal: Proposal) -> QuerySet[User]:
    """Return what `eligibility.visible` says, the other way round: the people of one proposal."""
    here = [proposal.owner_id, *proposal.deciding_roles]
    of_a_role = User.objects.with_perm(SEE, backend=BACKEND).filter(groups__name__in=here)
    of_all = User.objects.with_perm(SEE_ALL, backend=BACKEND)
    return User.objects.filter(Q(pk__in=of_a_role.values("pk")) | Q(pk__in=of_all.values("pk")), is_active=True)


def _deciders(proposal: Proposal) -> set[int]:
    may = User.objects.with_perm(DECIDE, backend=BACKEND).filter(groups__name__in=proposal.deciding_roles)
    surface = active_policy().surfaces.get(proposal.surface_id)
    if surface is None or not surface.agent_owner_may_decide:
        may = may.exclude(pk=proposal.agent.owner_id)
    return {*may.values_list("pk", flat=True)}
