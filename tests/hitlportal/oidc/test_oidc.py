"""Signing in through an identity provider: a real one on localhost, that can be made to lie."""

import base64
import hashlib
import hmac
import html
import http.server
import json
import re
import threading
import time
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.test import Client

from audit.models import Entry
from hitlportal.environment.sign_in import OpenIdConnect
from tests import factors

pytestmark = pytest.mark.django_db
CLIENT = "hitl-portal"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Provider(http.server.ThreadingHTTPServer):
    """Discovery, keys and tokens of an identity provider; `claims` and `sign` may be changed to lie."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.says_issuer = self.issuer
        self.claims = {"sub": "person-1", "groups": ["hitl-legal"], "preferred_username": "lena"}
        self.nonce = ""
        self.challenge = ""
        self.forms = []
        self.sign = lambda claims: jwt.encode(claims, KEY, algorithm="RS256", headers={"kid": "one"})

    def token(self):
        now = int(time.time())
        body = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": self.nonce, **self.claims}
        return self.sign({name: value for name, value in body.items() if value is not None})


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        issuer = self.server.issuer
        self._answer({
            "/.well-known/openid-configuration": {
                "issuer": self.server.says_issuer, "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token", "jwks_uri": f"{issuer}/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            },
            "/keys": {"keys": [_public("one", KEY)]},
        }[self.path])  # fmt: skip

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.forms.append(form)
        self._answer({"access_token": "opaque", "token_type": "Bearer", "id_token": self.server.token()})

    def _answer(self, body):
        sent = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *args):
        pass


def _public(kid, key):
    return {
        **json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())),
        "kid": kid,
        "use": "sig",
        "alg": "RS256",
    }


@pytest.fixture
def provider(settings):
    cache.clear()
    running = Provider()
    threading.Thread(target=running.serve_forever, daemon=True).start()
    for role in ("Legal", "Finance", "Portal admin", "Executive"):
        Group.objects.get_or_create(name=role)
    settings.OIDC = OpenIdConnect(
        issuer=running.issuer, client_id=CLIENT, client_secret="a secret", name="Staff sign-in", groups_claim="groups",
        group_map={"hitl-legal": "Legal", "hitl-finance": "Finance", "hitl-admins": "Portal admin"},
        admits_unmapped=False,
    )  # fmt: skip
    yield running
    running.shutdown()
    running.server_close()


def begin(client, provider):
    """Follow the way to the provider; return what the browser was sent there with."""
    page = client.post("/accounts/oidc/login/", {"next": "/admin/auth/group/"})
    assert page.status_code == 200, page.content
    address = html.unescape(re.search(r'content="0;url=([^"]+)"', page.content.decode())[1])
    assert address.startswith(f"{provider.issuer}/authorize?")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    provider.nonce, provider.challenge = asked["nonce"], asked["code_challenge"]
    return asked


def come_back(client, asked, **query):
    return client.get("/accounts/oidc/callback/", {"code": "a-code", "state": asked["state"], **query})


def sign_in(client, provider):
    return come_back(client, begin(client, provider))


def is_signed_in(client):
    return "_auth_user_id" in client.session


def roles(username="lena"):
    return set(User.objects.get(username=username).groups.values_list("name", flat=True))


def told(kind):
    return [entry.data for entry in Entry.objects.filter(kind=kind).order_by("pk")]


def test_the_sign_in_page_offers_it_by_its_name(client, provider):
    assert b"Sign in with Staff sign-in" in client.get("/accounts/login/").content


def test_somebody_new_gets_in_with_the_role_of_their_group(client, provider):
    answer = sign_in(client, provider)
    assert answer["Location"] == "/admin/auth/group/"
    assert is_signed_in(client)
    assert roles() == {"Legal"}
    person = User.objects.get(username="lena")
    assert (person.is_staff, person.is_superuser, person.has_usable_password()) == (True, False, False)
    assert told("user.signed_in") == [{"with": ["socialaccount"]}]
    assert told("user.roles_changed") == [{"by": "identity provider", "added": ["Legal"], "removed": []}]
    assert told("user.added") == [{"by": "identity provider"}]


def test_the_question_carries_state_nonce_and_pkce_and_nothing_from_a_link(client, provider):
    client.post("/accounts/oidc/login/?scope=admin&auth_params=prompt%3Dnone&process=connect")
    asked = begin(client, provider)
    assert set(asked["scope"].split()) == {"openid", "profile", "email"}
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"].endswith("/accounts/oidc/callback/")
    assert len(asked["state"]) >= 16
    assert len(asked["nonce"]) >= 32
    come_back(client, asked)
    assert "code_verifier" in provider.forms[-1]


def test_roles_follow_the_groups_at_each_sign_in_and_others_are_left_alone(client, provider):
    sign_in(client, provider)
    person = User.objects.get(username="lena")
    person.groups.add(Group.objects.get(name="Executive"))
    provider.claims["groups"] = ["hitl-finance", "something-else"]
    sign_in(client, provider)
    assert roles() == {"Finance", "Executive"}
    assert told("user.roles_changed")[-1] == {"by": "identity provider", "added": ["Finance"], "removed": ["Legal"]}
    sign_in(client, provider)
    assert len(told("user.roles_changed")) == 2, "nothing changed, nothing is told"


def test_nobody_becomes_a_superuser_through_a_claim(client, provider):
    provider.claims |= {"groups": ["hitl-admins", "superuser"], "is_superuser": True, "is_staff": True}
    sign_in(client, provider)
    assert roles() == {"Portal admin"}
    assert not User.objects.filter(is_superuser=True).exists()


def test_who_is_in_no_mapped_group_stays_outside(client, provider):
    provider.claims["groups"] = ["somebody"]
    answer = sign_in(client, provider)
    assert answer.status_code == 403
    assert b"You have no role here" in answer.content
    assert not is_signed_in(client)
    assert not User.objects.exists()


def test_who_lost_the_last_group_loses_the_role_and_stays_outside(client, provider):
    sign_in(client, provider)
    client.logout()
    provider.claims["groups"] = []
    assert sign_in(client, provider).status_code == 403
    assert not is_signed_in(client)
    assert roles() == set()


def test_the_unmapped_are_admitted_without_a_role_where_that_is_set(client, provider, settings):
    settings.OIDC = OpenIdConnect(**{**settings.OIDC.__dict__, "admits_unmapped": True})
    provider.claims["groups"] = None
    sign_in(client, provider)
    assert is_signed_in(client)
    assert roles() == set()
    assert not User.objects.get(username="lena").is_staff


@pytest.mark.parametrize(("claim", "value"), [
    ("realm_access.roles", {"realm_access": {"roles": ["hitl-legal"]}}),
    ("https://example.com/groups", {"https://example.com/groups": "hitl-legal"}),
])  # fmt: skip
def test_groups_may_stand_deeper_or_alone(client, provider, settings, claim, value):
    settings.OIDC = OpenIdConnect(**{**settings.OIDC.__dict__, "groups_claim": claim})
    provider.claims = {"sub": "person-1", "preferred_username": "lena", **value}
    sign_in(client, provider)
    assert roles() == {"Legal"}


def test_the_subject_is_the_identity_whatever_else_changes(client, provider):
    sign_in(client, provider)
    provider.claims |= {"preferred_username": "another-name", "email": "new@example.com", "email_verified": True}
    sign_in(client, provider)
    assert User.objects.count() == 1
    assert SocialAccount.objects.get().uid == "person-1"


@pytest.mark.parametrize("claims", [
    {"preferred_username": "root"},
    {"email": "root@example.com", "email_verified": True},
    {"email": "ROOT@example.com", "email_verified": True, "preferred_username": "root@example.com"},
])  # fmt: skip
def test_a_name_or_an_address_opens_nobodys_account(client, provider, claims):
    root = User.objects.create_superuser("root", "root@example.com", "correct horse")
    provider.claims |= claims
    sign_in(client, provider)
    assert is_signed_in(client)
    assert client.session["_auth_user_id"] != str(root.pk)
    assert not SocialAccount.objects.filter(user=root).exists()


def test_another_issuers_same_subject_is_another_person(client, provider, settings):
    sign_in(client, provider)
    other = Provider()
    threading.Thread(target=other.serve_forever, daemon=True).start()
    other.claims = dict(provider.claims)
    settings.OIDC = OpenIdConnect(**{**settings.OIDC.__dict__, "issuer": other.issuer})
    client.logout()
    sign_in(client, other)
    other.shutdown()
    other.server_close()
    assert User.objects.count() == 2


def test_who_has_a_second_factor_here_is_asked_for_it_all_the_same(client, provider):
    sign_in(client, provider)
    factors.enrol(User.objects.get(username="lena"))
    client.logout()
    assert sign_in(client, provider)["Location"] == "/accounts/login/code/"
    assert not is_signed_in(client)


def test_a_switched_off_account_stays_outside(client, provider):
    sign_in(client, provider)
    User.objects.update(is_active=False)
    client.logout()
    assert sign_in(client, provider)["Location"] == "/accounts/inactive/"
    assert not is_signed_in(client)


PEM = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _hs256(claims):
    """Sign with the public key as if it were a shared secret, which libraries once accepted."""

    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    body = b".".join(part(json.dumps(one).encode()) for one in ({"alg": "HS256", "kid": "one"}, claims))
    return (body + b"." + part(hmac.new(PEM, body, hashlib.sha256).digest())).decode()


def _swapped(claims):
    """Keep a good signature and exchange what it signed."""
    good = jwt.encode(claims, KEY, algorithm="RS256", headers={"kid": "one"}).split(".")
    other = jwt.encode({**claims, "sub": "root"}, KEY, algorithm="RS256", headers={"kid": "one"}).split(".")
    return ".".join([good[0], other[1], good[2]])


LIES = {
    "another key": lambda provider: setattr(
        provider, "sign", lambda claims: jwt.encode(claims, OTHER_KEY, algorithm="RS256", headers={"kid": "one"})
    ),
    "an unknown key": lambda provider: setattr(
        provider, "sign", lambda claims: jwt.encode(claims, OTHER_KEY, algorithm="RS256", headers={"kid": "two"})
    ),
    "no signature": lambda provider: setattr(
        provider, "sign", lambda claims: jwt.encode(claims, None, algorithm="none", headers={"kid": "one"})
    ),
    "the public key as a secret": lambda provider: setattr(provider, "sign", _hs256),
    "a changed body": lambda provider: setattr(provider, "sign", _swapped),
    "another audience": lambda provider: provider.claims.update(aud="another-client"),
    "many audiences": lambda provider: provider.claims.update(aud=[CLIENT, "another-client"]),
    "another party": lambda provider: provider.claims.update(azp="another-client"),
    "another issuer": lambda provider: provider.claims.update(iss="https://evil.example"),
    "another nonce": lambda provider: provider.claims.update(nonce="somebody-elses"),
    "no nonce": lambda provider: provider.claims.update(nonce=None),
    "run out": lambda provider: provider.claims.update(exp=int(time.time()) - 120),
    "no end": lambda provider: provider.claims.update(exp=None),
    "no subject": lambda provider: provider.claims.update(sub=None),
    "an empty subject": lambda provider: provider.claims.update(sub=""),
    "a long subject": lambda provider: provider.claims.update(sub="x" * 300),
    "no token": lambda provider: setattr(provider, "sign", lambda _: None),
    "no JWT": lambda provider: setattr(provider, "sign", lambda _: "a.b"),
    "another name in its discovery": lambda provider: setattr(provider, "says_issuer", "https://evil.example"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_forged_or_foreign_token_signs_nobody_in(client, provider, lie):
    asked = begin(client, provider)
    LIES[lie](provider)
    answer = come_back(client, asked)
    assert answer.status_code == 403, lie
    assert b"That sign-in did not work" in answer.content
    assert not is_signed_in(client)
    assert not User.objects.exists()


def test_without_lies_the_same_way_leads_in(client, provider):
    """Else the lies above would prove little."""
    come_back(client, begin(client, provider))
    assert is_signed_in(client)


@pytest.mark.parametrize("state", ["", "made-up", None])
def test_a_state_that_was_not_given_out_is_refused(client, provider, state):
    asked = begin(client, provider)
    answer = come_back(client, asked if state is None else {"state": state})
    assert answer.status_code == (302 if state is None else 403)


def test_a_state_works_once_and_in_its_own_browser_only(client, provider):
    asked = begin(client, provider)
    assert come_back(Client(), asked).status_code == 403
    assert come_back(client, asked).status_code == 302
    client.logout()
    assert come_back(client, asked).status_code == 403


def test_a_provider_that_is_away_is_said_so(client, provider):
    provider.shutdown()
    provider.server_close()
    page = client.post("/accounts/oidc/login/")
    assert page.status_code == 403
    assert b"That sign-in did not work" in page.content


def test_following_a_link_begins_no_sign_in(client, provider):
    assert client.get("/accounts/oidc/login/").status_code == 405


def test_without_password_and_factor_a_factor_needs_a_fresh_sign_in(client, provider):
    """Else a stolen session could make itself what signs."""
    sign_in(client, provider)
    assert client.get("/account/app/add/").status_code == 200
    session = client.session
    session["account_authentication_methods"][-1]["at"] -= 600
    session.save()
    page = client.get("/account/app/add/")
    assert b"Sign in again first" in page.content
    assert b'class="qr"' not in page.content
    assert b"Sign in again first" in client.post("/account/app/add/", {"code": "123456"}).content
