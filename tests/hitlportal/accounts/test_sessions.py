"""Where a person is signed in: shown, and ended."""

import re
from datetime import UTC, datetime

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.test import Client

from audit.models import Entry
from hitlportal import tasks
from tests.hitlportal.accounts.signing_in import LOGIN, PASSWORD

pytestmark = pytest.mark.django_db
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile Safari/604.1"
DESK = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Firefox/131.0"


def signed_in(username="maria", agent=DESK, address="203.0.113.7"):
    client = Client(headers={"user-agent": agent}, REMOTE_ADDR=address)
    client.post(LOGIN, {"login": username, "password": PASSWORD})
    assert client.get("/account/").status_code == 200
    return client


def is_in(client):
    return client.get("/admin/").status_code == 200


def number_of(agent):
    return UserSession.objects.get(user_agent=agent).pk


def told(kind):
    return [(entry.subject, entry.actor, entry.data) for entry in Entry.objects.filter(kind=kind)]


def test_each_browser_is_listed_with_device_and_address_this_one_first(manager):
    phone, desk = signed_in(agent=PHONE, address="198.51.100.9"), signed_in()
    page = desk.get("/account/sessions/").content.decode()
    assert page.index("Firefox on Windows") < page.index("Safari on iPhone")
    assert "198.51.100.9" in page
    assert page.count("This browser") == 1
    assert is_in(phone)


def test_ending_one_signs_that_browser_out_and_is_recorded(manager):
    phone, desk = signed_in(agent=PHONE), signed_in()
    desk.post("/account/sessions/end/", {"number": number_of(PHONE)})
    assert not is_in(phone)
    assert is_in(desk)
    who = f"user:{manager.pk}"
    assert told("user.sessions_ended") == [(who, who, {"sessions": 1})]
    assert "iPhone" not in desk.get("/account/sessions/").content.decode()


def test_ending_all_others_leaves_this_one(manager):
    others, desk = [signed_in(agent=PHONE) for _ in range(3)], signed_in()
    unlisted = Client()
    unlisted.force_login(manager)
    desk.post("/account/sessions/end/", {"number": "others"})
    assert not any(is_in(client) for client in [*others, unlisted])
    assert is_in(desk)
    assert told("user.sessions_ended")[0][2] == {"sessions": 4}


def test_who_is_signed_in_nowhere_else_is_offered_no_button_for_it(manager):
    desk = signed_in()
    page = desk.get("/account/sessions/").content.decode()
    assert "Sign out everywhere else" not in page
    assert re.search(r"Signed in \d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d UTC\.<br>", page)
    signed_in(agent=PHONE)
    assert "Sign out everywhere else" in desk.get("/account/sessions/").content.decode()


def test_the_page_of_the_password_is_one_of_the_account(manager):
    desk, phone = signed_in(), signed_in(agent=PHONE)
    page = desk.get("/admin/password_change/").content.decode()
    assert 'href="/account/"' in page
    assert 'name="username" value="maria" autocomplete="username"' in page
    wrong = {"old_password": "wrong", "new_password1": "a longer phrase", "new_password2": "a longer phrase"}
    assert "Your old password was entered incorrectly" in desk.post("/admin/password_change/", wrong).content.decode()
    done = desk.post("/admin/password_change/", wrong | {"old_password": PASSWORD}, follow=True)
    assert "Your password is changed" in done.content.decode()
    assert is_in(desk)
    assert not is_in(phone)


def test_nobody_ends_anybody_elses(manager):
    User.objects.create_user("nadia", password=PASSWORD, is_staff=True)
    victim, other = signed_in(), signed_in("nadia", agent=PHONE)
    other.post("/account/sessions/end/", {"number": number_of(DESK)})
    other.post("/account/sessions/end/", {"number": "others"})
    assert is_in(victim)
    assert "Firefox on Windows" not in other.get("/account/sessions/").content.decode()
    assert [data for *_, data in told("user.sessions_ended")] == [{"sessions": 0}]


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 30, "1e3"])
def test_what_is_no_number_is_not_found(manager, number):
    assert signed_in().post("/account/sessions/end/", {"number": number}).status_code == 404


def test_following_a_link_ends_nothing(manager):
    desk = signed_in()
    assert desk.get("/account/sessions/end/?number=others").status_code == 405


def test_reading_changes_nothing_and_acting_is_noted(manager):
    desk = signed_in()
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    UserSession.objects.update(last_seen_at=long_ago)
    before = list(UserSession.objects.values())
    for address in ("/admin/", "/account/", "/account/sessions/"):
        desk.get(address)
        desk.head(address)
    assert list(UserSession.objects.values()) == before
    desk.post("/account/sessions/end/", {"number": "1"})
    assert UserSession.objects.get().last_seen_at > long_ago


def test_a_new_password_ends_what_is_listed(manager):
    phone, desk = signed_in(agent=PHONE), signed_in()
    manager.set_password("another horse")
    manager.save()
    assert not is_in(phone)
    manager.set_password(PASSWORD)
    manager.save()
    assert is_in(desk) is False


def test_the_ledger_holds_no_address_and_no_device(manager):
    signed_in(agent=PHONE).post("/account/sessions/end/", {"number": "others"})
    text = str(list(Entry.objects.values_list("data", "subject")))
    assert "203.0.113" not in text
    assert "iPhone" not in text
    assert PASSWORD not in text


def test_what_has_run_out_is_forgotten_and_nothing_else(manager):
    over, alive = signed_in(agent=PHONE), signed_in()
    Session.objects.filter(pk=over.session.session_key).update(expire_date=datetime(2026, 1, 1, tzinfo=UTC))
    cache.set("over", 1, timeout=-10)
    cache.set("counts", 1, timeout=60)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM portal_cache WHERE expires < now()")
        assert cursor.fetchone()[0] >= 1
        tasks.forget_expired()
        cursor.execute("SELECT count(*) FROM portal_cache WHERE expires < now()")
        assert cursor.fetchone()[0] == 0
    assert cache.get("counts") == 1
    assert [row.session_key for row in UserSession.objects.all()] == [alive.session.session_key]
    assert is_in(alive)
    assert Session.objects.count() == 1
