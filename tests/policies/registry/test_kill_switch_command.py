"""`manage.py kill_switch`: stopping is for one, at once; letting it go on is for two who prove themselves."""

import io
import socket

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command

from approvals.shipping import claims
from audit.models import Entry
from policies.models import EVERYWHERE, KillSwitch, Loosening
from policies.registry import kill_switches
from tests import factors
from tests import world as worlds
from tests.proofs import assert_invariants_hold

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough password"
HOST = f"command line of {socket.gethostname()}"


@pytest.fixture
def world():
    return worlds.build()


@pytest.fixture
def people():
    return worlds.publishers()


@pytest.fixture
def typed(monkeypatch):
    """Type these lines where nobody sits at a terminal."""

    def type_in(*lines):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))

    type_in()
    return type_in


def run(*words):
    out = io.StringIO()
    call_command("kill_switch", *words, stdout=out)
    return out.getvalue()


def test_engaging_needs_nobody_and_says_from_where(world, typed):
    world.approve(world.propose())
    assert "Stopped: everywhere" in run("engage", "--reason", "The backup is old.")
    switch = KillSwitch.objects.get(scope=EVERYWHERE)
    assert (switch.engaged_by, switch.engaged_by_name, switch.reason) == (None, HOST, "The backup is old.")
    entry = Entry.objects.get(kind="kill_switch.engaged")
    assert (entry.actor, entry.actor_name, entry.data) == ("system", HOST, {"via": HOST})
    assert claims.claim_next(worker="test", kind="webhook") is None
    assert_invariants_hold()


def test_engaging_names_the_person_and_that_nobody_proved_it(world, typed):
    world.owner.user_permissions.add(Permission.objects.get(codename="engage_killswitch"))
    run("engage", "--reason", "Wrong prices.", "--surface", "ads.budget", "--as", "channel-owner")
    switch = KillSwitch.objects.get(scope="surface:ads.budget")
    assert (switch.engaged_by, switch.engaged_by_name) == (world.owner, f"channel-owner ({HOST})")
    assert Entry.objects.get(kind="kill_switch.engaged").actor == f"user:{world.owner.pk}"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(["--reason", " "], "Say why", id="no-reason"),
        pytest.param(["--reason", "x", "--as", "nobody"], "no active user", id="no-such-person"),
        pytest.param(["--reason", "x", "--as", "channel-owner"], "takes the permission", id="may-not"),
        pytest.param(["--reason", "x", "--surface", "nowhere"], "no such surface", id="no-such-surface"),
        pytest.param(["--reason", "x", "--agent", "nobody"], "no such surface or agent", id="no-such-agent"),
    ],
)
def test_what_cannot_be_engaged_is_refused(world, typed, words, told):
    with pytest.raises(CommandError, match=told):
        run("engage", *words)
    assert kill_switches.engaged() == []


def test_status_says_what_is_stopped_by_whom_and_who_asked(world, people, typed):
    assert "No kill switch is engaged." in run("status")
    run("engage", "--agent", "pacer", "--reason", "It went wild.")
    kill_switches.ask_release(scope="agent:pacer", by=people[0], note="Mended.")
    told = run("status")
    assert "agent:pacer" in told
    assert f"{HOST}: It went wild." in told
    assert "publisher has asked for the release" in told


def test_a_release_takes_two_people_and_their_passwords(world, people, typed):
    run("engage", "--reason", "The backup is old.")
    typed(PASSWORD)
    assert "Asked." in run("release", "--as", "publisher", "--note", "Compared with the receivers.")
    typed(PASSWORD)
    with pytest.raises(CommandError, match="asked for exactly this already"):
        run("release", "--as", "publisher", "--note", "Compared with the receivers.")
    assert KillSwitch.objects.get(scope=EVERYWHERE).is_engaged
    typed(PASSWORD)
    assert "Released: everywhere" in run("release", "--as", "second-publisher")
    assert not KillSwitch.objects.get(scope=EVERYWHERE).is_engaged
    assert Loosening.objects.get().answered_by == people[1]
    assert_invariants_hold()


def test_a_wrong_password_releases_nothing(world, people, typed):
    run("engage", "--reason", "The backup is old.")
    kill_switches.ask_release(scope=EVERYWHERE, by=people[0], note="Compared.")
    typed("not the password")
    with pytest.raises(CommandError, match="not your password"):
        run("release", "--as", "second-publisher")
    assert KillSwitch.objects.get(scope=EVERYWHERE).is_engaged


def test_who_has_a_second_factor_is_asked_for_it(world, people, typed):
    run("engage", "--reason", "The backup is old.")
    kill_switches.ask_release(scope=EVERYWHERE, by=people[0], note="Compared.")
    factors.enrol(people[1])
    typed(PASSWORD, factors.wrong_code())
    with pytest.raises(CommandError, match="code is not right"):
        run("release", "--as", "second-publisher")
    assert KillSwitch.objects.get(scope=EVERYWHERE).is_engaged


def test_where_publishing_wants_a_second_factor_releasing_does(world, people, typed, settings):
    settings.REQUIRE_SECOND_FACTOR = frozenset({"publish"})
    run("engage", "--reason", "The backup is old.")
    typed(PASSWORD)
    with pytest.raises(CommandError, match="needs a second factor"):
        run("release", "--as", "publisher", "--note", "Compared.")
    assert not Loosening.objects.exists()


def test_who_may_not_release_is_refused_before_any_password(world, typed):
    run("engage", "--reason", "The backup is old.")
    with pytest.raises(CommandError, match="takes the permission"):
        run("release", "--as", "channel-owner", "--note", "Compared.")


def test_holding_leaves_an_engaged_switch_as_it_is(world, people):
    first = kill_switches.hold(scope=EVERYWHERE, reason="Started with --held.", via=HOST)
    again = kill_switches.hold(scope=EVERYWHERE, reason="Started with --held once more.", via=HOST)
    assert again.reason == first.reason == "Started with --held."
    assert Entry.objects.filter(kind="kill_switch.engaged").count() == 1
