"""Recipients: those whose turn it is, and anyone who stands in for one of them who is away."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.errors import NotEligible
from approvals.lifecycle import escalation, review
from approvals.models import Notice, NoticeDelivery, NoticeRule, Occasion, Proposal, Timer
from approvals.notices import occasions
from approvals.people import absences, eligibility
from approvals.queue import turns
from audit.clock import database_now
from policies.publishing.publish import active_policy
from tests import world as worlds
from tests.world import OWNER, World, person, seen

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.fixture
def finance() -> User:
    return person("finance", "Finance")


@pytest.fixture
def stand_in() -> User:
    return person("stand-in", "Product")


def row(role: str, *, approvals: int = 1, stage: int = 1) -> dict:
    names = {"surface": "ads.budget", "tier": None, "stage": stage, "name": role, "role": role}
    return names | {"approvals": approvals, "denials": 1}


def away(who: User, delegate: User, **scope) -> None:
    now = database_now()
    absences.take(
        person=who,
        by=who,
        begins_at=now - timedelta(minutes=1),
        ends_at=now + timedelta(days=1),
        delegate=delegate,
        **scope,
    )


def asked(kind: str = "waits_for_you", proposal: Proposal | None = None) -> set[str]:
    """Fan out, and return the names of those who have such a notice."""
    occasions.fan_out()
    rows = Notice.objects.filter(kind=kind)
    return {notice.person.username for notice in (rows.filter(proposal=proposal) if proposal else rows)}


def pass_time(proposal: Proposal, hours: float) -> None:
    Timer.objects.filter(proposal=proposal, fired_at=None).update(due_at=database_now())
    Timer.objects.filter(proposal=proposal, share__gt=hours / 24).update(due_at=database_now() + timedelta(hours=1))


def test_anyone_who_stands_in_is_asked_too_and_told_for_whom(world, finance, stand_in):
    world.enforce(requirements=[row("Finance")])
    User.objects.filter(pk=stand_in.pk).update(email="somebody@example.com")
    away(finance, stand_in)
    proposal = world.propose()
    assert asked() == {"finance", "stand-in"}
    notice = Notice.objects.get(person=stand_in)
    assert notice.note == "You stand in for finance."
    assert Notice.objects.get(person=finance).note == ""
    assert NoticeDelivery.objects.get(person=stand_in, channel="email").note == "You stand in for finance."
    assert eligibility.visible(stand_in).filter(pk=proposal.pk).exists()
    assert turns.waiting_for(stand_in, policy=active_policy()).get() == proposal
    client = Client()
    client.force_login(stand_in)
    page = client.get("/admin/inbox/").content.decode()
    assert "You stand in for finance." in page
    assert "Needs your decision" in page
    assert world.approve(proposal, by=stand_in).state == "approved"


@pytest.mark.parametrize("scope", [{"surfaces": ["pricing"]}, {"roles": ["Legal"]}])
def test_where_nothing_was_lent_nobody_stands_in(world, finance, stand_in, scope):
    person("lawyer", "Legal")
    finance.groups.add(Group.objects.get(name="Legal"))
    world.enforce(requirements=[row("Finance")])
    away(finance, stand_in, **scope)
    world.propose()
    assert asked() == {"finance"}


def test_who_was_called_off_or_is_yet_to_begin_stands_in_for_nobody(world, finance, stand_in):
    world.enforce(requirements=[row("Finance")])
    now = database_now()
    absences.take(
        person=finance, by=finance, begins_at=now + timedelta(hours=1), ends_at=now + timedelta(days=1),
        delegate=stand_in,
    )  # fmt: skip
    away(finance, stand_in)
    absences.end(absence_id=finance.absences.latest("pk").pk, by=finance)
    world.propose()
    assert asked() == {"finance"}


def test_what_was_lent_is_not_lent_on(world, finance, stand_in):
    world.enforce(requirements=[row("Finance")])
    away(finance, stand_in)
    away(stand_in, person("lawyer", "Legal"))
    world.propose()
    assert asked() == {"finance", "stand-in"}


def test_neither_the_owner_of_the_agent_nor_who_cannot_decide_is_asked_to_stand_in(world, finance, stand_in):
    world.enforce(requirements=[row("Finance")])
    away(finance, world.agent.owner)
    away(person("more-finance", "Finance"), stand_in)
    stand_in.groups.get().permissions.remove(Permission.objects.get(codename="decide_proposal"))
    world.propose()
    assert asked() == {"finance", "more-finance"}


def test_nobody_is_asked_in_place_of_the_owner_of_the_agent(world, stand_in):
    away(world.agent.owner, stand_in)
    world.propose()
    assert asked() == {"channel-owner", "other-channel-owner"}


def test_nobody_is_asked_in_place_of_who_wrote_it_or_has_voted(world, finance, stand_in):
    world.enforce(requirements=[row("Finance", approvals=2)])
    more = person("more-finance", "Finance")
    away(finance, stand_in)
    proposal = world.propose()
    edited = review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=finance, payload={"amount": 1})
    occasions.fan_out()
    Notice.objects.all().delete()
    pass_time(edited, 13)
    escalation.fire_due()
    assert asked("reminder") == {"more-finance"}, "finance wrote it"
    Notice.objects.all().delete()
    other = world.propose()
    world.approve(other, by=finance)
    pass_time(other, 13)
    escalation.fire_due()
    assert asked("reminder", other) == {"more-finance"}
    assert world.approve(other, by=more).state == "approved"


def test_who_has_a_role_of_their_own_is_asked_once_and_in_it(world, stand_in):
    away(world.owner, world.other_owner)
    world.propose()
    assert asked() == {"channel-owner", "other-channel-owner"}
    assert Notice.objects.get(person=world.other_owner).note == ""


def test_a_rule_that_leaves_out_a_role_leaves_out_their_stand_ins(world, finance, stand_in):
    world.enforce(requirements=[row("Finance")])
    away(finance, stand_in)
    NoticeRule.objects.create(kind="waits_for_you", role_id="Finance", is_told=False)
    world.propose()
    assert asked() == set()


def test_who_stands_in_is_told_of_the_decision_too(world, finance, stand_in):
    world.enforce(requirements=[row("Finance")])
    away(finance, stand_in)
    proposal = world.propose()
    occasions.fan_out()
    world.approve(proposal, by=finance)
    assert asked("decided") == {"stand-in"}


def test_who_stands_in_for_anyone_who_is_called_is_called(world, stand_in):
    world.enforce(
        escalations=[
            {"surface": "ads.budget", "level": 1, "role": "Team lead", "after": 3600.0, "widens": False},
            {"surface": "ads.budget", "level": 2, "role": "Executive", "after": 7200.0, "widens": True},
        ]
    )
    lead, boss = person("team-lead", "Team lead", permissions=("view_all_proposals",)), person("executive", "Executive")
    away(lead, stand_in)
    away(boss, stand_in)
    proposal = world.propose()
    pass_time(proposal, 1)
    escalation.fire_due()
    assert asked("escalated") == {"team-lead"}, "who is only to know of it lends nothing"
    pass_time(proposal, 2)
    escalation.fire_due()
    assert asked("escalated") == {"team-lead", "executive", "stand-in"}
    assert Notice.objects.get(person=stand_in, kind="escalated").note == (
        "You stand in for executive. Channel owner has not answered. Executive can decide now."
    )


def test_a_reminder_comes_to_anyone_who_stands_in(world, finance, stand_in):
    world.enforce(requirements=[row("Finance")])
    away(finance, stand_in)
    proposal = world.propose()
    pass_time(proposal, 13)
    escalation.fire_due()
    assert asked("reminder") == {"finance", "stand-in"}


def test_what_is_assigned_to_somebody_away_is_told_to_their_stand_in(world, finance, stand_in):
    world.enforce(requirements=[row("Finance")])
    more = person("more-finance", "Finance")
    away(finance, stand_in)
    proposal = world.propose()
    turns.reassign(proposal_id=proposal.pk, to=finance, by=more, note="Your figures.")
    assert asked("assigned") == {"finance", "stand-in"}
    assert Notice.objects.get(person=stand_in, kind="assigned").note == "You stand in for finance. Your figures."


def test_who_has_voted_is_not_reminded(world):
    world.enforce(requirements=[row(OWNER, approvals=2)])
    proposal = world.propose()
    world.approve(proposal)
    pass_time(proposal, 13)
    escalation.fire_due()
    assert asked("reminder") == {"other-channel-owner"}


STAGES = [row("Product"), row("Finance", stage=2), row("Legal", stage=3)]


@pytest.fixture
def staged(world) -> World:
    world.enforce(requirements=STAGES)
    for role in ("Product", "Finance", "Legal"):
        person(role.lower(), role)
    return world


def named(name: str) -> User:
    return User.objects.get(username=name)


def test_only_the_stage_that_is_open_is_asked_and_the_next_when_it_opens(staged):
    proposal = staged.propose()
    assert asked() == {"product"}
    staged.approve(proposal, by=named("product"))
    occasion = Occasion.objects.get()
    assert (occasion.kind, occasion.roles) == ("waits_for_you", ["Finance"])
    assert asked() == {"product", "finance"}
    staged.approve(proposal, by=named("finance"))
    assert asked() == {"product", "finance", "legal"}
    assert staged.approve(proposal, by=named("legal")).state == "approved"


def test_a_stage_that_is_still_closed_asks_nobody_and_is_told_once(staged):
    staged.enforce(requirements=[row("Product", approvals=2), row("Finance", stage=2)])
    more = person("more-product", "Product")
    proposal = staged.propose()
    assert asked() == {"product", "more-product"}
    staged.approve(proposal, by=named("product"))
    assert not Occasion.objects.exists()
    staged.approve(proposal, by=more)
    assert asked() == {"product", "more-product", "finance"}
    at = Notice.objects.get(person=named("finance")).at
    with pytest.raises(NotEligible, match="You approved it"):
        staged.approve(proposal, by=more)
    occasions.fan_out()
    assert Notice.objects.get(person=named("finance")).at == at


def test_however_late_the_sweep_comes_each_stage_is_asked_for_what_it_was(staged):
    proposal = staged.propose()
    staged.approve(proposal, by=named("product"))
    occasions.fan_out(most=1)
    assert not Notice.objects.filter(person=named("finance")).exists()
    assert asked() == {"finance"}, "product has voted"


def test_a_decision_that_is_not_kept_tells_nobody(staged):
    proposal = staged.propose()
    occasions.fan_out()
    with transaction.atomic():
        staged.approve(proposal, by=named("product"))
        transaction.set_rollback(True)
    assert asked() == {"product"}


def test_who_approved_the_first_stage_is_not_asked_again_in_the_second(staged):
    both = person("both", "Product", "Finance")
    staged.enforce(requirements=STAGES, surfaces={"ads.budget": {"distinct_people": True}})
    proposal = staged.propose()
    assert staged.approve(proposal, by=both).state == "pending"
    occasions.fan_out()
    Notice.objects.filter(person=both).delete()
    assert asked() == {"product", "finance"}


def test_after_an_edit_or_an_undo_the_first_stage_is_asked_again(staged):
    proposal = staged.propose()
    staged.approve(proposal, by=named("product"))
    occasions.fan_out()
    Notice.objects.all().delete()
    proposal.refresh_from_db()
    review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=named("legal"), payload={"amount": 1})
    assert asked() == {"product"}
    staged.decide(proposal, "reject", by=named("finance"), reason_code="too_risky")
    occasions.fan_out()
    Notice.objects.all().delete()
    review.undo(proposal_id=proposal.pk, by=named("finance"))
    assert asked() == {"product"}


def test_who_may_only_reject_is_asked_from_the_beginning(staged):
    staged.enforce(requirements=[row("Product"), row("Finance", stage=2), row("Legal", stage=2, approvals=0)])
    staged.propose()
    assert asked() == {"product", "legal"}


def test_who_stands_in_is_asked_when_the_stage_opens(staged, stand_in):
    more = person("more-finance", "Finance")
    away(more, person("nobody-yet", "Brand"))
    proposal = staged.propose()
    assert "nobody-yet" not in asked()
    staged.approve(proposal, by=named("product"))
    assert asked() >= {"finance", "more-finance", "nobody-yet"}


def test_asking_takes_as_many_queries_however_many_there_are(world, stand_in):
    world.enforce(requirements=[row("Finance")])
    counts = []
    for number in range(2):
        for more in range(3):
            away(person(f"finance-{number}-{more}", "Finance"), stand_in)
        world.propose()
        with CaptureQueriesContext(connection) as captured:
            occasions.fan_out()
        counts.append(len(captured))
    assert counts[0] == counts[1]
