"""The right to see a proposal and to decide on it. No other module answers who has it."""

from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from approvals.errors import NotEligible
from approvals.models import OPEN, Absence, Proposal
from approvals.models.proposal_queries import ProposalQuerySet
from approvals.people import held_roles, votes
from approvals.people.held_roles import HeldRoles, StandIn
from approvals.people.tally import Vote, has_stages
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


def sees(person: User, proposal: Proposal, held: HeldRoles) -> bool:
    """Whether `person`, who holds these roles, may see a proposal that is read already: what `visible` asks."""
    if not person.is_active or person.has_perm(SEE_ALL):
        return person.is_active
    if not person.has_perm(SEE):
        return False
    deciding = frozenset(proposal.deciding_roles)
    lent = (other for other in held.for_others if not other.surfaces or proposal.surface_id in other.surfaces)
    return proposal.owner_id in held.own or bool(held.own & deciding) or any(other.roles & deciding for other in lent)


def visible(person: AbstractBaseUser | AnonymousUser) -> ProposalQuerySet:
    """Return the proposals `person` may see: all, or those of which they hold the owner role or one that decides.

    Anyone who stands in for somebody sees what that person decides on.
    """
    everything: ProposalQuerySet = Proposal.objects.all()
    if not isinstance(person, User) or not person.is_active:
        return everything.none()
    if person.has_perm(SEE_ALL):
        return everything
    if not person.has_perm(SEE):
        return everything.none()
    held = held_roles.held_by(person)
    return everything.filter(Q(owner__in=held.own) | _deciding(held))


def _deciding(held: HeldRoles) -> Q:
    """Return which proposals somebody's roles decide on."""
    condition = Q(deciding_roles__overlap=sorted(held.own))
    for other in held.for_others:
        there = Q(surface__in=sorted(other.surfaces)) if other.surfaces else Q()
        condition |= Q(deciding_roles__overlap=sorted(other.roles)) & there
    return condition


def waiting_for(person: User, proposals: QuerySet[Proposal], policy: Policy) -> QuerySet[Proposal]:
    """Narrow `proposals` to those on which `person` may decide now, by the database's clock."""
    if not person.is_active or not person.has_perm(DECIDE):
        return proposals.none()
    owners_may = [surface.slug for surface in policy.surfaces.values() if surface.agent_owner_may_decide]
    mine = proposals.filter(
        _deciding(held_roles.held_by(person)), ~votes.has_voted(person, policy), state__in=OPEN, deadline_at__gt=Now()
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
    held: HeldRoles | None = None,
) -> Right:
    """Return in which roles, and for whom, `person` may decide on `proposal` (approve it, if `approving`).

    Nobody decides for somebody else who could decide in a role of their own. Raises NotEligible with the reason:
    no permission, none of its roles, too close to its agent, or (approving) the author of its current revision,
    somebody who has approved it, or a stage that is not open yet; for a stand-in the same reasons hold against the
    person who is away. Without a `ballot` the votes are read where they matter, and without `held` the roles.
    """
    if not person.is_active or not person.has_perm(DECIDE):
        raise NotEligible(_("You can view proposals but not decide on them."))
    _require_distance(person, proposal, surface, approving=approving)
    held = held or held_roles.held_by(person)
    if ballot is None and (held.for_others or (approving and _takes_several(proposal))):
        ballot = votes.load(proposal)
    open_roles = _open_roles(proposal, ballot) if approving else frozenset(proposal.roles())
    if own := held.own & open_roles:
        if approving and _takes_several(proposal) and ballot and ballot.has_approved(person.pk):
            raise NotEligible(_("You approved it. It still needs others. You can still reject it."))
        return Right(own, held.own)
    approved_for = None
    for other in held.for_others:
        if right_of_another := _for(other, proposal, surface, open_roles, approving=approving, ballot=ballot):
            if not approving or not _is_approved_for(right_of_another.absence, person, proposal, ballot):
                return right_of_another
            approved_for = approved_for or right_of_another.absence
    if approved_for is not None:
        absent = approved_for.person.get_username()
        raise NotEligible(_("It was approved for %s. It still needs others. You can still reject it.") % absent)
    if held.own & frozenset(proposal.roles()):
        raise NotEligible(_("Not yet: %s has to approve first.") % _spoken(open_roles))
    raise NotEligible(_("Only these roles decide on this proposal: %s.") % ", ".join(sorted(proposal.roles())))


def _takes_several(proposal: Proposal) -> bool:
    """Whether one approval does not settle it, so that it matters who has voted already."""
    return bool(sum(row["approvals"] for row in proposal.requirements) > 1)


def _require_distance(person: User, proposal: Proposal, surface: SurfacePolicy, *, approving: bool) -> None:
    """Raise NotEligible for anyone who is too close to what was proposed."""
    if not surface.agent_owner_may_decide and person.pk in close_to(proposal):
        if proposal.agent.owner_id == person.pk:
            raise NotEligible(_("You own the agent that proposes this, so someone else has to decide."))
        raise NotEligible(
            _("You owned the agent, or issued its API key, when this was proposed, so someone else has to decide.")
        )
    if approving and not surface.editor_may_approve and _wrote(person, proposal):
        raise NotEligible(_("You wrote this revision, so someone else has to approve it."))


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
    members = people.filter(is_staff=True, groups__name__in=sorted(proposal.roles())).distinct()
    if not surface.agent_owner_may_decide:
        members = members.exclude(pk__in=close_to(proposal))
    return members.order_by("username")


def _open_roles(proposal: Proposal, ballot: Ballot | None) -> frozenset[str]:
    """Return the roles that may approve now: where stages follow one another, not those of later ones."""
    if ballot is None or not has_stages(ballot.requirements):
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
    """Return the right of the person who stands in, if the person who is away could decide and has not yet."""
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
        return None  # one person is one vote, in their own name or another's
    return Right(lent, other.roles, absence)


def _spoken(reasons: Collection[str]) -> str:
    return _(" or ").join(sorted(reasons))
