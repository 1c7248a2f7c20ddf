"""Authenticate callers: an agent by its key, or a person by their session. Never both."""

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, CSRFCheck, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from approvals.api.http import idempotency
from approvals.api.http.errors import AgentKeyNotAccepted, CsrfFailed
from approvals.shipping import grants
from policies.accounts import live_keys
from policies.models import ApiKey
from policies.registry import agents

REALM = 'Bearer realm="HITL Portal"'


class AgentKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`. The agent is `request.auth.agent`; an agent is never a user.

    Anyone who sends the header is an agent or nobody: a session next to it does not count.
    """

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiKey] | None:
        """Return the key, or None without an Authorization header. One round trip.

        It also reads what the key's agent was answered under an Idempotency-Key, which most calls with one need:
        `reading.attempt` takes it from the request.
        """
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        scheme, _space, text = header.partition(" ")
        key = None
        if scheme.lower() == "bearer":
            parameters = (None, live_keys.PREFIX, request.META.get("HTTP_IDEMPOTENCY_KEY"))
            key, first_answer = agents.authenticate_beside(text.strip(), idempotency.READ_FIRST, parameters)
            vars(request)[idempotency.FOUND] = first_answer
        if key is None:
            raise AuthenticationFailed(_("This is not a live agent key."))
        agents.note_use(key, at=datetime.now(UTC))
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        """Tell a client without a key what is wanted."""
        return REALM


class GrantAuthentication(BaseAuthentication):
    """`HITL-Grant: <grant>`: the executor that was handed one dispatch. Its claims are `request.auth`."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, dict[str, Any]] | None:
        """Return the claims of the grant, or None without one. No query."""
        token = request.META.get("HTTP_HITL_GRANT")
        if token is None:
            return None
        try:
            return AnonymousUser(), grants.verify(token)
        except grants.GrantNotAccepted as error:
            raise AuthenticationFailed(_("This is no grant of this portal, or it has expired.")) from error

    def authenticate_header(self, request: Request) -> str:
        """Tell a client without a grant what is wanted."""
        return REALM


class PersonAuthentication(SessionAuthentication):
    """A person's session; whatever changes something also needs the CSRF token."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """Return the signed-in person. Raises AgentKeyNotAccepted next to an Authorization header."""
        if request.META.get("HTTP_AUTHORIZATION") is not None:
            raise AgentKeyNotAccepted(_("People do this, signed in to the portal; agent keys are not accepted here."))
        signed_in: tuple[User, None] | None = super().authenticate(request)
        return signed_in

    def enforce_csrf(self, request: Request) -> None:
        """Check the CSRF token. Raises CsrfFailed."""
        check = CSRFCheck(lambda _request: None)  # type: ignore[arg-type]
        http = request._request  # noqa: SLF001  # DRF's own request would parse the body for a token
        check.process_request(http)
        if check.process_view(http, None, (), {}):  # type: ignore[arg-type]  # it ignores the view
            raise CsrfFailed(_("The CSRF token is missing or wrong. Send it in the header X-CSRFToken."))
