"""Base class of every call: authentication, throttling, reading and answering."""

from collections.abc import Callable, Collection
from typing import Any, cast
from uuid import UUID

import jsonschema_rs
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from approvals.api.contract import representation
from approvals.api.http import reading, throttling
from approvals.api.http.authentication import AgentKeyAuthentication, PersonAuthentication
from approvals.api.http.errors import NothingAcceptable, RateExceeded
from approvals.api.http.idempotency import Keeping, StoredAnswer, answer_once
from approvals.models import Proposal
from approvals.models.proposal_queries import ProposalQuerySet
from policies.models import Agent, ApiKey

JSON = "application/json"
_RENDERER = JSONRenderer()


class IsKnown(BasePermission):
    """An agent with a live key, or a person who is signed in."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell whether somebody is there; what they may see, the queryset knows."""
        return request.auth is not None or request.user.is_authenticated


class ApiView(APIView):
    """Answers JSON that is written already: no negotiation, no serializers, nothing rendered twice."""

    authentication_classes = [AgentKeyAuthentication]
    permission_classes = [IsKnown]
    http_method_names = ["get", "head", "post"]
    quota: throttling.Quota | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse, once it is known who calls, a query that the call does not know. Raises MalformedRequest."""
        super().initial(request, *args, **kwargs)
        if request.method in self.allowed_methods:
            reading.require_known(request, self.query_names(request))

    def query_names(self, request: Request) -> Collection[str]:
        """Return the names that may stand in the query string."""
        return ()

    def perform_content_negotiation(
        self,
        request: Request,
        force: bool = False,  # noqa: FBT002  # DRF's signature
    ) -> tuple[JSONRenderer, str]:
        """Choose JSON. Raises NothingAcceptable if the client wants none."""
        wanted = request.META.get("HTTP_ACCEPT", "*/*")
        if not force and wanted not in {"*/*", JSON} and not self._http(request).accepts(JSON):
            raise NothingAcceptable(_("The API answers application/json."))
        return _RENDERER, JSON

    def check_throttles(self, request: Request) -> None:
        """Count the request of an agent. Raises RateExceeded."""
        if isinstance(request.auth, ApiKey):
            self.quota = throttling.of(request.auth.agent)
            if self.quota.is_exceeded:
                detail = _("This agent may call %d times a minute.") % self.quota.limit
                raise RateExceeded(detail, wait_seconds=self.quota.reset_seconds)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add what holds for every answer; it is written already, so nothing is left to render."""
        response.headers["Cache-Control"] = "private, no-cache"
        response.headers["Vary"] = "Authorization, Cookie"
        if self.quota is not None:
            for name, value in self.quota.headers().items():
                response.headers[name] = value
        return response

    @staticmethod
    def _http(request: Request) -> HttpRequest:
        return request._request  # noqa: SLF001  # DRF has no public way to what it wraps

    def agent(self, request: Request) -> Agent:
        """Return the calling agent."""
        return cast("ApiKey", request.auth).agent

    def key(self, request: Request) -> ApiKey:
        """Return the key with which the calling agent has proved itself."""
        return cast("ApiKey", request.auth)

    def body(self, request: Request, checker: jsonschema_rs.Draft202012Validator) -> dict[str, Any]:
        """Return the request's JSON, checked."""
        return reading.parse(reading.body_bytes(request), checker)


class AgentView(ApiView):
    """For agents alone."""

    def once(self, request: Request, body: dict[str, Any], work: Callable[[Keeping], StoredAnswer]) -> HttpResponse:
        """Do `work(keeping)`, or repeat what the Idempotency-Key was answered before."""
        attempt = reading.attempt(request, agent=self.agent(request).slug, body=body)
        return written(answer_once(attempt, work))


class PersonView(ApiView):
    """For people alone: a session, CSRF, and no agent key anywhere near."""

    authentication_classes = [PersonAuthentication]

    def person(self, request: Request) -> User:
        """Return who is signed in."""
        return cast("User", request.user)


class SharedView(ApiView):
    """For agents and people; a request with an Authorization header is an agent's or nobody's."""

    authentication_classes = [AgentKeyAuthentication, PersonAuthentication]


def answer(status: int, value: Any, **headers: str) -> StoredAnswer:
    """Write an answer; header names take underscores for hyphens."""
    body = representation.encode(value)
    return StoredAnswer(status, body, {name.replace("_", "-"): text for name, text in headers.items()})


def proposal_answer(status: int, shown: dict[str, Any]) -> StoredAnswer:
    """Write the answer that shows one proposal, with its entity tag; 201 says where it is."""
    body = representation.encode(shown)
    headers = {"ETag": representation.etag(body)}
    if status == 201:
        headers["Location"] = f"/api/v1/proposals/{shown['id']}/"
    return StoredAnswer(status, body, headers)


def written(given: StoredAnswer) -> HttpResponse:
    """Make Django's response of an answer."""
    response = HttpResponse(given.body, status=given.status, content_type=JSON)
    for name, value in given.headers.items():
        response.headers[name] = value
    if given.is_replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def current(proposals: ProposalQuerySet, proposal_id: UUID) -> dict[str, Any]:
    """Show one of `proposals` as it is now. Raises Proposal.DoesNotExist."""
    return representation.stored(representation.loaded_whole(proposals.as_of_now()).get(pk=proposal_id))


def own(agent: Agent) -> ProposalQuerySet:
    """Return the proposals an agent may see: its own."""
    mine: ProposalQuerySet = Proposal.objects.filter(agent=agent)
    return mine
