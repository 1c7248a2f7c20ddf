"""Approvals that a proposal needs, and what has to be ticked: copied when it is submitted, only ever tightened."""

import re

import pytest

from approvals.errors import EditRefused, NotEligible, ReasonRequired
from approvals.evaluation.judgement import Content
from approvals.lifecycle import review, submission
from approvals.models import Proposal
from approvals.people import eligibility
from policies.publishing.publish import active_policy
from tests import world as worlds
from tests.proofs import assert_invariants_hold
from tests.world import OWNER, World, person, rule, seen

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return worlds.build()


def row(role: str, *, name: str = "", tier: str | None = None, stage: int = 1, approvals: int = 1) -> dict:
    names = {"surface": "ads.budget", "tier": tier, "stage": stage, "name": name or role, "role": role}
    return names | {"approvals": approvals, "denials": 1}


def needed(proposal: Proposal) -> set[tuple[str, int]]:
    return {(each["role"], each["approvals"]) for each in proposal.requirements}


def test_product_and_finance_both_approve(world):
    world.enforce(requirements=[row("Product"), row("Finance")])
    pam, fin = person("pam", "Product"), person("fin", "Finance")
    proposal = world.propose()
    assert proposal.deciding_roles == ["Finance", "Product"]
    with pytest.raises(NotEligible, match="Finance, Product"):
        world.approve(proposal)
    assert world.approve(proposal, by=pam).state == "pending"
    assert world.approve(proposal, by=fin).state == "approved"
    assert_invariants_hold()


def test_everybody_whose_role_decides_sees_it_and_finds_it_waiting(world):
    world.enforce(requirements=[row("Product"), row("Finance", stage=2)])
    people = {role: person(role, role) for role in ("Product", "Finance", "Legal")}
    proposal = world.propose()
    for role, who in people.items():
        decides = role != "Legal"
        assert eligibility.visible(who).filter(pk=proposal.pk).exists() is decides
        mine = eligibility.waiting_for(who, eligibility.visible(who), active_policy())
        assert mine.filter(pk=proposal.pk).exists() is decides
    # The owner may look, but is not asked.
    assert eligibility.visible(world.owner).filter(pk=proposal.pk).exists()
    assert not eligibility.waiting_for(world.owner, Proposal.objects.all(), active_policy()).exists()


def test_any_of_them_rejects(world):
    world.enforce(requirements=[row("Product"), row("Finance")])
    proposal = world.propose()
    rejected = world.decide(proposal, "reject", by=person("fin", "Finance"), reason_code="too_expensive")
    assert rejected.state == "rejected"


def test_alternatives_of_one_name(world):
    world.enforce(requirements=[row("Product", name="either"), row("Finance", name="either")])
    assert world.approve(world.propose(), by=person("fin", "Finance")).state == "approved"


def test_rows_of_the_tier_come_before_those_of_any_tier(world):
    world.enforce(requirements=[row("Product"), row("Legal", tier="signature", approvals=2)])
    assert needed(world.propose()) == {("Product", 1)}
    assert needed(world.propose(content={"confidence": 0.1})) == {("Legal", 2)}


def test_without_rows_one_of_the_owner_role_approves(world):
    assert needed(world.propose()) == {(OWNER, 1)}


def test_what_a_rule_asks_for_takes_the_place_of_the_surfaces_rows_and_all_rules_count(world):
    def asking(role: str, condition: str) -> dict:
        asked = [{"stage": 1, "name": "money", "role": role, "approvals": 1, "denials": 1}]
        return rule(condition, requirements=asked)

    world.enforce(
        requirements=[row("Product")],
        rules={"a": asking("Finance", "amount > 10"), "b": asking("Legal", "amount > 20")},
    )
    assert needed(world.propose(content={"amount": 5})) == {("Product", 1)}
    assert needed(world.propose(content={"amount": 15})) == {("Finance", 1)}
    both = world.propose(content={"amount": 25})
    assert needed(both) == {("Finance", 1), ("Legal", 1)}
    assert len({each["name"] for each in both.requirements}) == 2  # no alternatives of one another
    assert world.approve(both, by=person("fin", "Finance")).state == "pending"
    assert world.approve(both, by=person("lea", "Legal")).state == "approved"


def test_a_looser_policy_changes_nothing_and_a_stricter_one_adds(world):
    world.enforce(requirements=[row("Product")])
    proposal = world.propose()
    world.enforce(requirements=[])
    pam = person("pam", "Product")
    edited = review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=pam, payload={"amount": 1})
    assert ("Product", 1) in needed(edited)
    world.enforce(requirements=[row("Finance")])
    world.decide(edited, "send_back", by=pam, comment="So.")
    revised = submission.revise(
        agent=world.agent, proposal_id=proposal.pk, content=Content(payload={"amount": 2}, confidence=0.95)
    )
    assert {("Product", 1), ("Finance", 1)} <= needed(revised)


PROMISES = {
    "kind": "checklist",
    "surfaces": ["ads.*"],
    "paths": [],
    "config": {},
    "effect": "flag",
    "tier": None,
    "text": "Does not promise a delivery date.",
}


def test_the_checklist_is_ticked_before_it_is_approved(world):
    world.enforce(guardrails={"no-dates": PROMISES, "elsewhere": PROMISES | {"surfaces": ["pricing"]}})
    proposal = world.propose()
    assert proposal.checklist == [{"slug": "no-dates", "text": "Does not promise a delivery date."}]
    for ticked in ((), ("elsewhere",), ("no-dates", "elsewhere")):
        with pytest.raises(ReasonRequired) as refused:
            world.approve(proposal, ticked=ticked)
        assert refused.value.field == "checklist"
    assert world.approve(proposal, ticked=("no-dates",)).state == "approved"
    assert proposal.decisions.get().ticked == ["no-dates"]
    assert_invariants_hold()


def test_rejecting_takes_no_ticks(world):
    world.enforce(guardrails={"no-dates": PROMISES})
    assert world.decide(world.propose(), "reject", reason_code="too_risky").state == "rejected"


def test_a_checklist_that_comes_later_holds_for_the_next_revision(world):
    proposal = world.propose()
    world.enforce(guardrails={"no-dates": PROMISES})
    edited = review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"amount": 1})
    with pytest.raises(ReasonRequired):
        world.approve(edited, by=world.other_owner)
    publishing_again = world.enforce(guardrails={})
    assert publishing_again.number
    with pytest.raises(ReasonRequired):
        world.approve(edited, by=world.other_owner)
    assert world.approve(edited, by=world.other_owner, ticked=("no-dates",)).state == "approved"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"amount": 4000}, "The amount is 4,000.00 USD."),
        ({"amount": 0.5}, "The amount is 0.50 USD."),
        ({"audience_size": 18400}, "It reaches 18,400 people."),
        ({}, None),
    ],
)
def test_where_the_risk_is_high_the_number_that_matters_is_confirmed(world, content, says):
    world.enforce(surfaces={"ads.budget": {"confirms_number": True}})
    proposal = world.propose(currency="USD", content=content)
    assert [item["text"] for item in proposal.checklist] == ([says] if says else [])
    if says:
        with pytest.raises(ReasonRequired, match=re.escape(says)):
            world.approve(proposal)
    assert world.approve(proposal, ticked=("the:number",) if says else ()).state == "approved"


def test_the_number_is_that_of_the_revision_on_the_screen_and_stays_asked(world):
    world.enforce(surfaces={"ads.budget": {"confirms_number": True, "amount_pointer": "/amount"}})
    proposal = world.propose(currency="USD")
    world.enforce(surfaces={"ads.budget": {"confirms_number": False, "amount_pointer": "/amount"}})
    edited = review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"amount": 1500})
    assert edited.checklist == [{"slug": "the:number", "text": "The amount is 1,500.00 USD."}]
    without = review.edit(proposal_id=proposal.pk, seen=seen(edited), by=world.owner, payload={"note": "none"})
    assert without.checklist == []
    assert_invariants_hold()


FORBIDDEN = PROMISES | {
    "kind": "forbidden_phrases",
    "config": {"phrases": ["guaranteed"]},
    "text": "No guarantees.",
}


@pytest.mark.parametrize(
    ("effect", "tier", "state", "got"),
    [
        ("flag", None, "pending", "single"),
        ("tier", "signature", "pending", "signature"),
        ("deny", None, "blocked", None),
    ],
)
def test_what_a_guardrail_finds_counts_and_is_kept_with_its_place(world, effect, tier, state, got):
    world.enforce(guardrails={"promises": FORBIDDEN | {"effect": effect, "tier": tier}})
    proposal = world.propose(content={"payload": {"text": ["Save money", "It is guaranteed!"]}})
    assert (proposal.state, proposal.tier_id) == (state, got)
    proposal.refresh_from_db()
    (found,) = proposal.verdict.facts["findings"]
    assert (found["guardrail"], found["at"], found["start"], found["end"]) == ("promises", "/text/1", 6, 16)
    assert "guaranteed" in found["excerpt"]
    assert any(reason["source"] == "guardrail" for reason in proposal.verdict.reasons)


@pytest.mark.parametrize(("effect", "tier", "got"), [("flag", None, "single"), ("tier", "signature", "signature")])
def test_guardrails_run_on_peoples_edits_too(world, effect, tier, got):
    world.enforce(guardrails={"promises": FORBIDDEN | {"effect": effect, "tier": tier}})
    proposal = world.propose(content={"payload": {"text": "Save money"}})
    edited = review.edit(
        proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"text": "Guaranteed savings"}
    )
    assert (edited.state, edited.tier_id) == ("edited", got)


@pytest.mark.parametrize(
    ("payload", "note", "places"),
    [
        ({"text": "Guaranteed savings"}, "", ["/payload/text"]),
        ({"text": ["Guaranteed", "and guaranteed"]}, "", ["/payload/text/0", "/payload/text/1"]),
        ({"text": "Save money"}, "It is guaranteed.", ["/note"]),
    ],
)
@pytest.mark.parametrize("act", [review.edit, review.edit_and_approve])
def test_an_edit_that_a_guardrail_denies_is_refused_with_each_place(world, act, payload, note, places):
    paths = ["/text", "@/note"]
    world.enforce(guardrails={"promises": FORBIDDEN | {"effect": "deny", "paths": paths}})
    proposal = world.propose(content={"payload": {"text": "Save money"}})
    with pytest.raises(EditRefused, match=r"No guarantees\..*uaranteed") as refused:
        act(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload=payload, note=note)
    assert [fault.pointer for fault in refused.value.errors] == places
    proposal.refresh_from_db()
    assert (proposal.state, proposal.revision.number, proposal.revisions.count()) == ("pending", 1, 1)
    assert world.approve(proposal).state == "approved"
    assert_invariants_hold()
