"""Pull connectors and gates: an executor claims its work, an agent consumes an approval; both say what came of it."""

from uuid import UUID

from django.db.models import Q
from django.http import HttpResponse
from rest_framework.request import Request

from approvals.api.contract import examples, representation, schemas
from approvals.api.contract.openapi import EXECUTORS, call, described
from approvals.api.http.base import AgentView, answer, written
from approvals.models import Dispatch
from approvals.shipping import claims, dispatches, kinds
from policies.models import Agent, Connector


@described(
    post=call(
        "claim_dispatch",
        "Claim the next dispatch",
        tag=EXECUTORS,
        sends=("Nothing", {}),
        answers_with={200: ("Claim", examples.CLAIM), 204: "There is nothing to execute now."},
    )
)
class ClaimView(AgentView):
    """`dispatches/claim/`."""

    def post(self, request: Request) -> HttpResponse:
        """Claim the next dispatch of the connectors this agent executes; 204 where there is none."""
        self.body(request, schemas.NOTHING_CHECKER)
        agent = self.agent(request)
        claimed = claims.claim_next(worker=f"agent/{agent.slug}", kind=Connector.Kind.PULL, executor=agent)
        if claimed is None:
            return HttpResponse(status=204)
        return written(answer(200, representation.claim(claimed)))


@described(
    post=call(
        "consume_approval",
        "Consume the approval of a gate, once",
        tag=EXECUTORS,
        sends=("Nothing", {}),
        answers_with={200: ("Claim", examples.CLAIM)},
        fails_with=(404, 409),
    )
)
class ConsumeView(AgentView):
    """`proposals/{id}/consume/`."""

    def post(self, request: Request, proposal_id: UUID) -> HttpResponse:
        """Let the agent's own program run what was approved, this once. No Idempotency-Key: a second time is none."""
        self.body(request, schemas.NOTHING_CHECKER)
        claimed = claims.consume(agent=self.agent(request), proposal_id=proposal_id)
        return written(answer(200, representation.claim(claimed)))


def _held_by(agent: Agent, dispatch_id: UUID) -> Dispatch:
    """Return a dispatch that this agent executes. Raises Dispatch.DoesNotExist."""
    pulls = Q(connector__executor=agent, connector__kind=Connector.Kind.PULL)
    gates = Q(proposal__agent=agent, connector__kind=Connector.Kind.GATE)
    held: Dispatch = Dispatch.objects.select_related("connector").filter(pulls | gates).get(pk=dispatch_id)
    return held


@described(
    post=call(
        "renew_lease",
        "Keep a claimed dispatch for longer",
        tag=EXECUTORS,
        sends=("RenewalSent", {"fence": 1}),
        answers_with={200: ("Lease", examples.LEASE)},
        fails_with=(404, 409),
    )
)
class RenewView(AgentView):
    """`dispatches/{id}/renew/`."""

    def post(self, request: Request, dispatch_id: UUID) -> HttpResponse:
        """Give the executor as much time again as the claim gave it, from now on."""
        sent = self.body(request, schemas.RENEWAL_CHECKER)
        connector = _held_by(self.agent(request), dispatch_id).connector
        assert connector is not None, "it was found by its connector"
        lifetime = kinds.of(connector).lease(connector)
        renewed = dispatches.renew(dispatch_id=dispatch_id, fence=int(sent["fence"]), lifetime=lifetime)
        return written(answer(200, {"lease_until": representation.moment(renewed.lease_until)}))


@described(
    post=call(
        "report_receipt",
        "Report a claimed dispatch as delivered or failed",
        tag=EXECUTORS,
        sends=("ReceiptSent", examples.RECEIPT_SENT),
        answers_with={200: ("Dispatch", examples.DELIVERED)},
        fails_with=(404, 409),
    )
)
class ReceiptView(AgentView):
    """`dispatches/{id}/receipt/`."""

    def post(self, request: Request, dispatch_id: UUID) -> HttpResponse:
        """Report a claimed dispatch as delivered or failed."""
        body = self.body(request, schemas.RECEIPT_CHECKER)
        connector = _held_by(self.agent(request), dispatch_id).connector
        # An agent that could have what it reports as failed again would run it twice.
        is_spent = connector is not None and connector.kind == Connector.Kind.GATE
        fence = int(body["fence"])
        if body["status"] == "delivered":
            # Told nothing, the portal still keeps that it was told.
            receipt = body.get("receipt")
            dispatch = dispatches.complete(
                dispatch_id=dispatch_id, fence=fence, receipt={} if receipt is None else receipt
            )
        else:
            dispatch = dispatches.postpone(
                dispatch_id=dispatch_id,
                fence=fence,
                error=body.get("error") or "The executor gave no reason.",
                is_final=is_spent or not body.get("retry", True),
            )
        return written(answer(200, representation.shipping(dispatch)))
