"""People behind a proposal never decide on it: its agent's owner, then and now, and the key's issuer."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction

from approvals.errors import NotEligible
from approvals.evaluation.judgement import Content
from approvals.lifecycle import batches, review
from approvals.lifecycle.submission import revise
from approvals.messaging import decision_links
from approvals.messaging.decision_links import Said
from approvals.messaging.slack import decisions
from approvals.messaging.slack.decisions import Press
from approvals.models import Decision, Notice, Occasion, Proposal, Sample, SlackLink
from approvals.notices import recipients
from approvals.people import absences, coverage, eligibility
from approvals.queue import turns
from approvals.queue.available_actions import offers
from approvals.shipping import recovery, sampling
from audit.clock import database_now
from audit.models import Entry
from policies.models import Agent, ApiKey
from policies.publishing.publish import active_policy
from policies.registry import agents, agreement
from tests import world as worlds
from tests.approvals.api.conftest import SENT, agent_api
from tests.proofs import assert_invariants_hold, breaches
from tests.world import OWNER, World, person, seen

pytestmark = pytest.mark.django_db
THEN, NOW, REVISING = "owner then", "owner now", "owner when it was revised"
ISSUER, LATER = "issuer of the key", "issuer of a later key"


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.fixture
def close() -> User:
    """A channel owner who is close to the proposal, in the way that a test is about."""
    return person("close", OWNER)


def hand_over(to: User) -> None:
    """Give the agent another owner, as two people do it."""
    first, second = worlds.publishers()
    asked = agents.ask_owner(agent=Agent.objects.get(), owner=to, by=first, note="They changed teams.")
    assert agreement.agree(loosening_id=asked.pk, by=second).status == "done"


def key_of(issuer: User) -> ApiKey:
    """A key as it is read with each request, issued by somebody else than the owner once two people agreed."""
    issuer.user_permissions.add(*worlds.publishers()[0].user_permissions.all())
    asked = agents.ask_key(agent=Agent.objects.get(), by=User.objects.get(pk=issuer.pk), note="To try it.")
    agreement.agree(loosening_id=asked.pk, by=worlds.publishers()[1])
    found = agents.authenticate(agents.issue_key(agent=Agent.objects.get(), by=issuer).text)
    assert found is not None
    return found


def fresh(world: World) -> Agent:
    world.agent = Agent.objects.select_related("owner").get()
    return world.agent


def propose(world: World, close: User, how: str) -> Proposal:
    """Let the agent propose so that `close` is behind it in the way that `how` names."""
    match how:
        case "owner then":
            world.agent.owner.groups.clear()
            hand_over(close)
            fresh(world)
            proposal = world.propose()
            hand_over(worlds.person("successor"))
        case "owner now":
            proposal = world.propose()
            hand_over(close)
        case "owner when it was revised":
            proposal = world.propose()
            world.agent.owner.groups.clear()
            hand_over(close)
            content = Content(payload={"amount": 3}, confidence=0.95)
            revise(agent=fresh(world), proposal_id=proposal.pk, content=content)
            hand_over(worlds.person("successor"))
        case "issuer of the key":
            proposal = world.propose(key=key_of(close))
        case _:
            proposal = world.propose()
            content = Content(payload={"amount": 3}, confidence=0.95)
            revise(agent=world.agent, key=key_of(close), proposal_id=proposal.pk, content=content)
    return Proposal.objects.get(pk=proposal.pk)


WAYS = pytest.mark.parametrize("how", [THEN, NOW, REVISING, ISSUER, LATER])


@WAYS
@pytest.mark.parametrize("verdict", ["approve", "reject", "send_back", "take_over"])
def test_who_is_behind_it_says_nothing_on_it(world, close, how, verdict):
    proposal = propose(world, close, how)
    with pytest.raises(NotEligible, match="someone else has to decide"):
        world.decide(proposal, verdict, by=close, reason_code="other", comment="Mine.")
    assert not Decision.objects.exists()
    world.approve(proposal, by=world.owner)
    assert_invariants_hold()


@WAYS
def test_who_is_behind_it_neither_edits_undoes_retries_nor_rolls_back(world, close, how):
    proposal = propose(world, close, how)
    acts: list[Callable[[], object]] = [
        lambda: review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=close, payload={"amount": 1}),
        lambda: review.edit_and_approve(proposal_id=proposal.pk, seen=seen(proposal), by=close, payload={"amount": 1}),
        lambda: review.undo(proposal_id=proposal.pk, by=close),
        lambda: recovery.retry(proposal_id=proposal.pk, by=close),
        lambda: recovery.roll_back(proposal_id=proposal.pk, by=close),
        lambda: turns.reassign(proposal_id=proposal.pk, to=close, by=world.owner),
        lambda: turns.snooze(proposal_id=proposal.pk, by=close, until=database_now() + timedelta(minutes=1)),
    ]
    for act in acts:
        with pytest.raises(NotEligible):
            act()


@WAYS
def test_from_a_message_from_slack_and_in_a_batch_it_is_no_other(world, close, how):
    proposal = propose(world, close, how)
    text = decision_links.issue(person=close, proposal=proposal, via="email", at=database_now())
    with pytest.raises(NotEligible):
        decision_links.decide(token=decision_links.find(text), decision=Said(Decision.Verdict.APPROVE), signed_in=None)

    SlackLink.objects.create(person=close, slack_user="U0CLOSE0", confirmed_at=database_now())
    pressed = Press("U0CLOSE0", "approve", "", decision_links.button_value(proposal), "")
    assert "someone else has to decide" in decisions.press(pressed)

    result = batches.decide_all(items=[(proposal.pk, seen(proposal))], by=close, verdict=Decision.Verdict.APPROVE)
    assert [item.code for item in result.items] == ["not_eligible"]
    assert not Decision.objects.exists()


@WAYS
def test_it_is_not_their_turn_and_nobody_asks_them(world, close, how):
    proposal = propose(world, close, how)
    policy = active_policy()
    surface = policy.surfaces["ads.budget"]
    assert turns.how_many(close, policy=policy) == 0
    assert turns.how_many(world.owner, policy=policy) == 1
    assert not offers(close, proposal, state="pending", policy=policy).may_decide
    assert close not in eligibility.deciders(proposal, surface)
    asked = Occasion(kind="waits_for_you", proposal=proposal, at=database_now())
    (readers,) = recipients.of_each([(asked, proposal)])
    assert {reader.person.username for reader in readers} == {
        "channel-owner", "other-channel-owner",
    }  # fmt: skip
    assert not Notice.objects.exists()


@WAYS
def test_where_nobody_else_is_left_it_says_so(world, close, how):
    proposal = propose(world, close, how)
    assert not coverage.of(proposal, active_policy())
    User.objects.filter(username__endswith="channel-owner").update(is_active=False)
    assert coverage.of(proposal, active_policy()) == {(1, "owner")}


@WAYS
def test_a_stand_in_does_not_get_round_it_either_way(world, close, how):
    proposal = propose(world, close, how)
    other = person("stand-in", "Legal")
    begins, ends = database_now() - timedelta(minutes=1), database_now() + timedelta(days=1)
    away = absences.take(person=close, by=close, begins_at=begins, ends_at=ends, delegate=other)
    with pytest.raises(NotEligible):
        world.approve(proposal, by=other)
    absences.end(absence_id=away.pk, by=close)
    absences.take(person=world.owner, by=world.owner, begins_at=begins, ends_at=ends, delegate=close)
    close.groups.clear()
    with pytest.raises(NotEligible):
        world.approve(proposal, by=close)


def test_the_surface_may_let_them_decide_as_it_does_the_owner(world, close):
    world.surface("crm.segments", agent_owner_may_decide=True)
    proposal = world.propose("crm.segments", key=key_of(close))
    assert turns.how_many(close, policy=active_policy()) == 1
    assert world.approve(proposal, by=close).state == "approved"
    assert_invariants_hold()


def test_who_issued_the_key_never_judges_what_shipped_by_itself(world, close):
    world.surface("crm.segments", "autopilot", agent_owner_may_decide=True)
    proposal = world.propose("crm.segments", key=key_of(close))
    Sample.objects.create(proposal=proposal, picked_at=database_now())
    with pytest.raises(NotEligible):
        sampling.judge(proposal_id=proposal.pk, by=close, opinion=Sample.Opinion.RIGHT)


def test_over_the_api_owner_and_issuer_stand_on_it_and_in_the_ledger(world, close):
    api = agent_api(world.agent)
    issued = ApiKey.objects.get()
    assert issued.created_by == world.agent.owner, "what the machine issues, it issues in the owner's name"
    shown = api.propose(**SENT)
    proposal = Proposal.objects.get(pk=shown["id"])
    owner = world.agent.owner
    assert (proposal.agent_owner, proposal.agent_owner_name) == (owner, "agent-owner")
    assert (proposal.key_issuer, proposal.key_issuer_name) == (owner, "agent-owner")
    said = Entry.objects.get(kind="proposal.submitted").data
    assert (said["agent_owner"], said["key_issuer"]) == (f"user:{owner.pk}", f"user:{owner.pk}")

    ApiKey.objects.update(created_by=close)
    answer = api.post(f"proposals/{proposal.pk}/revisions/", {"payload": {"amount": 5}})
    assert answer.status_code == 201, answer.content
    proposal.refresh_from_db()
    assert proposal.close_people == sorted([owner.pk, close.pk])
    assert (proposal.key_issuer, proposal.revision.key_issuer) == (owner, close)
    assert Entry.objects.get(kind="proposal.revised").data["key_issuer"] == f"user:{close.pk}"


@pytest.mark.parametrize(
    "change",
    ["agent_owner_id = %(close)s", "key_issuer_id = %(close)s", "agent_owner_name = 'x'", "close_people = '{}'"],
)
def test_the_database_keeps_who_was_behind_it(world, close, change):
    proposal = world.propose()
    with pytest.raises(DatabaseError), transaction.atomic(), worlds_cursor() as cursor:
        cursor.execute(f"UPDATE approvals_proposal SET {change}", {"close": close.pk})
    proposal.refresh_from_db()
    assert proposal.agent_owner == world.agent.owner


def worlds_cursor():
    return transaction.get_connection().cursor()


@WAYS
def test_the_invariant_finds_a_decision_of_who_is_behind_it(world, close, how):
    proposal = propose(world, close, how)
    world.approve(proposal, by=world.owner)
    assert breaches() == {}
    with worlds_cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE approvals_decision SET by_id = %s", [close.pk])
    assert ("of their own agent" if how == NOW else "theirs then, or with their own key") in breaches()["I7"]


def test_handing_an_agent_over_and_back_opens_nothing(world):
    """What broke: the owner gave the agent away, approved, and took it back."""
    owner = world.agent.owner
    proposal = world.propose()
    hand_over(person("friend"))
    with pytest.raises(NotEligible):
        world.approve(proposal, by=owner)
    hand_over(owner)
    with pytest.raises(NotEligible):
        world.approve(proposal, by=owner)
    assert not Decision.objects.exists()
