"""Posting to addresses that other people chose."""

import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from approvals.outbox import http
from approvals.outbox.http import DeliveryFailed, DeliveryRefused, check_url, post
from tests.approvals.outbox.servers import answer, serving


@pytest.fixture(autouse=True)
def _only_loopback(settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8", "::1/128"]


def send(url: str, body: bytes = b"{}", **options):
    return post(url, body=body, headers={"Content-Type": "application/json"}, **options)


def replying(data: bytes):
    return serving(lambda connection, _request: connection.sendall(data))


def test_the_request_arrives_as_it_was_given_and_the_answer_comes_back():
    seen = []

    def handle(connection, request):
        seen.append(request)
        connection.sendall(answer(201, b'{"id":7}', "X-A: 1", "X-A: 2"))

    with serving(handle) as port:
        got = send(f"http://127.0.0.1:{port}/hooks?x=1", b'{"a":"\xc3\xa9"}')
    head, _, body = seen[0].partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == "post /hooks?x=1 http/1.1"
    assert f"host: 127.0.0.1:{port}" in lines
    assert "content-type: application/json" in lines
    assert "accept-encoding: identity" in lines
    assert body == b'{"a":"\xc3\xa9"}'
    assert (got.status, got.body, got.headers["x-a"], got.is_truncated) == (201, b'{"id":7}', "1, 2", False)
    assert 0 < got.elapsed_seconds < 5


def test_a_name_is_resolved_once_and_kept_in_the_host_header():
    lookups, seen = [], []

    def resolver(host, port):
        lookups.append(host)
        return ["127.0.0.1"] if len(lookups) == 1 else ["169.254.169.254"]

    def handle(connection, request):
        seen.append(request)
        connection.sendall(answer(200))

    with serving(handle) as port:
        assert send(f"http://hooks.example:{port}/", resolver=resolver).status == 200
        assert lookups == ["hooks.example"]
        assert f"host: hooks.example:{port}\r\n".encode() in seen[0].lower()
        with pytest.raises(DeliveryRefused):
            send(f"http://hooks.example:{port}/", resolver=resolver)
    assert len(seen) == 1


def test_one_closed_address_among_many_refuses_them_all():
    with serving(lambda connection, _: connection.sendall(answer(200))) as port:
        for closed in ("169.254.169.254", "10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "2002:7f00:1::"):
            with pytest.raises(DeliveryRefused):
                send(f"http://hooks.example:{port}/", resolver=lambda *_, closed=closed: ["127.0.0.1", closed])


def test_without_allowed_networks_this_machine_is_closed(settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    arrived = threading.Event()
    with serving(lambda *_: arrived.set()) as port:
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1]"):
            for scheme in ("http", "https"):
                with pytest.raises(DeliveryRefused):
                    send(f"{scheme}://{host}:{port}/")
    assert not arrived.is_set()


def test_mapped_and_ipv6_loopback_work_where_they_are_allowed():
    with replying(answer(200)) as port:
        assert send(f"http://[::ffff:127.0.0.1]:{port}/").status == 200
    with serving(lambda connection, _: connection.sendall(answer(200)), family=socket.AF_INET6) as port:
        assert send(f"http://[::1]:{port}/").status == 200


def test_the_next_address_is_tried_when_one_is_dead():
    with replying(answer(200)) as port:
        assert send(f"http://hooks.example:{port}/", resolver=lambda *_: ["127.9.9.9", "127.0.0.1"]).status == 200


def test_a_redirect_is_an_answer_and_is_not_followed():
    followed = threading.Event()
    with (
        serving(lambda *_: followed.set()) as other,
        replying(answer(302, b"", f"Location: http://127.0.0.1:{other}/", "Set-Cookie: a=b")) as port,
    ):
        got = send(f"http://127.0.0.1:{port}/")
    assert (got.status, got.headers["location"]) == (302, f"http://127.0.0.1:{other}/")
    assert not followed.is_set()


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    used = threading.Event()
    with serving(lambda *_: used.set()) as proxy, replying(answer(200)) as port:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
        assert send(f"http://127.0.0.1:{port}/").status == 200
    assert not used.is_set()


def drip(data: bytes, connection: socket.socket) -> None:
    for byte in data:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


@pytest.mark.parametrize(
    "handle",
    [
        pytest.param(
            lambda connection, _: drip(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 500, connection), id="drips-headers"
        ),
        pytest.param(lambda connection, _: drip(answer(200, b"a" * 500), connection), id="drips-everything"),
        pytest.param(lambda *_: time.sleep(3), id="says-nothing"),
        pytest.param(
            lambda connection, _: [
                connection.sendall(b"HTTP/1.1 103 X\r\n\r\n") or time.sleep(0.05) for _ in range(80)
            ],
            id="endless-early-hints",
        ),
    ],
)
def test_a_slow_receiver_holds_nobody_beyond_the_deadline(handle):
    with serving(handle) as port:
        started = time.monotonic()
        with pytest.raises(DeliveryFailed, match=r"within 0\.4 s") as failed:
            send(f"http://127.0.0.1:{port}/", timeout_seconds=0.4)
        assert 0.3 < time.monotonic() - started < 5
    assert failed.value.retryable


def test_a_receiver_that_reads_slowly_holds_nobody_either():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)

        def sip():
            connection, _ = listener.accept()
            with connection:
                try:
                    while connection.recv(64):
                        time.sleep(0.02)
                except OSError:
                    return

        threading.Thread(target=sip, daemon=True).start()
        started = time.monotonic()
        with pytest.raises(DeliveryFailed):
            send(f"http://127.0.0.1:{listener.getsockname()[1]}/", b"x" * 2**21, timeout_seconds=0.5)
        assert time.monotonic() - started < 5


def test_a_slow_resolver_counts_against_the_deadline():
    started = time.monotonic()
    with pytest.raises(DeliveryFailed, match="not resolved in time"):
        send("http://hooks.example/", timeout_seconds=0.2, resolver=lambda *_: time.sleep(10) or ["127.0.0.1"])
    assert time.monotonic() - started < 8


def test_a_name_without_address_fails_for_now():
    def resolver(*_):
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(DeliveryFailed, match="has no address") as failed:
        send("https://hooks.example/", resolver=resolver)
    assert failed.value.retryable


def test_a_long_answer_is_cut_off():
    def pour(connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")

    with serving(pour) as port:
        got = send(f"http://127.0.0.1:{port}/")
    assert got.status == 200
    assert got.is_truncated
    assert got.body == b"x" * 65536
    with replying(answer(200, b"y" * 65536)) as port:
        got = send(f"http://127.0.0.1:{port}/")
    assert (len(got.body), got.is_truncated) == (65536, False)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "connection broke|HTTP", id="hangs-up"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", "HTTP", id="not-http"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000, "HTTP", id="endless-header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "HTTP|broke", id="cut-short"),
    ],
)
def test_broken_answers_fail_for_now(data, reason):
    with replying(data) as port, pytest.raises(DeliveryFailed, match=reason) as failed:
        send(f"http://127.0.0.1:{port}/")
    assert failed.value.retryable


def test_nobody_listens(unused_port):
    with pytest.raises(DeliveryFailed, match="could not be reached") as failed:
        send(f"http://127.0.0.1:{unused_port}/")
    assert failed.value.retryable


def test_oversize_bodies_and_headers_of_others_are_never_sent():
    arrived = threading.Event()
    with serving(lambda *_: arrived.set()) as port:
        url = f"http://127.0.0.1:{port}/"
        with pytest.raises(DeliveryRefused, match="larger than 2 MiB"):
            send(url, b"x" * (2 * 2**20 + 1))
        for name, value in [
            ("Host", "a"),
            ("content-length", "1"),
            ("Transfer-Encoding", "chunked"),
            ("X", "a\r\nB: c"),
            ("X", "a\n"),
            ("X", "é"),
            ("X\r\nB", "c"),
            ("", "c"),
        ]:
            with pytest.raises(DeliveryRefused, match="header"):
                post(url, body=b"{}", headers={name: value})
        assert not arrived.is_set()


def test_a_whole_mebibyte_is_delivered():
    sizes = []

    def handle(connection, request):
        sizes.append(len(request.partition(b"\r\n\r\n")[2]))
        connection.sendall(answer(204))

    with serving(handle) as port:
        assert send(f"http://127.0.0.1:{port}/", b"x" * 2**20).status == 204
    assert sizes == [2**20]


@pytest.fixture
def tls(tmp_path, monkeypatch):
    """A certificate for hooks.example that the portal's system trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hooks.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, key_pem = tmp_path / "certificate.pem", tmp_path / "key.pem"
    pem.write_bytes(certificate.public_bytes(Encoding.PEM))
    key_pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    http._tls_context.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key_pem)
    names = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    yield lambda connection: context.wrap_socket(connection, server_side=True), names
    http._tls_context.cache_clear()


def test_tls_checks_the_name_although_the_connection_goes_to_an_address(tls):
    wrap, names = tls
    with serving(lambda connection, _: connection.sendall(answer(200)), wrap=wrap) as port:
        assert send(f"https://hooks.example:{port}/", resolver=lambda *_: ["127.0.0.1"]).status == 200
        assert names == ["hooks.example"]
        for other in ("other.example", "localhost"):
            with pytest.raises(DeliveryFailed, match="certificate was not accepted"):
                send(f"https://{other}:{port}/", resolver=lambda *_: ["127.0.0.1"])
        with pytest.raises(DeliveryFailed, match="certificate was not accepted"):
            send(f"https://127.0.0.1:{port}/")


def test_a_silent_tls_handshake_ends_with_the_deadline():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started = time.monotonic()
        with pytest.raises(DeliveryFailed, match="within"):
            send(f"https://127.0.0.1:{listener.getsockname()[1]}/", timeout_seconds=0.3)
        assert time.monotonic() - started < 5


def test_urls_are_checked_when_they_are_saved(settings):
    check_url("https://hooks.example.com/x")
    check_url("http://127.0.0.1:9000/x")
    check_url("http://receiver.internal/x")
    for url in ("http://8.8.8.8/", "https://10.0.0.1/", "https://169.254.169.254/latest", "https://u@a.example/"):
        with pytest.raises(DeliveryRefused):
            check_url(url)
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    with pytest.raises(DeliveryRefused, match="https"):
        check_url("http://receiver.internal/x")


def test_a_local_delivery_takes_milliseconds():
    with replying(answer(200)) as port:
        times = sorted(send(f"http://127.0.0.1:{port}/").elapsed_seconds for _ in range(20))
    assert times[0] < 0.05
