"""Keep secrets out of logs: links that decide, keys, tokens, passwords, session ids, addresses with secrets.

Every line of every logger is made by one factory, whichever handler writes it and whatever library it comes from;
so what is secret is taken out there, of the message and of the traceback.
"""

from __future__ import annotations

import logging
import logging.config
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost

GONE: Final = "…"
SHORTEST_SECRET: Final = 8
LONGEST_MESSAGE: Final = 20_000
# Of other addresses not even the host is told: in tgram://TOKEN/CHAT it is the secret.
TOLD_HOSTS: Final = frozenset({"http", "https", "postgres", "postgresql", "redis", "rediss", "smtp"})
# Every pattern takes time in proportion to the text, whatever a stranger writes into an address.
_NAMES: Final = (
    r"(?:[\w-]*(?:secret|token|password|passwd|api[_-]?key|authorization|cookie|signature)|"
    r"sessionid|session[_-]?key|sig)"
)
_VALUE: Final = r"(?:(?:bearer|basic)\s+[^\s\"']+|\"[^\"]*\"|'[^']*'|[^\s,;&\"'(){}]+)"
_RULES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    # Pages that are opened by anyone who has the address.
    (re.compile(r"(/decide/|/preferences/slack/)[^/\s?\"'<>]+"), rf"\1{GONE}"),
    (re.compile(r"(/bot)\d+:[\w-]+"), rf"\1{GONE}"),
    (re.compile(r"(?<=[\w/])\?(?=[\w%&=])[^\s\"'<>]+"), f"?{GONE}"),
    (re.compile(r"(?<=&)(code|state|nonce)=[^\s&]+"), rf"\1={GONE}"),
    # Keys and tokens that are known by their looks: agents', Slack's, webhooks', signed ones, those of links.
    (re.compile(r"\b(hitl_)[^\W_]{10}_[\w-]*"), rf"\1{GONE}"),
    (re.compile(r"\b(whsec_|xox[a-z]-|xapp-)[\w+/=-]+"), rf"\1{GONE}"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)*"), GONE),
    (re.compile(r"(?<![\w-])[\w-]{43}\.[\w-]{43}(?![\w-])"), GONE),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), GONE),
    (re.compile(r"(?i)\b(Bearer|Basic)\s+[\w.~+/=-]+"), rf"\1 {GONE}"),
    # What has a name that says so, as in a form, a cookie, JSON or a Python value.
    (re.compile(rf"(?i)((?<![\w-]){_NAMES}[\"']?\s*[=:]\s*(?:b(?=[\"']))?){_VALUE}"), rf"\1{GONE}"),
    # PostgreSQL quotes whole rows, and values of unique columns.
    (re.compile(r"(Failing row contains )\(.*"), rf"\1({GONE})"),
    (re.compile(r"(DETAIL:\s+Key \([^)]*\)=)\(.*?\)(?= )"), rf"\1({GONE})"),
)
_ADDRESS: Final = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,30})://((?:[^\s\"'<>()\[\]{}]|\[[0-9a-f:.]+\])*)")

_formatter: Final = logging.Formatter()
_known: tuple[str, ...] = ()


def redact(text: str) -> str:
    """Return `text` without what is secret in it."""
    for secret in _known:
        text = text.replace(secret, GONE)
    text = _ADDRESS.sub(_host_only, text)
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text


def _host_only(match: re.Match[str]) -> str:
    """Return an address without user, password, path and query."""
    scheme, rest = match.groups()
    if scheme.lower() not in TOLD_HOSTS:
        return f"{scheme}://{GONE}"
    host, slash, path = re.split(r"([/?#])", rest, maxsplit=1) if re.search(r"[/?#]", rest) else (rest, "", "")
    host = host.rpartition("@")[2]
    if path.rstrip(".,;:") or slash in {"?", "#"}:
        return f"{scheme}://{host}/{GONE}"
    return f"{scheme}://{host}{slash}{path}"


def configure(logging_settings: Mapping[str, Any]) -> None:
    """Set logging up as Django does, with lines that hold no secrets. LOGGING_CONFIG names this function."""
    global _known  # noqa: PLW0603  # as logging itself, it is one for the process
    _known = tuple(sorted({one for one in _configured() if len(one) >= SHORTEST_SECRET}, key=len, reverse=True))
    logging.config.dictConfig(dict(logging_settings))
    if logging.getLogRecordFactory() is not _line:
        logging.setLogRecordFactory(_line)


def _configured() -> Iterable[str]:
    """Return the secrets of the settings."""
    yield from (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS, settings.METRICS_TOKEN, settings.LLM_API_KEY)
    yield from (settings.SLACK_BOT_TOKEN, settings.SLACK_SIGNING_SECRET, settings.EMAIL_HOST_PASSWORD or "")
    yield settings.COMMAND_PASSWORD
    yield from settings.GRANT_SIGNING_KEY.splitlines()[1:-1]
    yield from settings.LEDGER_SIGNING_KEY.splitlines()[1:-1]
    yield settings.DATABASES.get("default", {}).get("PASSWORD") or ""
    yield urlsplit(settings.REDIS_URL).password or ""
    if settings.OIDC:
        yield settings.OIDC.client_secret


def _line(*args: Any, **kwargs: Any) -> logging.LogRecord:
    record = logging.LogRecord(*args, **kwargs)
    try:
        message = record.getMessage()
    except (TypeError, ValueError, KeyError):  # a mistake of the caller; logging would print the arguments
        message = f"{record.msg!r} with {record.args!r}"
    record.msg, record.args = redact(message[:LONGEST_MESSAGE]), ()
    if _is_the_clients_fault(record):
        record.exc_info = None
    if record.exc_info and record.exc_info[0] is not None:
        record.exc_text = redact(_formatter.formatException(record.exc_info))
    if record.stack_info:
        record.stack_info = redact(record.stack_info)
    return record


def _is_the_clients_fault(record: logging.LogRecord) -> bool:
    """Whether a line is about a request that was refused: where in the portal that happened helps nobody."""
    if record.name == "django.request":
        return record.levelno < logging.ERROR
    return record.name.startswith("django.security.")


class OncePerRefusedHost(logging.Filter):
    """Lets the line pass that names a host which is not ours, and not the one that says the request was bad."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether to write the line."""
        request = getattr(record, "request", None)
        if request is None or getattr(record, "status_code", 0) != 400:
            return True
        try:
            request.get_host()
        except DisallowedHost:
            return False
        return True
