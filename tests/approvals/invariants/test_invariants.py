# ruff: noqa: E501  # each way to break the database is one line
"""The invariants hold of every life there is, and each breach is found and named."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from approvals.evaluation.judgement import Content
from approvals.invariants.history import STEPS
from approvals.lifecycle import escalation, review, submission
from approvals.models import IdempotentAnswer, Proposal
from approvals.models.states import EDGES
from approvals.outcomes import reports
from approvals.shipping import claims, dispatches, recovery
from audit.clock import database_now
from audit.ledger import checkpoints
from policies.models import EVERYWHERE, KillSwitch
from policies.registry import kill_switches
from tests import world as worlds
from tests.kept import kept
from tests.proofs import assert_invariants_hold, breaches
from tests.world import World, seen

pytestmark = pytest.mark.django_db

ROLLBACK = {"rollback": {"amount": -4000}}


def ship(*, error: str = "") -> None:
    claim = claims.claim_next(worker="test", kind="webhook")
    if error:
        dispatches.postpone(dispatch_id=claim.dispatch.pk, fence=claim.fence, error=error, is_final=True)
    else:
        dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"status": 200})


def populate(world: World) -> dict[str, Proposal]:
    """Let proposals live every kind of life; return one of each ending."""
    lives = {"pending": world.propose(), "shipped": world.propose(content=ROLLBACK), "undone": world.propose()}
    world.approve(lives["shipped"])
    ship()
    world.approve(lives["undone"])
    review.undo(proposal_id=lives["undone"].pk, by=world.other_owner)

    lives["automatic"] = world.propose("email.now")
    ship()
    lives["held"] = world.propose("email.lifecycle")
    lives["rejected"] = world.decide(world.propose(), "reject", reason_code="off_brand")
    lives["taken_over"] = world.decide(world.propose(), "take_over")

    lives["edited"] = world.propose(content=ROLLBACK)
    review.edit(proposal_id=lives["edited"].pk, seen=seen(lives["edited"]), by=world.owner, payload={"amount": 1})
    lives["edited_shipped"] = world.propose()
    world.approve(lives["edited_shipped"])
    review.undo(proposal_id=lives["edited_shipped"].pk, by=world.owner)
    review.edit(
        proposal_id=lives["edited_shipped"].pk,
        seen=seen(lives["edited_shipped"]),
        by=world.owner,
        payload={"amount": 2},
    )
    world.approve(lives["edited_shipped"], by=world.other_owner)
    ship()

    lives["revised"] = world.propose()
    world.decide(lives["revised"], "send_back", comment="Less.")
    submission.revise(agent=world.agent, proposal_id=lives["revised"].pk, content=Content(payload={"amount": 3}))

    lives["signed"] = world.propose("pricing")
    world.approve(lives["signed"], is_signed=True, comment="Agreed.")
    ship()
    lives["failed"] = world.propose()
    world.approve(lives["failed"])
    ship(error="Gone.")
    lives["retried"] = world.propose()
    world.approve(lives["retried"])
    ship(error="Gone.")
    recovery.retry(proposal_id=lives["retried"].pk, by=world.owner)
    ship()
    reports.report_outcome(
        agent=world.agent, proposal_id=lives["retried"].pk, metric="CPA", value=14.9, unit="USD",
        observed_at=database_now(), note="",
    )  # fmt: skip

    lives["rolled_back"] = world.propose(content=ROLLBACK)
    world.approve(lives["rolled_back"])
    ship()
    recovery.roll_back(proposal_id=lives["rolled_back"].pk, by=world.owner)
    ship(error="Not now.")
    recovery.retry(proposal_id=lives["rolled_back"].pk, by=world.owner)
    ship()

    lives["judged_again"] = world.propose("email.now", content={"confidence": 0.95})
    world.enforce(tests={"another": {"facts": {"surface": "email.now"}, "outcome": "allow"}})
    ship()

    lives["withdrawn"] = world.propose()
    submission.withdraw(agent=world.agent, proposal_id=lives["withdrawn"].pk)
    lives["expired"] = world.propose(expires_at=database_now() + timedelta(hours=1))
    Proposal.objects.filter(pk=lives["expired"].pk).update(deadline_at=database_now() - timedelta(seconds=1))
    assert escalation.expire_overdue() == 1

    kill_switches.engage(scope="surface:ads.budget", by=world.owner, reason="Stop.")
    lives["stopped"] = world.propose()
    world.approve(lives["stopped"])
    assert claims.claim_next(worker="test", kind="webhook") is None
    worlds.release("surface:ads.budget")
    kill_switches.engage(scope="surface:email.lifecycle", by=world.owner, reason="Stop.")
    lives["blocked"] = block(world)
    return lives


def block(world: World) -> Proposal:
    world.surfaces["pricing"].is_enabled = False
    world.surfaces["pricing"].save()
    worlds.publish()
    return world.propose("pricing")


@pytest.fixture
@kept
def world() -> World:
    made = worlds.build()
    made.surface("email.now", "autopilot")
    return made


@pytest.fixture
def lives(world) -> dict[str, Proposal]:
    made = populate(world)
    checkpoints.catch_up()
    return made


def raw(statement: str, **parameters) -> None:
    """Break the database behind the back of its own rules."""
    with connection.cursor() as cursor:
        # References are checked late; check them now, while they still hold.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, parameters)
        assert cursor.rowcount, "nothing was broken"
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_an_empty_portal_keeps_its_promises():
    KillSwitch.objects.get_or_create(scope=EVERYWHERE)  # a migration made it, unless a test has emptied all tables
    assert_invariants_hold()


def test_every_life_keeps_them(world, lives):
    states = set(Proposal.objects.values_list("state", flat=True))
    assert states >= {
        "pending", "edited", "approved", "shipped", "rejected", "blocked", "taken_over", "withdrawn", "expired",
        "failed", "rolled_back",
    }  # fmt: skip
    assert_invariants_hold()


def test_the_steps_it_knows_are_the_edges_of_the_design():
    moves = {edge for edges in STEPS.values() for edge in edges if edge[0] and edge[0] != edge[1]}
    assert moves == {(str(source), str(target)) for source, target in EDGES}


BREACHES = [
    ("I1", "not that of its stored bytes", "UPDATE approvals_revision SET body = '{\"amount\":9}' WHERE proposal_id = %(shipped)s"),
    ("I1", "not that of its stored bytes", "UPDATE approvals_revision SET rollback_body = '{}' WHERE proposal_id = %(shipped)s"),
    ("I1", "has another digest than its revision", "UPDATE approvals_dispatch SET digest = 'sha256:0' WHERE proposal_id = %(undone)s"),
    ("I1", "sent other bytes", "UPDATE approvals_attempt SET digest = 'sha256:0' WHERE dispatch_id IN (SELECT id FROM approvals_dispatch WHERE proposal_id = %(automatic)s)"),
    ("I1", "not that of its current revision", "UPDATE approvals_proposal SET approved_digest = 'sha256:0' WHERE id = %(held)s"),
    ("I1", "before its release", "UPDATE approvals_proposal SET release_at = now() + interval '1 day' WHERE id = %(shipped)s"),
    ("I1", "does not have its digest", "UPDATE policies_policyversion SET document = '{}'"),
    ("I1", "a digest that its policy version does not have", "UPDATE approvals_verdict SET policy_digest = 'sha256:0' WHERE id = (SELECT verdict_id FROM approvals_proposal WHERE id = %(pending)s)"),
    ("I1", "before enough eligible people", "UPDATE approvals_decision SET at = now() + interval '1 day' WHERE proposal_id = %(shipped)s"),
    ("I1", "before enough eligible people", "DELETE FROM approvals_decision WHERE proposal_id = %(shipped)s"),
    ("I1", "before enough eligible people", "UPDATE approvals_verdict SET outcome = 'require_approval' WHERE id = (SELECT verdict_id FROM approvals_proposal WHERE id = %(automatic)s)"),
    ("I1", "before enough eligible people", "UPDATE audit_entry SET data = data || '{\"roles\": [\"Finance\"]}' WHERE subject = 'proposal:' || %(shipped)s AND kind = 'proposal.decided'"),
    ("I1", "while a kill switch", "UPDATE audit_entry SET at = '2000-01-01' WHERE kind = 'kill_switch.engaged' AND subject = 'kill_switch:surface:ads.budget'"),
    ("I1", "as the ledger says it was left", "UPDATE policies_killswitch SET is_engaged = false WHERE is_engaged"),
    ("I1", "as the ledger says it was left", "DELETE FROM policies_killswitch WHERE scope = 'everywhere'"),
    ("I2", "not numbered", "UPDATE approvals_attempt SET fence = 7 WHERE dispatch_id IN (SELECT id FROM approvals_dispatch WHERE proposal_id = %(shipped)s)"),
    ("I2", "not numbered", "DELETE FROM approvals_attempt WHERE dispatch_id IN (SELECT id FROM approvals_dispatch WHERE proposal_id = %(failed)s)"),
    ("I2", "different bytes", "UPDATE approvals_attempt SET digest = 'sha256:0' WHERE fence = 2 AND dispatch_id IN (SELECT id FROM approvals_dispatch WHERE proposal_id = %(retried)s)"),
    ("I2", "more than one dispatch of a kind that was not cancelled", "UPDATE approvals_dispatch SET status = 'waiting' WHERE proposal_id = %(edited_shipped)s AND status = 'cancelled'"),
    ("I3", "no entry of its submission", "DELETE FROM audit_entry WHERE kind = 'proposal.submitted' AND subject = 'proposal:' || %(pending)s"),
    ("I3", "that is not there", "DELETE FROM approvals_proposal WHERE id = %(pending)s"),
    ("I3", "not numbered from 1", "DELETE FROM approvals_revision WHERE proposal_id = %(edited)s AND number = 1"),
    ("I3", "not numbered from 1", "UPDATE approvals_proposal SET revision_id = (SELECT id FROM approvals_revision WHERE proposal_id = %(edited)s AND number = 1) WHERE id = %(edited)s"),
    ("I3", "not on its current revision", "UPDATE approvals_proposal SET verdict_id = (SELECT verdict_id FROM approvals_proposal WHERE id = %(held)s) WHERE id = %(pending)s"),
    ("I3", "do not go together", "DELETE FROM approvals_dispatch WHERE proposal_id = %(held)s"),
    ("I3", "do not go together", "UPDATE approvals_dispatch SET status = 'cancelled' WHERE proposal_id = %(held)s"),
    ("I3", "do not go together", "UPDATE approvals_dispatch SET status = 'waiting' WHERE proposal_id = %(undone)s"),
    ("I3", "do not go together", "UPDATE approvals_dispatch SET last_error = '' WHERE proposal_id = %(failed)s"),
    ("I3", "roll back do not go together", "DELETE FROM approvals_dispatch WHERE proposal_id = %(rolled_back)s AND kind = 'rollback'"),
    ("I4", "does not say what", "UPDATE audit_entry SET actor = '' WHERE subject = 'proposal:' || %(pending)s"),
    ("I4", "have a gap", "INSERT INTO audit_leaf (index, entry_id, hash) SELECT max(index) + 5, 0, '' FROM audit_leaf"),
    ("I4", "in the ledger is gone", "DELETE FROM audit_entry WHERE id = (SELECT entry_id FROM audit_leaf WHERE index = 0)"),
    ("I4", "newest checkpoint does not fit", "UPDATE audit_leaf SET hash = sha256('') WHERE index = (SELECT max(index) FROM audit_leaf)"),
    ("I4", "newest checkpoint does not fit", "UPDATE audit_checkpoint SET note = 'nothing'"),
    ("I4", "does not begin", "DELETE FROM audit_entry WHERE kind = 'proposal.undone' AND subject = 'proposal:' || %(edited_shipped)s"),
    ("I4", "in which the ledger leaves it", "UPDATE approvals_proposal SET state = 'taken_over' WHERE id = %(pending)s"),
    ("I4", "A decision and its ledger entry", "DELETE FROM approvals_decision WHERE proposal_id = %(taken_over)s"),
    ("I4", "A decision and its ledger entry", "UPDATE approvals_decision SET by_id = (SELECT id FROM auth_user WHERE username = 'other-channel-owner') WHERE proposal_id = %(rejected)s"),
    ("I4", "A decision and its ledger entry", "UPDATE audit_entry SET data = data - 'decision_id' WHERE kind = 'proposal.decided' AND subject = 'proposal:' || %(rejected)s"),
    ("I4", "A revision and its ledger entry", "UPDATE audit_entry SET data = data || '{\"digest\": \"sha256:0\"}' WHERE kind = 'proposal.submitted' AND subject = 'proposal:' || %(edited)s"),
    ("I4", "An attempt and the ledger entry", "DELETE FROM audit_entry WHERE kind = 'dispatch.claimed' AND subject = 'proposal:' || %(shipped)s"),
    ("I4", "A delivered dispatch and the ledger", "UPDATE audit_entry SET data = data - 'shipped' WHERE kind = 'proposal.shipped' AND subject = 'proposal:' || %(shipped)s"),
    ("I4", "An outcome and its ledger entry", "DELETE FROM approvals_outcome"),
    ("I4", "put in force", "DELETE FROM audit_entry WHERE kind = 'policy.activated'"),
    ("I5", "that a proposal's life does not have", "UPDATE audit_entry SET data = data || '{\"to\": \"rolled_back\"}' WHERE kind = 'proposal.decided' AND subject = 'proposal:' || %(rejected)s"),
    ("I7", "names another revision", "UPDATE approvals_decision SET revision_number = 7 WHERE proposal_id = %(rejected)s"),
    ("I7", "in none of the roles", "UPDATE audit_entry SET data = data || '{\"roles\": [\"Finance\"]}' WHERE subject = 'proposal:' || %(rejected)s AND kind = 'proposal.decided'"),
    ("I7", "in none of the roles", "UPDATE audit_entry SET data = data - 'roles' WHERE subject = 'proposal:' || %(edited)s AND kind = 'proposal.edited'"),
    ("I7", "of their own agent", "UPDATE approvals_decision SET by_id = (SELECT id FROM auth_user WHERE username = 'agent-owner') WHERE proposal_id = %(rejected)s"),
    ("I7", "that they wrote themselves", "UPDATE approvals_decision SET by_id = (SELECT id FROM auth_user WHERE username = 'channel-owner') WHERE proposal_id = %(edited_shipped)s AND revision_number = 2"),
    ("I9", "another policy version", "UPDATE approvals_attempt SET policy_version = policy_version - 1 WHERE policy_version IS NOT NULL"),
    ("I9", "another policy version", "UPDATE approvals_attempt SET policy_version = NULL WHERE policy_version IS NOT NULL"),
    ("I9", "another policy version", "UPDATE policies_activation SET at = '2000-01-01' WHERE id = (SELECT max(id) FROM policies_activation)"),
    ("I9", "or had not judged", "DELETE FROM approvals_reevaluation WHERE proposal_id = %(judged_again)s"),
    ("I9", "or had not judged", "UPDATE approvals_reevaluation SET outcome = 'deny' WHERE proposal_id = %(judged_again)s"),
    ("I9", "under less oversight", "UPDATE approvals_reevaluation SET tier_id = 'single' WHERE proposal_id = %(judged_again)s"),
    ("I9", "says more than is on record", "UPDATE approvals_reevaluation SET facts = facts || '{\"agent_is_active\": false}' WHERE proposal_id = %(judged_again)s"),
    ("I9", "says more than is on record", "UPDATE approvals_verdict SET facts = facts || '{\"confidence\": 0.1}' WHERE id = (SELECT verdict_id FROM approvals_proposal WHERE id = %(automatic)s)"),
    ("I7", "lacks what its tier asks", "UPDATE approvals_decision SET is_signed = false WHERE proposal_id = %(signed)s"),
    ("I7", "lacks what its tier asks", "UPDATE approvals_verdict SET tier_id = 'human_only' WHERE id = (SELECT verdict_id FROM approvals_proposal WHERE id = %(shipped)s)"),
]  # fmt: skip


def found_after(statement: str, **parameters) -> dict[str, str]:
    """Break something, look, and put it right again: building the world anew each time would take minutes."""
    point = transaction.savepoint()
    raw(statement, **parameters)
    found = breaches()
    transaction.savepoint_rollback(point)
    return found


def test_each_breach_is_found(lives):
    names = {name: str(proposal.pk) for name, proposal in lives.items()}
    missed = {
        statement: found
        for code, text, statement in BREACHES
        if text not in (found := found_after(statement, **names)).get(code, "")
    }
    assert not missed
    assert_invariants_hold()


def test_a_missing_trigger_is_found(lives):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'pgtrigger_legal_edges_%'")
        name = cursor.fetchone()[0]
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE approvals_proposal DISABLE TRIGGER {name}")
    assert breaches() == {"I5": "A trigger is missing or disabled."}


def test_an_answer_without_its_row_is_found(world, lives):
    def answer(key: str, body: bytes, status: int = 201) -> None:
        IdempotentAnswer.objects.create(
            agent=world.agent, key=key, request_digest="sha256:0", status=status, body=body, created_at=database_now()
        )

    answer("made", json.dumps({"id": str(lives["pending"].pk)}).encode())
    answer("refused", b'{"code":"invalid_proposal"}', status=422)
    assert_invariants_hold()
    answer("lost", b'{"id":"0192f000-0000-7000-8000-000000000000"}')
    assert "0192f000-0000-7000-8000-000000000000" in breaches()["I3"]


def test_a_second_dispatch_of_a_revision_is_found(lives):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE approvals_dispatch DROP CONSTRAINT dispatch_once_per_revision_and_kind")
        cursor.execute(
            "INSERT INTO approvals_dispatch (id, status, attempts_made, next_attempt_at, fence, last_error, created_at,"
            " kind, digest, \"grant\", proposal_id, revision_id) SELECT gen_random_uuid(), 'cancelled', 0, now(), 0, '',"
            " now(), kind, digest, '', proposal_id, revision_id FROM approvals_dispatch WHERE proposal_id = %s",
            [lives["shipped"].pk],
        )
    assert breaches() == {"I2": "A revision has more than one dispatch of a kind."}


def test_somebody_else_owned_the_agent_then(world, lives):
    world.agent.owner = world.owner
    world.agent.save()
    assert_invariants_hold()


def run(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("check_invariants", *arguments, stdout=out)
    except SystemExit as ended:
        return int(ended.code), out.getvalue()
    return 0, out.getvalue()


def test_the_command_tells_what_it_proved(lives):
    code, out = run()
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9"]
    assert all(" ok " in line for line in out.splitlines())


def test_the_command_names_the_breach_and_fails(lives):
    raw("UPDATE approvals_proposal SET state = 'taken_over' WHERE id = %(id)s", id=lives["pending"].pk)
    code, out = run()
    assert code == 1
    assert f"A proposal is not in the state in which the ledger leaves it. ({lives['pending'].pk})" in out
    code, out = run("--json")
    told = json.loads(out)
    assert (code, told["ok"]) == (1, False)
    assert [row["code"] for row in told["invariants"] if row["breach"]] == ["I4"]
