"""Calls of the tools: the same use cases as the API's calls, told in a sentence for a model."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from approvals.api import drafts
from approvals.api.contract import representation, schemas
from approvals.api.http import reading
from approvals.api.http.base import current, own
from approvals.api.http.errors import InvalidBody
from approvals.api.http.idempotency import RequestAttempt, answer_once
from approvals.api.mcp import tools
from approvals.api.proposals import submit
from approvals.lifecycle import submission
from approvals.models import Proposal
from approvals.outcomes import reports
from audit import canonical
from policies.engine.payloads import FieldError
from policies.models import ApiKey

Arguments = dict[str, Any]
Told = tuple[str, dict[str, Any]]
"""A sentence for the model, and the whole of it for the program."""


class NoSuchTool(Exception):
    """There is no tool of this name, or not for this agent."""


def call(key: ApiKey, name: str, arguments: Arguments, *, trace: str) -> Told:
    """Call a tool. Raises NoSuchTool, and what the use cases raise."""
    if name in _CALLS:
        return _CALLS[name](key, arguments, trace)
    tool = tools.of_actions(key.agent).get(name)
    if tool is None:
        raise NoSuchTool(name)
    beside = {member: value for member, value in arguments.items() if member in {*tools.BESIDE, "payload"}}
    if unknown := arguments.keys() - beside.keys():
        faults = [FieldError(f"/{member}", "unknown", _("There is no such argument.")) for member in sorted(unknown)]
        raise InvalidBody(_("The arguments are not what this tool takes."), errors=faults)
    return _propose(key, {**beside, "surface": tool.surface.slug, "action": tool.action}, trace)


def _propose(key: ApiKey, arguments: Arguments, trace: str) -> Told:
    """Submit once: the same arguments again within KEPT_FOR, seven days, are a look at the same proposal."""
    reading.require_valid(arguments, schemas.PROPOSAL_CHECKER)
    digest = canonical.digest(b"mcp\n" + canonical.encode(arguments))
    attempt = RequestAttempt(key.agent_id, f"mcp-{digest.removeprefix('sha256:')}", digest)
    given = answer_once(attempt, lambda keeping: submit(key, drafts.draft(arguments), keeping, trace=trace))
    shown = canonical.parse(given.body)
    assert isinstance(shown, dict), "the answer to a submission shows the proposal"
    return _told(current(own(key.agent), UUID(str(shown["id"]))))


def _evaluate(key: ApiKey, arguments: Arguments, trace: str) -> Told:
    reading.require_valid(arguments, schemas.PROPOSAL_CHECKER)
    judged = submission.evaluate(agent=key.agent, draft=drafts.draft(arguments))
    shown = representation.evaluation(judged.verdict, facts={})
    reasons = " ".join(reason["text"] for reason in shown["verdict"]["reasons"] if reason["is_deciding"])
    return f"The policy would say {shown['verdict']['outcome']}. {reasons} Nothing was proposed.", shown


def _get(key: ApiKey, arguments: Arguments, trace: str) -> Told:
    return _told(current(own(key.agent), _id(arguments)))


def _withdraw(key: ApiKey, arguments: Arguments, trace: str) -> Told:
    identifier = _id(arguments)
    submission.withdraw(agent=key.agent, proposal_id=identifier)
    return _told(current(own(key.agent), identifier))


@transaction.atomic
def _report_outcome(key: ApiKey, arguments: Arguments, trace: str) -> Told:
    identifier = _id(arguments)
    report = {name: value for name, value in arguments.items() if name != "id"}
    reading.require_valid(report, schemas.OUTCOME_CHECKER)
    observed_at = reading.moment(report["observed_at"], "/observed_at")
    assert observed_at is not None, "the schema requires it"
    reported = reports.report_outcome(
        agent=key.agent,
        proposal_id=identifier,
        metric=report["metric"],
        value=float(report["value"]),
        unit=report.get("unit", ""),
        observed_at=observed_at,
        note=report.get("note", ""),
    )
    return "The outcome is recorded.", representation.outcome(reported)


def _id(arguments: Arguments) -> UUID:
    try:
        return UUID(str(arguments["id"]))
    except (KeyError, ValueError):
        fault = FieldError("/id", "format", _("Say the id of a proposal."))
        raise InvalidBody(fault.detail, errors=[fault]) from None


_SAID: Final[dict[str, str]] = {
    "pending": "waits for people to decide; it has not been done. Call get_proposal with its id to look again.",
    "edited": "was changed by a person and waits for approval; it has not been done.",
    "approved": "is approved and will ship; it has not been done yet.",
    "shipped": "was approved and has been done.",
    "returned": "was sent back and has not been done.",
    "rejected": "was rejected and has not been done.",
    "blocked": "is blocked by policy and has not been done.",
    "taken_over": "was taken over by a person, who does it by hand.",
    "withdrawn": "was withdrawn and has not been done.",
    "expired": "expired, since nobody decided in time; it has not been done.",
    "failed": "was approved, but doing it failed.",
    "rolled_back": "was done and has been reversed.",
}


def _told(shown: dict[str, Any]) -> Told:
    sentence = f"Proposal {shown['id']} {_SAID[shown['state']]}"
    if why := _why(shown):
        sentence += f" {why}"
    return sentence, shown


def _why(shown: dict[str, Any]) -> str:
    if shown["state"] == "blocked":
        return " ".join(reason["text"] for reason in shown["verdict"]["reasons"] if reason["is_deciding"])
    if shown["decisions"] and shown["state"] in {"rejected", "returned", "taken_over"}:
        last = shown["decisions"][-1]
        return str(last["comment"] or last["reason_code"])
    return ""


_CALLS: Final[dict[str, Callable[[ApiKey, Arguments, str], Told]]] = {
    "propose": _propose,
    "evaluate": _evaluate,
    "get_proposal": _get,
    "withdraw": _withdraw,
    "report_outcome": _report_outcome,
}
MISSING: Final = Proposal.DoesNotExist
