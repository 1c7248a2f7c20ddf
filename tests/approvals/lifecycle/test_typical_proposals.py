"""The ten typical proposals of docs/policy.md, played on a portal as bootstrap makes it."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from policies.models import Agent, Mandate, Surface
from policies.registry import agents

pytestmark = pytest.mark.django_db
PAGE = Path(__file__).resolve().parents[3] / "docs" / "policy.md"
COMES_TO = {"passes": "approved", "asked": "pending", "refused": "blocked"}


def exclusion(change: str, consent: str) -> dict[str, Any]:
    return {
        "list": "newsletter",
        "change": change,
        "people": 1200,
        "active_shoppers": 0,
        "regions": ["DE", "FR"],
        "consent": consent,
        "channels": ["email"],
    }


def move(amount: int) -> dict[str, Any]:
    return {
        "payload": {"from": "search", "to": "social", "amount": amount},
        "currency": "USD",
        "confidence": 0.97,
    }


def lead(*, is_customer: bool) -> dict[str, Any]:
    payload = {"lead": "7", "to": "Ana", "rule": "territory", "owners_that_fit": 1, "is_customer": is_customer}
    return {"payload": payload}


def refund(amount: int) -> dict[str, Any]:
    payload = {"order": "A-1", "customer": "C-1", "amount": amount, "reason": "returned"}
    return {
        "action": "job.refund.process",
        "payload": payload,
        "estimated_cost": amount,
        "currency": "USD",
        "targets": ["customer:C-1"],
    }


PRICE = {"sku": "starter", "price": 24, "cost": 9.5, "valid_from": "2030-01-01"}
PROPOSED: dict[str, dict[str, Any]] = {
    "Move $2,000 between channels, 97 % sure": move(2000),
    "Move $5,000 between channels, 97 % sure": move(5000),
    "Exclude 1,200 people who objected": {"payload": exclusion("exclude", "objected")},
    "Let 1,200 people with unknown consent in again": {"payload": exclusion("include", "unknown")},
    "Lower a price from $29 to $24, cost $9.50": {"payload": PRICE, "before": {**PRICE, "price": 29}},
    "E-mail the whole list, 60,000 people": {
        "payload": {"template": "news", "audience": {"segment": "whole list", "size": 60000}}
    },
    "Route a lead that one owner fits": lead(is_customer=False),
    "Route a lead of a company that is a customer": lead(is_customer=True),
    "Refund $80 for a returned order": refund(80),
    "Refund $180 for a returned order": refund(180),
}


def table() -> list[tuple[str, str, str, str]]:
    """Return the rows of the table in the documentation."""
    text = PAGE.read_text(encoding="utf-8").partition("| Proposed | Surface |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (.+?) \| `(.+?)` \| (\w+) \| (.*?) ?\|$", text, re.MULTILINE)
    return [(proposed, surface, comes_to, who) for proposed, surface, comes_to, who in rows]


@pytest.fixture
def propose(client):
    """Make a portal by bootstrap, and an agent with a key that may do on every surface what passes there."""

    def make(*options: str):
        call_command("bootstrap", *options)
        agent = Agent.objects.create(slug="typical", name="Typical", owner=User.objects.create_user("owner"))
        for surface in Surface.objects.all():
            Mandate.objects.create(agent=agent, surface=surface, tier_id="monitored")
        key = agents.issue_key(agent=agent, by=None).text

        def send(title: str, surface: str, content: dict[str, Any]) -> dict[str, Any]:
            body = {"surface": surface, "action": "act", "title": title, "confidence": 0.96, **content}
            headers = {"Authorization": f"Bearer {key}"}
            answer = client.post("/api/v1/proposals/", body, content_type="application/json", headers=headers)
            assert answer.status_code == 201, answer.content
            return answer.json()

        return send

    return make


def asked(shown: dict[str, Any]) -> str:
    """Say whose approvals a proposal waits for: alternatives of one name joined by or, names by and."""
    names: dict[tuple[int, str], list[str]] = {}
    for row in shown["requirements"]:
        names.setdefault((row["stage"], row["name"]), []).append(row["role"])
    return " and ".join(" or ".join(sorted(roles)) for _, roles in sorted(names.items()))


def test_the_table_has_the_ten_that_are_played():
    assert [row[0] for row in table()] == [*PROPOSED]
    assert len(PROPOSED) == 10


@pytest.mark.parametrize("row", table(), ids=lambda row: row[0])
def test_a_typical_proposal_comes_to_what_the_table_says(propose, row):
    proposed, surface, comes_to, who = row
    shown = propose("--weekly-budget", "40000")(proposed, surface, PROPOSED[proposed])
    reasons = [reason["text"] for reason in shown["verdict"]["reasons"]]
    assert shown["state"] == COMES_TO[comes_to], reasons
    assert (asked(shown) if comes_to == "asked" else "") == who


def test_without_a_weekly_budget_a_small_move_waits_for_finance(propose):
    shown = propose()("Move $2,000", "ads.budget", move(2000))
    assert (shown["state"], asked(shown)) == ("pending", "Finance or Marketing head")


def test_the_third_small_move_of_a_week_is_no_longer_small(propose):
    send = propose("--weekly-budget", "40000")
    moves = [move(1500) | {"targets": [f"campaign:{number}"]} for number in range(3)]
    for number, content in enumerate(moves):
        content["payload"]["to"] = f"social {number}"
    assert [send("Move $1,500", "ads.budget", content)["state"] for content in moves] == [
        "approved",
        "approved",
        "pending",
    ]
