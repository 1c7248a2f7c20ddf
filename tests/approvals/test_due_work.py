"""What looks for due work finds all that there is, and then nothing."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import override_settings
from django.utils.module_loading import import_string

from approvals import due_work
from approvals.lifecycle import reevaluation
from approvals.models import Callback, Dispatch, Proposal, Timer, TrustProgress
from audit.clock import database_now
from audit.ledger import sequencer
from audit.models import SequencerMark
from hitlportal.environment.schedule import SWEEPS
from hitlportal.models import LinkRequest
from hitlportal.processes.beat.looks import Looks
from policies.models import Agent, Connector, KillSwitch
from policies.publishing import publish, replay_runs
from policies.registry import kill_switches
from tests import world as worlds
from tests.approvals.far_side import executing
from tests.proofs import assert_invariants_hold

LOOKED = [sweep for sweep in SWEEPS if sweep.look]
ALWAYS = {"send_daily_reports", "forget_old_answers", "verify_ledger", "recount_trust", "forget_expired"}
SETTLES_LATER = {"sequence_ledger", "recalculate_trust"}
"""What is looked at some seconds longer than there is anything: a transaction may have begun before."""

pytestmark = pytest.mark.django_db


def due():
    """What a look finds, by the last words of the tasks."""
    return {sweep.task.rpartition(".")[2] for sweep in Looks(LOOKED).due()}


def carry_out(sweep):
    return sum(import_string(work.path)(most=work.most_in_sweep) for work in sweep.work)


@pytest.fixture
def world():
    return worlds.build()


@pytest.fixture
def quiet(world):
    """A portal in which everything is done, and the seconds are over for which some of it is looked at again."""
    for sweep in LOOKED:
        while carry_out(sweep):
            pass
    settle()
    assert due() == set()
    return world


def settle():
    """Let those seconds pass."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM audit_entry")
        (newest,) = cursor.fetchone()
    SequencerMark.objects.update(mark=newest, next_mark=newest)
    TrustProgress.objects.update(counted_until=database_now() + timedelta(seconds=1))


def test_what_has_no_look_is_done_at_its_pace():
    assert {sweep.task.rpartition(".")[2] for sweep in SWEEPS if not sweep.look} == ALWAYS


def test_one_statement_asks_for_everything(quiet, django_assert_num_queries):
    looks = Looks(SWEEPS)
    with django_assert_num_queries(1):
        assert {sweep.task.rpartition(".")[2] for sweep in looks.due()} == ALWAYS
    with django_assert_num_queries(0):
        assert looks.due() == [], "nothing is asked for again before its time"


def test_what_was_due_and_not_done_is_asked_for_again(quiet):
    quiet.propose()
    looks = Looks(LOOKED)
    (ledger,) = (sweep for sweep in looks.due() if sweep.task.endswith("sequence_ledger"))
    looks.again(ledger)
    assert looks.due() == [ledger]


def test_led_by_looks_alone_everything_is_done(world):
    with executing() as far:
        Connector.objects.filter(slug="ads").update(url=far.url)
        Agent.objects.update(callback_when="every", callback_hosts=["127.0.0.1"])
        world.agent.refresh_from_db()
        for _ in range(3):
            world.approve(world.propose(callback_url=far.url))
        world.decide(world.propose(), "reject", reason_code="off_brand")
        for _ in range(20):
            found = due()
            for sweep in LOOKED:
                if sweep.task.rpartition(".")[2] in found:
                    carry_out(sweep)
            if found <= SETTLES_LATER:
                break
        assert found <= SETTLES_LATER
        assert len(far.executed) == 3
        assert [carry_out(sweep) for sweep in LOOKED] == [0] * len(LOOKED), "a look has missed something"
    assert Callback.objects.exists()
    assert not Callback.objects.filter(attempts_made=0).exists()
    assert_invariants_hold()


def test_nothing_is_due_before_its_release(quiet):
    proposal = quiet.approve(quiet.propose("ads.budget"))
    Dispatch.objects.update(next_attempt_at=database_now() + timedelta(seconds=5))
    assert "ship_due" not in due()
    Dispatch.objects.filter(proposal=proposal).update(next_attempt_at=database_now())
    assert "ship_due" in due()


def test_a_lease_that_has_run_out_is_due(quiet):
    quiet.approve(quiet.propose())
    gone = {"status": "claimed", "fence": 1, "attempts_made": 1, "lease_until": database_now() + timedelta(seconds=5)}
    Dispatch.objects.update(**gone)
    assert "ship_due" not in due()
    Dispatch.objects.update(lease_until=database_now())
    assert "ship_due" in due()
    Connector.objects.update(kind="gate", url="", secret="")
    assert due() & {"ship_due", "expire_overdue"} == {"expire_overdue"}


def test_a_deadline_that_has_passed_is_due(quiet):
    proposal = quiet.propose()
    assert "expire_overdue" not in due()
    Proposal.objects.filter(pk=proposal.pk).update(deadline_at=database_now() - timedelta(seconds=1))
    assert "expire_overdue" in due()


def test_a_reminder_whose_time_has_come_is_due(quiet):
    proposal = quiet.propose()
    assert Timer.objects.filter(proposal=proposal, due_at__gt=database_now()).exists()
    assert "fire_due" not in due()
    Timer.objects.update(due_at=database_now())
    assert "fire_due" in due()


def test_a_new_policy_is_due_where_something_is_open(quiet):
    quiet.enforce(rules={})
    assert "reevaluate_open" not in due()
    quiet.propose()
    quiet.enforce(rules={"late": worlds.rule("payload.amount > 1000000")})
    assert "reevaluate_open" in due()
    reevaluation.reevaluate_open()
    assert "reevaluate_open" not in due()


def test_what_waits_because_of_a_kill_switch_is_looked_at(quiet):
    kill_switches.engage(scope="everywhere", reason="Look first.", by=quiet.owner)
    quiet.propose()
    assert "reevaluate_open" in due()
    KillSwitch.objects.update(is_engaged=False)
    assert "reevaluate_open" in due()


def test_people_who_are_to_be_told_are_due(quiet):
    quiet.propose()
    assert "deliver_notices" in due()


def test_the_ledger_is_due_until_the_mark_has_come_to_its_end(quiet):
    quiet.propose()
    assert "sequence_ledger" in due()
    sequencer.sequence(most=1_000)
    assert "sequence_ledger" in due(), "the mark is to be noted, and a checkpoint signed in a minute"
    settle()
    assert "sequence_ledger" not in due()
    SequencerMark.objects.update(noted_transaction=2**60)
    assert "sequence_ledger" in due(), "a mark of another server"


def test_trust_is_counted_after_each_step_and_each_minute(quiet):
    TrustProgress.objects.update(counted_until=database_now() - timedelta(seconds=30))
    assert "recalculate_trust" not in due() or newest_is_younger_than(30)
    TrustProgress.objects.update(counted_until=database_now() - timedelta(seconds=61))
    assert "recalculate_trust" in due()
    settle()
    TrustProgress.objects.update(counted_until=database_now())
    quiet.propose()
    assert "recalculate_trust" in due()


def newest_is_younger_than(seconds):
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp() - max(at) < make_interval(secs => %s) FROM audit_entry", [seconds])
        return cursor.fetchone()[0]


def test_a_replay_is_due_until_it_is_done(quiet):
    replay_runs.ask(document=publish.document(), by=quiet.owner)
    assert "replay_policies" in due()
    (replaying,) = (sweep for sweep in LOOKED if sweep.task.endswith("replay_policies"))
    while carry_out(replaying):
        pass
    assert "replay_policies" not in due()


def test_a_link_that_was_asked_for_is_due(quiet):
    LinkRequest.objects.create(username="nobody")
    assert "send_sign_in_links" in due()


def test_a_model_is_asked_only_where_there_is_one(quiet):
    quiet.propose()
    Proposal.objects.update(is_to_be_assessed=True)
    with override_settings(LLM_BASE_URL=""):
        assert "assess_waiting" not in due()
    with override_settings(LLM_BASE_URL="http://127.0.0.1:9"):
        assert "assess_waiting" in due()


def test_no_question_means_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert due_work.answers({}) == set()
