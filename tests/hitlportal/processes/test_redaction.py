"""No log holds what opens a door, whichever request fails, whichever logger tells of it."""

import io
import logging
import re
import time

import httpx
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from approvals.messaging import decision_links
from approvals.models import Dispatch
from approvals.shipping import delivery
from audit.clock import database_now
from hitlportal.celery import app
from hitlportal.environment.sign_in import OpenIdConnect
from hitlportal.processes import redaction
from hitlportal.processes.redaction import redact
from policies.models import Connector
from policies.registry import agents
from tests import world as worlds
from tests.costs import Stopwatch

TOKEN = f"{'a-Secret_of_43_characters_':0<43}.{'its_signature_':f<43}"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"Forbidden: /decide/{TOKEN}/", "Forbidden: /decide/…/"),
        (f"of {TOKEN}, twice", "of …, twice"),
        ("Not Found: /admin/preferences/slack/Ik1lIg:1tSecret:hunter2/", "Not Found: /admin/preferences/slack/…/"),
        ("key hitl_abcdefghij_Secret-_x refused", "key hitl_… refused"),
        ("Authorization: Bearer hunter2", "Authorization: …"),
        ("{'Authorization': 'Basic hunter2=='}", "{'Authorization': …}"),
        ("signed with whsec_Secret+/=", "signed with whsec_…"),
        ("posted with xoxb-1-Secret", "posted with xoxb-…"),
        ("grant eyJhbGciOi.eyJzdWIi.Secret-_", "grant …"),
        ("GET /accounts/oidc/callback/?code=Secret&state=hunter2 HTTP/1.1", "GET /accounts/oidc/callback/?… HTTP/1.1"),
        ('b\'{"access_token": "hunter2", "id_token":"Secret"}\'', 'b\'{"access_token": …, "id_token":…}\''),
        ("grant_type=authorization_code&code=Secret&x=1", "grant_type=authorization_code&code=…&x=1"),
        ("Cookie: sessionid=Secret; csrftoken=hunter2", "Cookie: …; csrftoken=…"),
        ("to https://agents.example.com/hooks/Secret?k=hunter2 failed", "to https://agents.example.com/… failed"),
        ("to https://u:hunter2@agents.example.com: refused", "to https://agents.example.com: refused"),
        ("(https://agents.example.com/T0/Secret)", "(https://agents.example.com/…)"),
        ("https://[::1]:8000/Secret", "https://[::1]:8000/…"),
        ("tgram://123:Secret/42", "tgram://…"),
        ("Connected to redis://:hunter2@redis.internal:6379/0", "Connected to redis://redis.internal:6379/…"),
        ("postgres://portal:hunter2@db/portal", "postgres://db/…"),
        ('"POST /bot123:Secret/sendMessage HTTP/1.1" 404', '"POST /bot…/sendMessage HTTP/1.1" 404'),
        ("DETAIL:  Failing row contains (1, https, hunter2).", "DETAIL:  Failing row contains (…)"),
        ("DETAIL:  Key (session_key)=(Secret) already exists.", "DETAIL:  Key (session_key)=(…) already exists."),
        ("-----BEGIN PRIVATE KEY-----\nSecret\n-----END PRIVATE KEY-----", "…"),
    ],
)
def test_what_is_secret_is_taken_out(line, told):
    assert redact(line) == told


@pytest.mark.parametrize(
    "line",
    [
        "The proposal's state: approved (exit code 3)",
        "hitl_kill_switches_engaged 1",
        "Not Found: /admin/approvals/proposal/0199/change/",
        "Unauthorized: /api/v1/proposals/",
        "Invalid HTTP_HOST header: 'evil.example'. You may need to add 'evil.example' to ALLOWED_HOSTS.",
        "The broker did not take the wake-up for approvals.tasks.ship_due (Error 111 connecting to ::1:6379).",
        '  File "/srv/portal/approvals/links.py", line 64, in find',
        "HITL Portal is ready at https://portal.example.com/",
        "Task approvals.tasks.ship_due[0199-11] raised unexpected: OperationalError('is the server running?')",
    ],
)
def test_what_helps_stays(line):
    assert redact(line) == line


@pytest.mark.parametrize(
    "part", ["/", "?", "a?", "/decide/", "https://", "secret=", "hitl_", "eyJ", "a.", "-----BEGIN "]
)
def test_a_long_address_takes_no_long_time(part):
    watch = Stopwatch(time.process_time)
    redact(part * (redaction.LONGEST_MESSAGE // len(part)))
    assert watch.seconds < 1


def test_the_secrets_of_the_settings_are_known_by_heart():
    body = settings.GRANT_SIGNING_KEY.splitlines()[1]
    assert redact(f"one {settings.SECRET_KEY} two {body} three") == "one … two … three"


@pytest.fixture
def log():
    """Everything that is logged, as any handler writes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    level, root.level = root.level, logging.DEBUG
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize("name", ["django.request", "celery.app.trace", "granian.access", "_granian", "any.library"])
def test_every_logger_is_made_discreet(log, name):
    logger = logging.getLogger(name)
    handlers, propagates, level = logger.handlers, logger.propagate, logger.level
    logger.handlers, logger.propagate, logger.level = [], True, logging.DEBUG
    try:
        int(f"/decide/{TOKEN}/")
    except ValueError:
        logger.exception("Failed: %(path)s", {"path": f"/decide/{TOKEN}/"}, stack_info=True)
    finally:
        logger.handlers, logger.propagate, logger.level = handlers, propagates, level
    assert "Failed: /decide/…/" in log.getvalue()
    assert "ValueError: invalid literal for int() with base 10: '/decide/…/'" in log.getvalue()
    assert TOKEN not in log.getvalue()


def test_a_line_that_cannot_be_written_tells_no_secret_either(log, capsys):
    logging.getLogger("any.library").error("%d links", f"/decide/{TOKEN}/")
    assert "'%d links' with ('/decide/…/',)" in log.getvalue()
    assert TOKEN not in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["apprise", "django.db.backends", "httpcore.http11", "httpx", "urllib3.connectionpool"]
)
def test_talkative_libraries_say_little_at_any_level(name):
    assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)


@pytest.mark.django_db
def test_a_host_that_is_not_ours_is_one_line(client, log):
    for path in ("/", "/api/v1/proposals/", "/healthz"):
        assert client.get(path, HTTP_HOST="evil.example").status_code == 400
    lines = [line for line in log.getvalue().splitlines() if "DEBUG" not in line]
    assert len(lines) == 3
    assert all("Invalid HTTP_HOST header: 'evil.example'" in line for line in lines)


@pytest.fixture
def world():
    return worlds.build()


@pytest.fixture
def link(world):
    """A decision link that works, and the proposal that it is about."""

    def make():
        proposal = world.propose()
        return proposal, decision_links.issue(person=world.owner, proposal=proposal, via="email", at=database_now())

    return make


def require_silence(log, *secrets):
    text = log.getvalue()
    assert text, "nothing was logged, so nothing is proved"
    for secret in secrets:
        assert secret not in text


@pytest.mark.django_db
def test_no_refusal_of_a_decision_link_logs_it(world, link, log, client):
    proposal, token = link()
    address = f"/decide/{token}/"
    refused = {
        403: lambda: _as(world.other_owner).get(address),
        405: lambda: client.put(address),
        404: lambda: client.get(f"/decide/{token[:-1]}/"),
    }
    for status, ask in refused.items():
        assert ask().status_code == status
    stranger = Client(enforce_csrf_checks=True, headers={"referer": f"https://evil.example{address}"})
    assert stranger.post(address, secure=True).status_code == 403
    world.decide(proposal, "reject", reason_code="other", comment="No.")
    assert client.get(address).status_code == 410
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE approvals_decisiontoken RENAME TO gone")
    client.raise_request_exception = False
    assert client.get(address).status_code == 500
    require_silence(log, token, token[:43], token[44:])
    assert log.getvalue().count("/decide/…/") >= 6
    assert "Traceback" in log.getvalue(), "our own fault is told with its place"
    assert log.getvalue().count("Traceback (most recent call last)") <= 2, "the client's is not"


def _as(person):
    client = Client()
    client.force_login(person)
    return client


@pytest.mark.django_db
def test_no_refusal_of_a_key_or_a_session_logs_it(world, log, client, settings):
    settings.METRICS_TOKEN = settings.SLACK_SIGNING_SECRET = "hunter2" * 5
    key = agents.issue_key(agent=world.agent, by=None).text
    wrong = f"{key[:-3]}xyz"
    bearer = {"authorization": f"Bearer {wrong}"}
    assert client.get("/api/v1/proposals/", headers=bearer).status_code == 401
    assert client.get(f"/api/v1/proposals/{key}/", headers={"authorization": f"Bearer {key}"}).status_code == 404
    assert client.get("/admin/", headers=bearer).status_code == 403
    assert client.get("/metrics", headers=bearer).status_code == 404
    assert (
        client.post("/hooks/slack/", {"payload": "{}"}, headers={"x-slack-signature": "v0=hunter2"}).status_code >= 400
    )
    client.cookies["sessionid"] = "hunter2session"
    assert client.post("/accounts/login/", {"login": "x", "password": "hunter2"}).status_code == 200
    assert client.post("/nowhere/?sessionid=hunter2session").status_code == 404
    require_silence(log, key, wrong, key[-20:], "hunter2")


@pytest.mark.django_db
def test_no_failure_at_the_identity_provider_logs_its_codes(log, client, settings, unused_port):
    settings.OIDC = OpenIdConnect(
        issuer=f"http://127.0.0.1:{unused_port}", client_id="portal", client_secret="hunter2", name="x",
        groups_claim="groups", group_map={}, admits_unmapped=True,
    )  # fmt: skip
    assert client.get("/accounts/oidc/callback/?code=aSecretCode&state=aSecretState").status_code >= 400
    assert client.post("/accounts/oidc/login/").status_code >= 400
    require_silence(log, "aSecretCode", "aSecretState", "hunter2")


@pytest.mark.django_db
def test_no_failure_of_a_delivery_logs_its_address(world, log, unused_port):
    Connector.objects.update(url=f"http://127.0.0.1:{unused_port}/hooks/aSecretPath?k=hunter2", secret="not a secret")
    world.approve(world.propose())
    delivery.ship_due()
    assert Dispatch.objects.get().last_error
    logging.getLogger("approvals").warning("Told: %s", Dispatch.objects.get().connector.url)
    try:
        httpx.get(Connector.objects.get().url)
    except httpx.ConnectError:
        logging.getLogger("approvals").exception("No answer")
    require_silence(log, "aSecretPath", "hunter2")


@pytest.mark.django_db
def test_a_task_that_fails_logs_no_secret(log):
    @app.task(name="tests.fails")
    def fails(link):
        raise RuntimeError(f"could not open {link}")

    fails.apply(args=[f"https://portal.example.com/decide/{TOKEN}/"])
    assert "raised unexpected" in log.getvalue()
    require_silence(log, TOKEN)


def test_what_django_mails_to_administrators_is_nothing():
    kinds = {type(handler).__name__ for name in ("", "django") for handler in logging.getLogger(name).handlers}
    assert "AdminEmailHandler" not in kinds
    assert re.fullmatch(r"hitlportal\.processes\.redaction\.configure", settings.LOGGING_CONFIG)
    assert logging.getLogRecordFactory() is redaction._line
