"""When nobody answers: reminders, and the next role is called; once, in order, never early, never consent."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from approvals.errors import NotEligible, StateConflict
from approvals.evaluation.judgement import Content
from approvals.lifecycle import escalation, reevaluation, review, submission
from approvals.models import Notice, Occasion, Proposal, Timer
from approvals.notices import occasions
from audit.clock import database_now
from audit.models import Entry
from policies.engine.calendars.business_time import DAYS, between
from policies.publishing.publish import active_policy
from tests import world as worlds
from tests.kept import kept
from tests.proofs import assert_invariants_hold, breaches
from tests.world import OWNER, World, person, seen

pytestmark = pytest.mark.django_db

HOUR = 3600.0
EXEC, LEAD = "Executive", "Team lead"


def level(number: int, role: str, hours: float, *, widens: bool = True) -> dict:
    return {"surface": "ads.budget", "level": number, "role": role, "after": hours * HOUR, "widens": widens}


def row(role: str, *, name: str = "", stage: int = 1, approvals: int = 1) -> dict:
    names = {"surface": "ads.budget", "tier": None, "stage": stage, "name": name or role, "role": role}
    return names | {"approvals": approvals, "denials": 1}


LEVELS = [level(1, LEAD, 4, widens=False), level(2, EXEC, 8)]


@pytest.fixture
@kept
def world() -> World:
    world = worlds.build()
    world.enforce(escalations=LEVELS)
    return world


def told() -> list[tuple[str, set[str]]]:
    """What time has had told, and to which roles."""
    rows = Occasion.objects.filter(kind__in=["reminder", "escalated"]).order_by("id")
    return [(row.kind, set(row.roles)) for row in rows]


def pass_time(proposal: Proposal, hours: float) -> None:
    """Let so much time go by for a proposal, at most up to a minute before its deadline."""
    by = timedelta(hours=hours)
    row = Proposal.objects.get(pk=proposal.pk)
    Proposal.objects.filter(pk=proposal.pk).update(
        deadline_at=max(row.deadline_at - by, database_now() + timedelta(minutes=1))
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE approvals_timer SET due_at = due_at - %s WHERE proposal_id = %s AND fired_at IS NULL",
            [by, proposal.pk],
        )


def fired(proposal: Proposal) -> list[tuple[str, int]]:
    done = Timer.objects.filter(proposal=proposal, fired_at__isnull=False).order_by("share", "level")
    return list(done.values_list("kind", "level"))


def test_steps_are_planned_when_people_are_first_asked(world):
    proposal = world.propose()
    due = {
        (timer.kind, timer.level): timer.due_at - proposal.created_at
        for timer in Timer.objects.filter(proposal=proposal)
    }
    assert due == {
        ("remind_50", 0): timedelta(hours=12),
        ("remind_80", 0): timedelta(hours=19, minutes=12),
        ("level", 1): timedelta(hours=4),
        ("level", 2): timedelta(hours=8),
    }
    assert not Timer.objects.filter(proposal=world.propose("email.lifecycle")).exists(), "nobody is asked"


def test_nothing_happens_early_and_everything_once(world):
    proposal = world.propose()
    assert escalation.fire_due() == 0
    pass_time(proposal, 5)
    assert escalation.fire_due() == 1
    assert escalation.fire_due() == 0
    assert fired(proposal) == [("level", 1)]
    assert told() == [("escalated", {LEAD})]
    assert_invariants_hold()


def test_a_role_that_is_only_told_may_not_decide(world):
    lead = person("lead", LEAD)
    proposal = world.propose()
    pass_time(proposal, 5)
    escalation.fire_due()
    with pytest.raises(NotEligible):
        world.approve(proposal, by=lead)


def test_a_level_that_widens_lets_the_next_role_decide_too(world):
    boss = person("boss", EXEC)
    proposal = world.propose()
    with pytest.raises(NotEligible):
        world.approve(proposal, by=boss)
    pass_time(proposal, 9)
    escalation.fire_due()
    proposal.refresh_from_db()
    assert proposal.deciding_roles == [OWNER, EXEC]
    entry = Entry.objects.get(kind="proposal.escalated", data__level=2)
    assert entry.data["role"] == EXEC
    assert world.approve(proposal, by=boss).state == "approved"
    assert_invariants_hold()


def test_the_next_role_stands_in_for_each_name_that_is_missing(world):
    world.enforce(requirements=[row("Product"), row("Finance", stage=2)], escalations=LEVELS)
    pam, boss = person("pam", "Product"), person("boss", EXEC)
    proposal = world.propose()
    assert world.approve(proposal, by=pam).state == "pending"
    pass_time(proposal, 9)
    escalation.fire_due()
    assert world.approve(proposal, by=boss).state == "approved"
    assert_invariants_hold()


def test_after_hours_of_downtime_what_is_due_happens_in_order_and_once(world):
    proposal = world.propose()
    pass_time(proposal, 20)
    assert escalation.fire_due() == 1
    assert fired(proposal) == [("level", 1), ("level", 2), ("remind_50", 0), ("remind_80", 0)]
    assert [kind for kind, _ in told()] == ["escalated", "escalated", "reminder", "reminder"]
    assert told()[-1][1] == {OWNER, EXEC}
    assert escalation.fire_due() == 0
    assert_invariants_hold()


def test_a_reminder_goes_to_those_who_are_still_needed(world):
    world.enforce(requirements=[row("Product"), row("Finance")], escalations=[])
    proposal = world.propose()
    world.approve(proposal, by=person("pam", "Product"))
    pass_time(proposal, 13)
    escalation.fire_due()
    assert told() == [("reminder", {"Finance"})]


def test_anyone_who_is_called_is_told_who_has_not_answered(world):
    world.enforce(requirements=[row("Product"), row("Finance")], escalations=LEVELS)
    person("boss", EXEC, permissions=("view_all_proposals",))
    proposal = world.propose()
    world.approve(proposal, by=person("pam", "Product"))
    pass_time(proposal, 5)
    escalation.fire_due()
    assert Occasion.objects.get(kind="escalated").note == "Finance has not answered."
    Occasion.objects.all().delete()
    pass_time(proposal, 4)
    escalation.fire_due()
    occasions.fan_out()
    note = Notice.objects.get(kind="escalated", person__username="boss").note
    assert note == "Finance has not answered. Executive can decide now."


def test_past_the_deadline_nobody_is_called_and_it_expires(world):
    proposal = world.propose()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE approvals_timer SET due_at = now() - interval '1 h'")
    Proposal.objects.filter(pk=proposal.pk).update(deadline_at=database_now() - timedelta(seconds=1))
    assert escalation.fire_due() == 1
    assert told() == []
    assert escalation.fire_due() == 0
    assert escalation.expire_overdue() == 1
    assert Proposal.objects.get(pk=proposal.pk).state == "expired"
    assert_invariants_hold()


def test_what_is_decided_reminds_nobody(world):
    proposal = world.propose()
    world.approve(proposal)
    pass_time(proposal, 20)
    escalation.fire_due()
    assert told() == []
    assert not Timer.objects.filter(due_at__isnull=False).exists(), "the sweep does not find it again"


def test_an_undo_plans_again_what_has_not_happened_yet(world):
    proposal = world.propose()
    pass_time(proposal, 5)
    escalation.fire_due()
    world.approve(proposal)
    pass_time(proposal, 24)
    escalation.fire_due()
    undone = review.undo(proposal_id=proposal.pk, by=world.owner)
    due = Timer.objects.get(proposal=proposal, level=2).due_at
    assert due - undone.updated_at == timedelta(hours=8)
    assert fired(proposal) == [("level", 1)]
    pass_time(proposal, 20)
    escalation.fire_due()
    assert Entry.objects.filter(kind="proposal.escalated").count() == 2
    assert_invariants_hold()


def test_while_the_agent_revises_nobody_is_reminded_and_then_time_begins_anew(world):
    proposal = world.propose()
    world.decide(proposal, "send_back", comment="Less.")
    pass_time(proposal, 20)
    escalation.fire_due()
    assert told() == []
    revised = submission.revise(agent=world.agent, proposal_id=proposal.pk, content=Content(payload={"amount": 1}))
    assert Timer.objects.get(proposal=proposal, level=1).due_at - revised.updated_at == timedelta(hours=4)


def test_what_was_held_back_by_a_stricter_policy_gets_its_steps(world):
    proposal = world.propose("email.lifecycle")
    world.enforce(surfaces={"email.lifecycle": {"floor": "single"}})
    reevaluation.reevaluate_open()
    proposal.refresh_from_db()
    assert proposal.state == "pending"
    assert Timer.objects.filter(proposal=proposal, due_at__isnull=False).count() == 2
    assert_invariants_hold()


def test_an_earlier_deadline_of_the_agents_brings_every_level_forward(world):
    soon = database_now() + timedelta(hours=12)
    proposal = world.propose(expires_at=soon)
    assert proposal.deadline_at == soon
    due = Timer.objects.get(proposal=proposal, level=2).due_at
    assert abs(due - proposal.created_at - timedelta(hours=4)) < timedelta(seconds=1)


def test_an_agent_cannot_ask_for_a_later_deadline(world):
    proposal = world.propose(expires_at=database_now() + timedelta(days=30))
    assert proposal.deadline_at - proposal.created_at == timedelta(hours=24)


def test_an_edit_keeps_anyone_who_was_called(world):
    boss = person("boss", EXEC)
    proposal = world.propose()
    pass_time(proposal, 9)
    escalation.fire_due()
    proposal.refresh_from_db()
    edited = review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"amount": 1})
    assert len({(each["stage"], each["name"]) for each in edited.requirements}) == 1
    assert world.approve(edited, by=boss).state == "approved"
    assert_invariants_hold()


def test_anyone_who_was_called_may_decide_on_what_is_asked_later_too(world):
    boss = person("boss", EXEC)
    proposal = world.propose()
    pass_time(proposal, 9)
    escalation.fire_due()
    world.enforce(requirements=[row("Finance")])
    proposal.refresh_from_db()
    edited = review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"amount": 1})
    assert {each["role"] for each in edited.requirements} == {OWNER, EXEC, "Finance"}
    assert world.approve(edited, by=boss).state == "approved"


def test_a_looser_escalation_published_later_changes_nothing_that_is_open(world):
    proposal = world.propose()
    world.enforce(escalations=[level(1, EXEC, 0.1)])
    pass_time(proposal, 1)
    assert escalation.fire_due() == 0


def test_levels_run_in_business_time(world):
    hours = dict.fromkeys(DAYS[:5], "09:00-17:00")
    world.enforce(
        calendars={"office": {"time_zone": "Europe/Berlin", "hours": hours, "holidays": []}},
        surfaces={"ads.budget": {"calendar": "office"}},
        escalations=LEVELS,
    )
    proposal = world.propose()
    calendar = active_policy().surfaces["ads.budget"].calendar
    assert between(calendar, proposal.created_at, proposal.deadline_at) == timedelta(hours=24)
    due = Timer.objects.get(proposal=proposal, level=2).due_at
    assert between(calendar, proposal.created_at, due) == timedelta(hours=8)
    assert proposal.deadline_at - proposal.created_at >= timedelta(days=2)


def test_a_level_past_the_deadline_is_not_planned(world):
    world.enforce(escalations=[level(1, EXEC, 48)])
    assert Timer.objects.filter(proposal=world.propose(), kind="level").count() == 0


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE approvals_timer SET fired_at = now() WHERE kind = 'level' AND level = 2",
        "INSERT INTO audit_entry (kind, subject, actor, actor_name, at, data, request_id, trace_id, salt, commitment)"  # noqa: ISC004
        " SELECT kind, subject, actor, actor_name, at, data, request_id, trace_id, salt, commitment"
        " FROM audit_entry WHERE kind = 'proposal.escalated'",
        "DELETE FROM audit_entry WHERE kind = 'proposal.escalated'",
        "UPDATE approvals_timer SET widens = true, role = 'Legal' WHERE fired_at IS NOT NULL",
        "UPDATE approvals_timer SET due_at = NULL",
    ],
)
def test_each_breach_of_the_promise_is_found(world, wrong):
    proposal = world.propose()
    pass_time(proposal, 5)
    if "due_at = NULL" not in wrong:
        escalation.fire_due()
    assert_invariants_hold()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL session_replication_role = replica")
        if "level = 2" in wrong:
            cursor.execute("UPDATE approvals_timer SET due_at = now() - interval '1 s' WHERE level = 2")
        cursor.execute(wrong)
    assert "I6" in breaches()


def test_the_database_lets_nothing_happen_twice(world):
    proposal = world.propose()
    pass_time(proposal, 5)
    escalation.fire_due()
    timer = Timer.objects.get(proposal=proposal, level=1)
    for act in (lambda: timer.save(update_fields=["fired_at"]), timer.delete):
        with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
            act()


def test_a_decision_and_a_level_at_the_same_time_do_not_break_each_other(world):
    proposal = world.propose()
    pass_time(proposal, 9)
    escalation.fire_due()
    world.approve(proposal)
    with pytest.raises(StateConflict):
        world.approve(proposal, by=world.other_owner)
    assert_invariants_hold()
