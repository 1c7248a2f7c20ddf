"""Put one revision before the policy: check what was sent, read the facts, evaluate."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from approvals.errors import InvalidProposal
from approvals.evaluation import content_checks, context
from approvals.evaluation.context import Context, Place
from approvals.evaluation.limits import room
from approvals.models import Proposal, Revision, Verdict
from approvals.models.ids import uuid7
from audit import canonical
from policies import guardrails, plain_text
from policies.engine import payloads, references
from policies.engine.evaluation import Facts, evaluate
from policies.engine.evaluation import Verdict as PolicyVerdict
from policies.engine.payloads import Derived, FieldError
from policies.engine.policy import Policy, SurfacePolicy
from policies.facts.facts import Finding, Twin, Unread
from policies.publishing.current import Current

AMOUNT_PLACES: Final = 4
AMOUNT_LIMIT: Final = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one revision says. Amounts are numbers of at most four decimals; confidence is 0 to 1."""

    payload: Any
    before: Any = None
    rollback: Any = None
    amount: int | float | None = None
    audience_size: int | None = None
    confidence: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What stays the same in every revision of a proposal. Surface and agent are slugs."""

    agent: str
    surface: str
    action: str
    currency: str = ""
    targets: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    model: Any = None
    expires_at: datetime | None = None
    texts: Mapping[str, Any] = field(default_factory=dict)
    """What the agent says beside the payload, for guardrails to read."""
    own: UUID | None = None
    """The id of the proposal, once it is stored."""
    standing_approval: int | None = None
    """By which it has passed already."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A revision that makes sense, with all that the portal reads in it itself."""

    ask: Ask
    content: Content
    standing: Current
    surface: SurfacePolicy
    tags: tuple[str, ...]
    findings: tuple[Finding, ...]
    body: bytes
    """The canonical bytes of the payload."""
    unread: tuple[Unread, ...] = ()

    def place(self, own: UUID | None = None, *, made: UUID | None = None) -> Place:
        """Return what running totals, conflicts and twins depend on.

        `own` is the proposal's id, if it has one, and `made` that of the revision, if it is stored already.
        """
        return Place(
            surface=self.ask.surface,
            agent=self.ask.agent,
            targets=self.ask.targets,
            cool_down=self.surface.cool_down,
            action=self.ask.action,
            digest=references.digest_of_sense(self.body),
            own=own,
            made=made,
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """A checked revision and what the policy says of it; nothing is stored yet."""

    surface: SurfacePolicy
    content: Content
    tags: tuple[str, ...]
    facts: Facts
    verdict: PolicyVerdict
    policy: Policy
    around: Context
    body: bytes


def check(ask: Ask, content: Content, standing: Current) -> Checked:
    """Check `content` against the surface, and its texts against the guardrails.

    Touches no database, unless the payload names rows that were uploaded. It may take its time over a large payload,
    so call it before anything is locked that others wait for.
    Raises InvalidProposal, naming each field: an unknown surface, a payload that breaks the surface's
    schema, an amount or audience size that contradicts the payload.
    """
    surface = standing.policy.surfaces.get(ask.surface)
    if surface is None:
        detail = f"There is no surface {ask.surface}. GET surfaces/ lists yours."
        raise InvalidProposal([FieldError("/surface", "unknown_surface", detail)])
    held = guardrails.for_surface(standing.policy.guardrails, ask.surface)
    rows = content_checks.require_fitting(
        surface, content.payload, content.rollback, held=held, agent=ask.agent, own=ask.own
    )
    derived = payloads.derive(surface, content.payload)
    content = replace(
        content,
        amount=_agreed("amount", surface.amount_pointer, content.amount, derived),
        audience_size=content_checks.reaching(
            rows, _agreed("audience_size", surface.audience_pointer, content.audience_size, derived)
        ),
    )
    _require_amount(content.amount)
    tags = tuple(dict.fromkeys(map(plain_text.name, (*ask.tags, *derived.tags))))
    findings = content_checks.findings(held, content.payload, {**ask.texts, "note": content.note}, rows)
    unread = (*derived.unread, *content_checks.unread(rows))
    return Checked(ask, content, standing, surface, tags, findings, canonical.encode(content.payload), unread)


def judge(checked: Checked, around: Context, *, is_in_review: bool) -> Judgement:
    """Evaluate what was checked, amid what goes on around it. Touches no database."""
    facts = _facts(checked, around, is_in_review=is_in_review)
    policy = checked.standing.policy
    return Judgement(
        checked.surface, checked.content, checked.tags, facts, evaluate(policy, facts), policy, around, checked.body
    )


def judge_new(checked: Checked) -> Judgement:
    """Judge a new proposal under the locks that its verdict needs, those of running totals only where it hangs on them.

    Raises NotCounted.
    """
    place, standing = checked.place(), checked.standing
    judged = judge(checked, context.hold_targets(place, standing), is_in_review=False)
    if not (around := judged.around).totals:
        return judged
    left = room.left(judged.policy, judged.facts, around.covering, around.totals)
    if left is None:
        return judge(checked, context.hold(place, standing), is_in_review=False)
    return replace(judged, around=replace(around, room=left))


def _agreed(name: str, pointer: str, claimed: Any, derived: Derived) -> Any:
    """Return the number that counts: what the payload says, where the surface knows where to look."""
    if not pointer:
        return claimed
    read = getattr(derived, name)
    if claimed is not None and claimed != read:
        there = next((one.found for one in derived.unread if one.fact == name), str(read)) or "nothing"
        detail = f"The payload says {there} at {pointer}. Send the same, or nothing."
        raise InvalidProposal([FieldError(f"/{name}", "contradicts_payload", detail)])
    return read


def _require_amount(amount: float | None) -> None:
    if amount is None:
        return
    exponent = Decimal(str(amount)).normalize().as_tuple().exponent
    # Written so that what is not a number is out of range.
    if not abs(amount) < AMOUNT_LIMIT or (isinstance(exponent, int) and -exponent > AMOUNT_PLACES):
        detail = f"Amounts have at most {AMOUNT_PLACES} decimals and are below {AMOUNT_LIMIT:,}."
        raise InvalidProposal([FieldError("/amount", "amount_out_of_range", detail)])


def _facts(checked: Checked, around: Context, *, is_in_review: bool) -> Facts:
    ask, content, standing = checked.ask, checked.content, checked.standing
    return Facts(
        surface=ask.surface,
        action=ask.action,
        agent=ask.agent,
        agent_is_active=standing.agent_is_active,
        mandate=standing.mandate,
        tags=checked.tags,
        targets=ask.targets,
        confidence=content.confidence,
        amount=content.amount,
        currency=ask.currency,
        audience_size=content.audience_size,
        payload=content.payload,
        before=content.before,
        model=ask.model or {},
        switches=standing.switches,
        is_in_review=is_in_review,
        expires_at=ask.expires_at,
        now=standing.at.astimezone(ZoneInfo(checked.surface.time_zone)),
        limits=around.limits,
        conflicts=around.conflicts,
        twins=around.twins,
        findings=checked.findings,
        unread=checked.unread,
        standing_approval=_standing_approval(checked),
    )


def _standing_approval(checked: Checked) -> str:
    """Return the standing approval that covers a proposal: of a stored one only that by which it has passed."""
    ask, content = checked.ask, checked.content
    for given in checked.standing.standing_approvals:
        is_usable = given.id == ask.standing_approval if ask.own else given.left > 0
        if is_usable and given.covers(action=ask.action, amount=content.amount, currency=ask.currency):
            return str(given.id)
    return ""


def new_revision(judged: Judgement, *, proposal_id: UUID, number: int, at: datetime, **author: Any) -> Revision:
    """Make the revision's row, unsaved, with the exact bytes that can be approved and their digest."""
    content = judged.content
    body = judged.body
    rollback = None if content.rollback is None else canonical.encode(content.rollback)
    return Revision(
        id=uuid7(),
        proposal_id=proposal_id,
        number=number,
        body=body,
        digest=canonical.digest(body),
        rollback_body=rollback,
        rollback_digest="" if rollback is None else canonical.digest(rollback),
        before=content.before,
        amount=None if content.amount is None else Decimal(str(content.amount)),
        audience_size=content.audience_size,
        confidence=content.confidence,
        note=content.note,
        created_at=at,
        **author,
    )


def new_verdict(judged: Judgement, *, revision: Revision, at: datetime) -> Verdict:
    """Make the row of a judgement's verdict, unsaved."""
    return stored_verdict(judged.verdict, judged.facts, revision=revision, at=at)


def stored_verdict(verdict: PolicyVerdict, facts: Facts, *, revision: Revision, at: datetime) -> Verdict:
    """Make the verdict's row, unsaved, with the facts it rests on."""
    return Verdict(
        id=uuid7(),
        revision=revision,
        outcome=verdict.outcome.value,
        tier_id=verdict.tier.slug if verdict.tier else None,
        reasons=[reason._asdict() for reason in verdict.reasons],
        facts=stored_facts(facts),
        policy_version_id=verdict.policy_number or None,
        policy_digest=verdict.policy_digest,
        at=at,
    )


_STORED: Final = tuple(name for name in Facts.__slots__ if name not in {"payload", "before"})


def stored_facts(facts: Facts) -> dict[str, Any]:
    """Return the facts as JSON values, without the payload: that is in the revision."""
    return {name: _plain(getattr(facts, name)) for name in _STORED}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain_row(item) if isinstance(item, Finding | Twin) else item for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _plain_row(row: Finding | Twin) -> dict[str, Any]:
    return {name: _plain(value) for name, value in asdict(row).items()}


def put_before_people(proposal: Proposal, revision: Revision, verdict: Verdict, *, tags: Iterable[str]) -> None:
    """Point `proposal` at its new current revision and verdict, unsaved."""
    proposal.revision = revision
    proposal.verdict = verdict
    proposal.payload_digest = references.digest_of_sense(bytes(revision.body))
    proposal.tier_id = verdict.tier_id
    proposal.policy_version = verdict.policy_version_id or 0
    proposal.mandate = (verdict.facts["mandate"] or "") if verdict.facts["agent_is_active"] else ""
    is_by_standing = verdict.outcome == Verdict.Outcome.ALLOW and verdict.facts.get("standing_approval")
    proposal.standing_approval = int(verdict.facts["standing_approval"]) if is_by_standing else None
    proposal.confidence = revision.confidence
    proposal.amount = revision.amount
    proposal.audience_size = revision.audience_size
    proposal.tags = list(tags)
