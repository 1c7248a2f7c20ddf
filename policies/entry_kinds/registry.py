"""Kinds of entries about the policy in force, its agents, mandates, kill switches and connectors."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.kinds.kind import Kind, Shapes
from audit.kinds.shapes import COUNT, DIGEST, ID, PERSON, TEXT, TEXTS, TIME, WORD, map_of, one_of, or_null
from policies.models.agent import Agent
from policies.models.loosening import Loosening

_AGREED: Final[Shapes] = {"loosening": ID}
"""The request to which a second person agreed."""
_STANDING: Final[Shapes] = {
    "agent": WORD,
    "surface": WORD,
    "action": TEXT,
    "most_amount": or_null(WORD),
    "currency": TEXT,
    "most_uses": or_null(COUNT),
    "ends_at": TIME,
}


def _asked(what: str, meaning: str | Promise) -> Kind:
    return Kind(f"loosening.{what}", meaning, {"kind": one_of(Loosening.Kind.values), "of": TEXT, "asked_by": PERSON})


KINDS: Final = (
    Kind("policy.activated", _("A version of the policy was put in force."), {"digest": DIGEST}, _AGREED),
    Kind(
        "policy.drafted",
        _("A command changed the draft of the policy: which rows."),
        {"rows": TEXTS},
        {"because": TEXT},
    ),
    _asked("asked", _("A person asked for less oversight or more rights; a second one has to agree.")),
    _asked("agreed", _("A second person agreed, and it is in force.")),
    _asked("refused", _("A second person refused it, or it was taken back.")),
    _asked("overtaken", _("A request was overtaken by another change.")),
    Kind(
        "agent.registered",
        _("An agent was registered: its owner, its mandates, and what it executes."),
        {"owner": PERSON, "mandates": map_of(WORD), "executes": TEXTS},
    ),
    Kind(
        "agent.key_issued",
        _("An API key was issued for an agent. The ledger keeps its public beginning."),
        {"prefix": WORD, "owner": PERSON, "issuer": PERSON},
        _AGREED,
    ),
    Kind("agent.key_revoked", _("An API key was revoked."), {"prefix": WORD}),
    Kind("agent.owner_changed", _("An agent got another owner."), {"from": PERSON, "to": PERSON, **_AGREED}),
    Kind(
        "agent.status_changed",
        _("An agent was suspended, or works again."),
        {"status": one_of(Agent.Status.values)},
        _AGREED,
    ),
    Kind("agent.secret_changed", _("An agent got a new secret for its callbacks.")),
    Kind("connector.secret_changed", _("A connector got a new signing secret.")),
    Kind(
        "connector.redirected",
        _("A connector was pointed elsewhere: which fields."),
        {"changes": TEXTS, **_AGREED},
    ),
    Kind(
        "mandate.given",
        _("An agent got a mandate on a surface: the tier of now, and the one before."),
        {"surface": WORD, "tier": WORD, "before": TEXT},
        {"why": WORD, **_AGREED},
    ),
    Kind("mandate.taken_away", _("An agent lost its mandate on a surface."), {"surface": WORD, "tier": WORD}),
    Kind("kill_switch.engaged", _("A kill switch was engaged: nothing of its scope ships."), more={"via": WORD}),
    Kind("kill_switch.released", _("Two people released a kill switch."), _AGREED),
    Kind(
        "standing_approval.given",
        _("Two people let a kind of proposal through for a while."),
        {**_STANDING, **_AGREED},
    ),
    Kind("standing_approval.ended", _("A standing approval was ended before its time."), {**_STANDING, "used": COUNT}),
)
