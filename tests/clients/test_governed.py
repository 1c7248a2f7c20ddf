"""The governed tool and the calls of the client, against the client's own FakePortal."""

import asyncio
import logging
import threading
import time

import httpx
import pytest

from hitl_portal import (
    AsyncPortal,
    CallRefused,
    NotConfigured,
    Portal,
    PortalUnavailable,
    ProposalExpired,
    ProposalRejected,
    ProposalReturned,
    WaitTimedOut,
)
from hitl_portal.client import asks
from hitl_portal.testing import FakePortal
from tests.costs import Stopwatch

SENT = {
    "surface": "ads.budget",
    "action": "shift_budget",
    "title": "Move $4,000",
    "payload": {"from": "search", "to": "social", "amount": 4000},
}
KEY = "hitl_a_key_that_must_not_be_seen"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asks, "pause_seconds", lambda _result, _attempt: 0.0)


def tool(portal: Portal, **options):
    @portal.governed(
        surface="ads.budget",
        action="shift_budget",
        title="Move ${amount} from {from_} to {to}",
        **{"wait": 0, **options},
    )
    def shift_budget(from_: str, to: str, amount: int = 1):
        """Move budget."""
        ran.append((from_, to, amount))
        return {"moved": amount}

    ran: list = []
    shift_budget.ran = ran
    return shift_budget


def test_an_approved_call_says_that_it_was_done_and_runs_nothing_here():
    portal = FakePortal("approve", receipt={"moved": 4000})
    governed = tool(portal)
    answer = governed("search", "social", 4000)
    assert answer.startswith("Done: “Move $4000 from search to social” was approved and has shipped.")
    assert '"moved": 4000' in answer
    assert governed.ran == []
    assert portal.proposals[0]["revision"]["payload"] == SENT["payload"]
    assert governed.__doc__.startswith("Move budget.") and governed.__name__ == "shift_budget"


@pytest.mark.parametrize(
    ("decides", "sentence"),
    [
        ("reject", "was rejected and not done: Too early."),
        ("return", "was sent back and not done: Too early."),
        ("take_over", "was taken over by a person and not done: Too early."),
        ("block", "was blocked by policy and not done: Too early."),
        ("expire", "Nobody decided in time"),
        ("nothing", "has not been done"),
    ],
)
@pytest.mark.parametrize("mode", ["propose", "gate"])
def test_whatever_is_no_approval_is_told_in_one_sentence_and_runs_nothing(decides, sentence, mode):
    governed = tool(FakePortal(decides, because="Too early.", ships=False), mode=mode)
    answer = governed("search", "social", 4000)
    assert sentence in answer and "\n" not in answer
    assert governed.ran == []


@pytest.mark.parametrize("mode", ["propose", "gate"])
def test_a_portal_that_is_away_does_nothing_and_says_so(mode):
    portal = FakePortal("approve", ships=False)
    portal.is_down = True
    governed = tool(portal, mode=mode)
    assert "cannot be reached" in governed("search", "social")
    assert governed.ran == [] and portal.proposals == []


def test_an_edit_is_told_and_in_a_gate_it_is_what_runs():
    portal = FakePortal()
    governed = tool(portal)
    governed("search", "social", 4000)
    portal.decide(portal.proposals[0]["id"], "approve", payload={"from": "search", "to": "social", "amount": 2000})
    assert 'this was done: {"from": "search", "to": "social", "amount": 2000}' in governed("search", "social", 4000)

    gated = FakePortal(ships=False)
    governed = tool(gated, mode="gate")
    governed("search", "social", 4000)
    gated.decide(gated.proposals[0]["id"], "approve", payload={"from": "search", "to": "social", "amount": 2000})
    assert governed("search", "social", 4000) == {"moved": 2000}
    assert governed.ran == [("search", "social", 2000)]
    assert gated.proposals[0]["dispatch"]["receipt"] == {"moved": 2000}


def test_a_gate_opens_once():
    portal = FakePortal("approve", ships=False)
    governed = tool(portal, mode="gate")
    assert governed("search", "social", 5) == {"moved": 5}
    assert "spent already" in governed("search", "social", 5)
    assert governed.ran == [("search", "social", 5)]


def test_other_arguments_after_an_approval_are_another_proposal():
    portal = FakePortal(ships=False)
    governed = tool(portal, mode="gate")
    governed("search", "social", 5)
    portal.decide(portal.proposals[0]["id"], "approve")
    assert "has not been done" in governed("search", "social", 6)
    assert governed.ran == [] and [shown["state"] for shown in portal.proposals] == ["approved", "pending"]


def test_a_tool_that_raises_in_a_gate_is_reported_as_failed_and_never_run_again():
    portal = FakePortal("approve", ships=False)

    @portal.governed(surface="ads.budget", action="break", title="Break", mode="gate")
    def broken():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert portal.proposals[0]["state"] == "failed"
    assert "not done: ZeroDivisionError" in broken()


def test_a_replayed_run_proposes_nothing_twice():
    portal = FakePortal()
    for _replay in range(3):
        with portal.tool_call(run="run-1", call="call-7"):
            tool(portal)("search", "social", 4000)
        tool(portal)("search", "social", 4000)
    assert len(portal.proposals) == 2
    with portal.tool_call(run="run-2", call="call-7"):
        tool(portal)("search", "social", 4000)
    assert len(portal.proposals) == 3


def test_each_end_raises_an_error_of_its_own():
    for decides, error in (
        ("reject", ProposalRejected),
        ("block", ProposalRejected),
        ("return", ProposalReturned),
        ("expire", ProposalExpired),
        ("nothing", WaitTimedOut),
    ):
        portal = FakePortal(decides)
        with pytest.raises(error) as caught:
            portal.wait(portal.propose(**SENT), timeout=0)
        assert type(caught.value) is error


def test_waiting_goes_on_by_the_id_alone_and_ends_when_somebody_decides():
    portal = FakePortal()
    identifier = portal.propose(**SENT).id
    with pytest.raises(WaitTimedOut) as timed_out:
        portal.wait(identifier, timeout=0.05)
    assert timed_out.value.proposal_id == identifier
    threading.Timer(0.1, portal.decide, [identifier, "approve"]).start()
    assert portal.wait(identifier, timeout=60).state == "shipped"


def test_waiting_goes_on_while_the_portal_is_away(monkeypatch):
    monkeypatch.setattr("hitl_portal.client.waiting.DOWN_SECONDS", (0.02,))
    portal = FakePortal()
    proposal = portal.propose(**SENT)
    portal.is_down = True

    def come_back():
        portal.is_down = False
        portal.decide(proposal, "approve")

    threading.Timer(0.1, come_back).start()
    assert portal.wait(proposal, timeout=60).state == "shipped"


def test_revise_withdraw_and_report_answer_as_the_portal_does():
    portal = FakePortal("return")
    proposal = portal.propose(**SENT)
    revised = portal.revise(proposal, {"amount": 1}, note="Less.")
    assert (revised.revision, revised.payload) == (2, {"amount": 1})
    assert portal.revise(proposal, {"amount": 1}, note="Less.").revision == 2
    assert portal.withdraw(revised).state == "withdrawn"
    with pytest.raises(CallRefused) as refused:
        portal.revise(revised, {"amount": 2})
    assert refused.value.code == "state_conflict"
    report = portal.report_outcome(proposal, metric="CPA", value=1.5, observed_at="2026-11-20T00:00:00Z")
    assert report["proposal"] == proposal.id


def test_the_same_calls_can_be_awaited():
    fake = FakePortal()

    async def run() -> list[str]:
        async with fake.asynchronous() as portal:
            proposal = await portal.propose(**SENT)

            @portal.governed(surface="ads.budget", action="shift", title="Shift", mode="gate", wait=5)
            async def shift(amount: int):
                return {"moved": amount}

            async def decide() -> None:
                await asyncio.sleep(0.05)
                fake.decide(proposal, "approve")
                fake.ships = False
                fake.decide(fake.proposals[1]["id"], "approve", payload={"amount": 3})

            settled, moved, _done = await asyncio.gather(portal.wait(proposal), shift(4), decide())
            return [settled.state, moved]

    assert asyncio.run(run()) == ["shipped", {"moved": 3}]


class Far:
    """A far side that answers as scripted; an exception is raised, and its request counts as sent or not."""

    def __init__(self, *script) -> None:
        self.script = list(script)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    def portal(self) -> Portal:
        return Portal("https://portal.example.com/api/v1/", KEY, transport=httpx.MockTransport(self))


def busy() -> httpx.Response:
    return httpx.Response(503, headers={"Retry-After": "0"})


def test_a_proposal_is_sent_again_under_one_key():
    shown = {"id": "1", "state": "pending"}
    far = Far(httpx.ReadError("gone"), busy(), httpx.Response(201, json=shown))
    assert far.portal().propose(**SENT).id == "1"
    keys = {request.headers["idempotency-key"] for request in far.asked}
    assert len(far.asked) == 3 and len(keys) == 1
    assert str(far.asked[0].url) == "https://portal.example.com/api/v1/proposals/"


def test_a_claim_that_may_have_been_heard_is_not_repeated():
    far = Far(httpx.ReadError("gone"))
    with pytest.raises(PortalUnavailable):
        far.portal().executor({}).run_once()
    far = Far(httpx.ConnectError("nobody there"), httpx.Response(204))
    assert far.portal().executor({}).run_once() is False


def test_redirects_take_the_key_nowhere():
    far = Far(httpx.Response(302, headers={"Location": "https://elsewhere.example.com/"}))
    with pytest.raises(CallRefused):
        far.portal().surfaces()
    assert len(far.asked) == 1


def test_the_key_is_neither_printed_nor_logged(caplog, monkeypatch):
    monkeypatch.setenv("HITL_PORTAL_URL", "https://portal.example.com")
    monkeypatch.setenv("HITL_PORTAL_KEY", KEY)
    far = Far(httpx.Response(403, json={"code": "permission_denied", "detail": "No."}))
    portal = Portal(transport=httpx.MockTransport(far))
    with caplog.at_level(logging.DEBUG), pytest.raises(CallRefused) as refused:
        portal.surfaces()
    assert far.asked[0].headers["authorization"] == f"Bearer {KEY}"
    printed = repr(portal) + repr(portal.configuration) + repr(vars(portal)) + repr(refused.value) + caplog.text
    assert KEY not in printed


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("", KEY), ("portal.example.com", KEY), ("ftp://portal.example.com", KEY),
        ("https://x@portal.example.com", KEY),
        ("https://portal.example.com", ""), ("https://portal.example.com", f"{KEY}\nX: y"),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_refused_without_showing_the_key(url, key, monkeypatch):
    monkeypatch.delenv("HITL_PORTAL_URL", raising=False)
    monkeypatch.delenv("HITL_PORTAL_KEY", raising=False)
    with pytest.raises(NotConfigured) as refused:
        Portal(url, key)
    assert KEY not in str(refused.value)


def test_nothing_in_the_client_can_approve():
    for kind in (Portal, AsyncPortal):
        names = {name for name in dir(kind) if not name.startswith("_")}
        assert names.isdisjoint({"approve", "decide", "reject", "decisions"})


def test_the_client_adds_less_than_a_millisecond():
    far = Far(*[httpx.Response(201, json={"id": "1", "state": "pending"}) for _ in range(300)])
    portal, bare = far.portal(), httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(201, json={})))
    portal.propose(**SENT)

    def cpu(call) -> float:
        watch = Stopwatch(time.process_time)
        for _ in range(99):
            call()
        return watch.seconds / 99

    added = cpu(lambda: portal.propose(**SENT)) - cpu(lambda: bare.post("https://x/", json=SENT))
    assert added < 0.001


def test_functions_that_cannot_be_governed_are_refused_when_they_are_made():
    portal = FakePortal()
    govern = portal.governed(surface="a", action="b", title="c")
    with pytest.raises(TypeError, match="names each of its arguments"):
        govern(lambda *_anything: None)

    async def later() -> None: ...

    with pytest.raises(TypeError, match="AsyncPortal"):
        govern(later)
    with pytest.raises(TypeError, match="have to be JSON"):
        govern(lambda _thing: None)(object())
