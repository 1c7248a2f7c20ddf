"""What happens to somebody who changes rows behind the portal's back."""

import pytest
from django.db import Error, connection, transaction

from approvals.lifecycle import review
from approvals.models import Attempt, Dispatch, Proposal
from approvals.models.states import EDGES, State
from approvals.shipping import claims, delivery, dispatches
from policies.models import Connector
from policies.publishing import publish
from tests import world as worlds
from tests.approvals.far_side import answering, executing
from tests.approvals.outbox.servers import answer
from tests.proofs import assert_invariants_hold, breaches
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.fixture
def shipped(world) -> Proposal:
    proposal = world.approve(world.propose(content={"rollback": {"amount": -1}}))
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"status": 200})
    return proposal


def run(statement: str, parameters=None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.rowcount


def refused(statement: str) -> str:
    """Run a statement that the database must refuse, and return why it did."""
    with pytest.raises(Error) as error, transaction.atomic():
        run(statement)
    return str(error.value)


def behind_its_back(statement: str, parameters=None) -> None:
    """Change rows with all triggers off, as only the database's superuser can."""
    run("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; SET LOCAL session_replication_role = replica")
    assert run(statement, parameters)
    run("SET LOCAL session_replication_role = origin")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE approvals_revision SET body = '{}'",
        "UPDATE approvals_revision SET digest = 'sha256:0'",
        "DELETE FROM approvals_revision",
        "UPDATE approvals_verdict SET outcome = 'allow'",
        "DELETE FROM approvals_verdict",
        "UPDATE approvals_decision SET verdict = 'approve'",
        "DELETE FROM approvals_decision",
        "UPDATE audit_entry SET at = now()",
        "DELETE FROM audit_entry",
        "UPDATE approvals_attempt SET digest = 'sha256:0'",
        "UPDATE approvals_attempt SET started_at = now()",
        "DELETE FROM approvals_attempt",
        "UPDATE approvals_dispatch SET digest = 'sha256:0'",
        "UPDATE approvals_dispatch SET kind = 'rollback'",
        "UPDATE approvals_dispatch SET revision_id = gen_random_uuid()",
        "UPDATE approvals_dispatch SET status = 'waiting'",
        "DELETE FROM approvals_dispatch",
        "UPDATE approvals_proposal SET surface_id = 'pricing'",
        "UPDATE approvals_proposal SET callback_url = 'https://elsewhere.example.com'",
        "DELETE FROM approvals_proposal",
        "UPDATE policies_policyversion SET document = '{}'",
        "DELETE FROM policies_policyversion",
        "DELETE FROM policies_activation",
        "DELETE FROM policies_killswitch",
    ],
)
def test_what_was_written_is_not_changed(shipped, statement):
    assert "pgtrigger" in refused(statement)
    assert_invariants_hold()


def test_a_proposal_does_not_begin_in_the_middle(shipped):
    columns = [field.column for field in Proposal._meta.concrete_fields]
    chosen = ", ".join({"id": "gen_random_uuid()", "state": "'shipped'"}.get(name, f'"{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    assert "pgtrigger" in refused(f"INSERT INTO approvals_proposal ({names}) SELECT {chosen} FROM approvals_proposal")


def test_every_edge_that_is_not_in_the_design_is_refused(world):
    proposal = world.propose()
    others = 0
    for source in State.values:
        cleared = source in {"approved", "shipped", "failed", "rolled_back"}
        behind_its_back(
            "UPDATE approvals_proposal SET state = %s, approved_digest = %s, release_at = CASE WHEN %s THEN now() END",
            [source, proposal.revision.digest if cleared else "", cleared],
        )
        for target in State.values:
            if source == target or (source, target) in EDGES:
                continue
            others += 1
            assert "Invalid transition" in refused(f"UPDATE approvals_proposal SET state = '{target}'")
    assert others == len(State.values) * (len(State.values) - 1) - len(set(EDGES))


def test_a_payload_that_was_changed_after_approval_is_refused_at_the_claim(world):
    with executing() as far:
        Connector.objects.filter(slug="ads").update(url=far.url)
        proposal = world.approve(world.propose())
        assert "pgtrigger" in refused("UPDATE approvals_revision SET body = '{\"amount\":9000000}'")
        behind_its_back("UPDATE approvals_revision SET body = '{\"amount\":9000000}'")
        assert delivery.ship_due() == 0
        assert far.seen == []
    dispatch = Dispatch.objects.get()
    assert (dispatch.status, dispatch.last_error) == ("failed", "The stored bytes are not the approved ones.")
    assert Proposal.objects.get(pk=proposal.pk).state == "failed"
    assert breaches() == {"I1": "The digest of a revision is not that of its stored bytes."}


def test_a_payload_and_its_digest_that_were_changed_are_refused_too(world):
    world.approve(world.propose())
    forged = "sha256:8d36c3d4ae1a6e2e4c0e1fca9b8c4f31b3a0a8ea5dd6f1ad1ff9c6ba6e5d0000"
    behind_its_back("UPDATE approvals_revision SET body = '{\"amount\":9}', digest = %s", [forged])
    assert claims.claim_next(worker="test", kind="webhook") is None
    assert Proposal.objects.get().state == "failed"
    assert not Attempt.objects.exists()


def test_a_dispatch_somebody_forged_for_what_waits_for_people_never_ships(world):
    with answering(answer(200)) as far:
        Connector.objects.filter(slug="ads").update(url=far.url)
        proposal = world.propose()
        forge(proposal)
        assert delivery.ship_due() == 0
        assert far.seen == []
    assert Dispatch.objects.get().last_error == "The proposal is pending and not released."
    assert Proposal.objects.get().state == "pending"
    assert "I3" in breaches()


def test_a_dispatch_somebody_forged_for_an_old_revision_never_ships(world):
    proposal = world.propose()
    review.edit(proposal_id=proposal.pk, seen=worlds.seen(proposal), by=world.owner, payload={"amount": 1})
    world.approve(proposal, by=world.other_owner)
    forge(proposal)
    claim = claims.claim_next(worker="test", kind="webhook")
    assert claim is not None
    assert claim.body == b'{"amount":1}'
    assert claims.claim_next(worker="test", kind="webhook") is None
    assert Attempt.objects.count() == 1


def forge(proposal: Proposal) -> None:
    Dispatch.objects.create(
        proposal=proposal,
        revision=proposal.revision,
        kind="execute",
        connector_id="ads",
        digest=proposal.revision.digest,
        next_attempt_at="2020-01-01T00:00:00Z",
        created_at="2020-01-01T00:00:00Z",
    )


@pytest.mark.parametrize("scope", ["everywhere", "surface:ads.budget", "agent:pacer"])
def test_without_its_kill_switch_nothing_ships(world, scope):
    world.approve(world.propose())
    behind_its_back("DELETE FROM policies_killswitch WHERE scope = %s", [scope])
    assert claims.claim_next(worker="test", kind="webhook") is None
    assert Proposal.objects.get().state == "approved"
    assert breaches()["I1"] == "A kill switch is missing, or is not as the ledger says it was left."


def test_a_surface_without_its_kill_switch_does_not_hold_up_another(world):
    world.approve(world.propose())
    other = world.propose("pricing")
    world.approve(other, is_signed=True, comment="Agreed.")
    behind_its_back("DELETE FROM policies_killswitch WHERE scope = 'surface:ads.budget'")
    claim = claims.claim_next(worker="test", kind="webhook")
    assert claim.dispatch.proposal_id == other.pk


def test_a_policy_that_was_changed_is_not_used(world):
    behind_its_back("UPDATE policies_policyversion SET document = jsonb_set(document, '{surfaces}', '{}')")
    publish._compiled.cache_clear()
    with pytest.raises(publish.PolicyInvalid):
        world.propose()
    publish._compiled.cache_clear()
