"""The second factor where it counts: signatures, and publishing the policy."""

import json

import pytest
from django.contrib.auth.models import Permission, User

from approvals.errors import SecondFactorRequired, SignatureRequired, TooManyTries, WrongCode, WrongPassword
from approvals.models import Decision
from approvals.people import signature
from policies.models import Rule
from policies.publishing import publish as publishing_publish
from tests import factors
from tests import world as worlds

PASSWORD = "a long enough password"


@pytest.fixture
def world():
    return worlds.build()


@pytest.fixture
def signer(world):
    factors.enrol(world.owner)
    return world.owner


def test_who_has_no_factor_signs_with_the_password(world):
    signature.sign(world.owner, PASSWORD)


def test_who_has_one_needs_it_too(signer):
    with pytest.raises(SecondFactorRequired, match="code from your app"):
        signature.sign(signer, PASSWORD)
    signature.sign(signer, PASSWORD, code=factors.code())


@pytest.mark.parametrize("password", ["", "wrong"])
def test_the_code_does_not_replace_the_password(signer, password):
    with pytest.raises(SignatureRequired):
        signature.sign(signer, password, code=factors.code())


def test_a_wrong_password_leaves_the_code_unused(signer):
    code = factors.code()
    with pytest.raises(WrongPassword):
        signature.sign(signer, "wrong", code=code)
    signature.sign(signer, PASSWORD, code=code)


@pytest.mark.parametrize("code", ["000", "abcdef", "12345678901", "١٢٣٤٥٦", "-1"])
def test_what_is_no_code_is_refused(signer, code):
    with pytest.raises(WrongCode):
        signature.sign(signer, PASSWORD, code=code)


def test_a_code_signs_once(signer):
    code = factors.code()
    signature.sign(signer, PASSWORD, code=code)
    with pytest.raises(WrongCode, match="used before"):
        signature.sign(signer, PASSWORD, code=code)


def test_a_code_that_signed_in_does_not_sign_again(signer, client):
    code = factors.code()
    asked = client.post("/accounts/login/", {"login": signer.username, "password": PASSWORD})
    client.post(asked["Location"], {"code": code})
    assert "_auth_user_id" in client.session
    with pytest.raises(WrongCode):
        signature.sign(signer, PASSWORD, code=code)


def test_a_recovery_code_signs_once(signer):
    first, second, *_ = factors.recovery_codes(signer)
    signature.sign(signer, PASSWORD, code=first)
    with pytest.raises(WrongCode):
        signature.sign(signer, PASSWORD, code=first)
    signature.sign(signer, PASSWORD, code=second)


def test_somebody_elses_code_does_not_sign(signer, world):
    other = "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"
    factors.enrol(world.other_owner, other)
    with pytest.raises(WrongCode):
        signature.sign(signer, PASSWORD, code=factors.code(other))


def test_after_five_wrong_codes_none_is_looked_at(signer):
    for _ in range(5):
        with pytest.raises(WrongCode):
            signature.sign(signer, PASSWORD, code=factors.wrong_code())
    with pytest.raises(TooManyTries):
        signature.sign(signer, PASSWORD, code=factors.code())


def test_who_has_no_password_signs_with_the_factor_alone(signer, world):
    for person in (signer, world.other_owner):
        person.set_unusable_password()
        person.save()
    signature.sign(signer, "", code=factors.code())
    with pytest.raises(SecondFactorRequired, match="no password here"):
        signature.sign(world.other_owner, "")


def test_where_it_is_required_who_has_none_is_told_how_to_get_one(world, settings):
    settings.REQUIRE_SECOND_FACTOR = frozenset({"signature"})
    with pytest.raises(SecondFactorRequired, match="Set one up under “Account”"):
        signature.sign(world.owner, PASSWORD)


@pytest.mark.parametrize("given", [{}, "text", {"id": "x"}, {"response": {"userHandle": "?"}},
                                   {"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}])  # fmt: skip
def test_what_no_passkey_has_signed_is_refused(signer, given, rf):
    if given == {}:
        with pytest.raises(SecondFactorRequired):
            signature.sign(signer, PASSWORD, passkey=given)
        return
    with pytest.raises(WrongCode):
        signature.sign(signer, PASSWORD, passkey=given)


def sign_on_page(client, proposal, **words):
    seen = worlds.seen(proposal)
    form = {"verdict": "approve", "revision": seen.number, "digest": seen.digest, "comment": "It pays.", **words}
    return client.post(f"/admin/approvals/proposal/{proposal.pk}/decide/", form)


def test_the_review_page_asks_who_has_a_factor_and_nobody_else(world, client):
    proposal = world.propose("pricing")
    client.force_login(world.owner)
    address = f"/admin/approvals/proposal/{proposal.pk}/"
    assert b'name="code"' not in client.get(address, follow=True).content
    factors.enrol(world.owner)
    assert b'name="code"' in client.get(address, follow=True).content


def test_signing_on_the_review_page(signer, world, client):
    proposal = world.propose("pricing")
    client.force_login(signer)
    page = sign_on_page(client, proposal, password=PASSWORD)
    assert b"Your second factor is needed too" in page.content
    page = sign_on_page(client, proposal, password=PASSWORD, code=factors.wrong_code())
    assert b"That code is not right" in page.content
    assert not Decision.objects.exists()
    assert sign_on_page(client, proposal, password=PASSWORD, code=factors.code()).status_code == 302
    assert Decision.objects.get().is_signed


def test_signing_through_the_api(signer, world, client):
    proposal = world.propose("pricing")
    client.force_login(signer)
    seen = worlds.seen(proposal)
    body = {"verdict": "approve", "revision": seen.number, "digest": seen.digest, "comment": "It pays."}

    def send(**more):
        address = f"/api/v1/proposals/{proposal.pk}/decisions/"
        return client.post(address, json.dumps({**body, **more}), content_type="application/json")

    refused = send(password=PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_required")
    refused = send(password=PASSWORD, code=factors.wrong_code())
    assert (refused.status_code, refused.json()["code"]) == (403, "wrong_code")
    assert send(password=PASSWORD, code=factors.code()).status_code == 200


@pytest.fixture
def publisher(world, settings):
    settings.REQUIRE_SECOND_FACTOR = frozenset({"publish"})
    person = worlds.person("policy-keeper", permissions=worlds.PUBLISHING)
    person.user_permissions.add(Permission.objects.get(codename="view_policyversion"))
    Rule.objects.create(slug="large", decision="require_approval", condition="amount > 100")
    return person


def publish(client):
    seen = publishing_publish.pending().digest
    return client.post("/admin/policies/publish/", {"do": "publish", "note": "A better name.", "seen": seen})


def number():
    return publishing_publish.active_version().number


def test_publishing_is_refused_without_a_factor_and_says_how_to_get_one(publisher, client):
    before = number()
    client.force_login(publisher)
    answer = publish(client)
    assert answer["Location"] == "/account/"
    assert b"This needs a second factor" in client.get("/account/").content
    assert number() == before


def test_publishing_asks_for_the_factor_and_then_goes_on(publisher, client):
    before = number()
    factors.enrol(publisher)
    client.force_login(publisher)
    asked = publish(client)
    assert asked["Location"].startswith("/accounts/confirm/code/")
    assert number() == before
    client.get(asked["Location"])
    client.post(asked["Location"], {"code": factors.wrong_code(), "next": "/admin/policies/publish/"})
    assert number() == before
    client.post(asked["Location"], {"code": factors.code(), "next": "/admin/policies/publish/"})
    assert number() > before


def test_where_publishing_needs_none_nothing_is_asked(publisher, client, settings):
    settings.REQUIRE_SECOND_FACTOR = frozenset()
    before = number()
    client.force_login(publisher)
    publish(client)
    assert number() > before


def test_looking_at_what_would_be_published_needs_none(publisher, client):
    client.force_login(publisher)
    assert client.get("/admin/policies/publish/").status_code == 200


def test_a_superuser_is_not_spared(world, settings, client):
    settings.REQUIRE_SECOND_FACTOR = frozenset({"publish"})
    client.force_login(User.objects.create_superuser("root", password=PASSWORD))
    assert publish(client)["Location"] == "/account/"
