"""Draw samples of automatic shipments at random, for a person to review.

The only writer of samples. What is picked is drawn when it has shipped and not before, from the operating
system's own source of chance: neither an agent nor anybody else can know beforehand what will be looked at.
"""

from datetime import datetime
from secrets import SystemRandom
from typing import Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from approvals.errors import NotEligible, ReasonRequired, StateConflict
from approvals.models import Proposal, Sample
from approvals.people import eligibility
from audit.clock import database_now
from audit.ledger import entries
from audit.ledger.entries import SYSTEM
from policies import plain_text
from policies.actors import actor
from policies.engine.policy import Policy
from policies.publishing.publish import active_policy

MOST_NOTE: Final = 500
_CHANCE: Final = SystemRandom()


def draw(proposal: Proposal, policy: Policy, *, is_by_people: bool, at: datetime) -> list[Model]:
    """Pick a proposal that has just shipped, with the chance that its tier has in the `policy` in force.

    Only what the policy alone had approved is ever picked, and nothing that `is_by_people`. Returns the sample and
    its ledger entry, unsaved, for the transaction that ships it; nothing if it is not picked.
    """
    tier = policy.tiers.get(proposal.tier_id or "")
    if tier is None or tier.sample_rate <= 0 or is_by_people:
        return []
    if _CHANCE.random() >= tier.sample_rate:
        return []
    sample = Sample(proposal=proposal, picked_at=at, probability=tier.sample_rate)
    entry = entries.entry(
        "proposal.sampled",
        subject=f"proposal:{proposal.pk}",
        actor=SYSTEM,
        at=at,
        data={"tier": tier.slug, "rate": str(tier.sample_rate), "policy_version": policy.number},
        trace_id=proposal.trace_id,
    )
    return [sample, entry]


@transaction.atomic
def judge(
    *, proposal_id: UUID, by: User, opinion: Sample.Opinion, note: str = "", is_with_others: bool = False
) -> Sample:
    """Say of a sampled proposal, once, whether it was right; the ledger keeps whether that was said of several at once.

    Anyone who may decide on it may, but never who is close to its agent. Raises Proposal.DoesNotExist,
    Sample.DoesNotExist, NotEligible, ReasonRequired (what was not right wants a note), or StateConflict where
    somebody was faster.
    """
    proposal = Proposal.objects.locked(proposal_id)
    sample = Sample.objects.select_for_update().get(pk=proposal_id)
    _require_eligible(by, proposal)
    if sample.opinion:
        raise StateConflict(
            _("%(name)s was faster and has said: %(opinion)s.")
            % {"name": sample.by_name, "opinion": sample.get_opinion_display().lower()}
        )
    if opinion != Sample.Opinion.RIGHT and not plain_text.has_something_visible(note):
        raise ReasonRequired(_("Say in a few words what was not right."), field="note")
    at = database_now()
    sample.opinion, sample.by, sample.by_name, sample.at = opinion, by, by.get_username(), at
    sample.note = plain_text.kept(note)[:MOST_NOTE]
    sample.save()
    entries.record(
        "sample.judged",
        subject=f"proposal:{proposal_id}",
        actor=actor(by),
        at=at,
        data={
            "opinion": str(opinion),
            "revision": proposal.revision.number,
            "digest": proposal.revision.digest,
            **({"with_others": True} if is_with_others else {}),
        },
        trace_id=proposal.trace_id,
    )
    return sample


def _require_eligible(by: User, proposal: Proposal) -> None:
    surface = active_policy().surfaces.get(proposal.surface_id)
    if surface is None:
        raise StateConflict(_("The surface %s is not published.") % proposal.surface_id)
    eligibility.require(by, proposal, surface)
    if by.pk in eligibility.close_to(proposal):
        raise NotEligible(_("You answer for the agent, or did then, so someone else has to check its work."))
