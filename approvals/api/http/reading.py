"""Read requests: headers and strict JSON, checked against the call's schema."""

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any, Final

import jsonschema_rs
from django.http import HttpRequest
from django.http.request import UnreadablePostError
from django.utils.translation import gettext as _
from rest_framework.request import Request

from approvals.api.contract.schemas import TIME_PATTERN
from approvals.api.http.errors import BodyTooLarge, InvalidBody, MalformedBody, MalformedRequest, NotJson
from approvals.api.http.idempotency import FOUND, KEY_FORMAT, MOST_KEY, RequestAttempt
from audit import canonical
from audit.canonical import InvalidJson
from policies.engine import payloads
from policies.engine.payloads import FieldError

MAX_BODY_BYTES: Final = 1024 * 1024
LINE_TYPES: Final = frozenset({"application/x-ndjson", "application/jsonl", "application/ndjson"})
_TRACE: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_TIME: Final = re.compile(TIME_PATTERN)


def body_bytes(request: Request) -> bytes:
    """Return the request's body. Raises BodyTooLarge, whatever Content-Length says, or NotJson."""
    http: HttpRequest = request._request  # noqa: SLF001  # DRF would parse; we read
    announced = http.META.get("CONTENT_LENGTH") or ""
    is_chunked = not announced and "HTTP_TRANSFER_ENCODING" in http.META
    if announced in {"", "0"} and not is_chunked:
        return b""
    _require_json(http.META.get("CONTENT_TYPE", ""))
    if announced.isdecimal() and int(announced) > MAX_BODY_BYTES:
        raise BodyTooLarge(_too_large())
    # Without a length Django reads nothing; the server ends the stream of a chunked body itself.
    source = http.META["wsgi.input"] if is_chunked else http
    try:
        data: bytes = source.read(MAX_BODY_BYTES + 1)
    except (UnreadablePostError, OSError) as error:
        raise MalformedRequest(_("The body could not be read.")) from error
    if len(data) > MAX_BODY_BYTES:
        raise BodyTooLarge(_too_large())
    return data


def line_source(request: Request) -> Callable[[int], bytes]:
    """Return what reads the request's body piece by piece: one JSON object a line. Raises NotJson."""
    http: HttpRequest = request._request  # noqa: SLF001  # DRF would parse; we read
    kind = http.META.get("CONTENT_TYPE", "").lower().partition(";")[0].strip()
    if kind not in LINE_TYPES:
        raise NotJson(_("Send application/x-ndjson in UTF-8: one JSON object a line."))
    is_chunked = not http.META.get("CONTENT_LENGTH") and "HTTP_TRANSFER_ENCODING" in http.META
    source = http.META["wsgi.input"] if is_chunked else http

    def read(most: int) -> bytes:
        try:
            return bytes(source.read(most))
        except (UnreadablePostError, OSError) as error:
            raise MalformedRequest(_("The body could not be read.")) from error

    return read


def _too_large() -> str:
    return _("A body may have at most %d bytes. Upload many rows with POST uploads/.") % MAX_BODY_BYTES


def _require_json(content_type: str) -> None:
    if content_type == "application/json":
        return
    kind, _semicolon, parameters = content_type.lower().partition(";")
    charset = parameters.replace(" ", "").replace('"', "")
    if kind.strip() != "application/json" or charset not in {"", "charset=utf-8"}:
        raise NotJson(_("Send application/json in UTF-8."))


def require_known(request: Request, names: Collection[str]) -> None:
    """Raise MalformedRequest, naming each parameter of the query string that is none of `names`."""
    unknown = [name for name in request.query_params if name not in names]
    if unknown:
        detail = _("There is no such parameter.")
        errors = [FieldError(f"?{name[:200]}", "unknown", detail) for name in unknown[: payloads.MAX_ERRORS]]
        raise MalformedRequest(_("The query string is not understood."), errors=errors)


def parse(data: bytes, checker: jsonschema_rs.Draft202012Validator) -> dict[str, Any]:
    """Read strict JSON and check it; an empty body is an empty object.

    Raises MalformedBody or InvalidBody, naming each field.
    """
    try:
        value: Any = canonical.parse(data) if data else {}
    except InvalidJson as fault:
        raise MalformedBody(fault.reason, errors=[FieldError(fault.pointer, fault.code, fault.reason)]) from fault
    require_valid(value, checker)
    return dict(value)


def require_valid(value: Any, checker: jsonschema_rs.Draft202012Validator) -> None:
    """Raise InvalidBody, naming each field, for what does not meet the schema."""
    if faults := payloads.faults(checker, value):
        raise InvalidBody(_("The body is not what this call takes."), errors=faults)


def attempt(request: Request, *, agent: str, body: dict[str, Any]) -> RequestAttempt | None:
    """Return the attempt that the Idempotency-Key names, or None without one. Raises MalformedRequest.

    The digest covers method and path, so that one key never answers two different calls, and the
    canonical form of the body: a client that writes the same JSON differently asks for the same.
    """
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return None
    if len(key) > MOST_KEY or not KEY_FORMAT.fullmatch(key):
        raise MalformedRequest(_("An Idempotency-Key has 1 to 200 printable ASCII characters."))
    request_bytes = f"{request.method} {request.path}\n".encode() + canonical.encode(body)
    return RequestAttempt(agent, key, canonical.digest(request_bytes), vars(request).get(FOUND))


def traceparent(request: Request | HttpRequest) -> str:
    """Return the W3C trace context of a request; empty without one, or where it is malformed, as it wants."""
    text = request.META.get("HTTP_TRACEPARENT", "").strip()
    return text if _TRACE.fullmatch(text) else ""


def moment(text: str | None, pointer: str) -> datetime | None:
    """Read an RFC 3339 time, which the schema has checked for its form. Raises InvalidBody."""
    if text is None:
        return None
    if not _TIME.fullmatch(text):  # a leap second, the year 0, an offset that leads beyond the calendar
        detail = _("The portal cannot keep this time.")
        raise InvalidBody(detail, errors=[FieldError(pointer, "format", detail)])
    return datetime.fromisoformat(text.upper()).astimezone(UTC)
