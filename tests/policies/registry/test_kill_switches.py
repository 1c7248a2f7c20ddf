"""Kill switches stop shipping, and say who, why and when."""

import pytest

from approvals.shipping import claims
from audit.models import Entry
from policies.models import EVERYWHERE, KillSwitch
from policies.registry import kill_switches
from policies.registry.kill_switches import SwitchRefused
from tests import world as worlds
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return worlds.build()


def test_everything_has_its_switch_from_the_start(world):
    assert set(KillSwitch.objects.values_list("scope", "is_engaged")) == {
        (EVERYWHERE, False), ("agent:pacer", False), ("surface:ads.budget", False),
        ("surface:email.lifecycle", False), ("surface:pricing", False),
    }  # fmt: skip


@pytest.mark.parametrize("scope", [EVERYWHERE, "surface:ads.budget", "agent:pacer"])
def test_an_engaged_switch_stops_and_a_released_one_lets_go(world, scope):
    world.approve(world.propose())
    switch = kill_switches.engage(scope=scope, by=world.owner, reason=" The budget is gone. ")
    assert (switch.engaged_by, switch.engaged_by_name, switch.reason) == (
        world.owner, "channel-owner", "The budget is gone.",
    )  # fmt: skip
    assert kill_switches.engaged() == [switch]
    assert claims.claim_next(worker="test", kind="webhook") is None

    worlds.release(scope)
    assert kill_switches.engaged() == []
    assert claims.claim_next(worker="test", kind="webhook") is not None
    kinds = Entry.objects.filter(subject=f"kill_switch:{scope}").order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["kill_switch.engaged", "kill_switch.released"]


@pytest.mark.parametrize("scope", ["surface:pricing", "surface:email.lifecycle"])
def test_a_switch_elsewhere_stops_nothing_here(world, scope):
    world.approve(world.propose())
    kill_switches.engage(scope=scope, by=world.owner, reason="Stop.")
    assert claims.claim_next(worker="test", kind="webhook") is not None


def test_while_it_is_engaged_nothing_passes_by_itself(world):
    kill_switches.engage(scope="surface:email.lifecycle", by=world.owner, reason="Stop.")
    assert world.propose("email.lifecycle").state == "pending"


def test_it_is_not_moved_twice_nor_without_a_reason(world):
    for reason in ("", "  "):
        with pytest.raises(SwitchRefused):
            kill_switches.engage(scope=EVERYWHERE, by=world.owner, reason=reason)
    with pytest.raises(SwitchRefused):
        kill_switches.ask_release(scope=EVERYWHERE, by=world.owner, note="Go.")
    kill_switches.engage(scope=EVERYWHERE, by=world.owner, reason="Stop.")
    with pytest.raises(SwitchRefused):
        kill_switches.engage(scope=EVERYWHERE, by=world.other_owner, reason="Me too.")
    with pytest.raises(KillSwitch.DoesNotExist):
        kill_switches.engage(scope="surface:nowhere", by=world.owner, reason="Stop.")
    assert KillSwitch.objects.get(scope=EVERYWHERE).engaged_by == world.owner
