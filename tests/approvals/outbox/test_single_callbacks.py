"""Automations that resume on the first message get one: when it is decided, or when it is settled."""

import json
import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from approvals.errors import StateConflict
from approvals.lifecycle import escalation, reevaluation, review, submission
from approvals.models import Callback, Proposal
from approvals.outbox import callbacks, statements
from approvals.queue import available_actions
from approvals.shipping import claims, delivery, dispatches, recovery
from audit.clock import database_now
from policies.models import EVERYWHERE, Agent
from policies.publishing.publish import active_policy
from policies.registry import kill_switches
from tests import world as worlds
from tests.approvals.far_side import FarSide, answering, executing
from tests.approvals.outbox.servers import answer
from tests.world import World, seen

pytestmark = pytest.mark.django_db
UNDO = timedelta(seconds=10)


@pytest.fixture
def world() -> World:
    made = worlds.build()
    Agent.objects.update(callback_hosts=["127.0.0.1"])
    made.agent.refresh_from_db()
    made.enforce(surfaces={"ads.budget": {"undo_window": UNDO.total_seconds()}})
    return made


@pytest.fixture
def resuming():
    """An automation that waits: the first message resumes it, and there is no second."""
    with answering(answer(200), answer(409)) as far:
        yield far


def bodies(far: FarSide) -> list[dict]:
    return [json.loads(message.body)["data"] for message in far.seen]


def states(far: FarSide) -> list[str]:
    while delivery.deliver_callbacks():
        pass
    assert not Callback.objects.filter(status="failed").exists()
    return [body["state"] for body in bodies(far)]


def let_time_pass() -> None:
    """Move what waits so far into the past that the undo window is over."""
    Callback.objects.filter(status="waiting").update(next_attempt_at=F("next_attempt_at") - UNDO)
    Proposal.objects.filter(release_at__isnull=False).update(release_at=F("release_at") - UNDO)
    dispatches.Dispatch.objects.filter(status="waiting").update(next_attempt_at=F("next_attempt_at") - UNDO)


def ship() -> None:
    let_time_pass()
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"rows": 3})


def test_an_edit_does_not_resume_but_the_approval_does(world, resuming):
    proposal = world.propose(callback_url=resuming.url, callback_when="decided")
    edited = review.edit(
        proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"amount": 2000}, note="Half."
    )
    assert states(resuming) == []
    world.decide(edited, "approve", by=world.other_owner, comment="Within the plan.")
    ship()
    assert states(resuming) == ["approved"]
    (told,) = bodies(resuming)
    assert (told["decision"]["verdict"], told["decision"]["roles"]) == ("approve", ["Channel owner"])
    assert told["decision"]["comment"] == "Within the plan."
    assert {"path": "amount", "change": "changed", "old": 4000, "new": 2000} in told["edits"]


@pytest.mark.parametrize("verdict", ["reject", "send_back", "take_over"])
def test_any_first_answer_of_people_is_the_only_one(world, resuming, verdict):
    proposal = world.propose(callback_url=resuming.url, callback_when="decided")
    world.decide(proposal, verdict, reason_code="off_brand", comment="Not ours.")
    assert len(states(resuming)) == 1
    (told,) = bodies(resuming)
    assert told["decision"]["reason_code"] == "off_brand"
    assert world.owner.username not in json.dumps(told)


def test_an_undone_approval_is_told_once_where_the_first_answer_was_asked_for(world, resuming):
    proposal = world.propose(callback_url=resuming.url, callback_when="decided")
    world.approve(proposal)
    review.undo(proposal_id=proposal.pk, by=world.owner)
    world.decide(proposal, "reject", reason_code="off_brand")
    assert states(resuming) == ["approved"]


def test_an_undone_approval_settles_nothing(world, resuming):
    proposal = world.propose(callback_url=resuming.url, callback_when="settled")
    world.approve(proposal)
    assert states(resuming) == []
    review.undo(proposal_id=proposal.pk, by=world.owner)
    let_time_pass()
    assert states(resuming) == []
    world.approve(proposal, comment="Now it fits.")
    ship()
    assert states(resuming) == ["shipped"]
    (told,) = bodies(resuming)
    assert told["receipt"] == {"rows": 3}
    assert told["decision"]["comment"] == "Now it fits."


def test_a_rejection_settles_after_its_undo_window(world, resuming):
    proposal = world.propose(callback_url=resuming.url, callback_when="settled")
    world.decide(proposal, "reject", reason_code="off_brand")
    assert states(resuming) == []
    review.undo(proposal_id=proposal.pk, by=world.owner)
    let_time_pass()
    assert states(resuming) == []
    world.decide(proposal, "reject", reason_code="too_risky")
    let_time_pass()
    assert states(resuming) == ["rejected"]
    assert bodies(resuming)[0]["decision"]["reason_code"] == "too_risky"


def test_what_was_told_as_settled_cannot_be_undone(world, resuming):
    proposal = world.propose(callback_url=resuming.url, callback_when="settled")
    rejected = world.decide(proposal, "reject", reason_code="off_brand")
    offers = available_actions.offers(world.owner, rejected, state=rejected.state, policy=active_policy())
    assert offers.may_undo
    let_time_pass()
    assert states(resuming) == ["rejected"]
    with pytest.raises(StateConflict, match="has been told"):
        review.undo(proposal_id=proposal.pk, by=world.owner)
    offers = available_actions.offers(world.owner, rejected, state=rejected.state, policy=active_policy())
    assert not offers.may_undo
    assert Proposal.objects.get().state == "rejected"


@pytest.mark.parametrize("when", ["decided", "settled"])
@pytest.mark.parametrize("ending", ["withdrawn", "expired"])
def test_what_ends_undecided_resumes_too(world, resuming, when, ending):
    proposal = world.propose(callback_url=resuming.url, callback_when=when)
    if ending == "withdrawn":
        submission.withdraw(agent=world.agent, proposal_id=proposal.pk)
    else:
        Proposal.objects.update(deadline_at=database_now() - timedelta(seconds=1))
        escalation.expire_overdue(most=5)
    assert states(resuming) == [ending]


@pytest.mark.parametrize(("when", "expected"), [("every", []), ("decided", ["blocked"]), ("settled", ["blocked"])])
def test_what_the_policy_blocks_at_once_leaves_no_automation_waiting(world, resuming, when, expected):
    world.enforce(rules={"never": worlds.rule(decision="deny", reason="Not this quarter.")})
    world.propose(callback_url=resuming.url, callback_when=when)
    assert states(resuming) == expected
    for told in bodies(resuming):
        assert (told["decision"]["by"], told["decision"]["comment"]) == ("policy", "Not this quarter.")


@pytest.mark.parametrize(("when", "expected"), [("decided", ["approved"]), ("settled", ["shipped"])])
def test_what_the_policy_allows_is_told_once(world, resuming, when, expected):
    world.surface("ads.bids", "autopilot")
    world.propose("ads.bids", callback_url=resuming.url, callback_when=when)
    states(resuming)
    ship()
    assert states(resuming) == expected
    assert bodies(resuming)[0]["decision"]["by"] == "policy"


def test_what_passes_once_a_switch_is_released_was_decided_by_the_policy(world, resuming):
    world.surface("ads.bids", "autopilot")
    kill_switches.engage(scope=EVERYWHERE, by=world.owner, reason="Stop.")
    world.propose("ads.bids", callback_url=resuming.url, callback_when="decided")
    assert states(resuming) == []
    worlds.release(EVERYWHERE)
    reevaluation.judge_released()
    assert states(resuming) == ["approved"]
    assert bodies(resuming)[0]["decision"]["by"] == "policy"
    assert dispatches.Dispatch.objects.get().decision == bodies(resuming)[0]["decision"]


def test_giving_up_settles_once_even_if_somebody_retries(world, resuming):
    world.approve(world.propose(callback_url=resuming.url, callback_when="settled"))
    let_time_pass()
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.postpone(dispatch_id=claim.dispatch.pk, fence=claim.fence, error="Gone.", is_final=True)
    recovery.retry(proposal_id=Proposal.objects.get().pk, by=world.owner)
    ship()
    assert states(resuming) == ["failed"]


def test_the_agents_usual_holds_where_a_proposal_says_nothing(world):
    Agent.objects.update(callback_when="settled")
    world.agent.refresh_from_db()
    assert world.propose().callback_when == "settled"
    assert world.propose(callback_when="every").callback_when == "every"


def test_the_database_refuses_a_second_message(world):
    proposal = world.propose(callback_url="http://127.0.0.1:9/hooks", callback_when="decided")
    world.approve(proposal)
    first = Callback.objects.get()
    with pytest.raises(IntegrityError, match="callback_only_one"), transaction.atomic():
        Callback.objects.create(
            proposal=first.proposal, url=first.url, body=b"{}", is_only=True, next_attempt_at=database_now(),
            created_at=database_now(),
        )  # fmt: skip


def test_a_receipt_too_large_to_tell_is_left_to_the_answer(world, resuming):
    world.approve(world.propose(callback_url=resuming.url, callback_when="settled"))
    let_time_pass()
    claim = claims.claim_next(worker="test", kind="webhook")
    receipt = {"lines": "x" * callbacks.LARGEST_PART}
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt=receipt)
    assert states(resuming) == ["shipped"]
    assert bodies(resuming)[0]["receipt"] is None


def test_what_is_edited_is_cut_where_it_is_too_much(world, resuming):
    proposal = world.propose(callback_url=resuming.url)
    payload = {f"field{number}": "x" * 1000 for number in range(100)}
    review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload=payload)
    states(resuming)
    (told,) = bodies(resuming)
    assert told["edits_left_out"] > 0
    assert len(told["edits"]) + told["edits_left_out"] == 101
    assert len(resuming.seen[0].body) < 2 * callbacks.LARGEST_PART


def test_an_executor_reads_the_decision_in_the_grant_and_repeats_say_the_same(world):
    with executing() as far:
        world.connector.url = far.url
        world.connector.save()
        world.approve(world.propose(), comment="Within the plan.")
        let_time_pass()
        for _ in range(2):
            claim = claims.claim_next(worker="test", kind="webhook")
            delivery.kinds.of(claim.dispatch.connector).carry(
                claim.dispatch.connector, delivery.Parcel(claim.dispatch.pk, claim.body, claim.grant)
            )
            dispatches.Dispatch.objects.update(lease_until=database_now() - timedelta(seconds=1))
    assert len(far.decisions) == 2
    assert far.decisions[0] == far.decisions[1]
    assert far.seen[0].body == far.seen[1].body
    assert (far.decisions[0]["roles"], far.decisions[0]["comment"]) == (["Channel owner"], "Within the plan.")
    assert far.decisions[0]["at"].endswith("Z")


@pytest.mark.parametrize("roles", [["Legal"], ["法" * 150] * 20])
def test_a_grant_stays_short_however_much_was_said(roles):
    long = {"roles": roles, "at": "2026-11-20T06:02:01Z", "comment": "因" * 4000}
    statement = {"by": "people", "verdict": "approve", **long, "reason_code": "", "approvals": [long] * 9}
    short = statements.brief(statement)
    assert len(json.dumps(short)) <= statements.MOST_IN_A_GRANT
    assert (short["by"], short["verdict"], short["at"]) == ("people", "approve", "2026-11-20T06:02:01Z")
    assert short == statements.brief(statement)


def test_the_page_says_of_each_message_what_it_told(world: World, resuming: FarSide, client) -> None:
    proposal = world.propose(callback_url=resuming.url, callback_when="every")
    world.approve(proposal)
    review.undo(proposal_id=proposal.pk, by=world.owner)
    client.force_login(world.owner)
    shown = client.get(f"/admin/approvals/proposal/{proposal.pk}/").content.decode()
    told = re.findall(r'<span class="badge dispatch-\w+">Waiting</span> (\w+) <span class="address">', shown)
    assert told == ["Pending", "Approved"]
    assert Callback(body=b"").state == ""
