"""Submit proposals, list them, look at one and wait for it."""

from collections.abc import Collection
from uuid import UUID

from django.http import HttpResponse, HttpResponseNotModified
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from approvals.api import drafts, filters
from approvals.api.contract import examples, representation, schemas
from approvals.api.contract.openapi import IDEMPOTENCY_KEY, IF_NONE_MATCH, PREFER, call, described
from approvals.api.http import pagination, waiting
from approvals.api.http.authentication import AgentKeyAuthentication
from approvals.api.http.base import AgentView, SharedView, own, proposal_answer, written
from approvals.api.http.idempotency import Keeping, StoredAnswer
from approvals.evaluation.limits import with_limits
from approvals.lifecycle import submission
from approvals.lifecycle.submission import NewProposal
from approvals.models.proposal_queries import ProposalQuerySet
from approvals.people.eligibility import visible
from policies.models import ApiKey


def visible_to(request: Request) -> ProposalQuerySet:
    """Return the proposals that the caller may see, whoever it is."""
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
        parameters=[IDEMPOTENCY_KEY],
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
        found = filters.apply(visible_to(request), request)
        page = pagination.page(found, request)
        return HttpResponse(representation.encode(page), content_type="application/json")

    def post(self, request: Request) -> HttpResponse:
        """Submit a proposal."""
        key, sent = self.key(request), self.body(request, schemas.PROPOSAL_CHECKER)
        return self.once(request, sent, lambda keeping: _submit(key, drafts.draft(sent), keeping))


@with_limits
def _submit(key: ApiKey, draft: NewProposal, keeping: Keeping) -> StoredAnswer:
    """Store the proposal and its answer in one statement: a retry finds both or neither."""
    made = submission.prepare(agent=key.agent, key=key, draft=draft)
    given = proposal_answer(201, representation.show(made.proposal, decisions=(), dispatch=made.dispatch))
    submission.store(made, keeping.rows(given, at=made.proposal.created_at))
    return given


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
