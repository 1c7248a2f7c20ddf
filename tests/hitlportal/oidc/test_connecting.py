"""Connecting an account that exists to an identity at the provider, and ending that: never by a name or an address."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group, User
from django.test import Client

from audit.models import Entry
from hitlportal.oidc import connecting
from tests import factors, world
from tests.hitlportal.oidc import test_oidc as provider_of
from tests.hitlportal.oidc.test_oidc import come_back, is_signed_in, sign_in

pytestmark = pytest.mark.django_db
provider = provider_of.provider
PASSWORD = "a long enough password"
CONNECT, DISCONNECT = "/account/provider/connect/", "/account/provider/disconnect/"


@pytest.fixture
def person() -> User:
    return world.person("lawyer", "Executive")


@pytest.fixture
def browser(person) -> Client:
    """Somebody who has signed in with their password."""
    client = Client()
    client.post("/accounts/login/", {"login": "lawyer", "password": PASSWORD})
    assert is_signed_in(client)
    return client


def prove(client: Client, path: str):
    """Go on from a page that wants proof, with the password; return what the act itself answers."""
    asked = client.post(path)
    if asked.status_code == 200:
        return asked  # proved within the last five minutes
    assert asked["Location"].startswith("/accounts/confirm/")
    return client.post(asked["Location"], {"password": PASSWORD, "next": path})


def set_out(client: Client, provider) -> dict[str, str]:
    """Begin to connect; return what the browser is sent to the provider with."""
    return sent(prove(client, CONNECT), provider)


def sent(page, provider) -> dict[str, str]:
    address = html.unescape(re.search(r'content="0;url=([^"]+)"', page.content.decode())[1])
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    provider.nonce, provider.challenge = asked["nonce"], asked["code_challenge"]
    return asked


def connect(client: Client, provider):
    return come_back(client, set_out(client, provider))


def said(client: Client) -> str:
    return client.get("/account/").content.decode()


def told() -> list[str]:
    kinds = ("user.identity_connected", "user.identity_disconnected")
    return list(Entry.objects.filter(kind__in=kinds).order_by("pk").values_list("kind", flat=True))


def test_somebody_connects_their_account_and_signs_in_with_it(browser, provider, person):
    assert "Connect Staff sign-in" in said(browser)
    assert connect(browser, provider)["Location"] == "/account/"
    page = said(browser)
    assert "Connected. You can sign in with Staff sign-in from now on." in page
    assert "Connect Staff sign-in" not in page
    assert is_signed_in(browser)
    assert SocialAccount.objects.get().user == person
    entry = Entry.objects.get(kind="user.identity_connected")
    assert (entry.actor, entry.subject, entry.data) == (
        f"user:{person.pk}", f"user:{person.pk}", {"issuer": provider.issuer},
    )  # fmt: skip
    assert provider_of.roles("lawyer") == {"Executive"}, "connecting gives no role"
    browser.logout()
    sign_in(browser, provider)
    assert browser.session["_auth_user_id"] == str(person.pk)
    assert provider_of.roles("lawyer") == {"Executive", "Legal"}, "signing in does"
    assert User.objects.count() == 1


def test_without_a_fresh_proof_nobody_is_sent_anywhere(browser, provider):
    asked = browser.post(CONNECT)
    assert asked["Location"].startswith("/accounts/confirm/password/")
    wrong = browser.post(asked["Location"], {"password": "not it", "next": CONNECT})
    assert b"0;url=" not in wrong.content
    assert not any(state for state in browser.session.get("socialaccount_states", {}).values())


def test_only_who_is_signed_in_connects_and_no_link_begins_it(browser, provider):
    assert Client().post(CONNECT)["Location"].startswith("/accounts/login/")
    assert browser.get(CONNECT).status_code == 405
    assert Client(enforce_csrf_checks=True).post(CONNECT).status_code == 403


def test_a_sign_in_is_not_taken_for_a_connection_nor_the_other_way_round(browser, provider, person):
    """The same address at the provider knows by the state alone what somebody set out for."""
    provider.claims |= {"email": "lawyer@example.com", "email_verified": True, "preferred_username": "lawyer"}
    User.objects.filter(pk=person.pk).update(email="lawyer@example.com")
    sign_in(browser, provider)
    assert SocialAccount.objects.get().user != person, "by its address alone it is nobody's"
    assert told() == []


def test_an_identity_of_somebody_else_is_refused(browser, provider, person):
    other = Client()
    sign_in(other, provider)
    connect(browser, provider)
    assert "signs in someone else here" in said(browser)
    assert SocialAccount.objects.get().user != person
    assert told() == []


def test_one_account_has_one_identity(browser, provider):
    connect(browser, provider)
    connect(browser, provider)
    assert "It is connected already." in said(browser)
    provider.claims["sub"] = "person-2"
    connect(browser, provider)
    assert "Disconnect that one first" in said(browser)
    assert SocialAccount.objects.get().uid == "person-1"
    assert told() == ["user.identity_connected"]


@pytest.mark.parametrize("lie", ["another key", "another audience", "another nonce", "no subject", "run out"])
def test_a_forged_token_connects_nothing(browser, provider, lie):
    asked = set_out(browser, provider)
    provider_of.LIES[lie](provider)
    assert come_back(browser, asked).status_code == 403
    assert not SocialAccount.objects.exists()


def test_the_way_back_works_once_for_who_set_out_and_in_their_browser(browser, provider, person):
    asked = set_out(browser, provider)
    assert come_back(Client(), asked).status_code == 403
    assert not SocialAccount.objects.exists()
    session = browser.session
    (key,) = session["socialaccount_states"]
    assert session["socialaccount_states"][key][0]["person"] == person.pk
    session["socialaccount_states"][key][0]["person"] = person.pk + 1
    session.save()
    assert come_back(browser, asked).status_code == 403, "somebody else set out"
    assert not SocialAccount.objects.exists()
    asked = set_out(browser, provider)
    assert come_back(browser, asked).status_code == 302
    assert come_back(browser, asked).status_code == 403


def test_who_has_signed_out_meanwhile_connects_nothing(browser, provider):
    asked = set_out(browser, provider)
    browser.post("/accounts/logout/")
    assert come_back(browser, asked).status_code == 403
    assert not SocialAccount.objects.exists()


def test_somebody_disconnects_and_keeps_their_roles(browser, provider, person):
    connect(browser, provider)
    person.groups.add(Group.objects.get(name="Legal"))
    assert "Disconnect Staff sign-in?" in browser.get(DISCONNECT).content.decode()
    assert SocialAccount.objects.exists(), "looking at the page disconnects nothing"
    assert browser.post(DISCONNECT)["Location"] == "/account/"  # the proof is fresh still
    assert "Disconnected." in said(browser)
    assert not SocialAccount.objects.exists()
    assert provider_of.roles("lawyer") == {"Executive", "Legal"}
    assert told() == ["user.identity_connected", "user.identity_disconnected"]
    browser.logout()
    sign_in(browser, provider)
    assert browser.session["_auth_user_id"] != str(person.pk)


def test_disconnecting_wants_a_fresh_proof(browser, provider):
    connect(browser, provider)
    session = browser.session
    for proof in session["account_authentication_methods"]:
        proof["at"] -= 600
    session.save()
    assert browser.post(DISCONNECT)["Location"].startswith("/accounts/confirm/password/")
    assert SocialAccount.objects.exists()


def test_the_last_way_to_sign_in_stays(client, provider):
    sign_in(client, provider)
    page = said(client)
    assert "It is your only way to sign in." in page
    assert DISCONNECT not in page
    assert client.post(DISCONNECT)["Location"] == "/account/"
    assert "Add a passkey first." in said(client)
    assert SocialAccount.objects.exists()
    factors.enrol(User.objects.get())
    assert connecting.is_only_way(User.objects.get()), "an app's code is no way to sign in by itself"
    factors.Authenticator.objects.create(user=User.objects.get(), type="webauthn", data={})
    assert not connecting.is_only_way(User.objects.get())
    connecting.disconnect(person=User.objects.get())
    assert not SocialAccount.objects.exists()


def test_where_nothing_is_connected_there_is_nothing_to_end(browser, provider):
    prove(browser, DISCONNECT)
    assert "It is not connected." in said(browser)
    assert told() == []


def test_without_a_provider_there_is_no_such_thing(browser):
    assert "Connect" not in said(browser)
    assert browser.post(CONNECT)["Location"].startswith("/accounts/confirm/")
    assert browser.get(DISCONNECT).status_code == 404
