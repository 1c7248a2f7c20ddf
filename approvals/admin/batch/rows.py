"""Rows of the batch page: one line a proposal, their sums, and which stand out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from approvals.admin.batch import proposals
from approvals.cards import showing
from approvals.errors import NotEligible
from approvals.figures.outliers import Measure, Outlier, outliers
from approvals.lifecycle.batches import MOST
from approvals.lifecycle.decision_rules import why_alone
from approvals.models import OPEN, WAITING, Proposal, Revision, State
from approvals.people import eligibility
from approvals.presentation import words
from approvals.queue import turns
from policies import currencies, differences, plain_text
from policies.differences import FieldChange
from policies.engine import references
from policies.engine.policy import Policy
from policies.facts.reasons import PolicyOutcome

FEW_FIELDS: Final = 3
USUAL: Final = frozenset({"surface", "floor", "mandate", "review"})
"""Reasons that each proposal there has: they say nothing of this one."""
SHORT: Final = 40
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
    why: str = ""
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
    keys = list(mine.values_list("pk", flat=True)[:MOST])
    itself = Proposal.objects.filter(pk=one.pk, **same)
    if one.pk not in keys and eligibility.waiting_for(person, itself, policy).exists():
        keys = [one.pk, *keys][:MOST]
    return keys


def load(person: User, ids: Sequence[UUID], policy: Policy, *, choice: BatchSelection | None = None) -> Batch:
    """Return the rows of those `ids` that `person` may see. A fixed number of queries, whatever their number."""
    read_now = proposals.read(person, ids)
    rivals = proposals.in_conflict(read_now)
    rows = []
    for proposal in read_now:
        why_not = _why_not(person, proposal, policy, is_in_conflict=proposal.pk in rivals)
        rows.append(row(proposal, policy, why_not=why_not, choice=choice))
    return Batch(_outliers_first([row for row in rows if not row.why_not]), [row for row in rows if row.why_not])


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


def row(
    proposal: Any, policy: Policy, *, why_not: str = "", choice: BatchSelection | None = None, most: int = FEW_FIELDS
) -> BatchRow:
    """Return one proposal in words, with `most` of its fields."""
    state, now = State(proposal.state_now), proposal.time_now
    surface = policy.surfaces.get(proposal.surface_id)
    changes, more = short_changes(proposal.revision, surface.payload_schema if surface else {}, most=most)
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
        why=_special(proposal.verdict.reasons) if proposal.verdict else "",
        why_not=why_not,
        # What was replaced meanwhile has to be ticked anew: nobody has seen it yet.
        is_chosen=choice is None or value in choice.ticked,
        was_replaced=bool(was) and was != value,
    )


def effect(proposal: Proposal, policy: Policy, *, state: State, now: datetime) -> str:
    """Say in one line what approving does."""
    if proposals.is_large(proposal.revision):
        return _("This is a large change: open it to see what it does.")
    return showing.effect(proposal, policy.surfaces.get(proposal.surface_id), state=state, now=now)


def _special(reasons: Sequence[Mapping[str, Any]]) -> str:
    """Return why people see this one, in a sentence: the deciding reason first; empty where only the usual holds."""
    own = [reason for reason in reasons if reason["source"] not in USUAL and reason["outcome"] != PolicyOutcome.ALLOW]
    own.sort(key=lambda reason: not reason["is_deciding"])
    return plain_text.one_line(own[0]["text"]) if own else ""


def short_changes(
    revision: Revision, schema: Mapping[str, Any], *, most: int = FEW_FIELDS
) -> tuple[list[ShortChange], int]:
    """Return the first fields that differ by the names that people know, and how many more there are.

    Those that fit a row come before long ones, and then those that the surface requires, in its order.
    """
    if proposals.is_large(revision):
        return [], 0
    before, after = differences.leaves(revision.before), differences.leaves(references.summed_up(revision.payload))
    if revision.before is None or not differences.describes_same_fields(before, after):
        before = {}
    kinds = differences.by_change(before, after).items()
    differing = [
        differences.row(path, kind, before, after)
        for kind, paths in kinds
        if kind is not FieldChange.SAME
        for path in paths
    ]
    order = {name: place for place, name in enumerate(schema.get("required", ()))}
    differing.sort(key=lambda row: order.get(row.path, len(order)))
    lines = [(_label(row.path, schema), words.value(row.old), words.value(row.new)) for row in differing]
    lines.sort(key=lambda texts: max(map(len, texts)) > SHORT)
    return [ShortChange(*map(_cut, texts)) for texts in lines[:most]], max(len(differing) - most, 0)


def _label(path: str, schema: Mapping[str, Any]) -> str:
    """Return the title that the schema gives a field of the payload itself; of others, where they stand."""
    field = schema.get("properties", {}).get(path)
    title = field.get("title") if isinstance(field, Mapping) else None
    return title if isinstance(title, str) and title else path


def _cut(text: str) -> str:
    return plain_text.cut(plain_text.marked(plain_text.one_line(text)), SHORT)


def _outliers_first(rows: Sequence[BatchRow]) -> list[BatchRow]:
    """Put what stands out on top and say why; the rest stays in the order of its deadlines."""
    currencies = sorted({row.proposal.currency for row in rows})
    measures = [Measure(_amount_in(currency), least_share=0.5) for currency in currencies]
    why = outliers([_figures(row.proposal) for row in rows], [*measures, _AUDIENCE, _CONFIDENCE])
    explained = [
        _with(row, [_sentence(outlier, row.proposal) for outlier in each]) for row, each in zip(rows, why, strict=True)
    ]
    strangeness = {row.value: each[0].distance for row, each in zip(rows, why, strict=True) if each}
    return sorted(explained, key=lambda row: -strangeness.get(row.value, 0))


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


def _sentence(outlier: Outlier, proposal: Proposal) -> str:
    """Say why one stands out."""
    if outlier.measure == "confidence":
        return _("Confidence %(value)s, where %(usual)s is usual") % {
            "value": words.share(outlier.value),
            "usual": words.share(outlier.usual),
        }
    if outlier.measure == "audience":
        facts = {"value": words.number(int(outlier.value)), "usual": words.number(round(outlier.usual))}
        return _("Reaches %(value)s people, where %(usual)s is usual") % facts
    facts = {"value": words.number(outlier.value), "usual": words.number(round(outlier.usual, 2))}
    return _("Amount %(value)s, where %(usual)s is usual") % facts
