"""What the far side may say, and where it may be."""

import pytest

from approvals.errors import InvalidProposal
from approvals.models import Dispatch, Proposal
from approvals.outbox.http import Answer
from approvals.shipping import delivery
from approvals.shipping.kinds import webhook
from tests import world as worlds
from tests.approvals.outbox.servers import answer, serving
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://[::1", "address_refused"),
        ("https://agents.example.com@evil.example/", "address_refused"),
        ("https://evil.example\\@agents.example.com/", "address_refused"),
        ("https://2130706433/", "address_refused"),
        ("https://169.254.169.254/latest", "address_refused"),
        ("https://evil.example/", "host_not_listed"),
        ("https://agents.example.com.evil.example/", "host_not_listed"),
    ],
)
def test_callbacks_go_to_the_agents_hosts_only(url, code):
    world = worlds.build()
    world.agent.callback_hosts = ["agents.example.com", "169.254.169.254"]
    world.agent.save()
    with pytest.raises(InvalidProposal) as refused:
        world.propose(callback_url=url)
    assert [fault.code for fault in refused.value.errors] == [code]
    assert not Proposal.objects.exists()


def test_a_callback_to_a_listed_host_is_taken():
    world = worlds.build()
    world.agent.callback_hosts = ["agents.example.com"]
    world.agent.save()
    assert world.propose(callback_url="https://Agents.example.com/hooks").callback_url


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"id":NaN}', id="not-a-number"),
        pytest.param(b'{"id":"\\u0000"}', id="nul"),
        pytest.param(b'{"id":"\x00"}', id="raw-nul"),
        pytest.param(b'{"id":"\\ud800"}', id="surrogate"),
        pytest.param(b"[" * 60_000, id="deep"),
        pytest.param(b'{"id":1e999}', id="overflow"),
        pytest.param(b"\xff\xfe", id="not-text"),
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"id":7}', id="proper"),
    ],
)
def test_whatever_the_receiver_answers_the_action_is_recorded_as_done(body):
    with serving(lambda connection, _: connection.sendall(answer(200, body))) as port:
        world: World = worlds.build(f"http://127.0.0.1:{port}/hooks")
        proposal = world.approve(world.propose())
        assert delivery.ship_due() == 1
    proposal.refresh_from_db()
    assert proposal.state == "shipped"
    assert Dispatch.objects.get().receipt["status"] == 200


def test_a_proper_receipt_is_kept_as_it_is():
    got = webhook._receipt(Answer(200, {}, b'{"id":7}', is_truncated=False, elapsed_seconds=0.1))
    assert got == {"status": 200, "answer": {"id": 7}}
