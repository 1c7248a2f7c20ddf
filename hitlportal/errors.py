"""Every refusal as RFC 9457 problem details: the one table from errors to HTTP."""

import json
import logging
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from django_fsm import ConcurrentTransition, TransitionNotAllowed
from rest_framework import exceptions as drf

from approvals import errors
from approvals.api.http import errors as requests
from hitlportal.middleware import API_PREFIX
from policies.engine.payloads import FieldError
from policies.registry.agents import TooManyKeys

log = logging.getLogger(__name__)

CONTENT_TYPE: Final = "application/problem+json"
TYPE: Final = "urn:hitl-portal:problem:"


class Kind(NamedTuple):
    """How one kind of error is told. An empty code means the error's own."""

    status: int
    title: str | Promise
    code: str = ""


# The first class of an error's MRO that stands here counts.
KINDS: Final[dict[type[Exception], Kind]] = {
    # The request
    requests.MalformedRequest: Kind(400, _("The request is malformed")),
    requests.MalformedBody: Kind(400, _("The body is not strict JSON")),
    requests.InvalidBody: Kind(422, _("The body is not valid")),
    requests.BodyTooLarge: Kind(413, _("The body is too large")),
    requests.NotJson: Kind(415, _("Unsupported media type")),
    requests.NothingAcceptable: Kind(406, _("Nothing acceptable")),
    requests.CsrfFailed: Kind(403, _("CSRF check failed")),
    requests.AgentKeyNotAccepted: Kind(403, _("Agent key not accepted")),
    requests.RateExceeded: Kind(429, _("Too many requests")),
    drf.NotAuthenticated: Kind(401, _("Not signed in"), "not_authenticated"),
    drf.AuthenticationFailed: Kind(401, _("Not authenticated"), "authentication_failed"),
    drf.PermissionDenied: Kind(403, _("Not allowed"), "permission_denied"),
    PermissionDenied: Kind(403, _("Not allowed"), "permission_denied"),
    drf.MethodNotAllowed: Kind(405, _("Method not allowed"), "method_not_allowed"),
    drf.NotFound: Kind(404, _("Not found"), "not_found"),
    Http404: Kind(404, _("Not found"), "not_found"),
    ObjectDoesNotExist: Kind(404, _("Not found"), "not_found"),
    # The domain
    errors.InvalidProposal: Kind(422, _("The proposal is not valid")),
    errors.UploadRefused: Kind(422, _("The rows are not valid")),
    errors.UploadTooLarge: Kind(413, _("Too many rows")),
    errors.EditRefused: Kind(422, _("The edit breaks a guardrail")),
    errors.AbsenceRefused: Kind(422, _("This absence is not possible")),
    errors.ReasonRequired: Kind(422, _("A reason is required")),
    errors.KeyReused: Kind(422, _("Idempotency-Key used before")),
    errors.StateConflict: Kind(409, _("Not in this state")),
    errors.StaleRevision: Kind(409, _("Another revision is current")),
    errors.PolicyChanged: Kind(409, _("The policy has changed")),
    errors.LeaseLost: Kind(409, _("The lease is lost")),
    errors.NotEligible: Kind(403, _("Not eligible")),
    errors.SignatureRequired: Kind(403, _("A signature is required")),
    errors.WrongPassword: Kind(403, _("Wrong password")),
    errors.SecondFactorRequired: Kind(403, _("A second factor is required")),
    errors.WrongCode: Kind(403, _("Wrong code")),
    errors.TooManyTries: Kind(429, _("Too many tries")),
    TooManyKeys: Kind(409, _("Too many keys")),
    ConcurrentTransition: Kind(409, _("Not in this state"), "state_conflict"),
    TransitionNotAllowed: Kind(409, _("Not in this state"), "state_conflict"),
    # The house
    OperationalError: Kind(503, _("The database does not answer"), "unavailable"),
    InterfaceError: Kind(503, _("The database does not answer"), "unavailable"),
}
_SILENT: Final = (ObjectDoesNotExist, Http404, drf.NotFound, OperationalError, InterfaceError)
"""Errors whose text says more of the inside of the portal than the client may or need know."""


def handle(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Answer an error of an API view; None for one that is nobody's fault but ours."""
    kind = next((KINDS[cls] for cls in type(error).__mro__ if cls in KINDS), None)
    if kind is None:
        return None
    if kind.status >= 500:
        log.error("The API cannot answer.", exc_info=error)
    # DRF turns a 401 into a 403 where it has nothing to put into WWW-Authenticate.
    status = error.status_code if isinstance(error, drf.NotAuthenticated | drf.AuthenticationFailed) else kind.status
    response = problem(
        status=status,
        code=kind.code or str(getattr(error, "code", "")),
        title=str(kind.title),
        detail=_detail(error),
        errors=_field_errors(error),
    )
    for name, value in _headers(error, context).items():
        response.headers[name] = value
    return response


def problem(*, status: int, code: str, title: str, detail: str = "", errors: Iterable[FieldError] = ()) -> HttpResponse:
    """Write problem details (RFC 9457); `errors` name fields of the body by JSON Pointer."""
    body: dict[str, Any] = {"type": TYPE + code, "title": title, "status": status, "code": code}
    if detail:
        body["detail"] = detail
    if listed := [{"pointer": error.pointer, "code": error.code, "detail": error.detail} for error in errors]:
        body["errors"] = listed
    return HttpResponse(json.dumps(body, ensure_ascii=False), status=status, content_type=CONTENT_TYPE)


def _detail(error: Exception) -> str:
    if isinstance(error, _SILENT):
        return ""
    return str(error.detail) if isinstance(error, drf.APIException) else str(error)


def _field_errors(error: Exception) -> Iterable[FieldError]:
    match error:
        case requests.RequestError() | errors.InvalidProposal() | errors.UploadRefused():
            return error.errors
        case errors.ReasonRequired():
            return [FieldError(f"/{error.field}", error.code, str(error))]
        case _:
            return ()


def _headers(error: Exception, context: dict[str, Any]) -> dict[str, str]:
    match error:
        case requests.RateExceeded():
            return {"Retry-After": str(error.wait_seconds)}
        case errors.TooManyTries():
            return {"Retry-After": "60"}
        case drf.MethodNotAllowed():
            allowed = ", ".join(context["view"].allowed_methods)
            return {"Allow": allowed}
        case drf.APIException() if wanted := getattr(error, "auth_header", None):
            return {"WWW-Authenticate": wanted}
        case OperationalError() | InterfaceError():
            return {"Retry-After": "1"}
        case _:
            return {}


@csrf_exempt  # it changes nothing, and a POST to a wrong address is still told that it is wrong
def unknown_address(request: HttpRequest) -> HttpResponse:
    """Answer whatever under /api/ is no address of the API."""
    return problem(
        status=404, code="not_found", title=str(_("Not found")), detail=str(_("Addresses of the API end in a slash."))
    )


def _for_both(page: Callable[..., HttpResponse], status: int, code: str, title: Promise) -> Callable[..., HttpResponse]:
    """Answer under /api/ with a problem, elsewhere with Django's own page."""

    def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.path_info.startswith(API_PREFIX):
            return problem(status=status, code=code, title=str(title))
        return page(request, *args, **kwargs)

    return view


bad_request = _for_both(defaults.bad_request, 400, "bad_request", _("The request is malformed"))
permission_denied = _for_both(defaults.permission_denied, 403, "permission_denied", _("Not allowed"))
not_found = _for_both(defaults.page_not_found, 404, "not_found", _("Not found"))
server_error = _for_both(defaults.server_error, 500, "internal_error", _("The portal has failed"))
