"""Decisions as recorded, and the votes among them that count."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias, TypedDict
from uuid import UUID

from django.contrib.auth.models import User
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django_stubs_ext import WithAnnotations

from approvals.models import Absence, Decision, Proposal
from approvals.models.verdicts import VERDICTS, VOTES
from approvals.outbox import statements
from approvals.people.tally import Explained, Requirement, Vote, explain, has_stages, standing
from audit.canonical import JsonValue
from policies import plain_text
from policies.compiled_queries import CompiledQuery
from policies.engine.policy import Policy
from policies.publishing.publish import compiled


class _Roles(TypedDict):
    """What is read beside a decision: roles that its people hold now, and whether their accounts are open."""

    own_roles: list[str]
    absent_roles: list[str]
    lent_roles: list[str] | None
    is_active: bool
    absent_is_active: bool | None


CastDecision: TypeAlias = "WithAnnotations[Decision, _Roles]"


def new_decision(
    proposal: Proposal,
    *,
    by: User,
    roles: Collection[str],
    verdict: Decision.Verdict,
    at: datetime,
    reason_code: str = "",
    comment: str = "",
    is_signed: bool = False,
    ticked: Collection[str] = (),
    batch: UUID | None = None,
    absence: Absence | None = None,
) -> Decision:
    """Make the decision, unsaved, that says what `by` says of the current revision of a locked proposal.

    `roles` let them; `batch` ties several together; with an `absence` it is said for the person who is away.
    """
    absent = absence.person if absence else None
    return Decision(
        proposal=proposal,
        revision=proposal.revision,
        revision_number=proposal.revision.number,
        digest=proposal.revision.digest,
        verdict=verdict,
        by=by,
        by_name=f"{by.get_username()} for {absent.get_username()}" if absent else by.get_username(),
        on_behalf_of=absent,
        absence=absence,
        roles=sorted(roles),
        at=at,
        reason_code=reason_code,
        comment=plain_text.kept(comment),
        is_signed=is_signed,
        ticked=sorted(set(ticked)),
        batch=batch,
    )


def ledger_data(decision: Decision, *, policy: Policy) -> dict[str, JsonValue]:
    """Return what the ledger keeps of a decision: of what, in which roles and words, under which policy version.

    Roles and policy change; with this, anybody can prove later that the person was eligible.
    """
    more: dict[str, JsonValue] = {"ticked": [*decision.ticked]} if decision.ticked else {}
    if decision.comment:
        more["comment"] = decision.comment
    if decision.batch is not None:
        more["batch"] = str(decision.batch)
    if decision.on_behalf_of_id:
        more["on_behalf_of"] = f"user:{decision.on_behalf_of_id}"
    return {
        "decision_id": str(decision.pk),
        "roles": [*decision.roles],
        "policy_version": policy.number,
        **statements.asked(decision.proposal),
        **more,
    }


def last_batch(proposal: Proposal) -> UUID | None:
    """Return the batch of the last decision on a proposal; None where that was made by itself."""
    return proposal.decisions.order_by("-id").values_list("batch", flat=True).first()


def votes(proposal: Proposal) -> list[Vote]:
    """Return the votes that count now: on the current revision, since the last undo, oldest first.

    An approval given under a milder verdict counts only if it has what the tier of now asks, and none from before
    people were asked again. What spoke against it still does. Until it is settled, a vote counts in the roles that
    its voter holds now, and no longer once the account is closed; a vote on behalf of somebody in that person's
    roles. One query.
    """
    return [_vote(decision) for decision in _counting(proposal, _said(proposal))]


def of_each(proposals: Sequence[Proposal]) -> dict[UUID, list[Vote]]:
    """Return the votes that count now on each of `proposals`, by its id. One query."""
    cast: dict[UUID, list[CastDecision]] = {proposal.pk: [] for proposal in proposals}
    for decision in _named(Decision.objects.filter(proposal__in=cast)) if cast else ():
        cast[decision.proposal_id].append(decision)
    # Where nobody has said anything, there is no need to know of the verdict.
    counting = {each.pk: _counting(each, cast[each.pk]) if cast[each.pk] else [] for each in proposals}
    return {key: [_vote(decision) for decision in decisions] for key, decisions in counting.items()}


def _said(proposal: Proposal) -> list[CastDecision]:
    """Read every decision on a proposal, oldest first, with the roles that its maker holds now. One query."""
    decisions = _SAID.all(proposal=proposal.pk)
    for decision in decisions:
        decision.proposal = proposal
    return decisions


def _named(decisions: QuerySet[Decision]) -> QuerySet[CastDecision]:
    return decisions.annotate(
        own_roles=_roles_of("by"),
        absent_roles=_roles_of("on_behalf_of"),
        lent_roles=F("absence__roles"),
        is_active=F("by__is_active"),
        absent_is_active=F("on_behalf_of__is_active"),
    ).order_by("id")


_SAID: Final = CompiledQuery(lambda proposal: _named(Decision.objects.filter(proposal=proposal)))


def _counting(proposal: Proposal, decisions: Iterable[CastDecision]) -> list[CastDecision]:
    """Return the decisions whose votes count now, as `votes` has it."""
    verdict_at, review, asked_at = proposal.verdict.at, _review(proposal), proposal.asked_again_at
    on_this = (decision for decision in decisions if decision.revision_id == proposal.revision_id)
    cast: list[CastDecision] = []
    for decision in sorted(on_this, key=lambda decision: (decision.at, decision.pk)):
        verdict = Decision.Verdict(decision.verdict)
        if verdict == Decision.Verdict.UNDO:
            cast.clear()
        elif verdict in VOTES and not VERDICTS[verdict].is_approval:
            cast.append(decision)
        elif verdict in VOTES and (asked_at is None or decision.at >= asked_at):
            is_signed = decision.is_signed and plain_text.has_something_visible(decision.comment)
            is_alone = decision.batch is None
            if decision.at >= verdict_at or meets(review, is_signed=is_signed, is_alone=is_alone):
                cast.append(decision)
    return cast


def meets(review: str, *, is_signed: bool, is_alone: bool) -> bool:
    """Whether an approval has what a tier of this kind of review asks; `is_signed`: with a reason."""
    match review:
        case "signature":
            return is_signed
        case "single":
            return is_alone
        case "batch" | "none":
            return True
        case _:
            return False


def _review(proposal: Proposal) -> str:
    """Return how the tier of a proposal is reviewed, by the policy that put it there."""
    verdict = proposal.verdict
    tier = compiled(verdict.policy_version_id, verdict.policy_digest).tiers.get(verdict.tier_id or "")
    return "" if tier is None else tier.review


def _roles_of(person: str) -> ArrayAgg:
    name = f"{person}__groups__name"
    return ArrayAgg(name, filter=Q(**{f"{name}__isnull": False}), default=Value([]), distinct=True)


def _vote(decision: CastDecision) -> Vote:
    is_for_another = decision.on_behalf_of_id is not None
    roles = frozenset(decision.absent_roles if is_for_another else decision.own_roles)
    if decision.lent_roles:
        roles &= frozenset(decision.lent_roles)
    is_active = decision.is_active and (not is_for_another or decision.absent_is_active)
    return Vote(
        voter=str(decision.by_id),
        roles=roles if is_active else frozenset(),
        is_approval=_approves(decision),
        on_behalf_of=str(decision.on_behalf_of_id or ""),
    )


def _approves(decision: Decision) -> bool:
    return VERDICTS[Decision.Verdict(decision.verdict)].is_approval


@dataclass(frozen=True, slots=True)
class Ballot:
    """The votes that count on a proposal, read once, and what is asked of people."""

    requirements: tuple[Requirement, ...]
    votes: tuple[Vote, ...]
    distinct_people: bool
    decisions: tuple[Decision, ...] = ()
    """Everything that was decided so far, oldest first, also what does not count any more."""
    approvals: tuple[Decision, ...] = ()
    """Those of `votes` that approve, as they were decided."""

    def cast(self, vote: Vote) -> "Ballot":
        """Return this ballot with one more vote on it."""
        return replace(self, votes=(*self.votes, vote))

    def explained(self) -> Explained:
        """Return what the votes come to, name by name."""
        return explain(self.requirements, self.votes, distinct_people=self.distinct_people)

    def open_stages(self) -> frozenset[int]:
        """Return the stages in which people may approve now; none where stages do not follow one another."""
        return self.explained().open_stages if has_stages(self.requirements) else frozenset()

    def has_approved(self, person: int) -> bool:
        """Whether the last vote that `person` cast in roles of their own approves."""
        cast = [vote for vote in self.votes if vote.voter == str(person) and not vote.on_behalf_of]
        return bool(cast) and cast[-1].is_approval

    def is_approved_by_or_for(self, people: Collection[str]) -> bool:
        """Whether an approval counts that one of `people` gave, or that somebody gave for one of them."""
        return any(vote.is_approval and not vote.people.isdisjoint(people) for vote in standing(self.votes))

    def has_voted(self, person: int) -> bool:
        """Whether `person` has cast a vote, for whomever."""
        return any(vote.voter == str(person) for vote in self.votes)


def load(proposal: Proposal) -> Ballot:
    """Read the votes on a proposal, together with what is asked of people. One query, or none before the first."""
    decisions = _said(proposal) if proposal.has_decisions else []
    counting = _counting(proposal, decisions)
    cast = tuple(_vote(decision) for decision in counting)
    approvals = tuple(decision for decision in counting if _approves(decision))
    return Ballot(tuple(required(proposal)), cast, proposal.distinct_people, tuple(decisions), approvals)


def has_voted(person: User, policy: Policy) -> Exists:
    """Return whether `person` has voted for themselves on what a proposal says now, and the vote still counts."""
    undone = Decision.objects.filter(
        proposal=OuterRef("proposal"), verdict=Decision.Verdict.UNDO, pk__gt=OuterRef("pk")
    )
    decisions = Decision.objects.filter(
        Q(verdict=Decision.Verdict.REJECT) | Q(verdict=Decision.Verdict.APPROVE) & _still_counts(policy),
        proposal=OuterRef("pk"),
        revision=OuterRef("revision"),
        by=person,
        on_behalf_of=None,
    )
    return Exists(decisions.exclude(Exists(undone)))


def _still_counts(policy: Policy) -> Q:
    """Return which approvals count under the verdict of now, as `votes` has it."""
    reviewed: dict[str, list[str]] = {}
    for tier in policy.tiers.values():
        reviewed.setdefault(tier.review, []).append(tier.slug)
    signed = Q(proposal__tier__in=reviewed.get("signature", []), is_signed=True) & ~Q(comment="")
    alone = Q(proposal__tier__in=reviewed.get("single", []), batch=None)
    any_way = Q(proposal__tier__in=[*reviewed.get("batch", []), *reviewed.get("none", [])])
    is_since = Q(proposal__asked_again_at=None) | Q(at__gte=F("proposal__asked_again_at"))
    return is_since & (Q(at__gte=OuterRef("verdict__at")) | signed | alone | any_way)


def required(proposal: Proposal) -> list[Requirement]:
    """Return whose approvals a proposal needs, as they are counted."""
    return [Requirement(**row) for row in proposal.requirements]


def explained(proposal: Proposal, *more: Vote) -> Explained:
    """Return what the votes on a proposal come to, and what they would with `more`. One query."""
    return explain(required(proposal), [*votes(proposal), *more], distinct_people=proposal.distinct_people)


def still_needed(proposal: Proposal) -> frozenset[str]:
    """Return the roles whose approvals are missing now, of the stages that are open."""
    return frozenset(role for need in explained(proposal).unmet if need.is_open for role in need.roles)


def asked_first(proposal: Proposal) -> frozenset[str]:
    """Return the roles that are asked while nobody has voted: of the first stage, and those that may only reject."""
    rows = required(proposal)
    return explain(rows, ()).open_roles | {row.role for row in rows if not row.approvals}
