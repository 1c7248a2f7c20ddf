"""What a superuser can do when an account is in the wrong hands, or a phone is lost."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from audit.models import Entry
from policies.accounts import second_factor
from tests import factors

pytestmark = pytest.mark.django_db
PEOPLE = "/admin/auth/user/"
ACTIONS = ["sign_out_everywhere", "remove_second_factor"]


@pytest.fixture
def lena():
    person = User.objects.create_user("lena", password="correct horse", is_staff=True)
    factors.enrol(person)
    factors.recovery_codes(person)
    return person


@pytest.fixture
def root():
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def browser(person):
    client = Client()
    client.force_login(person)
    return client


def is_in(client):
    return client.get("/admin/").status_code == 200


def do(client, action, person, **more):
    return client.post(PEOPLE, {"action": action, "_selected_action": [person.pk], **more})


def told(kind):
    return [(entry.actor_name, entry.subject) for entry in Entry.objects.filter(kind=kind)]


@pytest.mark.parametrize("action", ACTIONS)
def test_it_is_asked_first_and_nothing_happens_by_asking(root, lena, action):
    hers, before = browser(lena), Entry.objects.count()
    page = do(root, action, lena).content.decode()
    assert "lena" in page
    assert "Yes, do it" in page
    assert is_in(hers)
    assert second_factor.is_enrolled(lena)
    assert Entry.objects.count() == before


def test_signing_out_everywhere(root, lena):
    hers = [browser(lena), browser(lena)]
    do(root, "sign_out_everywhere", lena, is_confirmed="1")
    assert not any(map(is_in, hers))
    assert is_in(root)
    assert second_factor.is_enrolled(lena)
    assert told("user.sessions_ended") == [("root", f"user:{lena.pk}")]


def test_removing_the_second_factor_signs_out_too(root, lena):
    hers = browser(lena)
    do(root, "remove_second_factor", lena, is_confirmed="1")
    assert second_factor.kinds(lena) == frozenset()
    assert not is_in(hers)
    assert told("user.second_factor_removed") == [("root", f"user:{lena.pk}")] * 2


@pytest.mark.parametrize("action", ACTIONS)
def test_nobody_but_a_superuser_may(lena, action):
    keeper = User.objects.create_user("keeper", is_staff=True)
    keeper.user_permissions.add(*Permission.objects.filter(codename__in=["view_user", "change_user", "delete_user"]))
    hers, client = browser(lena), browser(keeper)
    assert action not in client.get(PEOPLE).content.decode()
    do(client, action, lena, is_confirmed="1")
    assert is_in(hers)
    assert second_factor.is_enrolled(lena)
