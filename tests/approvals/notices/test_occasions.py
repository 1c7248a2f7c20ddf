"""Occasions: notices, their recipients and their times."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from approvals.evaluation.judgement import Content
from approvals.lifecycle import escalation, review, submission
from approvals.models import Notice, NoticeDelivery, NoticeRule, Occasion, Proposal
from approvals.notices import occasions, retention
from approvals.shipping import claims, dispatches
from policies.models import Agent
from tests import world as worlds
from tests.approvals.races import race
from tests.world import World, seen

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    made = worlds.build()
    User.objects.filter(username__in=["channel-owner", "other-channel-owner", "agent-owner"]).update(
        email="somebody@example.com"
    )
    made.owner.refresh_from_db()
    return made


def told(kind: str, proposal: Proposal | None = None) -> set[str]:
    """Fan out, and return the names of those who have such a notice."""
    occasions.fan_out()
    rows = Notice.objects.filter(kind=kind)
    return {notice.person.username for notice in (rows.filter(proposal=proposal) if proposal else rows)}


def test_who_may_decide_is_told_that_it_waits(world):
    lawyer = worlds.person("lawyer", "Legal")
    world.propose()
    # The agent's owner holds the role too, but may not decide on their own agent's proposal.
    assert told("waits_for_you") == {"channel-owner", "other-channel-owner"}
    assert not Notice.objects.filter(person=lawyer).exists()


def test_a_submission_writes_one_row_and_the_sweep_does_the_rest(world):
    with CaptureQueriesContext(connection) as without:
        world.propose("ads.budget")
    writes = [query["sql"] for query in without if "INSERT" in query["sql"]]
    assert len(writes) == 1
    assert (Occasion.objects.count(), Notice.objects.count()) == (1, 0)
    assert occasions.fan_out() == 1
    assert Occasion.objects.count() == 0


def test_a_blocked_proposal_asks_nobody(world):
    Agent.objects.update(status="suspended")
    world.propose()
    assert occasions.fan_out() == 0


def test_nobody_is_told_of_their_own_act(world):
    proposal = world.propose()
    occasions.fan_out()
    world.approve(proposal)
    assert told("decided") == {"other-channel-owner"}
    notice = Notice.objects.get(kind="decided")
    assert notice.by_name == "channel-owner"
    assert not NoticeDelivery.objects.filter(kind="decided", person=world.owner).exists()


def test_an_edit_asks_the_others_again_and_not_its_author(world):
    proposal = world.propose()
    occasions.fan_out()
    Notice.objects.all().delete()
    review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"amount": 1})
    assert told("waits_for_you") == {"other-channel-owner"}


def test_what_was_sent_back_and_answered_is_told_apart(world):
    proposal = world.propose()
    world.decide(proposal, "send_back", comment="Less.")
    submission.revise(
        agent=world.agent, proposal_id=proposal.pk, content=Content(payload={"amount": 1}, confidence=0.95)
    )
    assert told("sent_back_answer") == {"channel-owner", "other-channel-owner"}


def test_what_happens_again_is_one_notice_and_new_again(world):
    proposal = world.propose()
    occasions.fan_out()
    assert occasions.mark_read(person=world.other_owner) == 1
    world.decide(proposal, "reject", reason_code="off_brand")
    review.undo(proposal_id=proposal.pk, by=world.owner)
    occasions.fan_out()
    notice = Notice.objects.get(person=world.other_owner, kind="waits_for_you")
    assert notice.read_at is None
    assert occasions.unread_by(world.other_owner).count() == 2


def test_once_decided_nothing_is_asked_any_more(world):
    proposal = world.propose()
    occasions.fan_out()
    assert NoticeDelivery.objects.filter(kind="waits_for_you", status="waiting").count() == 2
    world.approve(proposal)
    occasions.fan_out()
    assert not Notice.objects.filter(kind="waits_for_you", read_at=None).exists()
    assert set(NoticeDelivery.objects.filter(kind="waits_for_you").values_list("status", flat=True)) == {"cancelled"}


def test_a_failed_dispatch_is_told_to_the_owner_role(world):
    world.approve(world.propose())
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.postpone(dispatch_id=claim.dispatch.pk, fence=claim.fence, error="Gone.", is_final=True)
    assert told("failed") == {"channel-owner", "other-channel-owner", "agent-owner"}


def test_what_ships_by_itself_after_a_hold_is_told_while_it_can_be_stopped(world):
    proposal = world.propose("email.lifecycle")
    assert proposal.state == "approved"
    assert told("shipped_by_itself") >= {"channel-owner", "other-channel-owner"}


def test_a_rule_adds_a_role_that_may_see_and_mutes_another(world):
    Group.objects.get_or_create(name="Finance")
    worlds.person("controller", "Finance", permissions=("view_all_proposals",))
    worlds.person("clerk", "Finance")
    NoticeRule.objects.create(kind="waits_for_you", role_id="Finance", surface_id="ads.budget")
    NoticeRule.objects.create(kind="decided", role_id=worlds.OWNER, is_told=False)
    proposal = world.propose()
    # The clerk holds the role, but may not see the proposal.
    assert told("waits_for_you") == {"channel-owner", "other-channel-owner", "controller"}
    world.approve(proposal)
    assert told("decided") == {"controller"}


def test_the_rule_of_a_surface_counts_before_the_rule_of_all(world):
    NoticeRule.objects.create(kind="waits_for_you", role_id=worlds.OWNER, is_told=False)
    NoticeRule.objects.create(kind="waits_for_you", role_id=worlds.OWNER, surface_id="pricing")
    silent, loud = world.propose(), world.propose("pricing")
    assert told("waits_for_you", silent) == set()
    assert "channel-owner" in told("waits_for_you", loud)


def test_who_is_not_active_or_lost_the_permission_is_not_told(world):
    User.objects.filter(pk=world.owner.pk).update(is_active=False)
    world.other_owner.groups.clear()
    world.propose()
    assert told("waits_for_you") == set()


def test_named_people_are_told_whatever_their_part(world):
    proposal = world.propose()
    occasions.enqueue("assigned", proposal, people=[world.other_owner], by=world.owner, at=proposal.created_at)
    assert told("assigned") == {"other-channel-owner"}


def test_a_role_that_is_only_to_know_is_told_all_the_same(world):
    worlds.person("executive", "Executive", permissions=("view_all_proposals",))
    worlds.person("trainee", "Executive")
    proposal = world.propose()
    occasions.enqueue("escalated", proposal, roles=["Executive"], at=proposal.created_at)
    assert told("escalated") == {"executive"}


def test_a_late_question_is_not_asked_after_its_answer(world):
    """Of one proposal, occasions are told in their order, however many sweeps there are."""
    proposal = world.propose()
    world.approve(proposal)
    first, second = Occasion.objects.order_by("id")
    assert (first.kind, second.kind) == ("waits_for_you", "decided")
    occasions.fan_out(most=1)
    assert Occasion.objects.get() == second


@pytest.mark.django_db(transaction=True)
def test_many_sweeps_tell_each_occasion_once(world):
    for _ in range(10):
        world.propose()
    race(1, *[lambda _: occasions.fan_out()] * 4)
    occasions.fan_out()
    assert Notice.objects.filter(kind="waits_for_you").count() == 20
    assert NoticeDelivery.objects.count() == 20
    assert Occasion.objects.count() == 0


def test_a_deadline_that_passed_is_told(world):
    proposal = world.propose()
    occasions.fan_out()
    Proposal.objects.filter(pk=proposal.pk).update(deadline_at=timezone.now() - timedelta(seconds=1))
    escalation.expire_overdue()
    assert told("expired") == {"channel-owner", "other-channel-owner", "agent-owner"}


def test_what_is_old_is_forgotten_and_nothing_else(world):
    User.objects.update(email="somebody@example.com")
    for _ in range(2):
        world.propose()
    occasions.fan_out()
    assert retention.forget_old_notices() == 0
    old = timezone.now() - timedelta(days=181)
    Notice.objects.filter(person=world.owner).update(at=old)
    NoticeDelivery.objects.filter(person=world.owner).update(created_at=old, status="delivered")
    NoticeDelivery.objects.filter(person=world.other_owner).update(created_at=old)
    assert retention.forget_old_notices() == 4
    assert {*NoticeDelivery.objects.values_list("person", flat=True)} == {world.other_owner.pk}, "they still wait"


def test_a_round_takes_as_many_statements_however_many_occasions_there_are(world):
    counts = []
    for number in (3, 60):
        for _ in range(number):
            world.propose()
        with CaptureQueriesContext(connection) as captured:
            assert occasions.fan_out(most=number) == number
        counts.append(len(captured))
    assert counts[1] <= counts[0]
    # Alone it was 18 for each occasion; in rounds of a hundred it is a fifth of one.
    assert counts[1] <= 20


def test_what_is_answered_by_now_is_not_asked(world):
    decided, open_still, late = (world.propose() for _ in range(3))
    world.approve(decided)
    Proposal.objects.filter(pk=late.pk).update(deadline_at=timezone.now() - timedelta(seconds=1))
    assert occasions.fan_out() == 4
    asked = Notice.objects.filter(kind="waits_for_you")
    assert {*asked.values_list("proposal", flat=True)} == {open_still.pk}
    assert {*NoticeDelivery.objects.values_list("proposal", flat=True)} == {open_still.pk}
    assert not Occasion.objects.exists()


def test_a_round_that_ends_halfway_has_told_nobody_and_is_told_again(world, monkeypatch):
    for _ in range(3):
        world.propose()

    def die(*args, **facts):
        raise ConnectionError("The worker was killed.")

    with monkeypatch.context() as patched:
        patched.setattr(occasions, "bring_up_to_date", die)
        with pytest.raises(ConnectionError), transaction.atomic():
            occasions.fan_out()
    assert (Occasion.objects.count(), Notice.objects.count(), NoticeDelivery.objects.count()) == (3, 0, 0)
    occasions.fan_out()
    assert (Occasion.objects.count(), Notice.objects.count(), NoticeDelivery.objects.count()) == (0, 6, 6)


def test_where_a_whole_company_is_told_the_round_is_shared_out(world, monkeypatch):
    monkeypatch.setattr(occasions, "MOST_READERS", 5)
    for _ in range(6):
        world.propose()
    assert occasions.fan_out() == 6
    assert Notice.objects.count() == 12


def test_what_is_told_anew_at_this_moment_stays_unread(world):
    world.propose()
    occasions.fan_out()
    assert occasions.mark_read(person=world.owner) == 1
    assert occasions.mark_read(person=world.owner) == 0
