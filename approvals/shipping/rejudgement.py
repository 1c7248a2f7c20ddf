"""Judge a stored proposal by the policy in force, and keep the result. The only writer of re-evaluations."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from approvals.errors import InvalidProposal, PolicyChanged
from approvals.evaluation import context
from approvals.evaluation.judgement import check, judge, stored_verdict
from approvals.evaluation.stored_content import ask_of, content_of
from approvals.models import Decision, Proposal, Reevaluation, State
from policies.engine.evaluation import Facts, PolicyOutcome, Verdict, evaluate
from policies.engine.policy import SurfacePolicy, TierPolicy
from policies.facts import stored_facts
from policies.publishing.current import Current


@dataclass(frozen=True, slots=True)
class Rejudgement:
    """A locked proposal and what the policy in force says of it now."""

    proposal: Proposal
    now: Current
    facts: Facts
    verdict: Verdict

    @property
    def surface(self) -> SurfacePolicy | None:
        return self.now.policy.surfaces.get(self.proposal.surface_id)

    @property
    def is_denied(self) -> bool:
        return self.verdict.outcome is PolicyOutcome.DENY

    @property
    def is_stricter(self) -> bool:
        """Whether this is more oversight than the proposal is under; a tier that is gone counts as none."""
        tier = self.verdict.tier
        if tier is None:
            return True
        under = self.now.policy.tiers.get(self.proposal.tier_id or "")
        return under is None or _strictness(tier) > _strictness(under)

    @property
    def release_at(self) -> datetime | None:
        """From when what the policy alone approved may ship, if that is later than it was."""
        proposal, tier = self.proposal, self.verdict.tier
        if proposal.state != State.APPROVED or proposal.release_at is None or tier is None or not tier.is_automatic:
            return None
        release_at = proposal.verdict.at + tier.hold
        return release_at if release_at > proposal.release_at else None


def _strictness(tier: TierPolicy) -> tuple[bool, int]:
    return not tier.is_automatic, tier.rank


def judge_again(proposal: Proposal, now: Current, *, is_automatic: bool, is_in_review: bool = False) -> Rejudgement:
    """Judge a locked proposal by the policy in force, amid what goes on around it, and hold that still.

    A suspended agent, or one without a mandate, stops what `is_automatic`: what the policy alone approved. On what
    people decide, or have decided, its standing of then counts. `is_in_review` keeps it from passing by itself.
    Raises NotCounted.
    """
    now = now if is_automatic or now.oversight else _with_standing_of_then(proposal, now)
    surface = now.policy.surfaces.get(proposal.surface_id)
    try:
        checked = check(ask_of(proposal), content_of(proposal.revision, surface), now)
    except InvalidProposal:
        # What agents may send has changed, or the surface is gone. What was sent then is judged as it was read then.
        facts = replace(_facts_of_then(proposal, now), is_in_review=is_in_review)
        return Rejudgement(proposal, now, facts, evaluate(now.policy, facts))
    judged = judge(
        checked, context.hold(checked.place(proposal.pk, made=proposal.revision_id), now), is_in_review=is_in_review
    )
    return Rejudgement(proposal, now, judged.facts, judged.verdict)


def _with_standing_of_then(proposal: Proposal, now: Current) -> Current:
    facts = proposal.verdict.facts
    return replace(now, agent_is_active=True, mandate=now.mandate or facts.get("mandate"))


def _facts_of_then(proposal: Proposal, now: Current) -> Facts:
    revision, verdict = proposal.revision, proposal.verdict
    facts = stored_facts.read(verdict.facts, payload=revision.payload, before=revision.before, at=verdict.at)
    return replace(
        facts,
        agent_is_active=now.agent_is_active,
        mandate=now.mandate,
        switches=now.switches,
        is_in_review=False,
        standing_approval=_standing_approval(proposal, now),
    )


def _standing_approval(proposal: Proposal, now: Current) -> str:
    given = proposal.standing_approval
    return str(given) if given in {one.id for one in now.standing_approvals} else ""


def keep(again: Rejudgement, *, is_met: bool) -> None:
    """Keep how it was judged, whatever comes of it: what is claimed later rests on it."""
    stored = stored_verdict(again.verdict, again.facts, revision=again.proposal.revision, at=again.now.at)
    Reevaluation.objects.create(
        proposal=again.proposal,
        revision=stored.revision,
        version_id=again.now.policy.number,
        outcome=stored.outcome,
        tier_id=stored.tier_id,
        reasons=stored.reasons,
        facts=stored.facts,
        is_met=is_met,
        at=again.now.at,
    )


def is_unmet(proposal: Proposal) -> bool:
    """Whether more was asked of people for what has failed than they have given since. One query or two."""
    last = _kept(proposal).exclude(outcome=PolicyOutcome.DENY.value).first()
    if last is None or last.is_met:
        return False
    since = Decision.objects.filter(revision=proposal.revision_id, verdict=Decision.Verdict.APPROVE, at__gt=last.at)
    return not since.exists()


def require_not_denied(proposal: Proposal) -> None:
    """Check that the policy in force, which has judged last, does not deny what a person brings back.

    Raises PolicyChanged with its reasons.
    """
    last = _kept(proposal).first()
    if last is not None and last.outcome == PolicyOutcome.DENY.value:
        raise _refusal(last.version_id, [reason["text"] for reason in last.reasons if reason["is_deciding"]])


def _kept(proposal: Proposal) -> QuerySet[Reevaluation]:
    return Reevaluation.objects.filter(proposal=proposal, revision=proposal.revision_id).order_by("-id")


def refusal(verdict: Verdict, *, roles: Iterable[str]) -> PolicyChanged:
    """Return the refusal that tells a person what the policy in force says, and whose approval it asks for."""
    texts = [reason.text for reason in verdict.reasons if reason.is_deciding]
    if verdict.outcome is PolicyOutcome.DENY:
        return _refusal(verdict.policy_number, texts)
    words = {
        "number": verdict.policy_number,
        "tier": verdict.tier.slug if verdict.tier else "",
        "reasons": " ".join(filter(None, texts)),
        "roles": ", ".join(sorted(roles)),
    }
    return PolicyChanged(
        _(
            "Policy version %(number)s is in force now and asks for more: tier %(tier)s, decided by %(roles)s."
            " %(reasons)s Look at it again."
        )
        % words
    )


def _refusal(number: int, texts: Iterable[str]) -> PolicyChanged:
    words = {"number": number, "reasons": " ".join(filter(None, texts))}
    return PolicyChanged(_("Policy version %(number)s is in force now and denies this. %(reasons)s") % words)
