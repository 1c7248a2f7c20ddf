"""Reports of what shipped actions did in the world, by their agents and by people. The only writer of outcomes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from approvals.errors import InvalidProposal, NotEligible, StateConflict
from approvals.lifecycle import agent_texts, revisions
from approvals.models import Outcome, Proposal, State
from approvals.people import eligibility
from audit.canonical import JsonValue
from audit.clock import database_now
from audit.ledger import entries
from policies import plain_text
from policies.actors import actor
from policies.engine.payloads import FieldError
from policies.models import Agent

REPORT = "approvals.report_outcome"
REPORTABLE = (State.SHIPPED, State.ROLLED_BACK)
Kind = Outcome.Kind


@transaction.atomic
def report_outcome(
    *, agent: Agent, proposal_id: UUID, metric: str, value: float, unit: str, observed_at: datetime, note: str
) -> Outcome:
    """Record what an agent says its shipped action did. Raises StateConflict before it was shipped."""
    proposal = revisions.lock_own(agent, proposal_id)
    report = {"metric": metric, "value": value, "unit": unit, "observed_at": observed_at, "note": note}
    return _record(proposal, report, by=agent, at=database_now())


@transaction.atomic
def report_as_person(
    *,
    proposal_id: UUID,
    by: User,
    kind: Outcome.Kind,
    metric: str,
    value: float,
    unit: str,
    observed_at: datetime,
    note: str,
    corrects: UUID | None = None,
) -> Outcome:
    """Record what a person saw a shipped action do, in place of the report `corrects`, where that is given.

    Raises Proposal.DoesNotExist for what they may not see, NotEligible, StateConflict before it was shipped, and
    InvalidProposal, which names each field.
    """
    if not eligibility.visible(by).filter(pk=proposal_id).exists():
        raise Proposal.DoesNotExist
    if not by.has_perm(REPORT):
        raise NotEligible(_("You may not report outcomes. It takes the permission %s.") % REPORT)
    proposal = Proposal.objects.locked(proposal_id)
    at = database_now()
    report = {"metric": metric, "value": value, "unit": unit, "observed_at": observed_at, "note": note}
    earlier = _corrected(proposal, corrects)
    _require_sense(proposal, kind, report, at=at)
    return _record(proposal, report, by=by, at=at, kind=kind, corrects=earlier)


def may_report(person: User, proposal: Proposal) -> bool:
    """Whether somebody who sees a proposal may report what it did."""
    return proposal.state in REPORTABLE and person.has_perm(REPORT)


def _corrected(proposal: Proposal, corrects: UUID | None) -> Outcome | None:
    if corrects is None:
        return None
    earlier = Outcome.objects.filter(proposal=proposal, pk=corrects).first()
    if earlier is None:
        raise InvalidProposal([FieldError("/corrects", "unknown", _("There is no such report of this proposal."))])
    if Outcome.objects.filter(corrects=earlier).exists():
        detail = _("Someone has already corrected this report. Correct the later one.")
        raise InvalidProposal([FieldError("/corrects", "corrected", detail)])
    return earlier


def _require_sense(proposal: Proposal, kind: Outcome.Kind, report: dict[str, Any], *, at: datetime) -> None:
    faults = []
    if report["observed_at"] > at:
        faults.append(FieldError("/observed_at", "in_the_future", _("This is in the future.")))
    elif report["observed_at"] < proposal.created_at.replace(second=0, microsecond=0):  # forms know no seconds
        faults.append(FieldError("/observed_at", "too_early", _("This is before it was proposed.")))
    if not plain_text.has_something_visible(report["metric"]):
        faults.append(FieldError("/metric", "required", _("Say what was measured.")))
    if kind != Kind.MEASURED and not plain_text.has_something_visible(report["note"]):
        faults.append(FieldError("/note", "required", _("Say what happened.")))
    if faults:
        raise InvalidProposal(faults)


def _record(
    proposal: Proposal,
    report: dict[str, Any],
    *,
    by: Agent | User,
    at: datetime,
    kind: Outcome.Kind = Kind.MEASURED,
    corrects: Outcome | None = None,
) -> Outcome:
    if proposal.state not in REPORTABLE:
        raise StateConflict(f"Outcomes are reported of what was shipped; this proposal is {proposal.state}.")
    person = by if isinstance(by, User) else None
    outcome = Outcome.objects.create(
        proposal=proposal,
        kind=kind,
        value=report["value"],
        observed_at=report["observed_at"],
        note=agent_texts.kept_note(report["note"]),
        reported_at=at,
        reported_by=person,
        reported_by_name=actor(person).name if person else "",
        corrects=corrects,
        **agent_texts.kept_lines(metric=report["metric"], unit=report["unit"]),
    )
    data: dict[str, JsonValue] = {"outcome": str(outcome.pk), "metric": outcome.metric, "value": outcome.value}
    if person:
        data["kind"] = str(kind)
    if corrects is not None:
        data["corrects"] = str(corrects.pk)
    subject, trace_id = f"proposal:{proposal.pk}", proposal.trace_id
    entries.record("outcome.reported", subject=subject, actor=actor(by), at=at, data=data, trace_id=trace_id)
    return outcome
