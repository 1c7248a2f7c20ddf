"""No one person makes up the second one: more rights, somebody's mailbox or password take two people."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from audit.models import Entry
from policies.accounts import rights
from policies.models import Loosening
from policies.registry import agreement, kill_switches
from tests import world as worlds
from tests.proofs import assert_invariants_hold
from tests.world import OWNER, World, person

pytestmark = pytest.mark.django_db
PUBLISH = "/admin/policies/publish/"
PASSWORD = "another long password 7"


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.fixture
def root(world: World) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root", password="a long enough password"))
    return client


def form(who: User, **fields: Any) -> dict[str, Any]:
    """What the page of a person sends, with other fields."""
    now = User.objects.get(pk=who.pk)
    sent: dict[str, Any] = {
        "username": now.username,
        "email": now.email,
        "date_joined_0": "2026-11-01",
        "date_joined_1": "08:00:00",
        "groups": [*now.groups.values_list("pk", flat=True)],
        "user_permissions": [*now.user_permissions.values_list("pk", flat=True)],
        "note": "They need it.",
    }
    sent |= {name: "on" for name in ("is_active", "is_staff", "is_superuser") if getattr(now, name)}
    return {name: value for name, value in (sent | fields).items() if value is not None}


def save(client: Client, who: User, **fields: Any) -> str:
    return client.post(f"/admin/auth/user/{who.pk}/change/", form(who, **fields), follow=True).content.decode()


def agree() -> str:
    asked = Loosening.objects.get(status="waiting")
    return str(agreement.agree(loosening_id=asked.pk, by=worlds.publishers()[1]).status)


GAINS: list[tuple[str, Any]] = [
    ("groups", lambda: [*Group.objects.filter(name__in=[OWNER, "Clerks"]).values_list("pk", flat=True)]),
    ("user_permissions", lambda: [Permission.objects.get(codename="agree_loosening").pk]),
    ("is_superuser", lambda: "on"),
    ("email", lambda: "root@example.com"),
]


@pytest.mark.parametrize(("field", "value"), GAINS, ids=[name for name, _ in GAINS])
def test_one_person_gives_nobody_more_and_two_do(world, root, field, value):
    worlds.publishers()
    who = person("clerk", "Clerks")
    User.objects.filter(pk=who.pk).update(email="clerk@example.com")
    before = rights.of(who)
    assert "until a second person has agreed" in save(root, who, **{field: value()})
    assert rights.of(who) == before
    root.post(PUBLISH, {"do": "agree", "loosening": Loosening.objects.get().pk})
    assert rights.of(who) == before
    assert agree() == "done"
    assert rights.of(who) != before
    assert Entry.objects.filter(kind="user.rights_given", subject=f"user:{who.pk}").exists()
    assert_invariants_hold()


def test_a_superuser_gives_themselves_no_role_either(world, root):
    worlds.publishers()
    me = User.objects.get(username="root")
    save(root, me, groups=[Group.objects.get(name=OWNER).pk])
    assert not me.groups.exists()


def test_taking_away_and_what_is_no_right_happen_at_once(world, root):
    worlds.publishers()
    who = person("clerk", OWNER, "Clerks")
    save(root, who, groups=[Group.objects.get(name="Clerks").pk], first_name="Cleo", is_staff=None)
    who.refresh_from_db()
    assert (who.first_name, who.is_staff, rights.of(who).roles) == ("Cleo", False, ["Clerks"])
    assert not Loosening.objects.exists()


def test_what_is_taken_and_given_at_once_is_taken_and_asked_for(world, root):
    worlds.publishers()
    who, other = person("clerk", "Clerks"), Group.objects.get(name=OWNER)
    save(root, who, groups=[other.pk])
    assert rights.of(who).roles == []
    assert Entry.objects.filter(kind="user.changed").latest("id").data["roles"] == []
    assert agree() == "done"
    assert rights.of(who).roles == [OWNER]


def test_without_a_note_nothing_at_all_is_saved(world, root):
    worlds.publishers()
    who = person("clerk", "Clerks")
    assert "Say why" in save(root, who, groups=[Group.objects.get(name=OWNER).pk], first_name="Cleo", note="")
    who.refresh_from_db()
    assert (who.first_name, rights.of(who).roles) == ("", ["Clerks"])


def test_a_closed_account_is_opened_by_two(world, root):
    worlds.publishers()
    who = person("clerk", "Clerks")
    save(root, who, is_active=None)
    assert not User.objects.get(pk=who.pk).is_active
    save(root, who, is_active="on")
    assert not User.objects.get(pk=who.pk).is_active
    assert agree() == "done"
    assert User.objects.get(pk=who.pk).is_active


@pytest.mark.parametrize("change", [{"email": "elsewhere@example.com"}, {"is_active": False}])
def test_a_person_who_has_changed_meanwhile_gets_nothing(world, root, change):
    worlds.publishers()
    who = person("clerk", "Clerks")
    save(root, who, groups=[Group.objects.get(name=OWNER).pk])
    User.objects.filter(pk=who.pk).update(**change)
    assert agree() == "outdated"
    assert OWNER not in rights.of(who).roles


def test_who_sets_somebodys_password_does_not_become_them(world, root):
    worlds.publishers()
    page = f"/admin/auth/user/{world.owner.pk}/password/"
    sent = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert "once a second person has agreed" in root.post(page, sent, follow=True).content.decode()
    assert not Client().login(username="channel-owner", password=PASSWORD)
    root.post(page, sent, follow=True)
    assert not Client().login(username="channel-owner", password=PASSWORD)
    assert agree() == "done"
    assert Client().login(username="channel-owner", password=PASSWORD)


def test_ones_own_password_closes_nothing(world, root):
    worlds.publishers()
    me = User.objects.get(username="root")
    sent = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    root.post(f"/admin/auth/user/{me.pk}/password/", sent)
    assert Client().login(username="root", password=PASSWORD)


def test_a_role_gets_more_permissions_with_two_people_and_keeps_its_name(world, root):
    worlds.publishers()
    role = Group.objects.create(name="Clerks")
    page, may = f"/admin/auth/group/{role.pk}/change/", Permission.objects.get(codename="agree_loosening")
    root.post(page, {"name": "Clerks", "permissions": [may.pk], "note": "They need it."})
    role.refresh_from_db()
    assert (role.name, role.permissions.count()) == ("Clerks", 0)
    assert agree() == "done"
    assert rights.role_permissions(role) == ["policies.agree_loosening"]
    root.post(page, {"name": "Clerks", "permissions": []})
    assert rights.role_permissions(role) == []
    assert_invariants_hold()


# Setting up ----------------------------------------------------------------------------------------


def test_in_a_new_portal_one_person_makes_the_second(world, root):
    who = person("clerk", "Clerks")
    save(root, who, user_permissions=[Permission.objects.get(codename="agree_loosening").pk])
    assert rights.of(who).permissions == ["policies.agree_loosening"]
    assert not Loosening.objects.exists()
    third = person("third", "Clerks")
    save(root, third, user_permissions=[Permission.objects.get(codename="agree_loosening").pk])
    assert rights.of(third).permissions == []


@pytest.mark.parametrize("how", ["close", "rights", "role", "delete"])
def test_who_gets_rid_of_the_second_person_does_not_set_up_again(world, root, how):
    second, clerks = person("second"), Group.objects.create(name="Agreeing")
    clerks.permissions.add(Permission.objects.get(codename="agree_loosening"))
    second.groups.add(clerks)
    match how:
        case "close":
            save(root, second, is_active=None)
        case "rights":
            save(root, second, groups=[])
        case "role":
            root.post(f"/admin/auth/group/{clerks.pk}/change/", {"name": "Agreeing", "permissions": []})
        case _:
            root.post(f"/admin/auth/user/{second.pk}/delete/", {"post": "yes"})
    assert not rights._others(User.objects.get(username="root"))
    puppet = person("puppet")
    save(root, puppet, user_permissions=[Permission.objects.get(codename="agree_loosening").pk])
    assert rights.of(puppet).permissions == []
    root.post(
        f"/admin/auth/user/{world.owner.pk}/password/",
        {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD},
    )
    assert not User.objects.get(pk=world.owner.pk).is_active


def test_a_new_account_has_no_rights_until_two_people_gave_them(world, root):
    worlds.publishers()
    new = {"username": "new", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    root.post("/admin/auth/user/add/", new | {"is_superuser": "on", "is_staff": "on"})
    who = User.objects.get(username="new")
    assert not rights.of(who).is_anybody
    kill_switches.engage(scope="everywhere", by=world.owner, reason="Stop.")
    root.post("/admin/switches/release/everywhere/", {"note": "Over."})
    save(root, who, user_permissions=[Permission.objects.get(codename="agree_loosening").pk], is_staff="on")
    own = Client()
    own.login(username="new", password=PASSWORD)
    own.post(PUBLISH, {"do": "agree", "loosening": Loosening.objects.get(kind="release").pk})
    assert Loosening.objects.get(kind="release").status == "waiting"
