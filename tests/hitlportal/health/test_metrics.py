"""How late due work is: measured, told to a monitor, and shown to portal admins."""

import re
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from approvals.admin.oversight import behind
from approvals.figures import heartbeats, lag
from approvals.lifecycle import escalation, reevaluation
from approvals.models import (
    Callback,
    ChannelHealth,
    Dispatch,
    Heartbeat,
    NoticeDelivery,
    Occasion,
    Proposal,
    Timer,
)
from approvals.notices import occasions
from approvals.shipping import delivery
from audit.clock import database_now
from audit.ledger import sequencer
from audit.verification import runs
from hitlportal.celery import app
from hitlportal.health import health
from hitlportal.processes import pulse
from policies.models import EVERYWHERE, Connector, Surface
from policies.registry import kill_switches
from tests import world as worlds
from tests.approvals.far_side import CONNECTOR_SECRET, answering
from tests.approvals.outbox.servers import answer

pytestmark = pytest.mark.django_db
TOKEN = "a token for the monitor"
PROGRAMS = (heartbeats.WORKER, heartbeats.NOTICE_WORKER, heartbeats.BEAT)


@pytest.fixture
def world():
    """A portal in which worker and beat run."""
    for program in PROGRAMS:
        heartbeats.note(program, host="one")
    # On a busy machine a test takes longer than a program may be silent.
    Heartbeat.objects.update(at=ago(-600))
    world = worlds.build()
    # The portal of tests may have been built a while ago, and its entries have waited since.
    sequencer.sequence(most=1_000)
    return world


@pytest.fixture
def monitor(settings):
    settings.METRICS_TOKEN = TOKEN
    return Client(headers={"authorization": f"Bearer {TOKEN}"})


def ago(seconds):
    return database_now() - timedelta(seconds=seconds)


def lags():
    return {one.kind: one for one in lag.measure_all()}


def test_nothing_due_is_no_lag(world):
    world.propose()
    occasions.fan_out()
    runs.run_due(most=1)
    sequencer.sequence(most=1_000)  # The verification is an entry as well.
    assert {one.kind: (one.rows, one.seconds, one.is_late) for one in lag.measure_all()} == dict.fromkeys(
        (
            "shipping", "callbacks", "expiry", "escalations", "occasions", "notices", "reports", "reevaluation",
            "assessing", "replays", "forgetting", "receivers", "channels", "worker", "notice_worker", "beat",
            "trust", "trust_anew", "ledger", "ledger_faults", "verification",
        ),
        (0, 0.0, False),
    )  # fmt: skip


def test_shipping_is_as_late_as_the_oldest_dispatch(world):
    for seconds in (30, 300):
        proposal = world.approve(world.propose())
        Dispatch.objects.filter(proposal=proposal).update(next_attempt_at=ago(seconds))
    found = lags()["shipping"]
    assert found.rows == 2
    assert 299 <= found.seconds <= 330
    assert found.is_late


def test_what_a_kill_switch_stops_is_not_late(world):
    Dispatch.objects.filter(proposal=world.approve(world.propose())).update(next_attempt_at=ago(300))
    kill_switches.engage(scope=EVERYWHERE, by=world.owner, reason="An incident.")
    assert lags()["shipping"].rows == 0


def test_a_claim_is_late_from_when_its_lease_ran_out(world):
    proposal = world.approve(world.propose())
    Dispatch.objects.filter(proposal=proposal).update(
        status="claimed", fence=1, next_attempt_at=ago(900), lease_until=ago(40)
    )
    assert 39 <= lags()["shipping"].seconds <= 70


def test_callbacks_and_expiry_are_measured(world):
    proposal = world.propose()
    Callback.objects.create(
        proposal=proposal, url="https://agents.example.com/", body=b"{}", next_attempt_at=ago(20), created_at=ago(20)
    )
    Proposal.objects.filter(pk=proposal.pk).update(deadline_at=ago(70))
    assert 19 <= lags()["callbacks"].seconds <= 50
    assert 69 <= lags()["expiry"].seconds <= 100
    assert lags()["expiry"].is_late


def test_a_reminder_that_nobody_gave_is_measured(world):
    proposal = world.propose()
    Timer.objects.filter(proposal=proposal, kind="remind_50").update(due_at=ago(90))
    found = lags()["escalations"]
    assert found.rows == 1
    assert 89 <= found.seconds <= 120
    assert found.is_late
    escalation.fire_due()
    assert lags()["escalations"].rows == 0


def test_whom_nobody_has_told_yet_is_measured(world):
    User.objects.filter(pk=world.owner.pk).update(email="somebody@example.com")
    world.propose()
    Occasion.objects.update(at=ago(80))
    assert (lags()["occasions"].rows, lags()["occasions"].is_late) == (1, True)
    occasions.fan_out()
    assert lags()["occasions"].rows == 0
    assert lags()["notices"].rows == 1
    NoticeDelivery.objects.update(status="claimed", lease_until=ago(200), next_attempt_at=ago(900))
    found = lags()["notices"]
    assert 199 <= found.seconds <= 230
    assert found.is_late


def test_what_waits_for_its_hour_or_for_a_channel_that_rests_is_not_late(world):
    User.objects.filter(pk=world.owner.pk).update(email="somebody@example.com")
    world.propose()
    occasions.fan_out()
    NoticeDelivery.objects.update(next_attempt_at=ago(-600))
    assert lags()["notices"].rows == 0
    NoticeDelivery.objects.update(next_attempt_at=ago(600))
    ChannelHealth.objects.create(lane="email", failures=3, next_try_at=ago(-60))
    assert lags()["notices"].rows == 0
    ChannelHealth.objects.update(next_try_at=ago(1))
    assert lags()["notices"].rows == 1


def test_what_a_new_policy_still_has_to_judge_is_measured(world):
    world.propose()
    Surface.objects.filter(slug="ads.budget").update(tier_id="signature")
    worlds.publish()
    assert lags()["reevaluation"].rows == 1


def test_measuring_everything_asks_little(world, django_assert_max_num_queries):
    with django_assert_max_num_queries(28):
        lag.measure_all()


def test_others_may_add_kinds(world, monkeypatch):
    monkeypatch.setattr(lag, "_KINDS", dict(lag._KINDS))
    lag.register("mail", "Mail", lambda: lag.DueWork(3, ago(10)), tolerable_seconds=5)
    assert (lags()["mail"].rows, lags()["mail"].is_late) == (3, True)


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer", "Basic " + TOKEN, TOKEN, "Bearer " + TOKEN[:-1]])
def test_without_the_token_there_is_nothing(settings, header):
    settings.METRICS_TOKEN = TOKEN
    client = Client(headers={"authorization": header} if header else {})
    assert client.get("/metrics").status_code == 404


@pytest.mark.parametrize("header", ["Bearer ", "Bearer x"])
def test_without_a_token_in_the_settings_nobody_reads(header):
    assert Client(headers={"authorization": header}).get("/metrics").status_code == 404


def test_a_signed_in_superuser_is_no_monitor(admin_client, settings):
    settings.METRICS_TOKEN = TOKEN
    assert admin_client.get("/metrics").status_code == 404


def test_a_monitor_reads_every_figure_in_its_format(world, monitor):
    Dispatch.objects.filter(proposal=world.approve(world.propose())).update(next_attempt_at=ago(10))
    answer = monitor.get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.content.decode().splitlines()
    assert all(re.fullmatch(r"# (HELP|TYPE) hitl_\w+ .+|hitl_\w+(\{\w+=\"\w+\"\})? [0-9.e+]+", line) for line in lines)
    assert 'hitl_due_rows{kind="shipping"} 1' in lines
    assert 'hitl_part_ready{part="database"} 1' in lines
    assert "hitl_kill_switches_engaged 0" in lines


def test_a_part_that_fails_is_told(world, monitor, monkeypatch):
    def broken():
        raise health.NotReady("does not answer")

    monkeypatch.setitem(health.CHECKS, "broker", broken)
    assert 'hitl_part_ready{part="broker"} 0' in monitor.get("/metrics").content.decode()


def test_the_health_page_says_it_in_words(world, client):
    worlds.sample_roles()
    keeper = worlds.person("portal-keeper")
    keeper.groups.add(Group.objects.get(name="Portal admin"))
    client.force_login(keeper)
    assert b"All is well." in client.get("/admin/health/").content
    assert b"needs a look" not in client.get("/admin/").content
    Dispatch.objects.filter(proposal=world.approve(world.propose())).update(next_attempt_at=ago(150))
    page = client.get("/admin/health/").content.decode()
    assert "2 min behind (1 waits)" in page
    assert "Something needs attention." in page


@pytest.fixture
def looks(world, client):
    """What the health page, the overview and the monitor say: whether all is well, and what is not."""
    worlds.sample_roles()
    keeper = worlds.person("portal-keeper")
    keeper.groups.add(Group.objects.get(name="Portal admin"))
    client.force_login(keeper)

    def look():
        health_says = client.get("/admin/health/").content.decode()
        overview = client.get("/admin/").content.decode()
        late = {one.kind for one in lag.measure_all() if one.is_late}
        assert ("All is well." in health_says) == ("The portal needs attention" not in overview) == (not late)
        return late, health_says, overview

    assert look()[0] == set()
    return look


@pytest.mark.parametrize("answered", [500, 410], ids=["tries-again", "gives-up"])
def test_a_receiver_counts_from_its_first_failure(world, looks, answered):
    with answering(answer(answered), answer(200)) as far:
        Connector.objects.update(url=far.url, secret=CONNECTOR_SECRET)
        world.approve(world.propose())
        assert looks()[0] == set()
        delivery.ship_due()
        late, health_says, overview = looks()
        assert late == {"receivers"}
        assert "1 fails" in health_says
        assert "1 fails" in overview
        Dispatch.objects.update(status="waiting", next_attempt_at=ago(1))
        Proposal.objects.filter(state="failed").update(state="approved")
        delivery.ship_due()
    assert looks()[0] == set()


def test_what_was_given_up_counts_for_a_day(world, looks):
    world.approve(world.propose())
    Dispatch.objects.update(status="failed", last_error="The receiver answered 410.", next_attempt_at=ago(3600))
    assert looks()[0] == {"receivers"}
    Dispatch.objects.update(next_attempt_at=ago(90_000))
    assert looks()[0] == set()


def test_an_agent_that_takes_no_callback_counts_from_its_first_failure(world, looks):
    Callback.objects.create(
        proposal=world.propose(), url="https://agents.example.com/", body=b"{}", created_at=ago(20),
        next_attempt_at=ago(-3600), attempts_made=1, last_error="The agent answered 500.",
    )  # fmt: skip
    assert looks()[0] == {"receivers"}


def test_a_channel_that_fails_counts_while_it_is_left_alone(world, looks):
    ChannelHealth.objects.create(lane="email", failures=1, next_try_at=ago(-60), last_error="The mail server is away.")
    assert looks()[0] == {"channels"}
    ChannelHealth.objects.update(failures=0)
    assert looks()[0] == set()


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_that_stopped_is_missed(world, looks, program):
    Heartbeat.objects.filter(program=program).update(at=ago(45))
    late, health_says, overview = looks()
    assert late == {program}
    assert re.search(r"not heard of for 4\d s", health_says)
    assert re.search(r"not heard of for 4\d s", overview)
    Heartbeat.objects.filter(program=program).update(at=ago(90_000))
    assert looks()[0] == {program}
    Heartbeat.objects.filter(program=program).delete()
    assert "not heard of yet" in looks()[1]
    heartbeats.note(program, host="one")
    assert looks()[0] == set()


def test_one_of_two_workers_that_vanished_is_missed_for_an_hour(world, looks):
    Heartbeat.objects.create(program="worker", host="two", at=ago(60))
    assert looks()[0] == {"worker"}
    Heartbeat.objects.filter(host="two").update(at=ago(3700))
    assert looks()[0] == set()


def test_a_worker_that_was_stopped_is_missed_only_if_it_was_the_last(world, looks):
    heartbeats.note("worker", host="two")
    heartbeats.leave("worker", host="two")
    assert list(Heartbeat.objects.filter(program="worker").values_list("host", flat=True)) == ["one"]
    heartbeats.leave("worker", host="one")
    Heartbeat.objects.filter(program="worker").update(at=ago(31))
    assert looks()[0] == {"worker"}


def test_a_policy_that_does_not_bind_all_yet_is_told_at_once(world, looks, client):
    world.propose()
    Surface.objects.filter(slug="ads.budget").update(tier_id="signature")
    worlds.publish()
    late, health_says, _overview = looks()
    assert late == {"reevaluation"}
    assert "(1 waits)" in health_says
    client.force_login(world.owner)
    assert "Applying a new policy to what is open" in client.get("/admin/").content.decode()
    reevaluation.reevaluate_open()
    assert "The portal needs attention" not in client.get("/admin/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_program_says_by_itself_that_it_runs(transactional_db):
    says_so = pulse.Pulse("worker")
    says_so.start()
    until = time.monotonic() + 60
    while heartbeats.silence("worker").programs:
        assert time.monotonic() < until
        time.sleep(0.02)
    says_so.stop()


def test_others_do_not_find_the_health_page(world, client):
    client.force_login(world.owner)
    assert client.get("/admin/health/").status_code == 404
    world.owner.user_permissions.add(Permission.objects.get(codename="change_connector"))
    assert client.get("/admin/health/").status_code == 200


TIMED = re.compile(r"^\| (`\w+`(?:, `\w+`)*) \| (\d+) s \| (\d+) s \|$", re.MULTILINE)


def test_the_operations_manual_names_every_kind_of_work_and_every_task_with_its_limits():
    manual = (settings.BASE_DIR / "docs/operations.md").read_text(encoding="utf-8")
    (row,) = (line for line in manual.splitlines() if line.startswith("| `hitl_due_oldest_seconds{kind}`"))
    assert set(re.findall(r"`(\w+)`", row)) == set(lag._KINDS)
    written = {
        name: (int(soft), int(hard))
        for names, soft, hard in TIMED.findall(manual)
        for name in re.findall(r"\w+", names)
    }
    app.loader.import_default_modules()
    ours = [task for name, task in app.tasks.items() if name.startswith(("approvals.", "hitlportal."))]
    assert written == {task.name.rpartition(".")[2]: (task.soft_time_limit, task.time_limit) for task in ours}


@pytest.mark.parametrize(("seconds", "words"), [(0, "0 s"), (119, "119 s"), (150, "2 min"), (7300, "2 h")])
def test_durations_are_said_as_people_do(seconds, words):
    assert behind.duration(seconds) == words
