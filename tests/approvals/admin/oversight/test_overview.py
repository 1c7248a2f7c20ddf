"""Home: the numbers, what is due, what is held, who needs a look, and how the last days went."""

from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from approvals.admin.oversight import charts
from approvals.figures import trend
from approvals.figures.trend import Day
from approvals.lifecycle import review
from approvals.models import Proposal
from approvals.shipping import claims, dispatches, recovery
from audit.clock import database_now
from policies.models import Agent
from policies.registry import kill_switches
from tests import world as worlds
from tests.world import World, seen, signed_in

pytestmark = pytest.mark.django_db
CHARTS = [f"/admin/charts/{name}-{theme}.svg" for name in ("queue", "wait") for theme in ("light", "dark")]


@pytest.fixture
def world() -> World:
    cache.clear()
    return worlds.build()


def home(person: User) -> str:
    cache.clear()
    return str(signed_in(person).get("/admin/").content.decode())


def auditor() -> User:
    worlds.sample_roles()
    person = worlds.person("auditor")
    person.groups.add(Group.objects.get(name="Compliance"))
    return person


def move_back(proposal: Proposal, *, hours: float) -> None:
    """Let a proposal and what was decided on it have happened earlier; the triggers forbid just that."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table, column, key in (
            ("proposal", "created_at", "id"), ("proposal", "updated_at", "id"), ("proposal", "deadline_at", "id"),
            ("decision", "at", "proposal_id"),
        ):  # fmt: skip
            cursor.execute(
                f"UPDATE approvals_{table} SET {column} = {column} - %s WHERE {key} = %s",
                [timedelta(hours=hours), proposal.pk],
            )
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def days(person: User) -> list[trend.Day]:
    cache.clear()
    return trend.days(trend.Scope(person), at=database_now())


def test_what_is_due_comes_first_and_leads_to_its_page(world: World) -> None:
    later = world.propose(title="Later")
    sooner = world.propose(title="Sooner")
    Proposal.objects.filter(pk=sooner.pk).update(deadline_at=timezone.now() + timedelta(minutes=20))
    page = home(world.owner)
    assert page.index("Sooner") < page.index("Later")
    assert f"/admin/approvals/proposal/{later.pk}/" in page
    assert "min left" in page


def test_what_a_kill_switch_holds_is_counted_where_it_holds(world: World) -> None:
    boss = worlds.person("boss", worlds.OWNER, permissions=("engage_killswitch",))
    kill_switches.engage(scope="surface:ads.budget", by=boss, reason="A test.")
    for number in range(3):
        proposal = world.propose(title=f"Held {number}")
        world.approve(proposal)
    world.approve(world.propose("pricing", title="Not held"), is_signed=True, comment="Yes.")
    page = home(world.owner)
    assert "<strong>3</strong> on ads.budget" in page
    assert "A test." in page
    assert "<strong>0</strong> on ads.budget" in home(worlds.person("lawyer", "Legal"))


def test_an_agent_that_is_suspended_fails_or_is_often_refused_is_named_with_counts(world: World) -> None:
    for number in range(5):
        proposal = world.propose(title=f"Number {number}")
        if number < 3:
            world.decide(proposal, "reject", reason_code="too_risky")
        else:
            world.approve(proposal)
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.postpone(dispatch_id=claim.dispatch.pk, fence=claim.fence, error="Gone.", is_final=True)
    page = home(world.owner)
    assert "3 of 5 decisions were rejections." in page
    assert "1 dispatch failed." in page
    assert "Suspended" not in page
    Agent.objects.filter(pk=world.agent.pk).update(status="suspended")
    assert "Suspended: every proposal is blocked." in home(world.owner)


def test_what_is_rolled_back_more_than_once_is_named(world: World) -> None:
    for number in range(2):
        proposal = world.propose(title=f"Number {number}", content={"rollback": {"amount": -1}})
        world.approve(proposal)
        claim = claims.claim_next(worker="test", kind="webhook")
        dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"status": 200})
        recovery.roll_back(proposal_id=proposal.pk, by=world.owner, comment="Wrong.")
        back = claims.claim_next(worker="test", kind="webhook")
        dispatches.complete(dispatch_id=back.dispatch.pk, fence=back.fence, receipt={"status": 200})
    assert "2 actions were rolled back." in home(world.owner)


def test_a_few_rejections_are_no_trouble(world: World) -> None:
    for number in range(4):
        proposal = world.propose(title=f"Number {number}")
        if number < 2:
            world.decide(proposal, "reject", reason_code="too_risky")
    assert "rejections" not in home(world.owner)


def test_the_days_count_what_came_what_was_decided_and_what_was_left(world: World) -> None:
    decided, waiting, expired = (world.propose(title=f"Number {number}") for number in range(3))
    move_back(decided, hours=72)
    Proposal.objects.filter(pk=decided.pk).update(deadline_at=timezone.now() + timedelta(hours=1))
    world.approve(decided)
    move_back(decided, hours=24)  # proposed four days ago, decided yesterday
    move_back(waiting, hours=48)
    Proposal.objects.filter(pk=waiting.pk).update(deadline_at=timezone.now() + timedelta(hours=1))
    move_back(expired, hours=60)
    world.propose("email.lifecycle", title="Passes by itself")
    found = days(world.owner)
    today = timezone.localdate()
    by_day = {day.day: day for day in found}
    assert [day.day for day in found] == [today - timedelta(days=number) for number in reversed(range(trend.DAYS))]
    assert by_day[today - timedelta(days=5)].waiting == 0
    assert by_day[today - timedelta(days=4)].waiting == 1
    assert by_day[today - timedelta(days=4)].arrived == 1
    assert by_day[today - timedelta(days=1)].decided == 1
    assert abs(by_day[today - timedelta(days=1)].wait - timedelta(hours=72)) < timedelta(minutes=1)
    assert by_day[today].waiting == 1
    assert by_day[today].arrived == 0
    assert by_day[today].wait is None


def test_the_median_is_the_middle_one(world: World) -> None:
    for hours in (1, 2, 30):
        proposal = world.propose(title=f"After {hours}")
        move_back(proposal, hours=hours)
        Proposal.objects.filter(pk=proposal.pk).update(deadline_at=timezone.now() + timedelta(hours=1))
        world.approve(proposal)
    assert abs(days(world.owner)[-1].wait - timedelta(hours=2)) < timedelta(minutes=1)


def test_a_person_sees_only_the_numbers_of_their_own_proposals(world: World) -> None:
    proposal = world.propose(title="Not for lawyers")
    world.decide(proposal, "reject", reason_code="too_risky")
    world.propose(title="Not for lawyers either")
    lawyer = worlds.person("lawyer", "Legal")
    assert sum(day.arrived + day.decided + day.waiting for day in days(lawyer)) == 0
    assert sum(day.arrived for day in days(world.owner)) == 2
    page = home(lawyer)
    assert "Not for lawyers" not in page
    assert "Nothing has been proposed yet" in page


def test_the_kept_figures_of_one_audience_are_not_shown_to_another(world: World) -> None:
    world.propose()
    lawyer = worlds.person("lawyer", "Legal")
    cache.clear()
    at = database_now()
    assert trend.days(trend.Scope(world.owner), at=at)[-1].waiting == 1
    assert trend.days(trend.Scope(lawyer), at=at)[-1].waiting == 0
    auditor = worlds.person("auditor", permissions=("view_all_proposals",))
    assert trend.days(trend.Scope(auditor), at=at)[-1].waiting == 1


def test_somebody_without_roles_is_shown_no_figures(world: World) -> None:
    world.propose()
    nobody = worlds.person("nobody")
    assert "figures-row" not in home(nobody)
    assert signed_in(nobody).get(CHARTS[0]).status_code == 404


def test_a_new_portal_says_what_to_do_first(world: World) -> None:
    admin = User.objects.create_superuser("root")
    page = home(admin)
    assert "Nothing has been proposed yet" in page
    assert "/admin/policies/agent/add/" in page
    assert "/admin/policies/mandate/add/" in page
    assert "<img" not in page
    assert "/admin/policies/agent/add/" not in home(world.owner)


def test_who_only_reads_is_told_what_waits_and_where_to_look_things_up(world: World) -> None:
    world.propose(title="For everybody")
    page = home(auditor())
    assert "for people to decide" in page
    assert "For everybody" in page
    for address in ("approvals/decision/", "audit/entry/", "policies/policyversion/"):
        assert f"/admin/{address}" in page


def test_charts_are_pictures_without_scripts_under_a_policy_of_their_own(world: World) -> None:
    world.approve(world.propose())
    client = signed_in(world.owner)
    pictures = {}
    for address in CHARTS:
        answer = client.get(address)
        assert answer["Content-Type"] == "image/svg+xml"
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(answer.content).iter()}
        assert "script" not in tags
        assert b"url(" not in answer.content and b"@import" not in answer.content and b"href" not in answer.content
        pictures[address] = answer.content
    assert len(set(pictures.values())) == len(CHARTS)
    assert client.post(CHARTS[0]).status_code == 405


def _is(part: ElementTree.Element, tag: str) -> bool:
    return part.tag.rpartition("}")[2] == tag


@pytest.mark.parametrize("most", [0, 1, 2, 3, 4, 7, 55, 1203])
def test_a_chart_of_counts_has_whole_numbers_and_whole_days(most: int) -> None:
    first = date(2026, 11, 8)
    days = [Day(first + timedelta(days=number), most if number == 9 else 0, 0, 0, None) for number in range(trend.DAYS)]
    tree = ElementTree.fromstring(charts.draw("queue", "light", days))
    axes = [part for part in tree.iter() if part.get("class", "").startswith("axis ")]
    labels = {
        axis.get("class", "")[:6]: [text.text for text in axis.iter() if text.tag.endswith("text")] for axis in axes
    }
    assert [label.replace(",", "").isdecimal() for label in labels["axis y"]] == [True] * len(labels["axis y"])
    assert len(labels["axis y"]) == len(set(labels["axis y"])) >= 2
    assert labels["axis x"] == ["8 Nov", "11 Nov", "14 Nov", "17 Nov", "20 Nov"]


def test_every_chart_says_in_words_what_it_shows_and_has_its_table(world: World) -> None:
    world.approve(world.propose())
    page = home(world.owner)
    assert page.count('<img class="for-') == 4
    assert "Bars: proposals waiting at the end of each of the last 14 days." in page
    table = page[page.index("The same as a table") :]
    assert table.count('<th scope="row">') == trend.DAYS


def test_home_asks_few_questions_however_much_there_is(world: World) -> None:
    client = signed_in(world.owner)
    counts: list[int] = []
    for _ in range(2):
        for _number in range(15):
            proposal = world.propose()
        review.decide(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, verdict="approve")
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/admin/").status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]
    assert counts[0] <= 45, [query["sql"][:120] for query in captured]
    with CaptureQueriesContext(connection) as captured:
        client.get("/admin/")
    assert len(captured) <= 30


def keeper(name: str = "keeper") -> User:
    worlds.sample_roles()
    person = worlds.person(name)
    person.groups.add(Group.objects.get(name="Portal admin"))
    return person


def orphan(world: World, **facts: Any) -> Proposal:
    """Propose what only the role “Brand” approves, which nobody holds."""
    rows = [{"surface": "ads.budget", "tier": None, "stage": 1, "name": "brand", "role": "Brand", "approvals": 1}]
    world.enforce(requirements=[row | {"denials": 1} for row in rows])
    return world.propose(**facts)


def test_what_nobody_can_approve_is_shown_to_portal_admins_with_what_helps(world: World) -> None:
    admin = keeper()
    assert "nobody can approve" not in home(admin)
    proposal = orphan(world, title="For the brand team")
    page = home(admin)
    assert "1 proposal that nobody can approve" in page
    section = page[page.index("stuck-heading") :].split("</section>")[0]
    assert f'<a href="/admin/approvals/proposal/{proposal.pk}/">For the brand team</a>' in section
    assert "Wants Brand." in section
    assert "Ask a superuser" in section
    assert "/admin/auth/user/" in section
    assert "/admin/policies/requirement/" in section
    for address in ("/admin/auth/user/", "/admin/policies/requirement/"):
        assert signed_in(admin).get(address).status_code == 200
    assert "Ask a superuser" not in home(User.objects.create_superuser("root"))
    worlds.person("brand", "Brand")
    assert "nobody can approve" not in home(admin)


def test_what_nobody_can_approve_is_not_shown_to_others(world: World) -> None:
    orphan(world, title="For the brand team")
    for reader in (world.owner, auditor()):
        assert "nobody can approve" not in home(reader)


def test_of_many_that_nobody_can_approve_the_next_to_expire_are_shown_in_few_queries(world: World) -> None:
    admin = keeper()
    client = signed_in(admin)
    counts = []
    for number in range(8):
        proposal = orphan(world, title=f"Orphan {number}")
        Proposal.objects.filter(pk=proposal.pk).update(deadline_at=timezone.now() + timedelta(hours=20 - number))
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            page = client.get("/admin/").content.decode()
        counts.append(len(captured))
    assert len(set(counts[1:])) == 1
    section = page[page.index("stuck-heading") :].split("</section>")[0]
    assert "8 proposals that nobody can approve" in section
    assert [f"Orphan {number}" in section for number in range(8)] == [number > 2 for number in range(8)]
    assert section.index("Orphan 7") < section.index("Orphan 6")
    assert "and 3 more" in section


def test_looking_changes_nothing(world: World) -> None:
    world.propose()
    before: Any = list(Proposal.objects.values())
    home(world.owner)
    for address in CHARTS:
        signed_in(world.owner).get(address)
    assert list(Proposal.objects.values()) == before


def test_the_way_around_leads_to_the_decisions_for_anyone_who_may_see_them(world: World) -> None:
    link = '<a href="/admin/approvals/decision/">Decisions</a>'
    reader = home(worlds.person("reader", worlds.OWNER, permissions=("view_decision",)))
    nav = reader.split('class="portal-nav"')[1].split("</nav>")[0]
    assert nav.index(">Proposals<") < nav.index(link) < nav.index(">Monitor<")
    assert link not in home(world.owner)


def test_the_overview_has_no_list_that_is_always_empty(world: World) -> None:
    assert "Recent actions" not in home(world.owner)
