"""Calls with which agents change their own proposals: revise, withdraw, report outcomes."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import jsonschema_rs
from django.db import transaction
from django.http import HttpResponse
from rest_framework.request import Request

from approvals.api import drafts
from approvals.api.contract import examples, representation, schemas
from approvals.api.contract.openapi import IDEMPOTENCY_KEY, call, described
from approvals.api.http import reading
from approvals.api.http.base import AgentView, answer, current, own, proposal_answer
from approvals.api.http.idempotency import Keeping, StoredAnswer
from approvals.lifecycle import submission
from approvals.outcomes import reports
from audit.clock import database_now
from policies.models import Agent


class ChangeView(AgentView):
    """A change by the proposal's own agent, whose answer is kept under its Idempotency-Key."""

    def change(
        self,
        request: Request,
        checker: jsonschema_rs.Draft202012Validator,
        work: Callable[[Agent, dict[str, Any]], StoredAnswer],
    ) -> HttpResponse:
        """Do `work(agent, body)` and keep its answer in one transaction."""
        agent, body = self.agent(request), self.body(request, checker)

        def in_one_transaction(keeping: Keeping) -> StoredAnswer:
            with transaction.atomic():
                given = work(agent, body)
                keeping.write(given, at=database_now())
            return given

        return self.once(request, body, in_one_transaction)


@described(
    post=call(
        "revise_proposal",
        "Revise a proposal that is pending or returned",
        sends=("RevisionSent", examples.REVISION_SENT),
        answers_with={201: ("Proposal", examples.PROPOSAL)},
        fails_with=(404, 409),
        parameters=[IDEMPOTENCY_KEY],
    )
)
class RevisionsView(ChangeView):
    """`proposals/{id}/revisions/`."""

    def post(self, request: Request, proposal_id: UUID) -> HttpResponse:
        """Put a new payload before people, while the proposal is pending or was returned."""
        key = self.key(request)

        def revise(agent: Agent, body: dict[str, Any]) -> StoredAnswer:
            submission.revise(agent=agent, key=key, proposal_id=proposal_id, content=drafts.content(body))
            return proposal_answer(201, current(own(agent), proposal_id))

        return self.change(request, schemas.REVISION_CHECKER, revise)


@described(
    post=call(
        "withdraw_proposal",
        "Withdraw a proposal",
        sends=("Nothing", {}),
        answers_with={200: ("Proposal", examples.WITHDRAWN)},
        fails_with=(404, 409),
        parameters=[IDEMPOTENCY_KEY],
    )
)
class WithdrawView(ChangeView):
    """`proposals/{id}/withdraw/`."""

    def post(self, request: Request, proposal_id: UUID) -> HttpResponse:
        """Take the proposal back, before its dispatch is claimed."""

        def withdraw(agent: Agent, body: dict[str, Any]) -> StoredAnswer:
            submission.withdraw(agent=agent, proposal_id=proposal_id)
            return proposal_answer(200, current(own(agent), proposal_id))

        return self.change(request, schemas.NOTHING_CHECKER, withdraw)


@described(
    post=call(
        "report_outcome",
        "Report what a shipped action did",
        sends=("OutcomeSent", examples.OUTCOME_SENT),
        answers_with={201: ("Outcome", examples.OUTCOME)},
        fails_with=(404, 409),
        parameters=[IDEMPOTENCY_KEY],
    )
)
class OutcomesView(ChangeView):
    """`proposals/{id}/outcomes/`."""

    def post(self, request: Request, proposal_id: UUID) -> HttpResponse:
        """Report what the shipped action did in the world."""

        def report(agent: Agent, body: dict[str, Any]) -> StoredAnswer:
            observed_at = reading.moment(body["observed_at"], "/observed_at")
            assert observed_at is not None, "the schema requires it"
            reported = reports.report_outcome(
                agent=agent,
                proposal_id=proposal_id,
                metric=body["metric"],
                value=float(body["value"]),
                unit=body.get("unit", ""),
                observed_at=observed_at,
                note=body.get("note", ""),
            )
            return answer(201, representation.outcome(reported))

        return self.change(request, schemas.OUTCOME_CHECKER, report)
