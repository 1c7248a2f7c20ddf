"""Stand-ins for people who are away: they can do no more than those could, and have no second vote."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from approvals.errors import AbsenceRefused, NotEligible
from approvals.lifecycle import review
from approvals.models import Absence, Decision
from approvals.notices import substitutes
from approvals.people import absences, eligibility
from audit.clock import database_now
from audit.models import Entry
from policies.publishing.publish import active_policy
from tests import world as worlds
from tests.proofs import assert_invariants_hold, breaches
from tests.world import OWNER, World, person, seen

pytestmark = pytest.mark.django_db


def row(role: str, *, approvals: int = 1, stage: int = 1) -> dict:
    names = {"surface": "ads.budget", "tier": None, "stage": stage, "name": role, "role": role}
    return names | {"approvals": approvals, "denials": 1}


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.fixture
def finn() -> User:
    return person("finn", "Finance")


@pytest.fixture
def anna() -> User:
    return person("anna", "Product")


def away(who: User, delegate: User | None, *, days: float = 1, since: float = 0, **scope) -> Absence:
    now = database_now()
    begins = now - timedelta(minutes=1) + timedelta(days=since)
    ends = begins + timedelta(days=days)
    return absences.take(person=who, by=who, begins_at=begins, ends_at=ends, delegate=delegate, **scope)


def only_finance(world: World, **more) -> None:
    world.enforce(requirements=[row("Finance", **more)])


def test_a_delegate_decides_for_anyone_who_is_away_and_it_says_so(world, finn, anna):
    only_finance(world)
    proposal = world.propose()
    with pytest.raises(NotEligible):
        world.approve(proposal, by=anna)
    away(finn, anna)
    assert eligibility.visible(anna).filter(pk=proposal.pk).exists()
    assert eligibility.waiting_for(anna, eligibility.visible(anna), active_policy()).exists()
    assert world.approve(proposal, by=anna).state == "approved"
    decision = Decision.objects.get()
    assert (decision.by, decision.on_behalf_of, decision.by_name) == (anna, finn, "anna for finn")
    entry = Entry.objects.get(kind="proposal.decided")
    assert entry.data["on_behalf_of"] == f"user:{finn.pk}"
    assert entry.data["roles"] == ["Finance"]
    assert entry.actor == f"user:{anna.pk}"
    assert_invariants_hold()


def test_before_and_after_and_once_it_is_called_off_nobody_stands_in(world, finn, anna):
    only_finance(world)
    proposal = world.propose()
    away(finn, anna, since=1)
    with pytest.raises(NotEligible):
        world.approve(proposal, by=anna)
    absence = away(finn, anna, days=0.5)
    absences.end(absence_id=absence.pk, by=finn)
    with pytest.raises(NotEligible):
        world.approve(proposal, by=anna)
    assert not eligibility.visible(anna).exists()
    Absence.objects.bulk_create(
        [
            Absence(
                person=finn,
                delegate=anna,
                begins_at=database_now() - timedelta(days=2),
                ends_at=database_now() - timedelta(seconds=1),
                noted_at=database_now(),
                noted_by=finn,
            )
        ]
    )
    with pytest.raises(NotEligible):
        world.approve(proposal, by=anna)


def test_it_is_not_passed_on(world, finn, anna):
    only_finance(world)
    lea = person("lea", "Legal")
    away(anna, lea)
    with pytest.raises(AbsenceRefused, match="away then too"):
        away(finn, anna)
    later = person("later", "Product")
    away(finn, later)
    away(later, lea)
    with pytest.raises(NotEligible):
        world.approve(world.propose(), by=lea)


def test_the_owner_of_the_agent_decides_for_nobody(world, finn):
    only_finance(world)
    owner = world.agent.owner
    absence = away(finn, owner)
    with pytest.raises(NotEligible, match="own the agent"):
        world.approve(world.propose(), by=owner)
    assert any("pacer" in text for text in absences.warnings(absence))


def test_nobody_decides_for_the_owner_of_the_agent(world, anna):
    away(world.agent.owner, anna)
    with pytest.raises(NotEligible):
        world.approve(world.propose(), by=anna)


def test_nobody_approves_for_anyone_who_wrote_the_revision_nor_what_they_wrote_themselves(world, finn, anna):
    only_finance(world)
    proposal = world.propose()
    edited = review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=finn, payload={"amount": 1})
    away(finn, anna)
    with pytest.raises(NotEligible):
        world.approve(edited, by=anna)
    other = world.propose()
    written = review.edit(proposal_id=other.pk, seen=seen(other), by=anna, payload={"amount": 1})
    with pytest.raises(NotEligible, match="wrote this revision"):
        world.approve(written, by=anna)
    assert_invariants_hold()


@pytest.mark.parametrize("how", ["closed", "permission", "role"])
def test_where_the_person_could_not_decide_nobody_can_for_them(world, finn, anna, how):
    only_finance(world)
    away(finn, anna)
    if how == "closed":
        User.objects.filter(pk=finn.pk).update(is_active=False)
    elif how == "permission":
        finn.groups.get().permissions.clear()
    else:
        finn.groups.clear()
    with pytest.raises(NotEligible):
        world.approve(world.propose(), by=anna)


def test_only_in_the_roles_and_on_the_surfaces_that_were_named(world, finn, anna):
    finn.groups.add(person("someone", "Legal").groups.get())
    away(finn, anna, roles=["Legal"])
    only_finance(world)
    with pytest.raises(NotEligible):
        world.approve(world.propose(), by=anna)
    absences.end(absence_id=Absence.objects.get().pk, by=finn)
    away(finn, anna, surfaces=["pricing"])
    with pytest.raises(NotEligible):
        world.approve(world.propose(), by=anna)
    assert not eligibility.visible(anna).exists()
    away(finn, anna, days=0.5, surfaces=["ads.budget"])
    assert world.approve(world.propose(), by=anna).state == "approved"
    assert_invariants_hold()


def test_one_person_is_one_vote_anyone_who_casts_it(world, finn, anna):
    only_finance(world, approvals=2)
    other = person("other-finance", "Finance")
    proposal = world.propose()
    away(finn, anna)
    away(other, anna)
    assert world.approve(proposal, by=anna).state == "pending"
    with pytest.raises(NotEligible, match="It was approved for finn"):  # a delegate of two is still one
        world.approve(proposal, by=anna)
    assert world.approve(proposal, by=finn).state == "pending", "and their vote replaces the one cast for them"
    assert world.approve(proposal, by=other).state == "approved"
    assert_invariants_hold()


def test_who_has_voted_already_is_not_voted_for_again(world, finn, anna):
    only_finance(world, approvals=2)
    proposal = world.propose()
    world.approve(proposal, by=finn)
    away(finn, anna)
    with pytest.raises(NotEligible):
        world.approve(proposal, by=anna)


def test_a_second_approval_for_the_same_person_is_refused(world, finn, anna):
    only_finance(world, approvals=2)
    proposal = world.propose()
    away(finn, anna)
    world.approve(proposal, by=anna)
    with pytest.raises(NotEligible, match="It was approved for finn"):
        world.approve(proposal, by=anna)
    assert Decision.objects.count() == 1
    assert world.decide(proposal, "reject", by=anna, reason_code="too_risky").state == "rejected"
    assert_invariants_hold()


def test_a_second_stand_in_approves_nothing_again_for_the_same_person(world, finn, anna):
    only_finance(world, approvals=2)
    proposal = world.propose()
    absence = away(finn, anna)
    world.approve(proposal, by=anna)
    absences.end(absence_id=absence.pk, by=finn)
    lea = person("lea", "Legal")
    away(finn, lea)
    with pytest.raises(NotEligible, match="It was approved for finn"):
        world.approve(proposal, by=lea)


def test_anyone_who_has_a_role_of_their_own_decides_for_themselves(world, finn, anna):
    world.enforce(requirements=[row("Finance"), row("Product")])
    proposal = world.propose()
    away(finn, anna)
    assert world.approve(proposal, by=anna).state == "pending"
    assert Decision.objects.get().on_behalf_of is None
    with pytest.raises(NotEligible, match="You approved it"):
        world.approve(proposal, by=anna)


def test_a_vote_goes_when_the_voter_or_whom_it_was_for_goes(world, finn, anna):
    only_finance(world, approvals=2)
    others = [person(f"finance-{number}", "Finance") for number in range(2)]
    proposal = world.propose()
    away(finn, anna)
    world.approve(proposal, by=anna)
    User.objects.filter(pk=finn.pk).update(is_active=False)
    assert world.approve(proposal, by=others[0]).state == "pending"
    assert world.approve(proposal, by=others[1]).state == "approved"
    assert_invariants_hold()


def test_a_vote_goes_with_the_account_or_the_role_until_it_is_settled(world):
    only_finance(world, approvals=2)
    people = [person(f"finance-{number}", "Finance") for number in range(4)]
    proposal = world.propose()
    world.approve(proposal, by=people[0])
    world.approve(world.propose(), by=people[1])
    User.objects.filter(pk=people[0].pk).update(is_active=False)
    assert world.approve(proposal, by=people[1]).state == "pending"
    people[1].groups.clear()
    assert world.approve(proposal, by=people[2]).state == "pending"
    assert world.approve(proposal, by=people[3]).state == "approved"
    assert_invariants_hold()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"ends_at": -1}, "ends_at"),
        ({"begins_at": 2, "ends_at": 1}, "ends_at"),
        ({"ends_at": 400}, "ends_at"),
        ({"delegate": "self"}, "delegate"),
        ({"delegate": "nobody"}, "delegate"),
        ({"roles": ["Legal"]}, "roles"),
        ({"surfaces": ["nowhere"]}, "surfaces"),
        ({"by": "other"}, "person"),
    ],
)
def test_what_makes_no_sense_is_refused(world, finn, anna, change, field):
    now = database_now()
    days = {"begins_at": 0, "ends_at": 1} | {name: at for name, at in change.items() if name.endswith("_at")}
    people = {"self": finn, "nobody": person("nobody"), "other": anna}
    words = {"person": finn, "by": finn, "delegate": anna, **change}
    words |= {name: now + timedelta(days=at) for name, at in days.items()}
    words |= {name: people[words[name]] for name in ("delegate", "by") if isinstance(words[name], str)}
    with pytest.raises(AbsenceRefused) as refused:
        absences.take(**words)
    assert refused.value.field == field
    assert not Absence.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE approvals_absence SET delegate_id = person_id + 100000",
        "UPDATE approvals_absence SET ends_at = begins_at + interval '1 s'",
        "UPDATE approvals_absence SET surfaces = '{pricing}'",
        "UPDATE approvals_absence SET roles = '{Legal}'",
        "UPDATE approvals_absence SET cancelled_at = begins_at",
        "UPDATE policies_agent SET owner_id = (SELECT on_behalf_of_id FROM approvals_decision);"  # noqa: ISC004
        " DELETE FROM policies_historicalagent",
    ],
)
def test_each_breach_is_found(world, finn, anna, wrong):
    only_finance(world)
    away(finn, anna)
    world.approve(world.propose(), by=anna)
    assert_invariants_hold()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL session_replication_role = replica")
        cursor.execute(wrong)
        assert "I7" in breaches()
        # Nothing is left that would not pass the checks at the end.
        connection.set_rollback(True)


def test_the_page_notes_and_ends_absences(world, finn, anna):
    client = Client()
    client.force_login(finn)
    address = "/admin/absence/"
    soon = (database_now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    later = (database_now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    form = {"person": finn.pk, "begins_at": soon, "ends_at": later, "delegate": anna.pk, "roles": ["Finance"]}
    assert "away then too" not in client.get(address).content.decode()
    assert client.post(address, form | {"ends_at": soon}).status_code == 200
    assert not Absence.objects.exists()
    assert client.post(address, form).status_code == 302
    absence = Absence.objects.get()
    assert (absence.person, absence.delegate, absence.roles) == (finn, anna, ["Finance"])
    shown = client.get(address).content.decode()
    assert "anna decides in the meantime" in shown
    other = Client()
    other.force_login(anna)
    assert "You decide for others" in other.get(address).content.decode()
    assert other.post(address, {"do": "end", "absence": absence.pk}, follow=True).status_code == 200
    assert Absence.objects.get().cancelled_at is None, "only finn, or a superuser, may"
    assert client.post(address, {"do": "end", "absence": absence.pk}).status_code == 302
    assert Absence.objects.get().cancelled_at is not None
    assert Entry.objects.filter(kind__startswith="absence.").count() == 2


def test_only_superusers_note_absences_of_others(world, finn, anna):
    boss = User.objects.create_superuser("root", password="a long enough password")
    form = {"person": finn.pk, "begins_at": "2099-01-01T09:00", "ends_at": "2099-01-02T09:00", "delegate": ""}
    for who, number in ((anna, 0), (boss, 1)):
        client = Client()
        client.force_login(who)
        client.post("/admin/absence/", form)
        assert Absence.objects.count() == number


def test_people_who_decide_nothing_have_no_such_page(world):
    client = Client()
    client.force_login(person("nobody"))
    assert client.get("/admin/absence/").status_code == 403


def test_the_owner_role_sees_its_surfaces_and_lends_only_what_it_decides(world, anna):
    away(world.owner, anna)
    proposal = world.propose()
    assert proposal.deciding_roles == [OWNER]
    assert eligibility.visible(anna).filter(pk=proposal.pk).exists()
    undone = world.approve(proposal, by=anna)
    assert undone.state == "approved"
    assert review.undo(proposal_id=proposal.pk, by=anna).state == "pending"
    assert Decision.objects.get(verdict="undo").on_behalf_of == world.owner
    assert_invariants_hold()


def test_nobody_gives_themselves_the_vote_of_another(world, finn, anna):
    """Not even a superuser: they may say for somebody who decides meanwhile, but not that it is they."""
    only_finance(world)
    proposal = world.propose()
    User.objects.filter(pk=anna.pk).update(is_superuser=True)
    anna.refresh_from_db()
    begins, ends = database_now() - timedelta(minutes=1), database_now() + timedelta(days=1)
    with pytest.raises(AbsenceRefused) as refused:
        absences.take(person=finn, by=anna, begins_at=begins, ends_at=ends, delegate=anna)
    assert refused.value.field == "delegate"
    # One that was noted before this was refused gives nothing.
    Absence.objects.create(
        person=finn,
        noted_by=anna,
        begins_at=begins,
        ends_at=ends,
        delegate=anna,
        noted_at=begins,
        roles=[],
        surfaces=[],
    )
    with pytest.raises(NotEligible):
        world.approve(proposal, by=anna)
    assert not substitutes.on(proposal, substitutes.everywhere())
