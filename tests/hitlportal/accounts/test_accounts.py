import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.hitlportal.accounts.signing_in import LOGIN, sign_in


def test_the_admin_sends_strangers_to_sign_in(client):
    response = client.get("/admin/", follow=True)
    assert response.redirect_chain[-1][0].startswith(LOGIN)
    assert "account/login.html" in [template.name for template in response.templates]


def test_signing_in_leads_home(client, manager):
    assert sign_in(client, "correct horse")["Location"] == "/"
    assert client.get("/admin/").status_code == 200


def test_signing_in_leads_back_to_the_page_asked_for(client, manager):
    assert sign_in(client, "correct horse", next="/admin/auth/group/")["Location"] == "/admin/auth/group/"


def test_signing_in_leads_to_no_foreign_page(client, manager):
    assert sign_in(client, "correct horse", next="https://evil.example/")["Location"] == "/"


def test_a_wrong_password_says_so(client, manager):
    response = sign_in(client, "wrong")
    assert b"username and/or password you specified are not correct" in response.content
    assert "_auth_user_id" not in client.session


def test_guessing_one_account_is_limited_and_says_so(client, manager):
    for _ in range(5):
        sign_in(client, "wrong")
    response = sign_in(client, "correct horse")
    assert b"Too many wrong passwords" in response.content
    assert "_auth_user_id" not in client.session


def test_the_limit_of_one_account_leaves_others_alone(client, manager):
    for _ in range(5):
        sign_in(client, "wrong", username="somebody")
    assert sign_in(client, "correct horse").status_code == 302


def test_flooding_from_one_address_gets_its_own_page(client, settings):
    settings.ACCOUNT_RATE_LIMITS = {"login": "3/m/ip"}
    for number in range(3):
        sign_in(client, "wrong", username=f"user{number}")
    response = sign_in(client, "wrong", username="another")
    assert response.status_code == 429
    assert b"Too many attempts" in response.content


def test_inactive_people_cannot_sign_in(client, manager):
    User.objects.update(is_active=False)
    response = sign_in(client, "correct horse")
    assert response.status_code == 200
    assert "_auth_user_id" not in client.session


def test_people_without_staff_status_see_what_they_need(client):
    User.objects.create_user("nadia", password="correct horse")
    sign_in(client, "correct horse", username="nadia")
    response = client.get("/admin/", follow=True)
    assert response.status_code == 403
    assert b"Ask a portal admin" in response.content


def test_nobody_opens_an_account(client):
    assert client.get("/accounts/signup/").status_code == 404


def test_following_a_link_does_not_sign_out(client, manager):
    client.force_login(manager)
    assert b"Sign out?" in client.get("/accounts/logout/").content
    assert "_auth_user_id" in client.session


@pytest.mark.parametrize("path", ["/accounts/logout/", "/admin/logout/"])
def test_signing_out_ends_at_sign_in(client, manager, path):
    client.force_login(manager)
    assert client.post(path)["Location"] == LOGIN
    assert "_auth_user_id" not in client.session


def test_a_forged_form_is_refused_with_a_page(manager):
    response = Client(enforce_csrf_checks=True).post(LOGIN, {"login": "maria", "password": "correct horse"})
    assert response.status_code == 403
    assert b"This form cannot be accepted" in response.content
