"""Not one message to somebody who asked for none, whatever the agent is sure of: generated and real leads."""

import json
import random
from collections import Counter
from datetime import UTC, datetime

import pytest
from django.conf import settings

from approvals.evaluation.context import Context
from approvals.evaluation.judgement import Ask, Content, check, judge
from hitl_portal.streams import render
from policies import samples
from policies.engine.evaluation import Facts, PolicyOutcome, Verdict, evaluate
from policies.engine.policy import Policy, compile_policy
from policies.publishing.current import Current
from tests.world import TIERS

STREAM = settings.BASE_DIR.parent / "shared" / "data" / "streams" / "leads_consent.jsonl"
MAP = settings.BASE_DIR / "docs" / "examples" / "leads_consent.map.json"
NOTHING = {"derived_tags": [], "payload_schema": {}}
RULES = {
    # As tempting as it gets: everything else may pass by itself.
    "trust-the-scorer": {"actions": ["contact"], "decision": "allow", "tier": "autopilot", "reason": "Usual."},
    "sure-is-sure": {"condition": "confidence >= 0.99", "decision": "allow", "tier": "autopilot", "reason": "Sure."},
    "opted-out": {
        "actions": ["contact"],
        "any_tags": ["do_not_email"],
        "decision": "deny",
        "reason": "Asked for none.",
    },
}


def policy(rules: dict) -> Policy:
    row = next(row for row in samples.surfaces() if row["slug"] == "email.lifecycle")
    names = (
        "payload_schema", "derived_tags", "amount_pointer", "audience_pointer",
    )  # fmt: skip
    surface = {
        **{name: row.get(name, NOTHING.get(name, "")) for name in names},
        "is_enabled": True, "owner": "Channel owner", "connector": None, "tier": "autopilot", "floor": "autopilot",
        "senior_tier": "autopilot", "confidence_high": 0.0, "confidence_low": 0.0, "deadline": 60.0, "undo_window": 0.0,
        "retention": 60.0, "editor_may_approve": True, "agent_owner_may_decide": True,
    }  # fmt: skip
    tiers = {
        slug: {"rank": rank, "posture": posture, "review": kind, "sample_rate": rate, "hold": 0.0}
        for slug, rank, posture, kind, _, rate in TIERS
    }
    document = {"tiers": tiers, "surfaces": {"email.lifecycle": surface}, "rules": rules}
    return compile_policy(number=1, digest="sha256:1", document=document)


WITH, WITHOUT = policy(RULES), policy({slug: rule for slug, rule in RULES.items() if slug != "opted-out"})


def generated(number: int):
    chance = random.Random(20_000)
    for _ in range(number):
        opted_out = chance.random() < 0.5
        tags = [
            *chance.sample(["financial", "vip", "eu", "trial"], k=chance.randrange(4)),
            *["do_not_email"] * opted_out,
        ]
        chance.shuffle(tags)
        yield Facts(
            surface="email.lifecycle",
            action=chance.choice(["contact", "contact", "contact", "skip"]),
            agent=f"scorer-{chance.randrange(50)}",
            agent_is_active=True,
            mandate="autopilot",
            tags=tuple(tags),
            targets=(f"lead:{chance.randrange(10**6)}",),
            confidence=chance.choice([None, 0.0, chance.random(), 0.999, 1.0]),
            amount=chance.choice([None, 0, 10**9, -5]),
            payload={"lead": {"do_not_email": opted_out}},
        )


def passes(verdict: Verdict) -> bool:
    return verdict.outcome is not PolicyOutcome.DENY


def test_not_one_of_twenty_thousand_generated_ones_passes():
    tally: Counter[tuple[bool, bool]] = Counter()
    for facts in generated(20_000):
        is_forbidden = facts.action == "contact" and "do_not_email" in facts.tags
        tally[is_forbidden, passes(evaluate(WITH, facts))] += 1
        assert passes(evaluate(WITHOUT, facts))
    assert tally[True, True] == 0
    assert tally[True, False] > 7_000
    assert tally[False, False] == 0


@pytest.mark.skipif(not STREAM.exists(), reason="the stream of leads is not here")
def test_not_one_of_the_real_ones_passes():
    template = json.loads(MAP.read_text())
    rows = [json.loads(line) for line in STREAM.read_text().splitlines()]
    assert len(rows) == 3_000
    tally: Counter[tuple[bool, bool]] = Counter()
    for row in rows:
        sent = render(template, row)
        ask = Ask(agent="lead-scorer", surface="email.lifecycle", action=sent["action"], targets=tuple(sent["targets"]))
        for confidence in (sent["confidence"], 1.0):
            content = Content(payload=sent["payload"], confidence=confidence)
            checked = check(ask, content, Current(WITH, True, "autopilot", (), at=datetime.now(UTC)))
            verdict = judge(checked, Context(), is_in_review=False).verdict
            is_forbidden = row["action"] == "contact" and row["do_not_email"]
            tally[is_forbidden, passes(verdict)] += 1
    opted_out = sum(row["action"] == "contact" and row["do_not_email"] for row in rows)
    assert opted_out == 37
    assert tally == {(True, False): 2 * opted_out, (False, True): 2 * (len(rows) - opted_out)}
