"""The pull connector: an executor claims its work and says what came of it."""

from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from approvals.api.contract import examples, representation, schemas
from approvals.api.contract.openapi import EXECUTORS, call, described
from approvals.api.http.base import AgentView, answer, written
from approvals.models import Dispatch
from approvals.shipping import claims, dispatches
from policies.models import Connector


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
        said = self.body(request, schemas.RECEIPT_CHECKER)
        executes = Dispatch.objects.filter(
            connector__executor=self.agent(request), connector__kind=Connector.Kind.PULL, pk=dispatch_id
        )
        if not executes.exists():
            raise Dispatch.DoesNotExist
        fence = int(said["fence"])
        if said["status"] == "delivered":
            # Told nothing, the portal still keeps that it was told.
            receipt = said.get("receipt")
            dispatch = dispatches.complete(
                dispatch_id=dispatch_id, fence=fence, receipt={} if receipt is None else receipt
            )
        else:
            dispatch = dispatches.postpone(
                dispatch_id=dispatch_id,
                fence=fence,
                error=said.get("error") or "The executor gave no reason.",
                is_final=not said.get("retry", True),
            )
        return written(answer(200, representation.shipping(dispatch)))
