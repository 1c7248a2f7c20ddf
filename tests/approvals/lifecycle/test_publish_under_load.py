"""While versions alternate under load, every verdict belongs wholly to one of them."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from approvals.models import Verdict
from policies.engine.evaluation import evaluate
from policies.facts import stored_facts
from policies.models import PolicyVersion
from policies.publishing.publish import compiled
from tests import world as worlds
from tests.world import World, rule

SUBMITTERS, EACH, PUBLICATIONS = 4, 40, 40


def submit_some(world: World, lane: int) -> None:
    for number in range(EACH):
        world.propose(content={"payload": {"lane": lane, "n": number}, "confidence": 0.6 + 0.01 * (number % 40)})


def alternate(world: World, stopped: threading.Event) -> None:
    """Bring new versions into force, and old ones back."""
    for turn in range(PUBLICATIONS):
        other = turn % 8
        tier, high = ("single", 0.9) if other % 2 else ("monitored", 0.7 + 0.01 * other)
        doubtful = rule(f"confidence < {0.65 + other / 100}", reason=f"{other}")
        world.enforce(
            surfaces={"ads.budget": {"tier": tier, "confidence_high": high}}, rules={f"rule-{other}": doubtful}
        )
        if stopped.wait(0.02):
            return


def closing(work: Callable[[], None]) -> None:
    try:
        work()
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(180)
def test_a_publication_during_load_leaves_every_verdict_whole():
    world = worlds.build()
    stopped = threading.Event()
    with ThreadPoolExecutor(SUBMITTERS + 1) as pool:
        publisher = pool.submit(closing, lambda: alternate(world, stopped))
        submitters = [pool.submit(closing, lambda lane=lane: submit_some(world, lane)) for lane in range(SUBMITTERS)]
        try:
            for submitter in submitters:
                submitter.result(120)
        finally:
            stopped.set()
        publisher.result(60)

    verdicts = Verdict.objects.select_related("revision", "policy_version")
    assert verdicts.count() == SUBMITTERS * EACH
    for stored in verdicts:
        version = stored.policy_version
        assert stored.policy_digest == version.digest
        facts = stored_facts.read(stored.facts, payload=stored.revision.payload, before=stored.revision.before)
        said = evaluate(compiled(version.number, version.digest), facts)
        assert stored.outcome == said.outcome
        assert stored.tier_id == (said.tier.slug if said.tier else None)
        assert stored.reasons == [reason._asdict() for reason in said.reasons]
    used = set(verdicts.values_list("policy_version", flat=True))
    assert len(used) >= 3, "the load met hardly any publication"
    assert used <= set(PolicyVersion.objects.values_list("number", flat=True))
