"""Who may see a proposal, and who may decide on it. The only place that knows."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from approvals.errors import NotEligible
from approvals.models import OPEN, Absence, Proposal
from approvals.models.proposal_queries import ProposalQuerySet
from approvals.people import votes
from approvals.people.tally import Vote
from approvals.people.votes import Ballot
from policies.engine.policy import Policy, SurfacePolicy
from policies.models import Agent

SEE_ALL = "approvals.view_all_proposals"
SEE = "approvals.view_proposal"
DECIDE = "approvals.decide_proposal"


@dataclass(frozen=True, slots=True)
class Right:
    """In which roles somebody may decide; with an absence, for the person who is away."""

    roles: frozenset[str]
    counting: frozenset[str]
    """The roles in which the vote counts, those of later stages included."""
    absence: Absence | None = None

    def vote(self, person: User, *, is_approval: bool) -> Vote:
        """Return the vote that `person` casts by this right."""
        absent = "" if self.absence is None else str(self.absence.person_id)
        return Vote(str(person.pk), self.counting, is_approval, absent)


@dataclass(frozen=True, slots=True)
class StandIn:
    """In which roles, and on which surfaces (empty: all), somebody may decide because another person is away."""

    absence: int
    person: int
    roles: frozenset[str]
    surfaces: frozenset[str]


@dataclass(frozen=True, slots=True)
class HeldRoles:
    """The roles that a person holds, and those of people for whom they stand in now."""

    own: frozenset[str]
    for_others: tuple[StandIn, ...]


@dataclass(frozen=True, slots=True)
class Substitute:
    """Somebody who stands in now, on one proposal, for whoever is away, in some of that person's roles."""

    person: int
    absent: int
    absent_name: str
    roles: frozenset[str]


_HELD = """
SELECT NULL::bigint, NULL::int, role.name, NULL::text[]
  FROM auth_group AS role JOIN auth_user_groups AS member ON member.group_id = role.id WHERE member.user_id = %(person)s
 UNION ALL
SELECT absence.id, absence.person_id, role.name, absence.surfaces::text[]
  FROM approvals_absence AS absence
  JOIN auth_user AS absent ON absent.id = absence.person_id AND absent.is_active
  JOIN auth_user_groups AS member ON member.user_id = absent.id
  JOIN auth_group AS role ON role.id = member.group_id
 WHERE absence.delegate_id = %(person)s AND absence.noted_by_id <> absence.delegate_id AND absence.cancelled_at IS NULL
   AND absence.begins_at <= statement_timestamp() AND absence.ends_at > statement_timestamp()
   AND (absence.roles = '{}' OR role.name = ANY(absence.roles))
 ORDER BY 1"""


def roles(person: User) -> frozenset[str]:
    """Return the names of the roles that `person` holds. One query, or none where they are remembered."""
    return held_by(person).own


_REMEMBERED: Final = "_held_roles"


def remember(person: User) -> None:
    """Read the roles of somebody once for a whole page. Never before something is decided: that reads them afresh."""
    if not hasattr(person, _REMEMBERED):
        setattr(person, _REMEMBERED, _read(person))


def held_by(person: User) -> HeldRoles:
    """Return the roles in which `person` acts now, their own and other people's. One query, or none if remembered."""
    known: HeldRoles | None = getattr(person, _REMEMBERED, None)
    return _read(person) if known is None else known


def _read(person: User) -> HeldRoles:
    own: set[str] = set()
    others: dict[int, tuple[int, set[str], frozenset[str]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_HELD, {"person": person.pk})
        for absence, absent, role, surfaces in cursor.fetchall():
            if absence is None:
                own.add(role)
            else:
                others.setdefault(absence, (absent, set(), frozenset(surfaces)))[1].add(role)
    stand_ins = (StandIn(absence, absent, frozenset(held), scope) for absence, (absent, held, scope) in others.items())
    return HeldRoles(frozenset(own), tuple(stand_ins))


def substitutes(proposal: Proposal) -> tuple[Substitute, ...]:
    """Return who stands in for whom on `proposal` now: `held_by`, the other way round. One query or two."""
    here = Q(surfaces=[]) | Q(surfaces__contains=[proposal.surface_id])
    active = {"person__is_active": True, "delegate__is_active": True}
    away = Absence.objects.filter(here, cancelled_at=None, begins_at__lte=Now(), ends_at__gt=Now(), **active)
    away = away.exclude(noted_by=F("delegate"))  # nobody gives themselves a vote
    deciding = frozenset(proposal.roles())
    found = []
    for absence in away.order_by("pk").select_related("person").prefetch_related("person__groups"):
        held = frozenset(group.name for group in absence.person.groups.all())
        lent = held & deciding & (frozenset(absence.roles) or held)
        if lent and absence.delegate_id is not None:
            found.append(Substitute(absence.delegate_id, absence.person_id, absence.person.get_username(), lent))
    return tuple(found)


def visible(person: AbstractBaseUser | AnonymousUser) -> ProposalQuerySet:
    """Return the proposals `person` may see: all, or those of which they hold the owner role or one that decides.

    Whoever stands in for somebody sees what that person decides on.
    """
    everything: ProposalQuerySet = Proposal.objects.all()
    if not isinstance(person, User) or not person.is_active:
        return everything.none()
    if person.has_perm(SEE_ALL):
        return everything
    if not person.has_perm(SEE):
        return everything.none()
    held = held_by(person)
    return everything.filter(Q(owner__in=held.own) | _deciding(held))


def _deciding(held: HeldRoles) -> Q:
    """Return which proposals somebody's roles decide on."""
    found = Q(deciding_roles__overlap=sorted(held.own))
    for other in held.for_others:
        there = Q(surface__in=sorted(other.surfaces)) if other.surfaces else Q()
        found |= Q(deciding_roles__overlap=sorted(other.roles)) & there
    return found


def waiting_for(person: User, proposals: QuerySet[Proposal], policy: Policy) -> QuerySet[Proposal]:
    """Narrow `proposals` to those on which `person` may decide now, by the database's clock."""
    if not person.is_active or not person.has_perm(DECIDE):
        return proposals.none()
    owners_may = [surface.slug for surface in policy.surfaces.values() if surface.agent_owner_may_decide]
    mine = proposals.filter(
        _deciding(held_by(person)), ~votes.has_voted(person, policy), state__in=OPEN, deadline_at__gt=Now()
    )
    own = Agent.objects.filter(owner=person).values("pk")
    is_close = Q(agent__in=own) | Q(close_people__contains=[person.pk])
    return mine.exclude(is_close & ~Q(surface__in=owners_may))


def close_to(proposal: Proposal) -> frozenset[int]:
    """Return who is too close to judge: the agent's owner of now, and those of then who owned it or issued its key."""
    return frozenset({proposal.agent.owner_id, *proposal.close_people})


def require(person: User, proposal: Proposal, surface: SurfacePolicy, *, approving: bool = False) -> frozenset[str]:
    """Return the roles in which `person` may decide on `proposal`; as `right`, and raises the same."""
    return right(person, proposal, surface, approving=approving).roles


def right(
    person: User,
    proposal: Proposal,
    surface: SurfacePolicy,
    *,
    approving: bool = False,
    ballot: Ballot | None = None,
) -> Right:
    """Return in which roles, and for whom, `person` may decide on `proposal` (approve it, if `approving`).

    Nobody decides for somebody else who could decide in a role of their own. Raises NotEligible with the reason:
    no permission, none of its roles, too close to its agent, or (approving) the author of its current revision,
    somebody who has approved it, or a stage that is not open yet; for a stand-in the same reasons hold against the
    person who is away. Without a `ballot` the votes are read where they matter.
    """
    if not person.is_active or not person.has_perm(DECIDE):
        raise NotEligible(_("You may look at proposals but not decide on them."))
    _require_distance(person, proposal, surface, approving=approving)
    held = held_by(person)
    if ballot is None and (held.for_others or (approving and _takes_several(proposal))):
        ballot = votes.load(proposal)
    open_roles = _open_roles(proposal, ballot) if approving else frozenset(proposal.roles())
    if own := held.own & open_roles:
        if approving and _takes_several(proposal) and ballot and ballot.has_approved(person.pk):
            raise NotEligible(_("You have approved it. It waits for others now; you may still reject it."))
        return Right(own, held.own)
    approved_for = None
    for other in held.for_others:
        if found := _for(other, proposal, surface, open_roles, approving=approving, ballot=ballot):
            if not approving or not _is_approved_for(found.absence, person, proposal, ballot):
                return found
            approved_for = approved_for or found.absence
    if approved_for is not None:
        absent = approved_for.person.get_username()
        raise NotEligible(_("It has been approved for %s. It waits for others now; you may still reject it.") % absent)
    if held.own & frozenset(proposal.roles()):
        raise NotEligible(_("Not yet: %s has to approve first.") % _spoken(open_roles))
    raise NotEligible(_("Only these roles decide on this proposal: %s.") % ", ".join(sorted(proposal.roles())))


def _takes_several(proposal: Proposal) -> bool:
    """Whether one approval does not settle it, so that it matters who has voted already."""
    return bool(sum(row["approvals"] for row in proposal.requirements) > 1)


def _require_distance(person: User, proposal: Proposal, surface: SurfacePolicy, *, approving: bool) -> None:
    """Raise NotEligible for whoever is too close to what was proposed."""
    if not surface.agent_owner_may_decide and person.pk in close_to(proposal):
        if proposal.agent.owner_id == person.pk:
            raise NotEligible(_("You own the agent that proposes this, so somebody else has to decide."))
        raise NotEligible(
            _("You owned the agent, or issued its API key, when this was proposed, so somebody else has to decide.")
        )
    if approving and not surface.editor_may_approve and _wrote(person, proposal):
        raise NotEligible(_("You wrote this revision, so somebody else has to approve it."))


def _wrote(person: User, proposal: Proposal) -> bool:
    """Whether `person` wrote what is current, or wrote it before and somebody has sent the very same again."""
    current = proposal.revision
    if current.author_id == person.pk:
        return True
    # The agent wrote the first one: only from the third on can there be an edit before the current one.
    return current.number > 2 and proposal.revisions.filter(author=person, digest=current.digest).exists()


def _is_approved_for(absence: Absence | None, person: User, proposal: Proposal, ballot: Ballot | None) -> bool:
    """Whether `person`, or the one who is away, has approved already: a stand-in is one vote, also for two people."""
    if absence is None or ballot is None or not _takes_several(proposal):
        return False
    return ballot.is_approved_by_or_for({str(person.pk), str(absence.person_id)})


def deciders(proposal: Proposal, surface: SurfacePolicy) -> QuerySet[User]:
    """Return the people who may decide on `proposal` in roles of their own, by name."""
    people = User.objects.with_perm(DECIDE, is_active=True, include_superusers=True)
    found = people.filter(is_staff=True, groups__name__in=sorted(proposal.roles())).distinct()
    if not surface.agent_owner_may_decide:
        found = found.exclude(pk__in=close_to(proposal))
    return found.order_by("username")


def _open_roles(proposal: Proposal, ballot: Ballot | None) -> frozenset[str]:
    """Return the roles that may approve now: where stages follow one another, not those of later ones."""
    if ballot is None or not votes.has_stages(ballot.requirements):
        return frozenset(proposal.roles())
    return ballot.explained().open_roles


def _for(
    other: StandIn,
    proposal: Proposal,
    surface: SurfacePolicy,
    open_roles: Collection[str],
    *,
    approving: bool,
    ballot: Ballot | None,
) -> Right | None:
    """Return the right of whoever stands in, if the person who is away could decide and has not yet."""
    lent = other.roles & frozenset(open_roles)
    if not lent or (other.surfaces and proposal.surface_id not in other.surfaces):
        return None
    absence = Absence.objects.select_related("person").get(pk=other.absence)
    absent = absence.person
    if not absent.has_perm(DECIDE):
        return None
    try:
        _require_distance(absent, proposal, surface, approving=approving)
    except NotEligible:
        return None
    if ballot is not None and ballot.has_voted(absent.pk):
        return None  # one person is one vote, whoever casts it
    return Right(lent, other.roles, absence)


def _spoken(found: Collection[str]) -> str:
    return _(" or ").join(sorted(found))
