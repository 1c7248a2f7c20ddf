"""`/mcp/`: the Model Context Protocol over stateless streamable HTTP. Calls are answered at once, and none is held."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from approvals.api.contract import representation
from approvals.api.http import reading
from approvals.api.http.base import AgentView
from approvals.api.http.errors import RequestError
from approvals.api.mcp import calls, tools
from approvals.errors import InvalidProposal, ProposalError
from audit import canonical
from audit.canonical import InvalidJson

VERSIONS: Final = ("2025-11-25", "2025-06-18", "2025-03-26")
"""The revisions of the protocol that begin with `initialize`, newest first."""
PARSE_ERROR, INVALID_REQUEST, NO_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602
INSTRUCTIONS: Final = (
    "Tools of this server propose actions; people and a policy decide, and the portal carries them out. An answer is a "
    "handle: nothing has been done until a proposal's state is `shipped`. Look again with get_proposal."
)
Message = dict[str, Any]


class Fault(Exception):
    """An error of the protocol."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class McpView(AgentView):
    """Answers one JSON-RPC message for each POST. There is no session and no stream: GET and DELETE are refused."""

    http_method_names = ["post"]

    @extend_schema(exclude=True)
    def post(self, request: Request) -> HttpResponse:
        """Answer a request; what wants no answer gets 202."""
        self._require_same_origin(request)
        try:
            message: Any = canonical.parse(reading.body_bytes(request))
        except InvalidJson as fault:
            return _error(None, PARSE_ERROR, fault.reason)
        if (
            not isinstance(message, dict)
            or message.get("jsonrpc") != "2.0"
            or not isinstance(message.get("method"), str)
        ):
            return _error(None, INVALID_REQUEST, _("Send one JSON-RPC 2.0 message."))
        if "id" not in message:
            return HttpResponse(status=202)
        parameters = message.get("params", {})
        if not isinstance(parameters, dict):
            return _error(message["id"], INVALID_PARAMS, _("The parameters are an object."))
        try:
            result = self._result(request, message["method"], parameters)
        except Fault as fault:
            return _error(message["id"], fault.code, str(fault))
        return _json({"jsonrpc": "2.0", "id": message["id"], "result": result})

    def _result(self, request: Request, method: str, parameters: Message) -> Message:
        if method == "initialize":
            wanted = parameters.get("protocolVersion")
            return {
                "protocolVersion": wanted if wanted in VERSIONS else VERSIONS[0],
                "capabilities": {"tools": {"listChanged": False}},
                "serverInfo": {"name": "hitl-portal", "title": "HITL Portal", "version": "1"},
                "instructions": INSTRUCTIONS,
            }
        if method == "ping":
            return {}
        if method == "tools/list":
            own = tools.of_actions(self.agent(request)).values()
            return {"tools": [*tools.fixed(), *(tool.shown() for tool in own)]}
        if method == "tools/call":
            return self._called(request, parameters)
        raise Fault(NO_METHOD, _("There is no method %s here.") % method[:100])

    def _called(self, request: Request, parameters: Message) -> Message:
        name, arguments = parameters.get("name"), parameters.get("arguments", {})
        if not isinstance(name, str) or not isinstance(arguments, dict):
            raise Fault(INVALID_PARAMS, _("Name a tool, and its arguments as an object."))
        try:
            sentence, shown = calls.call(self.key(request), name, arguments, trace=reading.traceparent(request))
        except calls.NoSuchTool:
            raise Fault(INVALID_PARAMS, _("There is no tool %s.") % name[:100]) from None
        except (RequestError, ProposalError) as refused:
            return _content(_refusal(refused), is_error=True)
        except calls.MISSING:
            return _content(_("There is no such proposal, or it is another agent’s."), is_error=True)
        return {**_content(sentence, is_error=False), "structuredContent": shown}

    def _require_same_origin(self, request: Request) -> None:
        """Refuse a page of somebody else's that a browser has made call us. Raises PermissionDenied."""
        origin = request.META.get("HTTP_ORIGIN")
        if origin is not None and urlsplit(origin).netloc != self._http(request).get_host():
            raise PermissionDenied(_("Calls from pages of other origins are refused."))


def _refusal(error: Exception) -> str:
    faults = getattr(error, "errors", ()) if isinstance(error, RequestError | InvalidProposal) else ()
    listed = "; ".join(f"{fault.pointer or '/'}: {fault.detail}" for fault in faults)
    return _("Nothing was proposed. %s") % (listed or str(error))


def _content(text: str, *, is_error: bool) -> Message:
    return {"content": [{"type": "text", "text": text}], "isError": is_error}


def _error(identifier: Any, code: int, text: str) -> HttpResponse:
    status = 400 if identifier is None else 200
    return _json({"jsonrpc": "2.0", "id": identifier, "error": {"code": code, "message": text}}, status=status)


def _json(value: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
    return HttpResponse(representation.encode(value), status=status, content_type="application/json")
