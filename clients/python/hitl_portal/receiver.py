"""Receives approved actions from a HITL Portal: copy this file into your service.

It needs Python 3.11 and the packages PyJWT, cryptography and standardwebhooks; nothing else of the
portal. It lets a message through when all of this holds: the webhook signature fits and is at most
five minutes old, the grant was signed by the portal for this service and has not expired, it
names exactly this message and exactly this body, and you said that you handle its surface, action
and kind. It executes each message once:

    receiver = Receiver(
        secret="whsec_…", jwks=fetch_jwks, issuer="https://portal.example.com",
        audience="ads-webhook", remember=SqliteStore("deliveries.sqlite3"),
        handles={
            ("ads.budget", "shift_budget"): {"execute", "rollback"},
            ("ads.budget", "pause_campaign"): {"execute"},
        },
    )

    def handle(headers, body):
        try:
            with receiver.once(headers, body) as delivery:
                if not delivery.replay:
                    delivery.answer = json.dumps(run(delivery)).encode()
        except Refused as refused:
            return refused.status, refused.reason.encode()
        return 200, delivery.answer

    def run(delivery):
        match delivery.grant["action"], delivery.grant["kind"]:
            case "shift_budget", "execute":
                return {"moved": shift_budget(delivery.payload)}
            case "shift_budget", "rollback":
                return {"moved_back": shift_budget(delivery.payload)}
            case "pause_campaign", "execute":
                return {"paused": pause_campaign(delivery.payload)}

Whatever else the portal may send one day, to another surface, as another action or to roll back
what you cannot roll back, is refused and not mistaken for what you know. A message that nobody
could have sent, however it is malformed, raises Refused and nothing else.

Where a payload names rows that were uploaded, fetch them from the address in the header HITL-Rows, with the
header HITL-Grant as you got it. They are let through once all of them have been hashed:

    reference = delivery.payload["rows"]
    with requests.get(headers["hitl-rows"], headers={"HITL-Grant": headers["hitl-grant"]}, stream=True) as answer:
        with verified_rows(reference, answer.iter_content(65536)) as rows:
            for row in rows:
                write(row)

If the block raises, nothing is remembered and the portal's next attempt executes. If the process
dies inside the block, the same happens once the lease of the store has passed.
"""

import hashlib
import json
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import uuid4

import jwt
from standardwebhooks import Webhook, WebhookVerificationError

GRANT_HEADER: Final = "hitl-grant"
GRANT_TYPE: Final = "hitl-grant+jwt"
CLOCK_SKEW_SECONDS: Final = 60
LEASE_SECONDS: Final = 300.0
DEFAULT_ANSWER: Final = b'{"status":"done"}'

LONGEST_GRANT: Final = 8192
_CLAIMS: Final[dict[str, type]] = {
    "iss": str, "aud": str, "jti": str, "sub": str, "iat": int, "exp": int,
    "revision": int, "digest": str, "surface": str, "action": str, "kind": str,
}  # fmt: skip


class Refused(Exception):
    """The message is not let through; answer `status` and, if you like, `reason`."""

    status = 401

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotHandled(Refused):
    """The message is genuine, but its surface, action or kind is none that this service handles."""

    status = 422


class InProgress(Refused):
    """The same message is being executed at this moment; the portal will try again."""

    status = 409


@dataclass(slots=True)
class Accepted:
    """A genuine message. With `replay`, it was executed before, and `answer` is what was answered."""

    message_id: str
    grant: dict[str, Any]
    payload: Any
    replay: bool
    answer: bytes | None
    lease: str

    @property
    def decision(self) -> dict[str, Any]:
        """What cleared this, for your records: by people or policy, in which `roles`, when (`at`) and why.

        `by` is `people` or `policy`; `reason_code` and `comment` say why, and long comments are cut. Empty where
        the portal does not say.
        """
        return self.grant.get("decision") or {}


@dataclass(frozen=True, slots=True)
class Memo:
    """What a store knows of a message: who may execute it now, or what was answered."""

    lease: str = ""
    answer: bytes | None = None


class Memory(Protocol):
    """Remembers which messages were executed. Each method is one atomic step."""

    def begin(self, message_id: str) -> Memo:
        """Return the answer given before; else a lease to the first who asks, and none to others."""

    def finish(self, message_id: str, lease: str, answer: bytes) -> None:
        """Remember the answer for good."""

    def release(self, message_id: str, lease: str) -> None:
        """Let the next one try: the holder of this lease did not succeed."""


class GrantVerifier:
    """Verifies grants alone, for an executor that gets them another way than by webhook."""

    def __init__(self, jwks: dict[str, Any] | Callable[[], dict[str, Any]], issuer: str, audience: str) -> None:
        """Take the key set, or a function that fetches it, as `Receiver` does."""
        self._fetch = jwks if callable(jwks) else None
        self._jwks = None if callable(jwks) else jwks
        self._issuer = issuer
        self._audience = audience

    def verify(self, token: str) -> dict[str, Any]:
        """Return the claims of a genuine grant, each of its right type. Raises Refused.

        Compare `digest` with the body and `surface`, `action` and `kind` with what you do: `Receiver` does.
        """
        key = self._key(_key_id(token))
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=self._audience,
                issuer=self._issuer,
                leeway=CLOCK_SKEW_SECONDS,
                options={"require": list(_CLAIMS), "strict_aud": True},
            )
        except jwt.PyJWTError as error:
            raise Refused(f"The grant was not accepted: {error}.") from None
        except Exception:  # noqa: BLE001  # claims that the reading of tokens did not expect, such as an endless expiry
            raise Refused("The grant was not accepted.") from None
        for name, kind in _CLAIMS.items():
            if type(claims[name]) is not kind:
                raise Refused(f"The grant was not accepted: {name} is of the wrong type.")
        if not isinstance(claims.get("decision"), dict | None):
            raise Refused("The grant was not accepted: decision is of the wrong type.")
        return claims

    def _key(self, kid: str) -> jwt.PyJWK:
        """Return the key that a grant names; fetch the key set once more if it is not there."""
        for is_fresh in (False, True):
            if self._fetch is not None and (is_fresh or self._jwks is None):
                self._jwks = self._fetch()
            for entry in (self._jwks or {}).get("keys", []):
                if entry.get("kid") == kid and entry.get("kty") == "OKP":
                    return _public_key(entry)
        raise Refused("The grant was signed with an unknown key.")


class Receiver:
    """Verifies messages and sees to it that each is executed once."""

    def __init__(
        self,
        secret: str,
        jwks: dict[str, Any] | Callable[[], dict[str, Any]],
        issuer: str,
        audience: str,
        remember: Memory,
        *,
        handles: Mapping[tuple[str, str], Collection[str]],
    ) -> None:
        """Take several secrets with spaces between them while a secret is being changed.

        `handles` names what this service does: by surface and action the kinds, `execute` to do it and
        `rollback` to take it back. Anything else is refused.

        `jwks` is the key set of the portal's /.well-known/jwks.json, or a function that fetches it;
        the function is called when first needed and again when a grant names an unknown key.
        """
        self._webhooks = [Webhook(part) for part in secret.split()]
        self._grants = GrantVerifier(jwks, issuer, audience)
        self._memory = remember
        self._handles = {key: _kinds(kinds) for key, kinds in handles.items()}

    @contextmanager
    def once(self, headers: Mapping[str, str], body: bytes) -> Iterator[Accepted]:
        """Run the block's action at most once per message, unless it fails; see above."""
        accepted = self.accept(headers, body)
        if accepted.replay:
            yield accepted
            return
        try:
            yield accepted
        except BaseException:
            self.abandon(accepted)
            raise
        self.complete(accepted)

    def accept(self, headers: Mapping[str, str], body: bytes) -> Accepted:
        """Verify a message and take the lease to execute it; raise Refused or InProgress.

        Afterwards call `complete` or `abandon`, unless it is a replay. `once` does that for you.
        """
        found = {name.lower(): value for name, value in headers.items()}
        self._verify_webhook(found, body)
        message_id = found["webhook-id"]
        grant = self._grants.verify(found.get(GRANT_HEADER, ""))
        if grant["jti"] != message_id:
            raise Refused("The grant is for another message.")
        if grant["digest"] != "sha256:" + hashlib.sha256(body).hexdigest():
            raise Refused("The grant is for another body.")
        if grant["kind"] not in self._handles.get((grant["surface"], grant["action"]), ()):
            raise NotHandled("This service does not handle that surface, action and kind.")
        try:
            payload = json.loads(body)
        except (ValueError, RecursionError):
            raise Refused("The body is not JSON.") from None
        memo = self._memory.begin(message_id)
        if memo.answer is None and not memo.lease:
            raise InProgress("This message is being executed right now.")
        return Accepted(message_id, grant, payload, memo.answer is not None, memo.answer, memo.lease)

    def complete(self, accepted: Accepted) -> None:
        """Remember that the action was done, and what is answered."""
        if accepted.answer is None:
            accepted.answer = DEFAULT_ANSWER
        self._memory.finish(accepted.message_id, accepted.lease, accepted.answer)

    def abandon(self, accepted: Accepted) -> None:
        """Say that the action was not done, so that a repeat executes it."""
        self._memory.release(accepted.message_id, accepted.lease)

    def _verify_webhook(self, headers: dict[str, str], body: bytes) -> None:
        reason = "No webhook secret is set."
        for webhook in self._webhooks:
            try:
                webhook.verify(body, headers, json_parse=False)
            except WebhookVerificationError as error:
                reason = f"The webhook signature was not accepted: {error}."
            except Exception:  # noqa: BLE001  # signatures, bodies or ids that cannot even be decoded
                reason = "The webhook signature was not accepted."
            else:
                return
        raise Refused(reason)


def _key_id(token: object) -> str:
    """Return which key a token names. Raises Refused for what is no grant; nothing is fetched for that."""
    if not isinstance(token, str) or len(token) > LONGEST_GRANT:
        raise Refused("The grant is not a grant.")
    try:
        header = jwt.get_unverified_header(token)
    except Exception:  # noqa: BLE001  # whatever stands there: no JWS, no JSON, or JSON nested without end
        raise Refused("The grant is not a grant.") from None
    if header.get("typ") != GRANT_TYPE or not isinstance(header.get("kid"), str):
        raise Refused("The grant is not a grant.")
    return str(header["kid"])


def _public_key(entry: dict[str, Any]) -> jwt.PyJWK:
    try:
        return jwt.PyJWK(entry, algorithm="EdDSA")
    except jwt.PyJWTError as error:
        raise Refused(f"The key of the grant cannot be read: {error}.") from None


def _kinds(kinds: Collection[str]) -> frozenset[str]:
    unknown = {kinds} if isinstance(kinds, str) else set(kinds) - {"execute", "rollback"}
    if unknown:
        raise ValueError(f"`handles` names kinds, a set of execute and rollback, not {sorted(unknown)}.")
    return frozenset(kinds)


@contextmanager
def verified_rows(reference: Mapping[str, Any], pieces: Iterable[bytes]) -> Iterator[Iterator[dict[str, Any]]]:
    """Give the block the rows that `reference` names, once all of `pieces` are known to be what was approved.

    They are hashed as they come and kept in a file meanwhile, so memory does not grow with them, and no row is
    seen before the last one is known to be right. Raises Refused where digest or number are others.
    """
    digest, hashed, count = _rows_named(reference), hashlib.sha256(), 0
    with tempfile.TemporaryFile() as file:
        for piece in pieces:
            hashed.update(piece)
            count += piece.count(b"\n")
            file.write(piece)
        if "sha256:" + hashed.hexdigest() != digest:
            raise Refused("The rows are not the approved ones.")
        if count != reference.get("count"):
            raise Refused("There are more rows, or fewer, than were approved.")
        file.seek(0)
        yield (json.loads(line) for line in file)


def _rows_named(reference: Any) -> str:
    digest = reference.get("digest") if isinstance(reference, Mapping) and "$upload" in reference else None
    if not isinstance(digest, str):
        raise Refused("The payload names no rows here.")
    return digest


class MemoryStore:
    """Remembers within one process, and forgets when it ends: for tests and demonstrations."""

    def __init__(self, lease_seconds: float = LEASE_SECONDS) -> None:
        self._lease_seconds = lease_seconds
        self._lock = threading.Lock()
        self._leases: dict[str, tuple[str, float]] = {}
        self._answers: dict[str, bytes] = {}

    def begin(self, message_id: str) -> Memo:
        """See Memory.begin."""
        with self._lock:
            if message_id in self._answers:
                return Memo(answer=self._answers[message_id])
            now = time.monotonic()
            if message_id in self._leases and self._leases[message_id][1] > now:
                return Memo()
            lease = uuid4().hex
            self._leases[message_id] = (lease, now + self._lease_seconds)
            return Memo(lease=lease)

    def finish(self, message_id: str, lease: str, answer: bytes) -> None:
        """See Memory.finish."""
        with self._lock:
            self._answers.setdefault(message_id, answer)
            self._leases.pop(message_id, None)

    def release(self, message_id: str, lease: str) -> None:
        """See Memory.release."""
        with self._lock:
            if self._leases.get(message_id, ("", 0.0))[0] == lease:
                del self._leases[message_id]


class SqliteStore:
    """Remembers in a file, across restarts and for all processes of one machine.

    Set `lease_seconds` above your slowest execution: a message whose execution takes longer is
    taken for crashed, and a repeat executes it again.
    """

    def __init__(self, path: str | Path, lease_seconds: float = LEASE_SECONDS) -> None:
        self._path = str(path)
        self._lease_seconds = lease_seconds
        with self._transaction() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS delivery "
                "(id TEXT PRIMARY KEY, lease TEXT NOT NULL, leased_until REAL NOT NULL, answer BLOB) WITHOUT ROWID"
            )

    def begin(self, message_id: str) -> Memo:
        """See Memory.begin."""
        with self._transaction() as connection:
            found = connection.execute(
                "SELECT answer, leased_until FROM delivery WHERE id = ?", (message_id,)
            ).fetchone()
            if found and found[0] is not None:
                return Memo(answer=bytes(found[0]))
            if found and found[1] > time.time():
                return Memo()
            lease = uuid4().hex
            connection.execute(
                "INSERT INTO delivery (id, lease, leased_until) VALUES (?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET lease = excluded.lease, leased_until = excluded.leased_until",
                (message_id, lease, time.time() + self._lease_seconds),
            )
            return Memo(lease=lease)

    def finish(self, message_id: str, lease: str, answer: bytes) -> None:
        """See Memory.finish."""
        with self._transaction() as connection:
            # Inserted where it is gone: a lease that ran out may have been taken over and released.
            connection.execute(
                "INSERT INTO delivery VALUES (?, ?, 0, ?) "
                "ON CONFLICT (id) DO UPDATE SET answer = excluded.answer WHERE answer IS NULL",
                (message_id, lease, answer),
            )

    def release(self, message_id: str, lease: str) -> None:
        """See Memory.release."""
        with self._transaction() as connection:
            connection.execute(
                "DELETE FROM delivery WHERE id = ? AND lease = ? AND answer IS NULL", (message_id, lease)
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        # Closed after each step: connections of SQLite must not cross threads or forks.
        connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                yield connection
        finally:
            connection.close()
