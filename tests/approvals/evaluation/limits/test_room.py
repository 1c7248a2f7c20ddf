"""Totals are held only while a proposal is stored, unless its verdict hangs on them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from approvals.evaluation.judgement import Content
from approvals.lifecycle import submission
from approvals.lifecycle.submission import NewProposal, Submission
from approvals.models import LimitTotal, Proposal
from tests import world as worlds
from tests.proofs import assert_invariants_hold
from tests.world import World, limit, rule

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    made = worlds.build()
    made.surface("email.now", "autopilot")
    return made


def is_held(world: World, **fields: Any) -> bool:
    """Whether submitting such a proposal locks totals before it is judged."""
    with CaptureQueriesContext(connection) as queries:
        world.propose("email.now", **fields)
    return any("approvals_limittotal" in query["sql"] and "FOR UPDATE" in query["sql"] for query in queries)


def test_totals_are_held_only_near_a_limit(world: World) -> None:
    world.enforce(limits={"few": limit(limit=4, warning=3)})
    assert is_held(world), "no row of it is there yet"
    assert not is_held(world)
    assert not is_held(world)
    assert is_held(world), "the fourth is over the warning level"
    assert is_held(world)
    assert LimitTotal.objects.get().total == 4
    assert_invariants_hold()


@pytest.mark.parametrize(
    ("policy", "content"),
    [
        pytest.param({"rules": {"half": rule("limits['few'].share > 0.5")}}, {}, id="a rule weighs totals"),
        pytest.param(
            {"limits": {"few": limit(measure="amount", currency="EUR")}}, {"amount": 4}, id="another currency"
        ),
        pytest.param({"surfaces": {"email.now": {"amount_pointer": "/sum"}}}, {}, id="a figure that cannot be read"),
    ],
)
def test_totals_are_held_where_more_than_room_is_asked(
    world: World, policy: dict[str, Any], content: dict[str, Any]
) -> None:
    world.enforce(**({"limits": {"few": limit()}} | policy))
    world.propose("email.now", content=content)
    assert is_held(world, content=content)


def draft(serial: int) -> NewProposal:
    content = Content(payload={"amount": 4000, "serial": f"own {serial}"}, confidence=0.95)
    return NewProposal(surface="email.now", action="shift_budget", title="Move $4,000", content=content)


@pytest.mark.django_db(transaction=True)
class TestBesideOthers:
    """With a second connection."""

    def test_nobody_waits_for_a_total_while_it_is_judged(self, world: World) -> None:
        world.enforce(limits={"few": limit(limit=3)})
        world.propose("email.now")
        params = connection.get_connection_params()
        where = {name: params[name] for name in ("host", "user", "dbname")}
        with psycopg.connect(**where) as other:
            other.execute("SELECT id FROM approvals_limittotal FOR UPDATE")
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '2s'")
                made = submission.prepare(agent=world.agent, draft=draft(1))
                assert made.proposal.state == "approved"
                with pytest.raises(OperationalError, match="lock timeout"), transaction.atomic():
                    submission.store(made)
                transaction.set_rollback(True)
        assert Proposal.objects.count() == 1

    def test_what_lost_its_room_meanwhile_is_judged_anew(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        world.enforce(limits={"few": limit(limit=2)})
        world.propose("email.now")
        store, were_first = submission.store, [draft(1)]

        def store_late(made: Submission, *more: Any) -> Proposal:
            if were_first:
                with ThreadPoolExecutor(1) as pool:
                    first = pool.submit(self._submit, world, were_first.pop()).result(30)
                assert first.state == "approved"
            return store(made, *more)

        monkeypatch.setattr(submission, "store", store_late)
        late = submission.submit(agent=world.agent, draft=draft(2))
        assert late.state == "blocked"
        assert late.verdict.facts["limits"] == {"few": 2.0}
        assert Proposal.objects.count() == 3
        assert LimitTotal.objects.get().total == 2
        assert_invariants_hold()

    @staticmethod
    def _submit(world: World, sent: NewProposal) -> Proposal:
        try:
            return submission.submit(agent=world.agent, draft=sent)
        finally:
            connection.close()
