"""The same asked for again: seen, told, lifted to one-by-one review, and never decided by itself."""

import pytest

from approvals.evaluation import conflicts
from approvals.evaluation.judgement import Content
from approvals.lifecycle import reevaluation, review, submission
from approvals.models import Decision, Proposal
from approvals.shipping import claims, dispatches
from policies.facts import stored_facts
from policies.models import Agent, Mandate
from tests import world as worlds
from tests.approvals.races import race
from tests.kept import kept
from tests.proofs import assert_invariants_hold
from tests.world import World, rule, seen

pytestmark = pytest.mark.django_db
MAIL = {"payload": {"template": "spring", "segment": "vip"}}


@pytest.fixture
@kept
def world() -> World:
    made = worlds.build()
    made.surface("s.open", "autopilot")
    return made


def send(world: World, **fields) -> Proposal:
    return world.propose("s.open", **({"action": "send_mail", "title": "Spring mail", "content": MAIL} | fields))


def told(proposal: Proposal) -> list[dict]:
    return [reason for reason in proposal.verdict.reasons if reason["source"] == "duplicate"]


def another_agent(world: World) -> Agent:
    agent = Agent.objects.create(slug="second", name="Second", owner=world.owner)
    Mandate.objects.create(agent=agent, surface_id="s.open", tier_id="autopilot")
    worlds.publish()
    return agent


def test_the_second_of_two_that_ask_for_the_same_waits_for_a_person(world):
    first, second = send(world), send(world, title="Once more")
    assert (first.state, second.state, second.tier_id) == ("approved", "pending", "single")
    assert not told(first)
    (reason,) = told(second)
    assert reason["id"] == str(first.pk)
    since = f"{first.created_at:%Y-%m-%d %H:%M} UTC"
    assert reason["text"] == f"Proposal {first.pk}, by this agent, is exactly the same and has been open since {since}."
    assert [twin.pk for twin in conflicts.twins(first)] == [second.pk]
    assert stored_facts.read(second.verdict.facts).twins[0].since == first.created_at


def test_another_agents_is_named_as_such(world):
    other = another_agent(world)
    send(world)
    world.agent = other
    assert "by another agent, is exactly the same" in told(send(world))[0]["text"]


@pytest.mark.parametrize(
    "fields",
    [
        {"content": {"payload": {"template": "spring", "segment": "all"}}},
        {"action": "schedule_mail"},
    ],
)
def test_what_differs_is_no_twin(world, fields):
    send(world)
    assert send(world, **fields).state == "approved"


def test_the_same_in_another_order_is_a_twin(world):
    send(world)
    assert told(send(world, content={"payload": {"segment": "vip", "template": "spring"}}, targets=("segment:vip",)))


def test_what_was_given_up_or_has_shipped_is_no_twin(world):
    send(world)
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={})
    second = send(world)
    assert second.state == "approved"
    submission.withdraw(agent=world.agent, proposal_id=second.pk)
    assert send(world).state == "approved"


def test_a_batch_is_no_place_for_twins(world):
    world.surface("s.batch", "batch")
    tiers = [world.propose("s.batch", content=MAIL).tier_id for _ in range(2)]
    assert tiers == ["batch", "single"]


def test_a_revision_that_makes_a_twin_is_told(world):
    world.surface("s.asked", "single")
    first = world.propose("s.asked", content=MAIL)
    second = world.propose("s.asked", content={"payload": {"template": "winter"}})
    revised = submission.revise(agent=world.agent, proposal_id=second.pk, content=Content(**MAIL, confidence=0.9))
    assert [reason["id"] for reason in told(revised)] == [str(first.pk)]
    assert not told(Proposal.objects.get(pk=first.pk))


def test_an_older_proposal_that_is_edited_into_a_twin_is_told(world):
    world.surface("s.asked", "single")
    first = world.propose("s.asked", content={"payload": {"template": "winter"}})
    second = world.propose("s.asked", content=MAIL)
    edited = review.edit(proposal_id=first.pk, seen=seen(first), by=world.owner, **MAIL)
    assert [reason["id"] for reason in told(edited)] == [str(second.pk)]


def test_only_the_later_of_two_is_told_when_the_policy_is_new(world):
    first, second = send(world), send(world)
    world.enforce(rules={"all": rule(decision="require_approval", tier="signature")})
    while reevaluation.reevaluate_open():
        pass
    first, second = (Proposal.objects.select_related("verdict").get(pk=one.pk) for one in (first, second))
    assert (first.tier_id, second.tier_id) == ("signature", "signature")
    assert not told(first)
    assert told(second)


def test_approving_one_decides_nothing_about_the_other(world):
    first, second = send(world), send(world)
    world.approve(second)
    assert Decision.objects.count() == 1
    assert Proposal.objects.get(pk=first.pk).state == "approved"


@pytest.mark.django_db(transaction=True)
def test_of_two_equal_ones_at_the_same_moment_exactly_one_passes():
    world = worlds.build()
    world.surface("s.open", "autopilot")
    agents = [world.agent, another_agent(world)]
    drafts = [
        [
            submission.NewProposal(
                surface="s.open", action="send", title="Mail", content=Content(payload={"round": number}, confidence=1)
            )
            for number in range(40)
        ]
        for _ in agents
    ]

    def contender(lane):
        return lambda number: submission.submit(agent=agents[lane], draft=drafts[lane][number])

    for pair in race(40, contender(0), contender(1)):
        assert sorted(proposal.state for proposal in pair) == ["approved", "pending"]
        (late,) = [proposal for proposal in pair if proposal.state == "pending"]
        (early,) = [proposal for proposal in pair if proposal.state == "approved"]
        assert [reason["id"] for reason in told(late)] == [str(early.pk)]
    assert_invariants_hold()
