"""Errors of the request itself. `hitlportal.errors` maps them to HTTP."""

from collections.abc import Sequence
from typing import ClassVar

from policies.engine.payloads import FieldError


class RequestError(Exception):
    """Base of all refusals of a request for its form. `str()` is a sentence for people."""

    code: ClassVar[str] = "bad_request"
    errors: Sequence[FieldError] = ()

    def __init__(self, message: str, *, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(message)
        self.errors = tuple(errors)


class MalformedRequest(RequestError):
    """A header or the query string cannot be understood."""

    code = "bad_request"


class MalformedBody(RequestError):
    """The body is not the strict JSON that the API reads; `errors` names the place."""

    code = "malformed_json"


class InvalidBody(RequestError):
    """The body is JSON, but not what this call takes; `errors` names each field."""

    code = "invalid_request"


class BodyTooLarge(RequestError):
    code = "body_too_large"


class NotJson(RequestError):
    code = "unsupported_media_type"


class NothingAcceptable(RequestError):
    code = "not_acceptable"


class CsrfFailed(RequestError):
    code = "csrf_failed"


class AgentKeyNotAccepted(RequestError):
    """A person's call came with an agent's key: who did it would not be clear."""

    code = "agent_key_not_accepted"


class RateExceeded(RequestError):
    """Too many requests; `wait_seconds` says when to come back."""

    code = "rate_limited"

    def __init__(self, message: str, *, wait_seconds: int) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds
