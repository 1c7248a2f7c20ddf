"""Who may see a proposal, and who may decide on it. The only place that knows."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from approvals.errors import NotEligible
from approvals.models import OPEN, Proposal
from approvals.models.proposal import ProposalQuerySet
from policies.models import Agent
from policies.policy import Policy, SurfacePolicy

SEE_ALL = "approvals.view_all_proposals"
SEE = "approvals.view_proposal"
DECIDE = "approvals.decide_proposal"


def roles(person: User) -> frozenset[str]:
    """Return the names of the roles that `person` holds. One query, unless their groups were prefetched."""
    return frozenset(group.name for group in person.groups.all())


def visible(person: AbstractBaseUser | AnonymousUser) -> ProposalQuerySet:
    """Return the proposals `person` may see: all, or those of which they hold the owner role or one that decides."""
    everything: ProposalQuerySet = Proposal.objects.all()
    if not isinstance(person, User) or not person.is_active:
        return everything.none()
    if person.has_perm(SEE_ALL):
        return everything
    if not person.has_perm(SEE):
        return everything.none()
    held = roles(person)
    return everything.filter(Q(owner__in=held) | Q(deciding_roles__overlap=sorted(held)))


def waiting_for(person: User, proposals: QuerySet[Proposal], policy: Policy) -> QuerySet[Proposal]:
    """Narrow `proposals` to those on which `person` may decide now, by the database's clock."""
    if not person.is_active or not person.has_perm(DECIDE):
        return proposals.none()
    owners_may = [surface.slug for surface in policy.surfaces.values() if surface.agent_owner_may_decide]
    mine = proposals.filter(state__in=OPEN, deadline_at__gt=Now(), deciding_roles__overlap=sorted(roles(person)))
    own = Agent.objects.filter(owner=person).values("pk")
    return mine.exclude(Q(agent__in=own) & ~Q(surface__in=owners_may))


def require(
    person: User,
    proposal: Proposal,
    surface: SurfacePolicy,
    *,
    approving: bool = False,
    held: frozenset[str] | None = None,
) -> frozenset[str]:
    """Return the roles in which `person` may decide on `proposal` (approve it, if `approving`).

    `held` are the roles of `person`, where a page of many proposals has read them already. Raises NotEligible
    with the reason: no permission, none of its roles, the owner of its agent, or (approving) the author of its
    current revision.
    """
    if not person.is_active or not person.has_perm(DECIDE):
        raise NotEligible(_("You may look at proposals but not decide on them."))
    deciding = (roles(person) if held is None else held) & frozenset(proposal.roles())
    if not deciding:
        raise NotEligible(_("Only these roles decide on this proposal: %s.") % ", ".join(sorted(proposal.roles())))
    if not surface.agent_owner_may_decide and proposal.agent.owner_id == person.pk:
        raise NotEligible(_("You own the agent that proposes this, so somebody else has to decide."))
    if approving and not surface.editor_may_approve and proposal.revision.author_id == person.pk:
        raise NotEligible(_("You wrote this revision, so somebody else has to approve it."))
    return deciding


def deciders(proposal: Proposal, surface: SurfacePolicy) -> QuerySet[User]:
    """Return the people who may decide on `proposal`, by name."""
    people = User.objects.with_perm(DECIDE, is_active=True, include_superusers=True)
    found = people.filter(is_staff=True, groups__name__in=sorted(proposal.roles())).distinct()
    if not surface.agent_owner_may_decide:
        found = found.exclude(pk=proposal.agent.owner_id)
    return found.order_by("username")
