"""Shipping by webhook, from the claim to the receipt, with a real far side."""

from datetime import timedelta

import pytest

from approvals.errors import LeaseLost
from approvals.models import Attempt, Dispatch, Proposal
from approvals.outbox import signing
from approvals.shipping import claims, delivery, dispatches, recovery
from audit import canonical
from audit.clock import database_now
from policies.models import Connector
from tests import world as worlds
from tests.approvals.far_side import answering, executing
from tests.approvals.outbox.servers import answer
from tests.proofs import assert_invariants_hold
from tests.world import World

pytestmark = pytest.mark.django_db

OK = answer(200, b'{"id": 7}')


@pytest.fixture
def world() -> World:
    return worlds.build()


def approved(world: World, url: str, **fields) -> Proposal:
    Connector.objects.filter(slug="ads").update(url=url)
    return world.approve(world.propose(**fields))


def let_time_pass() -> None:
    """Let what waits for its next attempt be due."""
    Dispatch.objects.filter(status="waiting").update(next_attempt_at=database_now())


def test_what_was_approved_arrives_signed_and_is_executed(world):
    with executing() as far:
        proposal = approved(world, far.url)
        assert delivery.ship_due() == 1
    assert far.executed == [{"amount": 4000}]
    dispatch = Dispatch.objects.get()
    assert (dispatch.status, dispatch.receipt) == ("delivered", {"status": 200, "answer": {"executed": 1}})
    assert canonical.digest(far.seen[0].body) == proposal.revision.digest
    assert far.seen[0].id == str(dispatch.pk)
    assert Proposal.objects.get().state == "shipped"
    assert_invariants_hold()


def test_a_failure_is_tried_again_with_the_same_id_and_the_same_bytes(world):
    with answering(answer(500), OK) as far:
        approved(world, far.url)
        delivery.ship_due()
        dispatch = Dispatch.objects.get()
        assert (dispatch.status, dispatch.last_error) == ("waiting", "The receiver answered 500.")
        assert dispatch.next_attempt_at > database_now()
        assert delivery.ship_due() == 0
        let_time_pass()
        assert delivery.ship_due() == 1
    first, second = far.seen
    assert (first.id, first.body) == (second.id, second.body)
    assert [attempt.http_status for attempt in Attempt.objects.order_by("fence")] == [500, 200]
    assert Proposal.objects.get().state == "shipped"
    assert_invariants_hold()


def test_an_answer_that_was_lost_does_not_execute_twice(world):
    with executing() as far:
        approved(world, far.url)
        claim = claims.claim_next(worker="dies", kind="webhook")
        delivery.http.post(
            far.url,
            body=claim.body,
            headers={
                "HITL-Grant": claim.grant,
                **signing.json_headers(claim.dispatch.connector.secret, message_id=claim.dispatch.pk, body=claim.body),
            },
        )
        Dispatch.objects.update(lease_until=database_now() - timedelta(seconds=1))
        assert delivery.ship_due() == 1
    assert len(far.seen) == 2
    assert far.executed == [{"amount": 4000}]
    with pytest.raises(LeaseLost):
        dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={})
    assert [attempt.error for attempt in Attempt.objects.order_by("fence")] == [
        "The worker that held it went away.",
        "",
    ]
    assert_invariants_hold()


def test_gone_is_final_and_a_person_may_retry(world):
    with answering(answer(410), OK) as far:
        proposal = approved(world, far.url)
        delivery.ship_due()
        assert Proposal.objects.get().state == "failed"
        assert Dispatch.objects.get().last_error == "The receiver answered 410."
        assert_invariants_hold()
        recovery.retry(proposal_id=proposal.pk, by=world.owner)
        delivery.ship_due()
    assert Proposal.objects.get().state == "shipped"
    assert far.seen[0].id == far.seen[1].id
    assert_invariants_hold()


def test_it_waits_as_long_as_the_receiver_asks(world):
    with answering(answer(503, b"", "Retry-After: 120")) as far:
        approved(world, far.url)
        before = database_now()
        delivery.ship_due()
    wait = Dispatch.objects.get().next_attempt_at - before
    assert timedelta(seconds=119) < wait < timedelta(seconds=130)


def test_a_redirect_is_not_followed(world):
    with answering(OK) as elsewhere, answering(answer(307, b"", f"Location: {elsewhere.url}")) as far:
        approved(world, far.url)
        delivery.ship_due()
        assert elsewhere.seen == []
    assert Dispatch.objects.get().last_error == "The receiver answered 307."
    assert Proposal.objects.get().state == "approved"


@pytest.mark.parametrize("url", ["http://10.0.0.1/hooks", "http://169.254.169.254/latest", "https://[::1]/hooks"])
def test_an_address_that_is_closed_is_a_failure_one_can_see(world, url):
    approved(world, url)
    delivery.ship_due()
    assert Proposal.objects.get().state == "failed"
    assert Dispatch.objects.get().last_error == "The address is not on the public Internet and in no allowed network."
    assert_invariants_hold()


def test_a_secret_that_cannot_sign_is_a_failure_one_can_see(world):
    with answering(OK) as far:
        approved(world, far.url)
        Connector.objects.get(slug="ads")
        connector = Connector.objects.get(slug="ads")
        connector.secret = ""
        connector.save()
        delivery.ship_due()
        assert far.seen == []
    assert Dispatch.objects.get().last_error == "No webhook secret is set."
    assert Proposal.objects.get().state == "failed"


def test_nobody_at_the_address_is_tried_ten_times(world, unused_port):
    approved(world, f"http://127.0.0.1:{unused_port}/hooks")
    for _ in range(12):
        let_time_pass()
        delivery.ship_due()
    dispatch = Dispatch.objects.get()
    assert (dispatch.status, dispatch.attempts_made, dispatch.fence) == ("failed", 10, 10)
    assert dispatch.last_error == "The receiver could not be reached."
    assert Proposal.objects.get().state == "failed"
    assert_invariants_hold()


def test_a_worker_that_dies_each_time_does_not_go_on_for_ever(world):
    approved(world, "http://127.0.0.1:9/hooks")
    for _ in range(10):
        assert claims.claim_next(worker="dies", kind="webhook") is not None
        Dispatch.objects.update(lease_until=database_now() - timedelta(seconds=1))
    assert claims.claim_next(worker="dies", kind="webhook") is None
    assert Dispatch.objects.get().last_error == "No worker finished it in 10 attempts."
    assert not Attempt.objects.filter(ended_at=None).exists()
    assert Proposal.objects.get().state == "failed"
    assert_invariants_hold()


def test_what_can_never_ship_does_not_hold_up_the_rest(world):
    with executing() as far:
        stuck = [approved(world, far.url) for _ in range(3)]
        Dispatch.objects.filter(proposal__in=stuck).update(connector=None)
        fine = approved(world, far.url)
        assert delivery.ship_due() == 1
    assert set(Proposal.objects.filter(state="failed")) == set(stuck)
    assert Proposal.objects.get(pk=fine.pk).state == "shipped"
    assert set(Dispatch.objects.filter(proposal__in=stuck).values_list("last_error", flat=True)) == {
        "This surface has no connector. Choose one, then retry."
    }
    assert_invariants_hold()


def test_a_roll_back_that_fails_leaves_it_shipped_until_somebody_retries(world):
    with answering(OK, answer(410), OK) as far:
        proposal = approved(world, far.url, content={"rollback": {"amount": -4000}})
        delivery.ship_due()
        recovery.roll_back(proposal_id=proposal.pk, by=world.owner)
        delivery.ship_due()
        assert Proposal.objects.get().state == "shipped"
        assert_invariants_hold()
        recovery.retry(proposal_id=proposal.pk, by=world.owner)
        delivery.ship_due()
    assert Proposal.objects.get().state == "rolled_back"
    assert [message.body for message in far.seen] == [b'{"amount":4000}', b'{"amount":-4000}', b'{"amount":-4000}']
    assert far.seen[0].id != far.seen[1].id == far.seen[2].id
    assert_invariants_hold()


@pytest.mark.parametrize("said", [b"\xff\xfe", b'{"a": NaN}', b'"\\u0000"', b"[" * 5000, b'{"a":1,"a":2}', b""])
def test_whatever_the_receiver_says_the_receipt_is_kept(world, said):
    with answering(answer(200, said)) as far:
        approved(world, far.url)
        delivery.ship_due()
    assert Proposal.objects.get().state == "shipped"
    assert isinstance(Dispatch.objects.get().receipt["answer"], str)
