"""What people and roles could do before and after, whichever way it was changed."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from audit.models import Entry
from policies.accounts import access
from policies.models import AccessChange
from tests import world as worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def legal() -> Group:
    return Group.objects.create(name="Legal")


@pytest.fixture
def mara() -> User:
    return User.objects.create_user("mara", is_staff=True)


def last(subject: str) -> AccessChange:
    return AccessChange.objects.filter(subject=subject).latest("id")


def test_a_role_given_by_a_command_names_the_machine(mara: User, legal: Group) -> None:
    mara.groups.add(legal)
    change = last(f"user:{mara.pk}")
    assert (change.before["roles"], change.after["roles"]) == ([], ["Legal"])
    assert change.by_name.startswith("command line of ")
    entry = Entry.objects.get(kind="account.roles_changed", subject=f"user:{mara.pk}")
    assert (entry.data, entry.actor_name) == ({"before": change.before, "after": change.after}, change.by_name)


@pytest.mark.parametrize("way", ["set", "remove", "clear", "from the role", "clear the role", "delete the role"])
def test_every_way_to_take_a_role_away_is_kept(mara: User, legal: Group, way: str) -> None:
    mara.groups.add(legal)
    {
        "set": lambda: mara.groups.set([]),
        "remove": lambda: mara.groups.remove(legal),
        "clear": mara.groups.clear,
        "from the role": lambda: legal.user_set.remove(mara),
        "clear the role": legal.user_set.clear,
        "delete the role": legal.delete,
    }[way]()
    change = last(f"user:{mara.pk}")
    assert (change.before["roles"], change.after["roles"]) == (["Legal"], [])


def test_permissions_of_a_role_and_standing_of_an_account_are_kept(mara: User, legal: Group) -> None:
    decide = Permission.objects.get(codename="decide_proposal")
    legal.permissions.add(decide)
    change = last(f"group:{legal.pk}")
    assert (change.before, change.after) == ({"permissions": []}, {"permissions": ["approvals.decide_proposal"]})
    decide.group_set.remove(legal)
    assert last(f"group:{legal.pk}").after == {"permissions": []}
    mara.is_superuser = True
    mara.save()
    change = last(f"user:{mara.pk}")
    assert (change.before["is_superuser"], change.after["is_superuser"]) == (False, True)
    mara.delete()
    assert AccessChange.objects.latest("id").after == {}


def test_what_changes_nothing_is_not_kept(mara: User) -> None:
    mara.first_name = "Mara"
    mara.save()
    mara.save(update_fields=["last_login"])
    mara.groups.set([])
    assert not AccessChange.objects.exists()


def test_what_is_given_and_taken_back_in_one_go_is_no_change(mara: User, legal: Group) -> None:
    with transaction.atomic(), access.gathered():
        mara.groups.add(legal)
        mara.groups.remove(legal)
    assert not AccessChange.objects.exists()


def test_what_fails_leaves_nothing_gathered(mara: User, legal: Group) -> None:
    def fail() -> None:
        with transaction.atomic(), access.gathered():
            mara.groups.add(legal)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not AccessChange.objects.exists()
    mara.groups.add(legal)
    assert AccessChange.objects.count() == 1


def test_the_admin_names_who_and_shows_the_history(mara: User, legal: Group) -> None:
    root = User.objects.create_superuser("root")
    client = Client()
    client.force_login(root)
    address = reverse("admin:auth_user_change", args=[mara.pk])
    form = client.get(address).context["adminform"].form
    sent = {name: value for name, value in form.initial.items() if isinstance(value, str | bool) and value}
    sent |= {"groups": [legal.pk], "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00", "note": "New colleague."}
    answer = client.post(address, sent, follow=True)
    assert answer.status_code == 200
    assert [*mara.groups.all()] == [legal]
    change = last(f"user:{mara.pk}")
    assert (change.by_name, change.after["roles"]) == ("root", ["Legal"])
    page = client.get(reverse("admin:auth_user_history", args=[mara.pk]), follow=True).content.decode()
    assert "roles: — → Legal" in page
    assert client.get(reverse("admin:policies_accesschange_change", args=[change.pk])).status_code == 200


def test_the_history_cannot_be_changed(mara: User, legal: Group) -> None:
    mara.groups.add(legal)
    with pytest.raises(Exception, match="Cannot update"), transaction.atomic():
        AccessChange.objects.update(by_name="somebody")


def test_compliance_sees_it_and_others_do_not(mara: User, legal: Group) -> None:
    for permission, status in (("view_accesschange", 200), ("view_proposal", 403)):
        client = Client()
        client.force_login(worlds.person(permission, permissions=(permission,)))
        assert client.get(reverse("admin:policies_accesschange_changelist")).status_code == status
