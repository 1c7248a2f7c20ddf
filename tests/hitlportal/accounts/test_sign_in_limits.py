"""Wrong passwords slow anyone who enters them, and nobody else."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone

from hitlportal import tasks
from hitlportal.accounts.sign_in import known_devices, limits, link_mail
from hitlportal.models import LinkRequest
from tests.hitlportal.accounts.signing_in import LOGIN, PASSWORD

ASK = "/accounts/login/mail/"
SLOW = "Too many wrong passwords"


@pytest.fixture(autouse=True)
def maria(db):
    return User.objects.create_user("maria", "maria@example.com", PASSWORD, is_staff=True)


@pytest.fixture
def looked_at(monkeypatch):
    """Every password that is really compared."""
    found, authenticate = [], ModelBackend.authenticate

    def compare(self, request, username=None, password=None, **rest):
        found.append((username, password))
        return authenticate(self, request, username=username, password=password, **rest)

    monkeypatch.setattr(ModelBackend, "authenticate", compare)
    return found


def enter(client, password="wrong", username="maria", at="198.51.100.7"):
    return client.post(LOGIN, {"login": username, "password": password}, REMOTE_ADDR=at)


def is_in(client):
    return "_auth_user_id" in client.session


def address(number):
    return f"203.0.{number // 250}.{number % 250 + 1}"


def test_hundred_wrong_passwords_of_one_stranger_lock_nobody_else_out(client, looked_at):
    with time_machine.travel(timezone.now(), tick=False):  # on a busy machine the wait would be over meanwhile
        for _ in range(100):
            enter(Client(), at="198.51.100.66")
    assert len(looked_at) == 5
    enter(client, PASSWORD)
    assert is_in(client)


def test_hundred_strangers_lock_nobody_out(client, looked_at):
    for number in range(100):
        enter(Client(), at=address(number))
    enter(client, PASSWORD)
    assert is_in(client)


def test_many_addresses_of_one_ipv6_network_are_one(looked_at):
    with time_machine.travel(timezone.now(), tick=False):
        for number in range(20):
            enter(Client(), at=f"2001:db8:1:2::{number:x}")
    assert len(looked_at) == 5


def test_hundred_wrong_names_slow_their_address_alone(client, looked_at):
    for number in range(100):
        enter(Client(), username=f"somebody{number}", at="198.51.100.66")
    assert len(looked_at) == limits.ADDRESS.free
    enter(client, PASSWORD)
    assert is_in(client)


def test_a_thousand_addresses_do_not_guess_without_end(client, looked_at, monkeypatch):
    monkeypatch.setattr(limits.ACCOUNT.__class__, "wait", _waits_after(twenty_of=limits.ACCOUNT))
    enter(known := Client(), PASSWORD)
    known.post("/accounts/logout/")
    looked_at.clear()
    for number in range(60):
        enter(Client(), at=address(number))
    assert len(looked_at) == 20
    enter(known, PASSWORD)
    assert is_in(known), "a browser that signed in before is not held up by them"


def _waits_after(twenty_of):
    kept = limits.Limit.wait
    return lambda self, tries: (60.0 if tries >= 20 else 0.0) if self is twenty_of else kept(self, tries)


def test_the_wait_doubles_up_to_an_hour():
    waits = [limits.HERE.wait(tries) for tries in (4, 5, 6, 7, 11, 12, 10_000)]
    assert waits == [0, 30, 60, 120, 1920, 3600, 3600]


def test_after_the_wait_a_password_is_looked_at_again_and_a_wrong_one_waits_longer(looked_at):
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        for _ in range(6):
            page = enter(Client()).content.decode()
        assert "in 30 seconds" in page
        clock.shift(timedelta(seconds=31))
        enter(Client())
        assert len(looked_at) == 6
        assert "in 60 seconds" in enter(Client()).content.decode()
        clock.shift(timedelta(seconds=61))
        enter(person := Client(), PASSWORD)
        assert is_in(person)
        enter(Client())
        assert len(looked_at) == 8, "who got in starts afresh"


def test_one_address_guesses_less_than_forty_times_a_day(looked_at):
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        for _ in range(24 * 4):
            enter(Client())
            clock.shift(timedelta(minutes=15))
    assert len(looked_at) < 40


def test_the_page_says_what_to_do_and_is_the_same_for_nobody():
    pages = []
    for name in ("maria", "nobody"):
        for _ in range(5):
            enter(Client(), username=name)
        page = enter(Client(), PASSWORD, username=name).content.decode()
        assert SLOW in page
        assert "use a passkey or ask for a link by e-mail" in page
        assert "E-mail me a link" in page
        pages.append(re.sub(r'name="csrfmiddlewaretoken" value="\w+"|\d+ seconds', "", page).replace(name, "…"))
    assert pages[0] == pages[1]


def test_no_link_is_offered_before_it_is_slow():
    assert "E-mail me a link" not in enter(Client()).content.decode()


def test_a_right_password_between_guesses_at_others_wipes_no_count(looked_at):
    User.objects.create_user("mallory", password=PASSWORD)
    for number in range(65):
        enter(Client(), username=f"somebody{number}", at="198.51.100.66")
        enter(Client(), PASSWORD, username="mallory", at="198.51.100.66")
    assert len({name for name, _ in looked_at if name.startswith("somebody")}) <= limits.ADDRESS.free


def test_a_known_browser_is_not_slowed_by_a_neighbour(client):
    enter(client, PASSWORD)
    client.post("/accounts/logout/")
    for _ in range(20):
        enter(Client())
    for number in range(60):
        enter(Client(), username=f"somebody{number}")
    enter(client, PASSWORD)
    assert is_in(client)


def test_a_known_browser_guesses_no_more_than_others(client, looked_at):
    enter(client, PASSWORD)
    client.post("/accounts/logout/")
    looked_at.clear()
    for number in range(20):
        enter(client, at=address(number))
    assert len(looked_at) == 5


@pytest.mark.parametrize("value", ["", "x", "é", "eyJ4IjoxfQ:1:2", "." * 5000, '{"a": "b"}'])
def test_a_made_up_cookie_makes_no_browser_known(value, looked_at):
    for number in range(8):
        client = Client()
        client.cookies[known_devices.COOKIE] = value or str(number)
        enter(client)
    assert len(looked_at) == 5


def test_confirming_the_password_is_slowed_for_that_person_alone(client):
    enter(client, PASSWORD)
    for _ in range(20):
        enter(Client())
    confirm = "/accounts/confirm/password/?next=/account/"
    assert client.post(confirm, {"password": PASSWORD}).status_code == 302
    for _ in range(6):
        page = client.post(confirm, {"password": "wrong"})
    assert SLOW in page.content.decode()
    assert "by e-mail" not in page.content.decode()


# The way in by e-mail


def ask_for_link(client=None, username="maria", at="198.51.100.7"):
    return (client or Client()).post(ASK, {"login": username}, REMOTE_ADDR=at)


def mailed_link():
    tasks.send_sign_in_links()
    return re.search(r"http\S+", mail.outbox[-1].body)[0].split("/", 3)[3]


def test_a_link_lets_its_owner_try_at_once(client):
    for _ in range(6):
        enter(client)
    ask_for_link(client)
    link = "/" + mailed_link()
    assert mail.outbox[0].to == ["maria@example.com"]
    assert b"Continue to sign-in" in client.get(link).content
    assert client.cookies.get(known_devices.COOKIE) is None, "looking at a link does nothing"
    assert client.post(link)["Location"] == LOGIN
    assert not is_in(client), "it replaces no password"
    enter(client, PASSWORD)
    assert is_in(client)


def test_a_link_gives_five_tries_and_no_more(client, looked_at):
    ask_for_link(client)
    client.post("/" + mailed_link())
    for _ in range(9):
        enter(client)
    assert len(looked_at) == 5


def test_asking_tells_nobody_which_accounts_there_are():
    User.objects.create_user("nadia", password=PASSWORD)  # has no address
    User.objects.create_user("gone", "gone@example.com", PASSWORD, is_active=False)
    User.objects.create_user("sso", "sso@example.com")  # has no password
    pages = {ask_for_link(username=name).content for name in ("maria", "nadia", "gone", "sso", "nobody")}
    assert len(pages) == 1
    assert LinkRequest.objects.count() == 5
    for _ in range(2):
        tasks.send_sign_in_links()
    assert [sent.to for sent in mail.outbox] == [["maria@example.com"]]
    assert LinkRequest.objects.count() == 0


def test_strangers_fill_no_mailbox_and_never_leave_it_without_a_link_that_works():
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        for minute in range(120):
            ask_for_link(at=address(minute))
            clock.shift(timedelta(minutes=1))
        tasks.send_sign_in_links()
        asked = LinkRequest.objects.count() + len(mail.outbox)
        assert 3 < asked < 10
    assert link_mail.MAILBOX.longest < link_mail.VALID_FOR


def test_a_link_is_over_after_an_hour(client):
    ask_for_link()
    link = "/" + mailed_link()
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert client.get(link).status_code == 410
        assert client.post(link).status_code == 410
    assert client.cookies.get(known_devices.COOKIE) is None


@pytest.mark.parametrize("text", ["", "x", "é", "a:b:c", "." + "A" * 4000, "ImEi:1:1"])
def test_a_link_that_nobody_sent_opens_nothing(client, text):
    assert client.get("/accounts/login/link/?link=" + text).status_code == 410


@pytest.mark.parametrize("name", ["", "\x00", "x" * 151, "ma\nria", "<b>"])
def test_a_name_that_nobody_can_have_is_not_noted(name):
    assert ask_for_link(username=name).status_code == 302
    assert not LinkRequest.objects.exists()


def test_a_mail_server_that_is_down_breaks_nothing(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    ask_for_link()
    tasks.send_sign_in_links()
    assert not LinkRequest.objects.exists()
