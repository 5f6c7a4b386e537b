"""SSRF: feeds, posts and webhooks whose URL or redirect leads to a private address.

The victims are real servers on this machine; the tests check whether they get connections.
"""

import json
import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest
import urllib3
from click.testing import CliRunner
from streaming_system.parsers import webhook

from streaming_system.cli import main
from streaming_system.config import load_conference
from streaming_system.frontend.mastodon import create_feeds
from streaming_system.net.ssrf import (
    BlockedAddressError,
    is_global_address,
    parse_allowed_networks,
    safe_pool_manager,
)
from streaming_system.plugin import FeedError, Incident
from streaming_system.schedule_import.download import fetch_feed

INCIDENT = Incident(
    id=1, kind="full", room="hall", title="Hall", subject="", summary="Full.",
    opened_at=datetime(2026, 11, 25, tzinfo=UTC),
)  # fmt: skip
PUBLIC = parse_allowed_networks({"outbound.allowed_private_networks": "127.0.0.9"})
HIDDEN = ("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0", "[::1]",
          "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "localhost.", "LOCALHOST")  # fmt: skip


@contextmanager
def serving(address, port=0, family=socket.AF_INET):
    """A server that counts connections, and sends a configured response."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.do_GET()

        def do_GET(self):
            server.paths.append(self.path)
            status, headers, body = server.response
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    class Server(ThreadingHTTPServer):
        address_family = family

        def verify_request(self, request, client_address):
            self.connections += 1
            return True

    with Server((address, port), Handler) as server:
        server.connections, server.paths = 0, []
        server.response = (200, [], b"[]")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def victim():
    """A private server on all addresses of this machine."""
    with serving("::", family=socket.AF_INET6) as server:
        yield server


@pytest.fixture
def public_server(victim):
    """A server of another site, at an address that counts as public."""
    with serving("127.0.0.9") as server:
        yield server


def url_of(server, host, path="/feed"):
    return f"http://{host}:{server.server_port}{path}"


@pytest.mark.parametrize("host", HIDDEN)
def test_feed_on_a_loopback_address_is_refused(victim, host):
    with pytest.raises(
        FeedError, match=r"^cannot be downloaded: .*outbound\.allowed_private_networks"
    ):
        fetch_feed(url_of(victim, host))

    assert victim.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_feed_on_an_allowed_network_is_fetched(victim, host):
    networks = parse_allowed_networks(
        {"outbound.allowed_private_networks": "192.0.2.7, 127.0.0.0/8 ::1"}
    )

    assert fetch_feed(url_of(victim, host), allowed_networks=networks) == b"[]"


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "172.16.9.9", "192.168.1.1", "127.8.8.8", "0.0.0.0", "169.254.169.254",
        "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::127.0.0.1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1",
        "2001:db8::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1", "2002:a00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)  # fmt: skip
def test_private_addresses_are_not_global(address):
    assert not is_global_address(ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "64:ff9b::101:101"]
)
def test_public_addresses_are_global(address):
    assert is_global_address(ip_address(address))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_of_a_feed_to_a_loopback_address_is_refused(victim, public_server, status):
    public_server.response = (status, [("Location", url_of(victim, "127.0.0.1", "/secret"))], b"")

    with pytest.raises(FeedError, match=r"127\.0\.0\.1 is no public address"):
        fetch_feed(url_of(public_server, "127.0.0.9"), allowed_networks=PUBLIC)

    assert public_server.paths == ["/feed"]
    assert victim.connections == 0


@pytest.mark.parametrize(
    "destination",
    ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "//127.0.0.1:{}/"],
)
def test_redirect_of_a_feed_to_another_protocol_is_refused(victim, public_server, destination):
    public_server.response = (302, [("Location", destination.format(victim.server_port))], b"")

    with pytest.raises(FeedError, match=r"^cannot be downloaded: ") as refusal:
        fetch_feed(url_of(public_server, "127.0.0.9"), allowed_networks=PUBLIC)

    assert "root:" not in str(refusal.value)
    assert victim.connections == 0


@pytest.fixture
def rebinding(monkeypatch):
    """A host name that resolves to a public address first, and to a private one later."""
    resolutions = []
    resolve = socket.getaddrinfo

    def getaddrinfo(host, *more, **options):
        if host == "rebinding.example":
            host = "127.0.0.1" if resolutions else "127.0.0.9"
            resolutions.append(host)
        return resolve(host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return resolutions


def test_dns_rebinding_is_refused(rebinding):
    with (
        serving("127.0.0.9") as public_server,
        serving("127.0.0.1", public_server.server_port) as victim,
    ):
        url = url_of(public_server, "rebinding.example")
        # The request goes to the address that was checked.
        assert fetch_feed(url, allowed_networks=PUBLIC) == b"[]"
        assert (len(rebinding), public_server.paths, victim.connections) == (1, ["/feed"], 0)

        with pytest.raises(FeedError, match=r"rebinding\.example is 127\.0\.0\.1, which is no pub"):
            fetch_feed(url, allowed_networks=PUBLIC)
        assert victim.connections == 0


def test_only_public_addresses_of_a_name_are_connected_to(monkeypatch):
    with (
        serving("127.0.0.9") as public_server,
        serving("127.0.0.1", public_server.server_port) as victim,
    ):
        both = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, public_server.server_port))
            for address in ("127.0.0.1", "127.0.0.9")
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **options: (
            both if host == "both.example" else [both[1]]))  # fmt: skip

        assert fetch_feed(url_of(public_server, "both.example"), allowed_networks=PUBLIC) == b"[]"
        assert victim.connections == 0


def test_certificate_is_verified_against_the_host_name(victim):
    """A connection to an address still verifies the certificate against the host name."""
    with (
        safe_pool_manager(PUBLIC, retries=False, timeout=10) as pool,
        pytest.raises(BlockedAddressError),
    ):
        pool.request("GET", url_of(victim, "127.0.0.1").replace("http:", "https:"))
    assert victim.connections == 0

    names = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda connection, name, of: names.append(name)
    with socket.create_server(("127.0.0.9", 0)) as listener:
        port = listener.getsockname()[1]

        def accept():
            connection, _ = listener.accept()
            with connection, pytest.raises(ssl.SSLError):
                # Without a certificate, the handshake fails after the client has sent the name.
                context.wrap_socket(connection, server_side=True)

        thread = threading.Thread(target=accept)
        thread.start()
        networks = parse_allowed_networks({"outbound.allowed_private_networks": "127.0.0.0/8 ::1"})
        with (
            safe_pool_manager(networks, retries=False, timeout=10) as pool,
            pytest.raises(urllib3.exceptions.SSLError),
            resolved("feeds.example", "127.0.0.9"),
        ):
            pool.request("GET", f"https://feeds.example:{port}/")
        thread.join()
    assert names == ["feeds.example"]


@contextmanager
def resolved(name, address):
    """Resolve a host name to an address."""
    resolve = socket.getaddrinfo
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", lambda host, *more, **options: (
            resolve(address if host == name else host, *more, **options)))  # fmt: skip
        yield


def test_webhook_on_a_loopback_address_needs_permission(victim):
    options = {"plugin.webhook.url": url_of(victim, "127.0.0.1", "/hook")}

    with pytest.raises(
        BlockedAddressError, match=r"name it in outbound\.allowed_private_networks of the ini file$"
    ):
        webhook.incident_changed(INCIDENT, options)
    assert victim.connections == 0

    webhook.incident_changed(
        INCIDENT, {**options, "outbound.allowed_private_networks": "127.0.0.1"}
    )
    assert victim.paths == ["/hook"]


def test_redirect_of_a_webhook_is_not_followed(victim, public_server):
    public_server.response = (307, [("Location", url_of(victim, "127.0.0.1"))], b"")
    options = {"plugin.webhook.url": url_of(public_server, "127.0.0.9", "/hook")}

    with pytest.raises(ValueError, match="answered with status 307"):
        webhook.incident_changed(
            INCIDENT, {**options, "outbound.allowed_private_networks": "127.0.0.9"}
        )
    assert victim.connections == 0


def test_mastodon_server_on_a_loopback_address_needs_permission(victim, tmp_path, root, caplog):
    rooms = {"config": {"secret": "s"}, "hall": {"title": "Hall", "posts": {
        "server": url_of(victim, "127.0.0.1", ""), "hashtag": "conf"}}}  # fmt: skip
    (tmp_path / "private.json").write_text(json.dumps(rooms))
    conference = load_conference(root / "config.json", tmp_path / "private.json")

    [feed] = create_feeds(conference, ()).values()
    assert feed.get() is None
    assert victim.connections == 0
    assert "127.0.0.1 is no public address" in caplog.text

    networks = parse_allowed_networks(
        {"outbound.allowed_private_networks": "127.1.0.0/16,127.0.0.1"}
    )
    [feed] = create_feeds(conference, networks).values()
    assert feed.get() == ()
    assert len(victim.paths) == 1


class TestCommand:
    @pytest.fixture
    def run(self, tmp_path, root):
        """Return a function that imports a feed with settings of the ini."""

        def run(source, *lines):
            private = {"config": {"secret": "s"}, "hall": {"title": "Hall", "schedule": source}}
            (tmp_path / "private.json").write_text(json.dumps(private))
            ini = tmp_path / "site.ini"
            ini.write_text(
                "\n".join(
                    ["[DEFAULT]", f"config.public = {root}/config.json",
                     f"config.private = {tmp_path}/private.json",
                     f"schedule.file = {tmp_path}/schedule.json", *lines,
                     "[app:frontend]", "use = egg:streaming-system#frontend"]
                )
            )  # fmt: skip
            return CliRunner().invoke(main, ["-c", str(ini), "schedule", "import"])

        return run

    def test_import_reports_a_blocked_address_in_one_line(self, run, victim, tmp_path):
        url = url_of(victim, "127.0.0.1")

        result = run(url)

        assert result.exit_code == 1
        assert result.stderr.splitlines()[-1] == (
            f"Error: {url}: cannot be downloaded: 127.0.0.1 is no public address; if that is "
            "right, name it in outbound.allowed_private_networks of the ini file; "
            "there is no schedule yet"
        )
        assert victim.connections == 0
        assert not (tmp_path / "schedule.json").exists()

    def test_import_fetches_from_an_allowed_network(self, run, victim):
        assert (
            "no public address"
            not in run(
                url_of(victim, "127.0.0.1"), "outbound.allowed_private_networks = 127.0.0.1"
            ).stderr
        )
        assert victim.paths == ["/feed"]

    def test_invalid_network_is_reported(self, run):
        result = run("/nowhere", "outbound.allowed_private_networks = 10.0.0.1/8")

        assert result.stderr.splitlines()[-1] == (
            "Error: outbound.allowed_private_networks in the ini file: 10.0.0.1/8 has host bits "
            "set; allowed: addresses and networks such as 10.0.5.0/24"
        )

    def test_files_need_no_permission(self, run, tmp_path):
        (tmp_path / "feed.json").write_text("[]")

        assert "no public address" not in run(str(tmp_path / "feed.json")).stderr
