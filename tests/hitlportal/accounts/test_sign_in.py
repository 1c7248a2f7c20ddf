"""Signing in with a second step, and setting one up."""

import re
import threading
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.backends import ModelBackend
from django.core.cache import cache
from django.db import connection
from django.test import Client

from audit.models import Entry
from policies.accounts import second_factor
from policies.accounts.second_factor import Answer
from tests import factors
from tests.hitlportal.accounts.signing_in import LOGIN, PASSWORD, sign_in


def confirm(client):
    """Give the password once more, as what matters asks."""
    return client.post("/accounts/confirm/password/?next=/account/", {"password": PASSWORD})


def told(kind):
    return [(entry.subject, entry.data) for entry in Entry.objects.filter(kind=kind).order_by("pk")]


def test_a_password_alone_is_recorded_as_that(client, manager):
    sign_in(client)
    assert told("user.signed_in") == [(f"user:{manager.pk}", {"with": ["password"]})]


def test_who_has_an_app_is_asked_for_its_code_and_let_in_with_it(client, manager):
    factors.enrol(manager)
    asked = sign_in(client)
    assert asked["Location"] == "/accounts/login/code/"
    assert client.get("/admin/").status_code == 302, "the password alone opens nothing"
    assert told("user.signed_in") == []
    page = client.get(asked["Location"])
    assert b"One more step" in page.content
    assert client.post(asked["Location"], {"code": factors.code()})["Location"] == "/"
    assert client.get("/admin/").status_code == 200
    assert told("user.signed_in") == [(f"user:{manager.pk}", {"with": ["password", "totp"]})]


def test_the_page_asked_for_survives_the_second_step(client, manager):
    factors.enrol(manager)
    asked = sign_in(client, next="/admin/auth/group/")
    assert client.post(asked["Location"], {"code": factors.code()})["Location"] == "/admin/auth/group/"


def test_a_wrong_code_says_so(client, manager):
    factors.enrol(manager)
    page = client.post(sign_in(client)["Location"], {"code": factors.wrong_code()})
    assert b"That code is not right" in page.content
    assert "_auth_user_id" not in client.session


def test_a_code_works_once(client, manager):
    factors.enrol(manager)
    used = factors.code()
    client.post(sign_in(client)["Location"], {"code": used})
    second = Client()
    page = second.post(sign_in(second)["Location"], {"code": used})
    assert b"it was used before" in page.content
    assert "_auth_user_id" not in second.session


def test_codes_older_than_a_used_one_work_no_more(manager):
    factors.enrol(manager)
    assert second_factor.check_code(manager, factors.code()) is Answer.RIGHT
    assert second_factor.check_code(manager, factors.code(steps=-1)) is Answer.WRONG


@pytest.mark.parametrize(("steps", "expected"), [(-2, Answer.WRONG), (-1, Answer.RIGHT), (2, Answer.WRONG)])
def test_clocks_may_be_half_a_minute_off(manager, steps, expected):
    factors.enrol(manager)
    assert second_factor.check_code(manager, factors.code(steps=steps)) is expected


def test_a_recovery_code_lets_in_once(client, manager):
    factors.enrol(manager)
    first, *_ = factors.recovery_codes(manager)
    spoken = f"{first[:4]} {first[4:]}"
    assert client.post(sign_in(client)["Location"], {"code": spoken})["Location"] == "/"
    assert told("user.signed_in")[0][1] == {"with": ["password", "recovery_codes"]}
    second = Client()
    assert b"not right" in second.post(sign_in(second)["Location"], {"code": first}).content


def test_after_five_wrong_codes_the_right_one_is_not_looked_at(client, manager):
    factors.enrol(manager)
    address = sign_in(client)["Location"]
    for _ in range(5):
        client.post(address, {"code": factors.wrong_code()})
    page = client.post(address, {"code": factors.code()})
    assert b"Too many wrong codes" in page.content
    assert "_auth_user_id" not in client.session
    assert told("user.second_factor_locked") == [(f"user:{manager.pk}", {})]


def test_each_wrong_password_that_is_checked_is_recorded(client, manager):
    for _ in range(8):
        sign_in(client, "wrong")
    sign_in(client)
    assert told("user.sign_in_failed") == [(f"user:{manager.pk}", {})] * 5, "after five it waits"


def test_a_right_password_is_no_failure(client, manager):
    sign_in(client)
    confirm(client)
    assert told("user.sign_in_failed") == []


def test_a_wrong_password_given_once_more_is_recorded(client, manager):
    sign_in(client)
    client.post("/accounts/confirm/password/?next=/account/", {"password": "wrong"})
    assert told("user.sign_in_failed") == [(f"user:{manager.pk}", {})]


def test_too_many_wrong_passwords_are_recorded_once(client, manager):
    for _ in range(8):
        sign_in(client, "wrong")
    assert told("user.sign_in_locked") == [(f"user:{manager.pk}", {})]


def test_guessing_unknown_names_fills_no_ledger(client):
    for _ in range(8):
        sign_in(client, "wrong", username="nobody-here")
    assert Entry.objects.filter(kind__startswith="user.sign_in").count() == 0
    sign_in(client, "wrong", username="nobody-here", next="/")
    assert client.get("/accounts/login/").status_code == 200, "what was rolled back leaves the request as it was"


def test_setting_up_an_app_wants_the_password_again_and_a_code(client, manager):
    sign_in(client)
    asked = client.get("/account/app/add/")
    assert asked["Location"].startswith("/accounts/confirm/password/")
    confirm(client)
    page = client.get("/account/app/add/").content.decode()
    secret = re.search(r'<code class="key">(\w+)</code>', page)[1]
    assert 'class="qr"' in page
    assert "data:" not in page, "the page's policy shows no picture from an address of that kind"
    refused = client.post("/account/app/add/", {"code": factors.wrong_code()})
    assert refused.status_code == 200
    assert not second_factor.is_enrolled(manager)
    assert client.post("/account/app/add/", {"code": factors.code(secret)})["Location"] == "/account/codes/"
    assert second_factor.kinds(manager) == {"totp", "recovery_codes"}
    assert sorted(data["kind"] for _, data in told("user.second_factor_added")) == ["recovery_codes", "totp"]
    assert second_factor.check_code(manager, factors.code(secret)) is Answer.WRONG, "the code on the screen is used"


def test_the_app_secret_is_not_readable_in_the_database(manager):
    factors.enrol(manager)
    assert factors.SECRET not in str(Authenticator.objects.values_list("data", flat=True).get())


def test_removing_the_app_takes_the_recovery_codes_and_is_recorded(client, manager):
    factors.enrol(manager)
    factors.recovery_codes(manager)
    client.force_login(manager)
    assert client.post("/account/app/remove/").status_code == 302
    assert second_factor.is_enrolled(manager), "not without the password"
    confirm(client)
    client.post("/account/app/remove/")
    assert second_factor.kinds(manager) == frozenset()
    assert sorted(data["kind"] for _, data in told("user.second_factor_removed")) == ["recovery_codes", "totp"]


def test_new_recovery_codes_replace_the_old_ones(client, manager):
    factors.enrol(manager)
    old = factors.recovery_codes(manager)
    client.force_login(manager)
    confirm(client)
    client.post("/account/codes/make/")
    page = client.get("/account/codes/").content.decode().replace(" ", "")
    assert not any(code in page for code in old)
    assert second_factor.check_code(manager, old[0]) is Answer.WRONG


def test_looking_at_recovery_codes_changes_nothing(client, manager):
    factors.enrol(manager)
    first, *_ = factors.recovery_codes(manager)
    client.force_login(manager)
    confirm(client)
    before = list(Authenticator.objects.order_by("pk").values())
    assert f"{first[:4]} {first[4:]}" in client.get("/account/codes/").content.decode()
    assert list(Authenticator.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("address", ["/account/", "/account/sessions/", "/account/codes/", "/account/app/add/",
                                     "/account/passkeys/add/"])  # fmt: skip
def test_strangers_are_sent_to_sign_in(client, address):
    assert client.get(address)["Location"].startswith(LOGIN)


@pytest.mark.parametrize("address", ["/account/", "/account/sessions/", "/account/app/add/", "/account/passkeys/add/"])
def test_own_pages_stand_in_the_portals_frame_and_in_no_cache(client, manager, address):
    client.force_login(manager)
    confirm(client)
    page = client.get(address)
    assert page.status_code == 200
    assert b"Log out" in page.content
    assert "no-store" in page["Cache-Control"]


def test_only_the_page_that_makes_passkeys_may_make_them(client, manager):
    client.force_login(manager)
    confirm(client)
    assert "publickey-credentials-create=(self)" in client.get("/account/passkeys/add/")["Permissions-Policy"]
    assert "publickey-credentials-create=()" in client.get("/account/")["Permissions-Policy"]


def test_the_overview_says_what_is_missing(client, manager, settings):
    client.force_login(manager)
    assert b"A password alone can be stolen" in client.get("/account/").content
    settings.REQUIRE_SECOND_FACTOR = frozenset({"signature"})
    assert b"You need a second factor" in client.get("/account/").content
    factors.enrol(manager)
    assert b"protected by a second factor" in client.get("/account/").content


def test_the_sign_in_page_offers_only_what_is_configured(client, settings):
    assert b"/accounts/oidc/login/" not in client.get(LOGIN).content
    assert client.post("/accounts/oidc/login/").status_code == 404
    assert client.get("/accounts/oidc/callback/").status_code == 404


def test_tables_of_the_sign_in_package_are_not_in_the_admin(admin_client):
    page = admin_client.get("/admin/").content.decode().lower()
    for word in ("email addresses", "authenticators", "social", "user sessions"):
        assert word not in page


@pytest.mark.django_db(transaction=True)
def test_one_code_at_the_same_instant_counts_once(manager):
    factors.enrol(manager)
    code, answers, start = factors.code(), [], threading.Barrier(6)

    def one_try():
        try:
            start.wait()
            answers.append(second_factor.check_code(manager, code))
        finally:
            connection.close()

    threads = [threading.Thread(target=one_try) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(Answer.RIGHT) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_a_dead_lock", [False, True], ids=["idle", "after-a-process-died"])
def test_a_crowd_at_the_same_instant_gets_no_more_tries_than_the_limit(manager, monkeypatch, has_a_dead_lock):
    """Twenty at once, as an attacker with many connections would come; five passwords are looked at."""
    if has_a_dead_lock:
        _leave_expired_locks(manager)
    looked_at, start = [], threading.Barrier(20)
    monkeypatch.setattr(ModelBackend, "authenticate", lambda *_args, **_kwargs: looked_at.append(1))

    def one_try():
        try:
            start.wait()
            sign_in(Client(), "wrong")
        finally:
            connection.close()

    threads = [threading.Thread(target=one_try) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= len(looked_at) <= 5


def _leave_expired_locks(manager):
    """Leave every lock of a sign-in as a process leaves it that died holding it, ten seconds ago."""
    keys = []
    kept = cache.add
    try:
        cache.add = lambda key, *args, **kwargs: (keys.append(key), kept(key, *args, **kwargs))[1]
        sign_in(Client(), "wrong")
    finally:
        cache.add = kept
    cache.clear()
    locks = [key for key in keys if key.endswith(":lock")]
    assert locks
    for key in locks:
        kept(key, True, timeout=-timedelta(seconds=10).total_seconds())


def test_an_expired_row_is_won_by_one_only(transactional_db):
    cache.set("contested", "old", timeout=-10)
    won, start = [], threading.Barrier(8)

    def one_try():
        try:
            start.wait()
            won.append(cache.add("contested", "new", timeout=60))
        finally:
            connection.close()

    for _ in range(5):
        cache.set("contested", "old", timeout=-10)
        won.clear()
        threads = [threading.Thread(target=one_try) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert won.count(True) == 1


def test_a_full_cache_forgets_no_count(client, manager):
    """The limits of all live in one table; anyone who could flood it would otherwise empty it."""
    for _ in range(5):
        sign_in(client, "wrong")
    for number in range(700):
        cache.set(f"flood-{number}", 1, timeout=300)
    assert b"Too many wrong passwords" in sign_in(client).content


GARBAGE = [
    "", "no JSON", "null", "[]", "{}", '{"id": "x"}', '{"id": 1, "rawId": 2, "type": "public-key", "response": {}}',
    ('{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"userHandle": "MQ", "clientDataJSON": "e30", '
    '"authenticatorData": "AA", "signature": "AA"}}'),
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"userHandle": "/w", "clientDataJSON": "!"}}',
    '{"response": []}', '{"response": {"userHandle": "+"}}',
]  # fmt: skip


@pytest.mark.parametrize("credential", GARBAGE)
def test_what_no_passkey_made_signs_nobody_in_and_breaks_nothing(client, manager, credential):
    client.get("/accounts/login/passkey/", headers={"accept": "application/json"})
    answer = client.post("/accounts/login/passkey/", {"credential": credential})
    assert answer.status_code in {200, 302}
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("credential", GARBAGE)
def test_what_no_passkey_made_is_not_kept(client, manager, credential):
    client.force_login(manager)
    confirm(client)
    client.get("/account/passkeys/add/")
    answer = client.post("/account/passkeys/add/", {"credential": credential, "passwordless": "on"})
    assert answer.status_code == 200
    assert not second_factor.is_enrolled(manager)


@pytest.mark.parametrize("credential", GARBAGE)
def test_what_no_passkey_made_is_no_second_step(client, manager, credential):
    factors.enrol(manager)
    address = sign_in(client)["Location"]
    client.get(address)
    assert client.post(address, {"credential": credential}).status_code == 200
    assert "_auth_user_id" not in client.session
