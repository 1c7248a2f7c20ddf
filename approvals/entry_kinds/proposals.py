"""Kinds of entries about one proposal: its steps, what was decided on it, and how it was shipped."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from approvals.models.assessment import Assessment
from approvals.models.outcome import Outcome
from approvals.models.sample import Sample
from approvals.models.states import State
from approvals.models.verdicts import VERDICTS
from audit.kinds.kind import Kind, Shapes
from audit.kinds.shapes import (
    COUNT,
    DIGEST,
    FLAG,
    ID,
    NUMBER,
    OBJECT,
    OBJECTS,
    PERSON,
    TEXT,
    TEXTS,
    UUID,
    WORD,
    map_of,
    one_of,
    or_null,
)
from policies.facts.reasons import PolicyOutcome

# What `transitions.entry` says of each step.
_STEP: Final[Shapes] = {"from": one_of(["", *State]), "to": one_of(State), "revision": ID, "digest": DIGEST}
_TRACED: Final[Shapes] = {"traceparent": WORD}
_TIER: Final = or_null(WORD)
_POLICY_VERSION: Final = or_null(COUNT)
# What `statements.judged` and `statements.asked` say.
_JUDGED: Final[Shapes] = {
    "verdict": one_of(PolicyOutcome),
    "tier": _TIER,
    "policy_version": _POLICY_VERSION,
    "policy_digest": TEXT,
}
_ASKED: Final[Shapes] = {
    "action": WORD,
    "model": or_null(OBJECT),
    "trigger": or_null(OBJECT),
    "confidence": or_null(NUMBER),
    "tier": _TIER,
    "reasons": OBJECTS,
}
_BEHIND: Final[Shapes] = {"agent_owner": PERSON, "key_issuer": or_null(PERSON)}
# What `votes.ledger_data` says.
_DECIDED: Final[Shapes] = {"decision_id": UUID, "roles": TEXTS, "policy_version": _POLICY_VERSION, **_ASKED}
_SAID: Final[Shapes] = {"ticked": TEXTS, "comment": TEXT, "batch": UUID, "on_behalf_of": PERSON, **_TRACED}
_SENDING: Final[Shapes] = {"dispatch": UUID, "fence": COUNT, "digest": DIGEST}


def _step(name: str, meaning: object, data: Shapes | None = None, more: Shapes | None = None) -> Kind:
    return Kind(f"proposal.{name}", meaning, {**_STEP, **(data or {})}, {**_TRACED, **(more or {})})  # type: ignore[arg-type]


KINDS: Final = (
    _step(
        "submitted",
        _("An agent proposed something, and the policy said what happens with it."),
        {**_JUDGED, **_ASKED, **_BEHIND, "sent_digest": DIGEST},
        {"standing_approval": ID},
    ),
    _step("revised", _("The agent sent another payload."), {**_JUDGED, **_ASKED, **_BEHIND}),
    _step(
        "edited",
        _("A person put another payload in place of the agent’s."),
        {**_JUDGED, **_ASKED, "roles": TEXTS, "comment": TEXT},
    ),
    _step("withdrawn", _("The agent took the proposal back.")),
    _step("expired", _("Nobody decided, or nothing could ship it, in time.")),
    _step(
        "decided",
        _("A person approved, rejected, sent back or took over; a later decision of theirs replaces it."),
        {**_DECIDED, "decision": one_of(VERDICTS), "reason_code": TEXT},
        {**_SAID, "via": WORD},
    ),
    _step("undone", _("A person took an approval or a rejection back."), _DECIDED, _SAID),
    _step("retried", _("A person had a failed shipment tried again."), {**_DECIDED, "dispatch": UUID}, _SAID),
    _step(
        "rollback_ordered",
        _("A person ordered the roll back of what was shipped."),
        {**_DECIDED, "dispatch": UUID},
        _SAID,
    ),
    _step("shipped", _("It was carried out, and the receipt is recorded."), {"dispatch": UUID, "shipped": DIGEST}),
    _step("rolled_back", _("It was rolled back."), {"dispatch": UUID, "shipped": DIGEST}),
    _step("failed", _("It could not be shipped."), {"dispatch": UUID, "reason": TEXT}),
    _step(
        "asked_again",
        _("People were asked anew about what they had approved, because it had not shipped in time."),
        {"policy_version": _POLICY_VERSION},
    ),
    _step("reevaluated", _("A new policy, mandate or limit judged it again."), _JUDGED),
    _step("switch_released", _("A kill switch was released, and the proposal was judged again."), _JUDGED),
    _step(
        "assessed",
        _("A model answered the checklist, before people did."),
        {"answers": map_of(one_of(Assessment.Answer)), "model": TEXT},
    ),
    _step(
        "escalated",
        _("It waited too long, so another role was asked."),
        {"level": COUNT, "role": TEXT, "widens": FLAG},
    ),
    Kind(
        "proposal.reassigned",
        _("Somebody handed the proposal to a person."),
        {"assignee": PERSON, "revision": ID, "digest": DIGEST},
    ),
    Kind(
        "proposal.sampled",
        _("It was picked by lot, to be looked at after it shipped."),
        {"tier": WORD, "rate": WORD, "policy_version": _POLICY_VERSION},
    ),
    Kind(
        "sample.judged",
        _("A person said whether what shipped by itself was right."),
        {"opinion": one_of(Sample.Opinion), "revision": ID, "digest": DIGEST},
        {"with_others": FLAG},
    ),
    Kind("dispatch.claimed", _("A worker or an executor took it on."), _SENDING, _TRACED),
    Kind("dispatch.postponed", _("An attempt failed, and another follows."), _SENDING, _TRACED),
    Kind(
        "dispatch.failed", _("What had been shipped could not be shipped or rolled back any more."), _SENDING, _TRACED
    ),
    Kind(
        "outcome.reported",
        _("An agent or a person reported what it did."),
        {"outcome": UUID, "metric": TEXT, "value": NUMBER},
        {"kind": one_of(Outcome.Kind), "corrects": UUID},
    ),
)
