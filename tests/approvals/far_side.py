"""The far side of a connector: a real server that remembers what it was sent."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from approvals.shipping import grants
from hitl_portal.receiver import MemoryStore, Receiver, Refused
from tests.approvals.outbox.servers import answer, serving

CONNECTOR_SECRET = "whsec_" + "B" * 43 + "="
SURFACES = ("ads.budget", "email.lifecycle", "pricing")
CALLBACK_SECRET = "whsec_" + "A" * 43 + "="


@dataclass
class Message:
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class FarSide:
    """Gives its answers in turn, and the last one for ever."""

    answers: list[bytes]
    url: str = ""
    seen: list[Message] = field(default_factory=list)

    def __call__(self, connection: Any, request: bytes) -> None:
        self.seen.append(read(request))
        connection.sendall(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])


class Executor(FarSide):
    """A service that uses the receiver helper: it executes each message once."""

    def __init__(self, store=None) -> None:
        super().__init__([])
        self.executed: list[Any] = []
        self.decisions: list[Any] = []
        self.store = store or MemoryStore()

    def __call__(self, connection: Any, request: bytes) -> None:
        message = read(request)
        self.seen.append(message)
        connection.sendall(self.handle(message))

    def handle(self, message: Message) -> bytes:
        receiver = Receiver(
            secret=CONNECTOR_SECRET,
            jwks=grants.public_keys(),
            issuer=issuer(),
            audience="ads",
            remember=self.store,
            handles={(surface, "shift_budget"): {"execute", "rollback"} for surface in SURFACES},
        )
        try:
            with receiver.once(message.headers, message.body) as delivery:
                self.decisions.append(delivery.decision)
                if not delivery.replay:
                    self.executed.append(delivery.payload)
                    delivery.answer = json.dumps({"executed": len(self.executed)}).encode()
        except Refused as refused:
            return answer(refused.status, refused.reason.encode())
        return answer(200, delivery.answer)


def issuer() -> str:
    return settings.SITE_URL


def read(request: bytes) -> Message:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")[1:]
    return Message({name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}, body)


@contextmanager
def answering(*answers: bytes) -> Iterator[FarSide]:
    """Serve these answers; yield the far side with its address."""
    far = FarSide(list(answers))
    with serving(far) as port:
        far.url = f"http://127.0.0.1:{port}/hooks"
        yield far


@contextmanager
def executing(store=None) -> Iterator[Executor]:
    """Serve an executor that uses the receiver helper."""
    far = Executor(store)
    with serving(far) as port:
        far.url = f"http://127.0.0.1:{port}/hooks"
        yield far
