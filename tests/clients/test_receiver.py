"""The helper that services use to receive approved actions."""

import json
import multiprocessing
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from approvals.outbox import signing
from approvals.shipping import grants
from audit import canonical
from hitl_portal import receiver as receiver_module
from hitl_portal.receiver import InProgress, MemoryStore, Receiver, Refused, SqliteStore

SECRET = f"whsec_{'A' * 43}="
ISSUER = "https://portal.example.com"
HANDLES = {("ads.budget", "shift_budget"): {"execute", "rollback"}, ("ads.budget", "pause"): {"execute"}}
PAYLOAD = {"from": "search", "to": "social", "amount": 4000, "note": "für März"}


def pem(key) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture(autouse=True)
def key(settings):
    made = Ed25519PrivateKey.generate()
    settings.SITE_URL = ISSUER
    settings.GRANT_SIGNING_KEY = pem(made)
    settings.GRANT_RETIRED_KEYS = []
    return made


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    return make_store(request.param, tmp_path)


def make_store(kind: str, folder: Path, **options):
    return MemoryStore(**options) if kind == "memory" else SqliteStore(folder / "deliveries.sqlite3", **options)


def receiver(store=None, **changes) -> Receiver:
    options = {"secret": SECRET, "jwks": grants.public_keys(), "issuer": ISSUER, "audience": "ads-webhook"}
    return Receiver(**(options | {"remember": store or MemoryStore(), "handles": HANDLES} | changes))


def message(body: bytes | None = None, *, secret: str = SECRET, signed_at: datetime | None = None, **changes):
    """Return headers and body as the portal sends them, but for the changes asked for."""
    body = canonical.encode(PAYLOAD) if body is None else body
    facts = {
        "dispatch_id": uuid4(),
        "proposal_id": uuid4(),
        "revision": 1,
        "digest": canonical.digest(body),
        "surface": "ads.budget",
        "action": "shift_budget",
        "connector": "ads-webhook",
        "kind": "execute",
        "at": datetime.now(UTC),
        "lifetime": timedelta(minutes=5),
    } | changes
    headers = {
        "Content-Type": "application/json",
        "HITL-Grant": grants.issue(**facts),
        **signing.headers(
            secret=secret, message_id=str(facts["dispatch_id"]), at=signed_at or datetime.now(UTC), body=body
        ),
    }
    return headers, body


def test_a_genuine_message_is_let_through(store):
    headers, body = message()
    accepted = receiver(store).accept(headers, body)
    assert accepted.payload == PAYLOAD
    assert accepted.grant["surface"] == "ads.budget"
    assert accepted.message_id == headers["webhook-id"] == accepted.grant["jti"]
    assert not accepted.replay
    assert accepted.answer is None


def test_a_repeat_gets_the_same_answer_and_is_not_executed(store):
    headers, body = message()
    executed = []
    answers = []
    for _ in range(3):
        with receiver(store).once(headers, body) as delivery:
            if not delivery.replay:
                executed.append(delivery.payload)
                delivery.answer = b'{"moved":4000}'
        answers.append(delivery.answer)
    assert executed == [PAYLOAD]
    assert answers == [b'{"moved":4000}'] * 3


def test_a_retry_with_a_newer_signature_and_grant_is_the_same_message(store):
    dispatch = uuid4()
    for attempt in range(3):
        headers, body = message(dispatch_id=dispatch, signed_at=datetime.now(UTC) - timedelta(seconds=attempt))
        with receiver(store).once(headers, body) as delivery:
            assert delivery.replay is (attempt > 0)
    assert delivery.answer == b'{"status":"done"}'


def test_a_failure_is_not_remembered(store):
    headers, body = message()
    with pytest.raises(RuntimeError), receiver(store).once(headers, body):
        raise RuntimeError("the ad platform is down")
    with receiver(store).once(headers, body) as delivery:
        assert not delivery.replay
    with receiver(store).once(headers, body) as delivery:
        assert delivery.replay


def test_while_it_is_executed_a_repeat_is_put_off(store):
    headers, body = message()
    with receiver(store).once(headers, body):
        with pytest.raises(InProgress) as refused:
            receiver(store).accept(headers, body)
        assert refused.value.status == 409
        assert receiver(store).accept(*message()).replay is False


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_lease_that_ran_out_is_taken_over_by_one(kind, tmp_path):
    store = make_store(kind, tmp_path, lease_seconds=0.05)
    headers, body = message()
    slow = receiver(store).accept(headers, body)
    time.sleep(0.1)
    next_one = receiver(store).accept(headers, body)
    assert not next_one.replay
    receiver(store).abandon(slow)  # its lease is gone, so this must not open the door
    with pytest.raises(InProgress):
        receiver(store).accept(headers, body)
    receiver(store).abandon(next_one)
    slow.answer = b"1"
    receiver(store).complete(slow)  # late, but done: this is what counts
    assert receiver(store).accept(headers, body).answer == b"1"


def test_ten_threads_execute_once(store):
    headers, body = message()
    executed, put_off = [], []
    together = threading.Barrier(10)

    def deliver(_):
        together.wait()
        try:
            with receiver(store).once(headers, body) as delivery:
                if not delivery.replay:
                    executed.append(1)
                    time.sleep(0.02)
        except InProgress:
            put_off.append(1)

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(deliver, range(10)))
    assert len(executed) == 1
    assert len(put_off) <= 9


def execute_in_process(path: str, log: str, jwks: dict, secret: str, messages: list) -> None:
    """What each competing process does: append a line per execution."""
    mine = Receiver(secret, jwks, ISSUER, "ads-webhook", SqliteStore(path), handles=HANDLES)
    for headers, body in messages:
        try:
            with mine.once(headers, body) as delivery:
                if not delivery.replay:
                    with Path(log).open("a") as out:
                        out.write(delivery.message_id + "\n")
        except InProgress:
            continue


def test_four_processes_execute_each_message_once(tmp_path):
    messages = [message() for _ in range(25)]
    log = tmp_path / "executed"
    work = (str(tmp_path / "deliveries.sqlite3"), str(log), grants.public_keys(), SECRET, messages)
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done in [pool.submit(execute_in_process, *work) for _ in range(4)]:
            done.result()
    assert sorted(log.read_text().split()) == sorted(headers["webhook-id"] for headers, _ in messages)


CRASH = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from receiver import Receiver, SqliteStore
facts = json.load(sys.stdin)
store = SqliteStore(sys.argv[2], lease_seconds=1.5)
with Receiver(facts["secret"], facts["jwks"], facts["issuer"], "ads-webhook", store,
              handles={("ads.budget", "shift_budget"): ["execute"]}).once(facts["headers"], facts["body"].encode()):
    unwanted = {"django", "approvals", "audit", "hitlportal"} & set(sys.modules)
    os._exit(7 if not unwanted else 8)
"""


def test_copied_alone_it_works_and_a_crash_leaves_the_message_repeatable(tmp_path):
    shutil.copy(receiver_module.__file__, tmp_path / "receiver.py")
    path = tmp_path / "deliveries.sqlite3"
    headers, body = message()
    facts = {"secret": SECRET, "jwks": grants.public_keys(), "issuer": ISSUER}
    crashed = subprocess.run(
        [sys.executable, "-I", "-c", CRASH, str(tmp_path), str(path)],
        input=json.dumps({**facts, "headers": headers, "body": body.decode()}),
        text=True,
        check=False,
        timeout=30,
    )
    assert crashed.returncode == 7
    store = SqliteStore(path)
    with pytest.raises(InProgress):
        receiver(store).accept(headers, body)
    time.sleep(1.6)
    with receiver(store).once(headers, body) as delivery:
        assert not delivery.replay


def test_answers_survive_a_restart(tmp_path):
    headers, body = message()
    with receiver(SqliteStore(tmp_path / "a")).once(headers, body) as delivery:
        delivery.answer = b"\x00\xff"
    assert receiver(SqliteStore(tmp_path / "a")).accept(headers, body).answer == b"\x00\xff"


def refused(headers, body, store=None, **changes) -> str:
    """Return why a message is refused, having checked that nothing was remembered of it."""
    store = store or MemoryStore()
    with pytest.raises(Refused) as caught:
        receiver(store, **changes).accept(headers, body)
    assert not store._leases
    assert not store._answers
    assert caught.value.status == 401
    return caught.value.reason


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature", "HITL-Grant"])
def test_every_header_is_needed(name):
    headers, body = message()
    del headers[name]
    assert refused(headers, body)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-signature", "v1,AAAA"),
        ("webhook-signature", "v1"),
        ("webhook-signature", "v1,!"),
        ("webhook-signature", "v1,é"),
        ("webhook-signature", "v1a,AAAA v2,BBBB"),
        ("webhook-signature", ",,, "),
        ("webhook-timestamp", "soon"),
        ("webhook-timestamp", "nan"),
        ("webhook-timestamp", "1e400"),
        ("webhook-timestamp", "-1"),
        ("webhook-id", "0192f0c1-2e00-7000-8000-000000000000"),
        ("HITL-Grant", "x"),
        ("HITL-Grant", "a.b.c"),
        ("HITL-Grant", "é"),
    ],
)
def test_damaged_headers_are_refused(name, value):
    headers, body = message()
    assert refused(headers | {name: value}, body)


def test_another_body_is_refused():
    headers, _ = message()
    assert "signature" in refused(headers, canonical.encode(PAYLOAD | {"amount": 4001}))
    assert "signature" in refused(headers, b"\xff")


def test_a_signed_body_that_was_not_approved_is_refused():
    headers, body = message(digest=canonical.digest(b"{}"))
    assert refused(headers, body) == "The grant is for another body."


def test_a_grant_of_another_message_is_refused():
    headers, body = message()
    other, _ = message()
    assert refused(headers | {"HITL-Grant": other["HITL-Grant"]}, body) == "The grant is for another message."


@pytest.mark.parametrize("minutes", [-6, 6])
def test_messages_of_another_time_are_refused(minutes):
    assert "timestamp" in refused(*message(signed_at=datetime.now(UTC) + timedelta(minutes=minutes)))


def test_a_wrong_secret_is_refused_and_one_of_two_is_enough():
    other = f"whsec_{'B' * 43}="
    assert "signature" in refused(*message(secret=other))
    assert refused(*message(), secret="") == "No webhook secret is set."
    assert receiver(secret=f"{other} {SECRET}").accept(*message()).payload == PAYLOAD
    assert receiver(secret=SECRET).accept(*message(secret=f"{other} {SECRET}")).payload == PAYLOAD


def test_grants_for_others_or_of_another_time_are_refused():
    now, hour = datetime.now(UTC), timedelta(hours=1)
    assert "udience" in refused(*message(connector="crm-webhook"))
    assert "expired" in refused(*message(at=now - hour))
    assert "not yet valid" in refused(*message(at=now + hour))


def test_a_grant_of_another_portal_is_refused(settings):
    settings.SITE_URL = "https://evil.example.com"
    assert "ssuer" in refused(*message())


def test_a_grant_signed_by_somebody_else_is_refused(key, settings):
    jwks = grants.public_keys()
    settings.GRANT_SIGNING_KEY = pem(Ed25519PrivateKey.generate())
    headers, body = message()
    assert refused(headers, body, jwks=jwks) == "The grant was signed with an unknown key."
    claims = jwt.decode(headers["HITL-Grant"], options={"verify_signature": False})
    stranger = Ed25519PrivateKey.generate()
    header = {"kid": jwks["keys"][0]["kid"], "typ": "hitl-grant+jwt"}
    forged = jwt.encode(claims, stranger, "EdDSA", headers=header)
    assert "not accepted" in refused(headers | {"HITL-Grant": forged}, body, jwks=jwks)
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    for algorithm, secret in (("HS256", raw), ("none", None)):
        forged = jwt.encode(claims, secret, algorithm, headers=header)
        assert "not accepted" in refused(headers | {"HITL-Grant": forged}, body, jwks=jwks)


def test_other_tokens_of_the_same_key_are_no_grants(key):
    headers, body = message()
    claims = jwt.decode(headers["HITL-Grant"], options={"verify_signature": False})
    kid = grants.public_keys()["keys"][0]["kid"]
    plain = jwt.encode(claims, key, "EdDSA", headers={"kid": kid})
    assert refused(headers | {"HITL-Grant": plain}, body) == "The grant is not a grant."
    for name in claims:
        partial = jwt.encode(
            {other: value for other, value in claims.items() if other != name},
            key,
            "EdDSA",
            headers={"kid": kid, "typ": "hitl-grant+jwt"},
        )
        assert "not accepted" in refused(headers | {"HITL-Grant": partial}, body)
    many = jwt.encode(
        claims | {"aud": ["ads-webhook", "x"]}, key, "EdDSA", headers={"kid": kid, "typ": "hitl-grant+jwt"}
    )
    assert "not accepted" in refused(headers | {"HITL-Grant": many}, body)


def test_the_key_set_is_fetched_when_needed_and_once_more_after_a_rotation(settings):
    fetched = []

    def fetch():
        fetched.append(1)
        return grants.public_keys()

    mine = receiver(jwks=fetch)
    assert fetched == []
    mine.accept(*message())
    mine.accept(*message())
    assert len(fetched) == 1
    settings.GRANT_SIGNING_KEY = pem(Ed25519PrivateKey.generate())
    mine.accept(*message())
    assert len(fetched) == 2
    headers, body = message()
    header = {"kid": "unknown", "typ": "hitl-grant+jwt"}
    strange = jwt.encode({"jti": "x"}, Ed25519PrivateKey.generate(), "EdDSA", headers=header)
    with pytest.raises(Refused, match="unknown key"):
        mine.accept(headers | {"HITL-Grant": strange}, body)
    assert len(fetched) == 3


def test_a_body_that_is_not_json_is_refused():
    assert refused(*message(b"hello")) == "The body is not JSON."
