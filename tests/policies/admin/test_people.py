"""People and roles are changed in the admin, and the ledger tells of it."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from audit.models import Entry
from tests import world as worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def after(subject: str) -> dict:
    """Return how the newest entry says that this person or role is now."""
    entries = Entry.objects.filter(subject=subject, data__has_key="after")
    return entries.order_by("-id").values_list("data", flat=True)[0]["after"]


def test_a_role_given_and_taken_is_told(root):
    person, role = worlds.person("newcomer"), Group.objects.create(name=worlds.OWNER)
    sent = {"username": "newcomer", "is_active": "on", "is_staff": "on", "date_joined_0": "2026-11-01"}
    sent |= {"date_joined_1": "08:00:00", "groups": [role.pk]}
    assert root.post(f"/admin/auth/user/{person.pk}/change/", sent).status_code == 302
    assert after(f"user:{person.pk}")["roles"] == [worlds.OWNER]
    root.post(f"/admin/auth/user/{person.pk}/change/", sent | {"groups": [], "is_staff": ""})
    now = after(f"user:{person.pk}")
    assert (now["roles"], now["is_staff"], now["is_superuser"]) == ([], False, False)


def test_a_new_account_and_its_end_are_told(root):
    new = {"username": "new", "usable_password": "true", "password1": "correct horse 7", "password2": "correct horse 7"}
    assert root.post("/admin/auth/user/add/", new).status_code == 302
    person = User.objects.get(username="new")
    assert Entry.objects.filter(subject=f"user:{person.pk}", kind="user.added").exists()
    root.post(f"/admin/auth/user/{person.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(username="new").exists()
    assert Entry.objects.filter(subject=f"user:{person.pk}", kind="user.deleted").exists()


def test_what_a_role_may_do_is_told(root):
    role = Group.objects.create(name="Helpers")
    may = Permission.objects.get(codename="decide_proposal")
    root.post(f"/admin/auth/group/{role.pk}/change/", {"name": "Helpers", "permissions": [may.pk]})
    assert after(f"group:{role.pk}")["permissions"] == ["approvals.decide_proposal"]
