"""Submit proposals, list them, look at one and wait for it."""

import json
from collections.abc import Collection
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseNotModified
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from approvals.api import drafts, filters
from approvals.api.contract import examples, representation, schemas
from approvals.api.contract.openapi import IDEMPOTENCY_KEY, IF_NONE_MATCH, PREFER, TRACEPARENT, call, described
from approvals.api.http import pagination, reading, throttling, waiting
from approvals.api.http.authentication import AgentKeyAuthentication
from approvals.api.http.base import AgentView, SharedView, answer, own, proposal_answer, written
from approvals.api.http.errors import InvalidBody
from approvals.api.http.idempotency import Keeping, RequestAttempt, StoredAnswer, answer_once, require_same
from approvals.errors import InvalidProposal, ProposalError
from approvals.evaluation.limits.recount import with_limits
from approvals.lifecycle import submission
from approvals.lifecycle.submission import NewProposal
from approvals.models.proposal_queries import ProposalQuerySet
from approvals.people.eligibility import visible
from policies.models import ApiKey


def visible_to(request: Request) -> ProposalQuerySet:
    """Return the proposals that the caller may see, person or agent."""
    if isinstance(request.auth, ApiKey):
        return own(request.auth.agent)
    return visible(request.user)


@described(
    get=call(
        "list_proposals",
        "List proposals, newest first",
        answers_with={200: ("ProposalPage", examples.PAGE)},
        parameters=[*filters.PARAMETERS, *pagination.PARAMETERS],
    ),
    post=call(
        "submit_proposal",
        "Submit a proposal",
        sends=("ProposalSent", examples.PROPOSAL_SENT),
        answers_with={201: ("Proposal", examples.PROPOSAL)},
        parameters=[IDEMPOTENCY_KEY, TRACEPARENT],
    ),
)
class ProposalsView(AgentView, SharedView):
    """`proposals/`: agents submit; agents and people list."""

    authentication_classes = SharedView.authentication_classes

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Let only agents submit."""
        if getattr(self.request, "method", None) == "POST":
            return [AgentKeyAuthentication()]
        return super().get_authenticators()

    def query_names(self, request: Request) -> Collection[str]:
        """Let a list be filtered."""
        return {*filters.FILTERS, *filters.PAGING} if request.method in SAFE_METHODS else ()

    def get(self, request: Request) -> HttpResponse:
        """List the caller's proposals, newest first."""
        proposals = filters.apply(visible_to(request), request)
        page = pagination.page(proposals, request)
        return HttpResponse(representation.encode(page), content_type="application/json")

    def post(self, request: Request) -> HttpResponse:
        """Submit a proposal."""
        key, sent = self.key(request), self.body(request, schemas.PROPOSAL_CHECKER)
        trace = reading.traceparent(request)
        return self.once(request, sent, lambda keeping: submit(key, drafts.draft(sent), keeping, trace=trace))


@with_limits
def submit(key: ApiKey, draft: NewProposal, keeping: Keeping, *, trace: str = "") -> StoredAnswer:
    """Store the proposal and its answer in one statement: a retry finds both or neither."""
    draft = replace(draft, traceparent=trace) if trace else draft
    made = submission.prepare(agent=key.agent, key=key, draft=draft)
    given = proposal_answer(201, representation.show(made.proposal, decisions=(), dispatch=made.dispatch))
    submission.store(made, keeping.rows(given, at=made.proposal.created_at))
    return given


@described(
    post=call(
        "submit_proposals",
        "Submit up to 200 proposals, each judged on its own",
        sends=("BatchSent", examples.BATCH_SENT),
        answers_with={200: ("BatchAnswer", examples.BATCH)},
        parameters=[IDEMPOTENCY_KEY, TRACEPARENT],
    )
)
class BatchView(AgentView):
    """`proposals/batch/`."""

    def post(self, request: Request) -> HttpResponse:
        """Submit each proposal by itself; answers come in the order of the proposals.

        What was submitted is kept one by one under keys that follow from the Idempotency-Key, so a repeat after a
        crash submits what is left and answers the rest as before.
        """
        key, sent = self.key(request), self.body(request, schemas.BATCH_CHECKER)
        whole, trace = reading.attempt(request, agent=key.agent_id, body=sent), reading.traceparent(request)
        attempts = [whole.part(number) if whole else None for number in range(len(sent["proposals"]))]
        require_same([attempt for attempt in attempts if attempt is not None])
        results = []
        for number, (body, attempt) in enumerate(zip(sent["proposals"], attempts, strict=True)):
            if number and self.count(key).is_exceeded:
                results.append({"status": 429, "code": "rate_limited", "detail": "Send the rest again later."})
            else:
                results.append(_judged(key, body, attempt, trace))
        return written(answer(200, {"results": results}))

    def count(self, key: ApiKey) -> throttling.Quota:
        """Count one more of the batch as a request of its own."""
        self.quota = throttling.of(key.agent)
        return self.quota


def _judged(key: ApiKey, body: dict[str, Any], attempt: RequestAttempt | None, trace: str) -> dict[str, Any]:
    try:
        reading.require_valid(body, schemas.PROPOSAL_CHECKER)
        given = answer_once(attempt, lambda keeping: submit(key, drafts.draft(body), keeping, trace=trace))
    except (InvalidBody, InvalidProposal) as error:
        listed = [{"pointer": fault.pointer, "code": fault.code, "detail": fault.detail} for fault in error.errors]
        return {"status": 422, "code": error.code, "detail": str(error), "errors": listed}
    except ProposalError as error:
        return {"status": 409, "code": error.code, "detail": str(error)}
    return {"status": given.status, "proposal": json.loads(given.body)}


@described(
    get=call(
        "get_proposal",
        "Look at a proposal, or wait until it changes",
        answers_with={200: ("Proposal", examples.PROPOSAL), 304: "It is still as If-None-Match names it."},
        fails_with=(404,),
        parameters=[IF_NONE_MATCH, PREFER],
    )
)
class ProposalView(SharedView):
    """`proposals/{id}/`."""

    def get(self, request: Request, proposal_id: UUID) -> HttpResponse:
        """Show one proposal; with Prefer: wait, as soon as it is another than If-None-Match names."""
        known = request.META.get("HTTP_IF_NONE_MATCH", "")
        seconds = waiting.preferred_seconds(request.META.get("HTTP_PREFER", ""))
        caller = request.auth.agent.slug if isinstance(request.auth, ApiKey) else f"user:{request.user.pk}"
        seen = waiting.look(
            visible_to(request), proposal_id, known=known, seconds=seconds if known else 0, caller=caller
        )
        applied = {} if seen.wait_seconds is None else {"Preference-Applied": f"wait={seen.wait_seconds}"}
        if seen.is_known:
            return HttpResponseNotModified(headers={"ETag": seen.answer.headers["ETag"], **applied})
        response = written(seen.answer)
        for name, value in applied.items():
            response.headers[name] = value
        return response
