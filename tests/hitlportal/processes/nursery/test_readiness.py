"""The portal asks itself whether it is ready, by its address and under its public name, whatever its certificate."""

import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from hitlportal.processes.nursery.readiness import Probe


class Answers(BaseHTTPRequestHandler):
    """Is ready under its public name alone."""

    def do_GET(self):
        is_ready = self.path == "/readyz" and self.headers["Host"] == "portal.example"
        self.send_response(200 if is_ready else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def certificate(tmp_path):
    """A certificate for the public name that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "portal.example")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    file = tmp_path / "both.pem"
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    )
    return file


@pytest.fixture
def server():
    server = HTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def probe(server, public_name="portal.example", *, has_tls=False):
    return Probe(host="127.0.0.1", port=server.server_port, has_tls=has_tls, public_name=public_name)


def test_it_is_ready_under_its_public_name(server):
    assert probe(server)()
    assert not probe(server, "other.example")()


def test_it_asks_over_tls_without_trusting_anybody(server, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    assert probe(server, has_tls=True)()


def test_it_is_not_ready_where_nobody_listens(unused_port):
    assert not Probe(host="127.0.0.1", port=unused_port, has_tls=False, public_name="portal.example")()
