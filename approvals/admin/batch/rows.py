"""The rows of the batch page: each proposal in one line, what they add up to, and which of them stand out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Func, IntegerField, Q, QuerySet, TextField
from django.db.models.functions import Cast, Coalesce, Now
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from approvals.cards import showing
from approvals.errors import NotEligible
from approvals.figures.outliers import Measure, Outlier, outliers
from approvals.lifecycle.batches import MOST
from approvals.lifecycle.decision_rules import why_alone
from approvals.models import OPEN, WAITING, Conflict, Proposal, Revision, State
from approvals.people import eligibility
from approvals.presentation import differences, words
from approvals.presentation.differences import FieldChange
from approvals.queue import turns
from policies import currencies, plain_text
from policies.engine.policy import Policy

FEW_FIELDS: Final = 3
SHORT: Final = 40
LARGE: Final = 32_768
"""A payload of more bytes than that is not read for a row; the proposal's own page shows it."""
UNREAD: Final = ("rationale", "trigger", "evidence", "metrics", "expected_outcome", "model")
_CONFIDENCE: Final = Measure("confidence", least=0.1, is_only_low=True)
_AUDIENCE: Final = Measure("audience", least_share=0.5)


@dataclass(frozen=True, slots=True)
class ShortChange:
    """One field that changes, cut to fit a row."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One proposal of the batch. `value` names it and the revision on the screen; `why_not` keeps it out."""

    proposal: Proposal
    value: str
    url: str
    effect: str
    changes: Sequence[ShortChange]
    more_changes: int
    amount: str
    audience: str
    confidence: str
    time_left: SafeString | str
    is_urgent: bool
    why_not: str = ""
    stands_out: Sequence[str] = ()
    is_chosen: bool = True
    was_replaced: bool = False

    @property
    def plain_amount(self) -> str:
        """The amount for a script to add up; empty where there is none."""
        return "" if self.proposal.amount is None else f"{abs(self.proposal.amount):f}"


@dataclass(frozen=True, slots=True)
class Amount:
    """How much money the chosen rows move in one currency, with the number of its decimals, and as text."""

    currency: str
    decimals: int
    text: str


@dataclass(frozen=True, slots=True)
class Totals:
    """What the chosen rows add up to."""

    number: int
    amounts: Sequence[Amount]
    audience: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that may be in the batch, outliers first, and those that may not."""

    rows: Sequence[BatchRow]
    left_out: Sequence[BatchRow]

    @property
    def chosen(self) -> Sequence[BatchRow]:
        return [row for row in self.rows if row.is_chosen]

    @property
    def totals(self) -> Totals:
        """Return what the chosen rows add up to."""
        sums: dict[str, Decimal] = {row.proposal.currency: Decimal(0) for row in self.rows if row.plain_amount}
        people = 0
        for row in self.chosen:
            people += row.proposal.audience_size or 0
            if row.proposal.amount is not None:
                sums[row.proposal.currency] += abs(row.proposal.amount)
        amounts = [
            Amount(currency, currencies.DECIMALS.get(currency, 0), currencies.digits(total, currency))
            for currency, total in sorted(sums.items())
        ]
        has_audience = any(row.audience for row in self.rows)
        return Totals(len(self.chosen), amounts, words.number(people) if has_audience else "")


@dataclass(frozen=True, slots=True)
class BatchSelection:
    """What was sent back from the page: which values were on it, and which of them were still ticked."""

    shown: Mapping[UUID, str]
    ticked: frozenset[str]


def alike(person: User, one: Proposal, policy: Policy) -> list[UUID]:
    """Return what is the turn of `person` and is like `one`: same surface, action and agent, in a tier for batches.

    What they put off and what is somebody else's turn is left out, but for `one`: they have it before them.
    """
    tiers = [tier.slug for tier in policy.tiers.values() if tier.review == "batch"]
    same = {"surface": one.surface_id, "action": one.action, "agent": one.agent_id, "tier__in": tiers}
    mine = turns.waiting_for(person, policy=policy).filter(**same).order_by("deadline_at", "id")
    found = list(mine.values_list("pk", flat=True)[:MOST])
    itself = Proposal.objects.filter(pk=one.pk, **same)
    if one.pk not in found and eligibility.waiting_for(person, itself, policy).exists():
        found = [one.pk, *found][:MOST]
    return found


def load(person: User, ids: Sequence[UUID], policy: Policy, *, choice: BatchSelection | None = None) -> Batch:
    """Return the rows of those `ids` that `person` may see. A fixed number of queries, whatever their number."""
    # Any: the annotations are no fields that the type knows.
    found: Any = (
        eligibility.visible(person)
        .filter(pk__in=ids)
        .as_of_now()
        .annotate(time_now=Now())
        .select_related("verdict", "agent", "surface", "tier")
        .defer(*UNREAD)
        .order_by("deadline_at", "id")
    )
    proposals = list(found)
    attach_revisions(proposals)
    rivals = _in_conflict(proposals)
    rows = []
    for proposal in proposals:
        why_not = _why_not(person, proposal, policy, is_in_conflict=proposal.pk in rivals)
        rows.append(_row(proposal, policy, why_not=why_not, choice=choice))
    return Batch(_outliers_first([row for row in rows if not row.why_not]), [row for row in rows if row.why_not])


def attach_revisions(proposals: Sequence[Proposal]) -> None:
    """Read the current revisions, the payload of large ones excepted."""
    known: QuerySet[Revision] = Revision.objects.filter(pk__in=[proposal.revision_id for proposal in proposals])
    sized = known.alias(size=_octets("body") + _octets("rollback_body") + _octets(Cast("before", TextField())))
    small = sized.filter(size__lte=LARGE).in_bulk()
    large = known.exclude(pk__in=small).defer("body", "rollback_body", "before").in_bulk()
    for proposal in proposals:
        proposal.revision = small.get(proposal.revision_id) or large[proposal.revision_id]


def _octets(of: str | Cast) -> Coalesce:
    return Coalesce(Func(of, function="octet_length", output_field=IntegerField()), 0)


def _in_conflict(proposals: Sequence[Proposal]) -> set[UUID]:
    ids = [proposal.pk for proposal in proposals]
    pairs = Conflict.objects.filter(Q(older__in=ids) | Q(newer__in=ids), resolved_at=None)
    return {each for pair in pairs.values_list("older_id", "newer_id") for each in pair}


def _why_not(person: User, proposal: Any, policy: Policy, *, is_in_conflict: bool) -> str:
    """Say why `person` may not approve this one together with others; empty where they may."""
    state = State(proposal.state_now)
    if state not in OPEN:
        return _("It is %s; there is nothing to decide.") % str(state.label).lower()
    slug: str = proposal.surface_id
    surface = policy.surfaces.get(slug)
    if surface is None:
        return _("The surface %s is not published.") % slug
    try:
        eligibility.require(person, proposal, surface, approving=True)
    except NotEligible as refusal:
        return str(refusal)
    return why_alone(proposal, policy.tiers.get(proposal.tier_id or ""), is_in_conflict=is_in_conflict)


def _row(proposal: Any, policy: Policy, *, why_not: str, choice: BatchSelection | None) -> BatchRow:
    state, now = State(proposal.state_now), proposal.time_now
    changes, more = short_changes(proposal.revision)
    value = f"{proposal.pk}:{proposal.revision.number}:{proposal.revision.digest}"
    was = "" if choice is None else choice.shown.get(proposal.pk, "")
    amount = None if proposal.amount is None else currencies.money(proposal.amount, proposal.currency)
    return BatchRow(
        proposal=proposal,
        value=value,
        url=reverse("admin:approvals_proposal_change", args=[proposal.pk]),
        effect=effect(proposal, policy, state=state, now=now),
        changes=changes,
        more_changes=more,
        amount=amount or "",
        audience="" if proposal.audience_size is None else words.number(proposal.audience_size),
        confidence="" if proposal.confidence is None else words.share(proposal.confidence),
        time_left=words.time_left(proposal, state=state, now=now, is_column=True),
        is_urgent=state in WAITING and (proposal.deadline_at - now).total_seconds() < 3600,
        why_not=why_not,
        # What was replaced meanwhile has to be ticked anew: nobody has seen it yet.
        is_chosen=choice is None or value in choice.ticked,
        was_replaced=bool(was) and was != value,
    )


def _is_large(revision: Revision) -> bool:
    return "body" in revision.get_deferred_fields()


def effect(proposal: Proposal, policy: Policy, *, state: State, now: datetime) -> str:
    """Say in one line what approving does."""
    if _is_large(proposal.revision):
        return _("This is a large change: open it to see what it does.")
    return showing.effect(proposal, policy.surfaces.get(proposal.surface_id), state=state, now=now)


def short_changes(revision: Revision) -> tuple[list[ShortChange], int]:
    """Return the first fields that differ, those that fit a row before long ones, and how many more there are."""
    if _is_large(revision):
        return [], 0
    before, after = differences.leaves(revision.before), differences.leaves(revision.payload)
    if revision.before is None or not differences.describes_same_fields(before, after):
        before = {}
    kinds = differences.by_change(before, after).items()
    found = [
        differences.row(path, kind, before, after)
        for kind, paths in kinds
        if kind is not FieldChange.SAME
        for path in paths
    ]
    told = [(row.path, words.value(row.old), words.value(row.new)) for row in found]
    told.sort(key=lambda texts: max(map(len, texts)) > SHORT)
    short = [ShortChange(*map(_cut, texts)) for texts in told[:FEW_FIELDS]]
    return short, max(len(found) - FEW_FIELDS, 0)


def _cut(text: str) -> str:
    return plain_text.cut(plain_text.marked(plain_text.one_line(text)), SHORT)


def _outliers_first(rows: Sequence[BatchRow]) -> list[BatchRow]:
    """Put what stands out on top and say why; the rest stays in the order of its deadlines."""
    currencies = sorted({row.proposal.currency for row in rows})
    measures = [Measure(_amount_in(currency), least_share=0.5) for currency in currencies]
    why = outliers([_figures(row.proposal) for row in rows], [*measures, _AUDIENCE, _CONFIDENCE])
    told = [_with(row, [_sentence(found, row.proposal) for found in each]) for row, each in zip(rows, why, strict=True)]
    strangeness = {row.value: each[0].distance for row, each in zip(rows, why, strict=True) if each}
    return sorted(told, key=lambda row: -strangeness.get(row.value, 0))


def _with(row: BatchRow, sentences: Sequence[str]) -> BatchRow:
    return replace(row, stands_out=sentences) if sentences else row


def _amount_in(currency: str) -> str:
    return f"amount {currency}"


def _figures(proposal: Proposal) -> dict[str, float]:
    known = {
        _amount_in(proposal.currency): proposal.amount,
        "audience": proposal.audience_size,
        "confidence": proposal.confidence,
    }
    return {name: float(figure) for name, figure in known.items() if figure is not None}


def _sentence(found: Outlier, proposal: Proposal) -> str:
    """Say why one stands out."""
    if found.measure == "confidence":
        return _("Confidence %(value)s, where %(usual)s is usual") % {
            "value": words.share(found.value),
            "usual": words.share(found.usual),
        }
    if found.measure == "audience":
        facts = {"value": words.number(int(found.value)), "usual": words.number(round(found.usual))}
        return _("Reaches %(value)s people, where %(usual)s is usual") % facts
    facts = {"value": words.number(found.value), "usual": words.number(round(found.usual, 2))}
    return _("Amount %(value)s, where %(usual)s is usual") % facts
