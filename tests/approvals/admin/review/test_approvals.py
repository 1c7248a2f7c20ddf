"""Approvals: who gave one, who is still needed, what this person's approval would do, and what nobody can give."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.utils.html import strip_tags

from approvals.admin.review import approvals as review_approvals
from approvals.errors import NotEligible
from approvals.lifecycle import escalation, review, submission
from approvals.models import Proposal, State, Timer
from approvals.people import coverage
from approvals.presentation import participants
from audit.clock import database_now
from policies.models import Escalation, Surface
from policies.publishing.publish import active_policy, pending
from tests import world as worlds
from tests.world import OWNER, World, person, seen

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return worlds.build()


def row(role: str, *, approvals: int = 1, stage: int = 1, name: str = "") -> dict:
    names = {"surface": "ads.budget", "tier": None, "stage": stage, "name": name or role, "role": role}
    return names | {"approvals": approvals, "denials": 1}


def context(proposal: Proposal, who: User) -> dict:
    current = Proposal.objects.get(pk=proposal.pk)
    return review_approvals.context(who, current, policy=active_policy(), state=State(current.state))


def stuck() -> int:
    """How many waiting proposals nobody can approve."""
    return len({unmet.proposal for unmet in coverage.everywhere(active_policy())})


def said(proposal: Proposal, who: User) -> str:
    return " ".join(strip_tags(render_to_string("approvals/needed.html", context(proposal, who))).split())


def test_who_approved_and_who_is_still_needed(world):
    world.enforce(requirements=[row("Product"), row("Finance", stage=2)])
    pam, fin = person("pam", "Product"), person("fin", "Finance")
    proposal = world.propose()
    assert "After yours, Finance still has to approve." in said(proposal, pam)
    assert "Needs Finance (later)" in said(proposal, pam)
    assert "In order, from top" in said(proposal, pam)
    assert context(proposal, fin)["needed_effect"] == "", "not yet"
    with pytest.raises(NotEligible, match="Not yet: Product has to approve first"):
        world.approve(proposal, by=fin)
    world.approve(proposal, by=pam)
    assert "Approved by pam" in said(proposal, fin)
    assert "Your approval is the last one needed." in said(proposal, fin)
    assert context(proposal, pam)["needed_effect"] == "", "she has approved it"
    pat = person("pat", "Product")
    assert "Your approval isn’t enough on its own. Finance still has to approve." in said(proposal, pat)
    assert world.approve(proposal, by=fin).state == "approved"
    assert said(proposal, fin) == ""


def test_the_head_of_the_page_names_who_decides_and_not_the_owner(world, client):
    world.enforce(requirements=[row("Product"), row("Finance")])
    client.force_login(person("pam", "Product"))
    page = client.get(f"/admin/approvals/proposal/{world.propose().pk}/").content.decode()
    head = page.split('<header class="review-head">')[1].split("</header>")[0]
    assert "Needs 2 approvals: Finance and Product" in " ".join(strip_tags(head).split())


def head(proposal: Proposal, who: User, client) -> str:
    client.force_login(who)
    page = client.get(f"/admin/approvals/proposal/{proposal.pk}/").content.decode()
    return " ".join(strip_tags(page.split('<header class="review-head">')[1].split("</header>")[0]).split())


def test_the_head_says_who_settled_it_or_that_the_policy_did(world, client):
    world.enforce(requirements=[row("Product"), row("Finance")])
    pam, fin = person("pam", "Product"), person("fin", "Finance")
    proposal = world.propose()
    world.approve(proposal, by=pam)
    assert "Needs Finance" in head(proposal, fin, client)
    assert "Product" not in head(proposal, fin, client), "that one is there"
    world.approve(proposal, by=fin)
    assert "Approved by pam, fin" in head(proposal, fin, client)
    review.undo(proposal_id=proposal.pk, by=fin)
    assert "Needs 2 approvals: Finance and Product" in head(proposal, fin, client)
    world.decide(proposal, "reject", by=fin, reason_code="too_risky")
    assert "Rejected by fin" in head(proposal, fin, client)
    alone = world.propose("email.lifecycle")
    assert "By the policy" in head(alone, world.owner, client)
    assert "Approved by" not in head(alone, world.owner, client)


def test_of_many_who_approved_three_are_named(world, client):
    world.enforce(requirements=[row("Product", approvals=5)])
    people = [person(f"pam-{number}", "Product") for number in range(5)]
    proposal = world.propose()
    for each in people:
        world.approve(proposal, by=each)
    assert "Approved by pam-0, pam-1, pam-2 and 2 more" in head(proposal, people[0], client)


def about(proposal: Proposal, who: User, client) -> str:
    client.force_login(who)
    page = client.get(f"/admin/approvals/proposal/{proposal.pk}/").content.decode()
    return " ".join(strip_tags(page.split('id="about-heading">')[1].split("</section>")[0].replace("<", " <")).split())


def test_what_is_needed_is_told_once_and_alternatives_together(world, client):
    rows = [row("Product"), row("Executive", name="Finance"), row("Finance"), row("Legal", approvals=2)]
    world.enforce(requirements=[*rows, row("Privacy", approvals=0)])
    proposal = world.propose()
    assert participants.needs(proposal) == "Finance or Executive · 2 × Legal · Product"
    pam, fin = person("pam", "Product"), person("fin", "Finance")
    assert "Needs" not in about(proposal, pam, client), "the panel beside it says so"
    assert "May reject Privacy" in about(proposal, pam, client)
    world.decide(proposal, "reject", by=fin, reason_code="too_risky")
    assert "Needs Finance or Executive · 2 × Legal · Product" in about(proposal, pam, client)


def test_an_approval_without_a_name_is_called_after_its_role(world):
    assert [line.name for line in context(world.propose(), world.owner)["needed"]] == [OWNER]


def test_anyone_who_has_approved_is_told_for_whom_it_waits_and_not_asked_again(world, client):
    world.enforce(requirements=[row("Product"), row("Finance"), row("Executive", name="Finance")])
    client.force_login(person("pam", "Product"))
    proposal = world.propose()
    address = f"/admin/approvals/proposal/{proposal.pk}/"
    sent = {"revision": proposal.revision.number, "digest": proposal.revision.digest, "verdict": "approve"}
    page = client.post(f"{address}decide/", sent, follow=True).content.decode()
    assert "Recorded. Still needs Finance or Executive." in page
    assert "You approved it. It still needs others. You can still reject it." in page
    assert 'value="approve"' not in page
    again = client.post(f"{address}decide/", sent, follow=True).content.decode()
    assert "You approved it." in again
    assert proposal.decisions.count() == 1


def test_a_later_stage_may_reject_at_once(world):
    world.enforce(requirements=[row("Product"), row("Finance", stage=2)])
    fin = person("fin", "Finance")
    assert world.decide(world.propose(), "reject", by=fin, reason_code="too_risky").state == "rejected"


def test_distinct_people(world):
    world.enforce(requirements=[row("Product"), row("Finance")], surfaces={"ads.budget": {"distinct_people": True}})
    both, fin = person("both", "Product", "Finance"), person("fin", "Finance")
    proposal = world.propose()
    assert "Each by a different person." in said(proposal, both)
    assert world.approve(proposal, by=both).state == "pending"
    world.enforce(requirements=[row("Product"), row("Finance")], surfaces={"ads.budget": {"distinct_people": False}})
    with pytest.raises(NotEligible, match="It still needs others"):
        world.approve(proposal, by=both)
    assert world.approve(proposal, by=fin).state == "approved"


def test_several_names_are_joined_as_one_says_them(world):
    world.enforce(requirements=[row("Product"), row("Finance"), row("Legal", name="law"), row("Brand", name="law")])
    pam = person("pam", "Product")
    assert "After yours, Finance and (Brand or Legal) still have to approve." in said(world.propose(), pam)


def test_anyone_who_only_may_reject_is_not_waited_for(world):
    worlds.requirement("ads.budget", "Legal", approvals=0)
    worlds.publish()
    proposal = world.propose()
    assert {each["role"] for each in proposal.requirements} == {"Legal", OWNER}
    lea = person("lea", "Legal")
    assert "Legal" not in said(proposal, world.owner)
    assert world.decide(world.propose(), "reject", by=lea, reason_code="not_compliant").state == "rejected"
    assert world.approve(proposal).state == "approved"


def test_the_next_call_is_announced(world):
    person("boss", "Executive")
    Escalation.objects.create(surface_id="ads.budget", role_id="Executive", after=timedelta(hours=4), widens=True)
    worlds.publish()
    assert "? Executive can decide." in said(world.propose(), world.owner)


def test_a_role_that_is_empty_is_told_at_once(world):
    world.enforce(requirements=[row("Nobody yet"), row(OWNER)])
    proposal = world.propose()
    text = said(proposal, world.owner)
    assert "No one is able to approve this" in text
    assert "No one can approve as Nobody yet." in text
    assert coverage.of(proposal, active_policy()) == {(1, "Nobody yet")}
    assert stuck() == 1
    person("somebody", "Nobody yet")
    assert stuck() == 0


def test_where_everybody_is_too_close_nobody_is_left(world):
    User.objects.filter(pk=world.other_owner.pk).update(is_active=False)
    proposal = world.propose()
    assert stuck() == 0
    edited = review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"amount": 1})
    assert coverage.of(edited, active_policy()) == {(1, "owner")}
    assert stuck() == 1
    world.enforce(surfaces={"ads.budget": {"editor_may_approve": True}})
    assert stuck() == 0


def test_the_agents_owner_counts_only_where_the_surface_says_so(world):
    User.objects.filter(pk__in=[world.owner.pk, world.other_owner.pk]).update(is_active=False)
    world.propose()
    assert stuck() == 1
    world.enforce(surfaces={"ads.budget": {"agent_owner_may_decide": True}})
    assert stuck() == 0


def test_the_draft_tells_where_only_the_agents_owner_is_left(world):
    worlds.requirement("ads.budget", "Finance")
    world.agent.owner.groups.add(worlds.Group.objects.get(name="Finance"))
    (problem,) = pending().problems
    assert problem.text.startswith("Not counting the owner of pacer, who may not decide: No one has the Finance role")
    Surface.objects.filter(pk="ads.budget").update(agent_owner_may_decide=True)
    assert not pending().problems


def test_how_many_queries_it_takes(world, django_assert_max_num_queries):
    proposal = Proposal.objects.select_related("revision", "verdict", "agent").get(pk=world.propose().pk)
    policy = active_policy()
    with django_assert_max_num_queries(9):
        review_approvals.context(world.owner, proposal, policy=policy, state=State.PENDING)


def history(proposal: Proposal, who: User, client) -> str:
    client.force_login(who)
    page = client.get(f"/admin/approvals/proposal/{proposal.pk}/").content.decode()
    return " ".join(strip_tags(page.split('id="history-heading">')[1].split("</section>")[0]).split())


def test_the_history_says_in_which_role_each_decided_and_who_was_called(world, client):
    Escalation.objects.create(surface_id="ads.budget", role_id="Executive", after=timedelta(hours=4), widens=True)
    boss = person("boss", "Executive")
    worlds.publish()
    proposal = world.propose()
    assert "was called" not in history(proposal, world.owner, client)
    Timer.objects.filter(level=1).update(due_at=database_now())
    escalation.fire_due()
    world.approve(proposal, by=boss)
    told = history(proposal, world.owner, client)
    assert "Executive was called: nobody had answered" in told
    assert "boss approved revision 1 as Executive" in told
    assert told.index("was called") < told.index("boss approved")


def test_the_history_tells_that_the_agent_took_it_back(world, client):
    proposal = world.propose()
    submission.withdraw(agent=world.agent, proposal_id=proposal.pk)
    assert "Budget pacer took it back" in history(proposal, world.owner, client)
