"""Whatever the policy in force forbids does not ship, though no worker has run since it was published."""

from datetime import timedelta

import pytest

from approvals.errors import PolicyChanged, StateConflict
from approvals.lifecycle import reevaluation, review
from approvals.models import Attempt, Dispatch, Proposal, Reevaluation
from approvals.shipping import claims, dispatches, enforcement, recovery
from audit.clock import database_now
from audit.models import Entry
from policies.models import Mandate, Rule, Surface
from policies.registry import agents, mandates
from tests import world as worlds
from tests.approvals.api.conftest import agent_api, decision, person_api
from tests.kept import kept
from tests.proofs import assert_invariants_hold
from tests.world import OWNER, World, person, seen

pytestmark = pytest.mark.django_db

NEVER = "No more of these."


@pytest.fixture
@kept
def world() -> World:
    made = worlds.build()
    made.surface("email.now", "autopilot")
    return made


@pytest.fixture(autouse=True)
def _proved(world):
    yield
    assert_invariants_hold()


def deny() -> None:
    Rule.objects.create(slug="never", decision="deny", actions=["shift_budget"], reason=NEVER)
    worlds.publish()


def demand(surface: str = "ads.budget", **fields) -> None:
    Surface.objects.filter(slug=surface).update(**fields)
    worlds.publish()


def now(proposal: Proposal) -> Proposal:
    return Proposal.objects.get(pk=proposal.pk)


def claim():
    return claims.claim_next(worker="test", kind="webhook")


def failing(proposal: Proposal) -> Proposal:
    taken = claim()
    dispatches.postpone(dispatch_id=taken.dispatch.pk, fence=taken.fence, error="smtp 550", is_final=True)
    proposal = now(proposal)
    assert proposal.state == "failed"
    return proposal


# Decisions


def test_an_approval_of_what_is_denied_now_is_refused_and_blocks_it(world):
    proposal = world.propose()
    deny()
    with pytest.raises(PolicyChanged, match=NEVER):
        world.approve(proposal)
    assert (now(proposal).state, now(proposal).verdict.outcome) == ("blocked", "deny")
    assert not Dispatch.objects.exists()
    assert Entry.objects.filter(kind="proposal.reevaluated").count() == 1


def test_an_approval_over_http_says_409_with_the_new_reasons(world):
    shown = agent_api(world.agent).propose()
    deny()
    answer = person_api(world.owner).post(f"proposals/{shown['id']}/decisions/", decision(shown))
    assert (answer.status_code, answer.json()["code"]) == (409, "policy_changed")
    assert NEVER in answer.json()["detail"]
    assert Proposal.objects.get().state == "blocked"


@pytest.mark.parametrize("verdict", ["reject", "send_back", "take_over"])
def test_no_other_decision_settles_what_is_denied_now(world, verdict):
    proposal = world.propose()
    deny()
    with pytest.raises(PolicyChanged, match=NEVER):
        world.decide(proposal, verdict, reason_code="too_risky", comment="No.")
    assert now(proposal).state == "blocked"


def test_an_approval_without_the_signature_that_is_asked_now_is_refused(world):
    proposal = world.propose()
    demand(tier_id="signature")
    with pytest.raises(PolicyChanged, match="asks for more"):
        world.approve(proposal)
    assert (now(proposal).state, now(proposal).tier_id) == ("pending", "signature")
    world.approve(proposal, is_signed=True, comment="I have read it.")
    assert claim() is not None


def test_a_rejection_stands_though_more_is_asked_now(world):
    proposal = world.propose()
    demand(tier_id="signature")
    assert world.decide(proposal, "reject", reason_code="too_risky").state == "rejected"


def test_a_looser_policy_changes_nothing_for_a_decision(world):
    proposal = world.propose("pricing")
    demand("pricing", tier_id="single")
    with pytest.raises(Exception, match="signature"):
        world.approve(proposal)
    assert now(proposal).tier_id == "signature"


def test_an_approval_that_people_beside_it_must_give_too_is_refused_once(world):
    proposal = world.propose()
    lawyer = person("lawyer", "Legal")
    worlds.requirement("ads.budget", "Legal")
    worlds.publish()
    with pytest.raises(PolicyChanged, match="decided by Channel owner, Legal"):
        world.approve(proposal)
    assert world.approve(proposal).state == "pending"
    assert world.approve(proposal, by=lawyer).state == "approved"
    assert claim() is not None


def test_an_approval_signed_before_meets_a_signature_that_is_asked_later(world):
    proposal = world.approve(world.propose(), is_signed=True, comment="I have read it.")
    demand(tier_id="signature")
    taken = claim()
    assert taken is not None
    assert (now(proposal).state, now(proposal).tier_id) == ("approved", "signature")


def test_an_undo_of_what_is_denied_now_blocks_it(world):
    proposal = world.approve(world.propose())
    deny()
    with pytest.raises(PolicyChanged, match=NEVER):
        review.undo(proposal_id=proposal.pk, by=world.owner)
    assert now(proposal).state == "blocked"


def test_a_rejection_of_what_is_denied_now_is_not_undone(world):
    proposal = world.decide(world.propose(), "reject", reason_code="too_risky")
    deny()
    for _ in range(2):
        with pytest.raises(PolicyChanged, match=NEVER):
            review.undo(proposal_id=proposal.pk, by=world.owner)
    assert now(proposal).state == "rejected"
    Rule.objects.all().delete()
    worlds.publish()
    assert review.undo(proposal_id=proposal.pk, by=world.owner).state == "pending"


def test_an_undone_rejection_waits_under_the_stricter_policy(world):
    proposal = world.decide(world.propose(), "reject", reason_code="too_risky")
    demand(tier_id="signature")
    with pytest.raises(PolicyChanged):
        review.undo(proposal_id=proposal.pk, by=world.owner)
    assert review.undo(proposal_id=proposal.pk, by=world.owner).tier_id == "signature"


# Claims


def test_nothing_denied_is_claimed(world):
    by_people, by_policy = world.approve(world.propose()), world.propose("email.now")
    deny()
    assert claim() is None
    assert {now(proposal).state for proposal in (by_people, by_policy)} == {"blocked"}
    assert not Attempt.objects.exists()


def test_what_people_approved_is_claimed_only_if_that_is_enough_now(world):
    proposal = world.approve(world.propose())
    demand(tier_id="signature")
    assert claim() is None
    assert now(proposal).state == "pending"
    world.approve(proposal, is_signed=True, comment="Again, signed.")
    assert claim() is not None


def test_a_policy_that_changes_nothing_stops_nothing(world):
    proposal = world.propose("email.now")
    world.surface("crm.notes", "single")
    taken = claim()
    assert taken is not None
    attempt = Attempt.objects.get()
    assert attempt.policy_version == now(proposal).policy_version == worlds.publish().number
    (again,) = Reevaluation.objects.all()
    assert (again.outcome, again.is_met) == ("allow", True)


def test_what_came_back_from_a_claim_is_judged_again(world):
    proposal = world.propose("email.now")
    taken = claim()
    dispatches.postpone(dispatch_id=taken.dispatch.pk, fence=taken.fence, error="busy")
    Dispatch.objects.update(next_attempt_at=database_now())
    deny()
    assert claim() is None
    assert now(proposal).state == "blocked"


def test_what_a_worker_lost_is_judged_again(world):
    proposal = world.propose("email.now")
    claim()
    Dispatch.objects.update(lease_until=database_now() - timedelta(seconds=1))
    demand("email.now", tier_id="single")
    assert claim() is None
    assert now(proposal).state == "pending"
    assert Attempt.objects.get().error == dispatches.WENT_AWAY
    world.approve(proposal)
    assert claim().fence == 2


def test_what_a_worker_has_in_hand_is_left_to_it(world):
    proposal = world.propose("email.now")
    taken = claim()
    deny()
    assert reevaluation.reevaluate_open() == 0
    dispatches.complete(dispatch_id=taken.dispatch.pk, fence=taken.fence, receipt={})
    assert now(proposal).state == "shipped"


def test_a_pull_executor_gets_no_grant_for_what_is_denied_now(world):
    world.connector.kind, world.connector.executor = "pull", world.agent
    world.connector.save()
    world.propose("email.now")
    deny()
    assert agent_api(world.agent).post("dispatches/claim/", {}).status_code == 204
    assert Proposal.objects.get().state == "blocked"


def test_what_is_over_is_not_judged_again(world):
    proposal = world.propose("email.now")
    deny()
    reevaluation.reevaluate_open()
    demand("email.now", tier_id="single")
    assert enforcement.bring(proposal.pk) is None
    assert Reevaluation.objects.count() == 1


# Agents


def test_a_suspended_agent_ships_what_people_approved_and_nothing_else(world):
    by_people, by_policy = world.approve(world.propose()), world.propose("email.now")
    agents.suspend(agent=world.agent, by=world.owner)
    assert claim().dispatch.proposal_id == by_people.pk
    assert claim() is None
    assert now(by_policy).state == "blocked"


def test_a_suspended_agent_ships_what_people_approved_under_a_new_policy(world):
    by_people = world.approve(world.propose())
    agents.suspend(agent=world.agent, by=world.owner)
    demand(senior_tier_id="human_only")
    assert claim().dispatch.proposal_id == by_people.pk


def test_a_sweep_finds_what_a_suspended_agent_has_waiting(world):
    held = world.propose("email.lifecycle")
    agents.suspend(agent=world.agent, by=world.owner)
    assert [reevaluation.reevaluate_open() for _ in range(2)] == [1, 0]
    assert now(held).state == "blocked"


def test_a_lowered_mandate_asks_people(world):
    proposal = world.propose("email.now")
    mandate = Mandate.objects.get(surface="email.now")
    mandates.give(agent=world.agent, surface=mandate.surface, tier=worlds.Tier.objects.get(pk="single"), by=world.owner)
    assert claim() is None
    assert now(proposal).state == "pending"


def test_a_mandate_taken_away_stops_what_waits(world):
    proposal = world.propose("email.now")
    mandates.take_away(mandate=Mandate.objects.get(surface="email.now"), by=world.owner)
    assert claim() is None
    assert now(proposal).state == "blocked"


# Retries


def test_a_retry_of_what_is_denied_now_stays_failed(world):
    proposal = failing(world.propose("email.now"))
    deny()
    for _ in range(2):
        with pytest.raises(PolicyChanged, match=NEVER):
            recovery.retry(proposal_id=proposal.pk, by=world.owner)
    assert now(proposal).state == "failed"
    assert claim() is None
    Rule.objects.all().delete()
    worlds.publish()
    assert recovery.retry(proposal_id=proposal.pk, by=world.owner).state == "approved"
    assert claim() is not None


def test_a_retry_over_http_says_409_with_the_reason(world):
    proposal = failing(world.propose("email.now"))
    deny()
    answer = person_api(world.owner).post(f"proposals/{proposal.pk}/retry/", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "policy_changed")
    assert NEVER in answer.json()["detail"]


@pytest.mark.parametrize("is_swept", [False, True])
def test_a_retry_of_what_needs_people_now_waits_for_them(world, is_swept):
    proposal = failing(world.propose("email.now"))
    demand("email.now", tier_id="single")
    if is_swept:
        assert [reevaluation.reevaluate_open() for _ in range(2)] == [1, 0]
        assert now(proposal).state == "failed"
    retried = recovery.retry(proposal_id=proposal.pk, by=world.owner)
    assert (retried.state, retried.release_at) == ("pending", None)
    assert claim() is None
    world.approve(proposal)
    failing(proposal)
    assert recovery.retry(proposal_id=proposal.pk, by=world.owner).state == "approved"
    assert claim().fence == 3


def test_a_retry_of_a_suspended_agents_automatic_work_stays_failed(world):
    proposal = failing(world.propose("email.now"))
    agents.suspend(agent=world.agent, by=world.owner)
    with pytest.raises(PolicyChanged, match="suspended"):
        recovery.retry(proposal_id=proposal.pk, by=world.owner)
    assert now(proposal).state == "failed"


def test_a_retry_of_what_people_approved_is_theirs(world):
    proposal = failing(world.approve(world.propose()))
    world.surface("crm.notes", "single")
    assert recovery.retry(proposal_id=proposal.pk, by=world.owner).state == "approved"
    assert claim() is not None


def test_a_denial_between_two_policies_forgets_no_demand(world):
    proposal = failing(world.propose("email.now"))
    demand("email.now", tier_id="single")
    reevaluation.reevaluate_open()
    deny()
    reevaluation.reevaluate_open()
    Rule.objects.all().delete()
    worlds.publish()
    assert recovery.retry(proposal_id=proposal.pk, by=world.owner).state == "pending"


# Shelf life


@pytest.mark.parametrize("slug", ["ads.budget", "email.now"])
def test_what_was_held_for_longer_than_it_stays_good_asks_again(world, slug):
    proposal = world.propose(slug) if slug == "email.now" else world.approve(world.propose(slug))
    Proposal.objects.filter(pk=proposal.pk).update(release_at=database_now() - timedelta(hours=25))
    assert claim() is None
    proposal = now(proposal)
    assert (proposal.state, proposal.release_at) == ("pending", None)
    assert proposal.deadline_at > database_now() + timedelta(hours=23)
    assert Entry.objects.filter(kind="proposal.asked_again").count() == 1
    world.approve(proposal)
    assert claim() is not None


def test_a_shelf_life_is_its_surfaces_own(world):
    demand(shelf_life=timedelta(days=3))
    proposal = world.approve(world.propose())
    Proposal.objects.filter(pk=proposal.pk).update(release_at=database_now() - timedelta(days=2))
    assert claim() is not None


def test_a_signed_approval_of_before_does_not_count_once_people_are_asked_again(world):
    proposal = world.approve(world.propose("pricing"), is_signed=True, comment="I have read it.")
    Proposal.objects.filter(pk=proposal.pk).update(release_at=database_now() - timedelta(hours=25))
    assert claim() is None
    mine = person("third-owner", OWNER)
    assert world.approve(proposal, by=mine, is_signed=True, comment="Still right.").state == "approved"
    with pytest.raises(StateConflict):
        review.decide(proposal_id=proposal.pk, seen=seen(now(proposal)), by=mine, verdict="approve")
