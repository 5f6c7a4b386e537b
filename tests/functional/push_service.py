"""A push service over HTTPS, and the keys of a browser."""

import base64
import contextlib
import datetime
import ipaddress
import json
import os
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import http_ece
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Browser:
    """A browser that has subscribed at a push service."""

    def __init__(self, url):
        self.url = url
        self.private_key = ec.generate_private_key(ec.SECP256R1())
        self.secret = os.urandom(16)

    @property
    def subscription(self):
        """Return what the browser's API returns."""
        point = self.private_key.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
        keys = {"p256dh": base64url(point), "auth": base64url(self.secret)}
        return {"endpoint": self.url, "keys": keys}

    def decrypt(self, body):
        """Return the content of a message."""
        return json.loads(
            http_ece.decrypt(
                body, private_key=self.private_key, auth_secret=self.secret, version="aes128gcm"
            )
        )


class PushService:
    """A push service whose status a test sets by path; the default is 201.

    ``received`` has the path, the headers and the body of each message.
    """

    def __init__(self, url, ca_file):
        self.url, self.ca_file = url, ca_file
        self.reset()

    def reset(self):
        self.received, self.responses, self.browsers = [], {}, {}
        self.can_respond = threading.Event()
        self.can_respond.set()

    def browser(self, name="one"):
        return self.browsers.setdefault(name, Browser(f"{self.url}/push/{name}"))

    @property
    def messages(self):
        """The name of the browser, and the content of each message."""
        return [
            (path.rpartition("/")[2], self.browsers[path.rpartition("/")[2]].decrypt(body))
            for path, _, body in self.received
        ]


@pytest.fixture(scope="session")
def push_server(tmp_path_factory):
    """The push service of all tests of this process."""
    folder = tmp_path_factory.mktemp("push")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service.received.append((self.path, dict(self.headers), body))
            service.can_respond.wait(60)
            status, headers = service.responses.get(self.path.rpartition("/")[2], (201, {}))
            with contextlib.suppress(OSError):
                self.send_response(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_write_certificate(folder))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        service = PushService(
            f"https://127.0.0.1:{server.server_port}", str(folder / "service.pem")
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield service
        server.shutdown()
        thread.join()


@pytest.fixture
def push_service(push_server, monkeypatch):
    """The push service, which has received nothing yet. Its certificate is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", push_server.ca_file)
    push_server.reset()
    yield push_server
    push_server.can_respond.set()


def _write_certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "push service")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "service.pem"
    path.write_bytes(
        certificate.public_bytes(Encoding.PEM)
        + key.private_bytes(
            Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path
