"""Hostile requests to nginx and the apps behind it."""

import contextlib
import json
import os
import signal
import socket
import time

import pytest

from .site import FROM_CACHE, NAME, STRICT_LIMITS, VENUE, VIEWER, wait_until

SECRET = "s3cret of the proxy"
LOGIN = "/tracker/admin/login"


def head(*lines):
    return "".join(f"{line}\r\n" for line in lines)


class TestNames:
    @pytest.mark.parametrize("name", ["evil.example", "127.0.0.1", "live.example.org.evil.example"])
    def test_other_host_names_get_no_response(self, proxied, name):
        assert proxied.raw(head("GET / HTTP/1.1", f"Host: {name}", "")) == ""

    def test_host_name_in_the_request_line_and_missing_host_get_no_response(self, proxied):
        line = "GET http://evil.example/ HTTP/1.1"
        assert proxied.raw(head(line, f"Host: {NAME}", "")) == ""
        assert proxied.raw(head("GET / HTTP/1.0", "")) == ""

    @pytest.mark.parametrize(
        "claim",
        [
            {"X-Forwarded-Host": "evil.example"},
            {"Forwarded": "host=evil.example"},
            {"X-Original-Host": "evil.example"},
            {"X-Forwarded-Port": "6666"},
            {"X-Forwarded-Server": "evil.example"},
            {"X-Forwarded-Prefix": "/evil.example"},
            {"X-Original-URL": "/evil.example"},
        ],
    )
    def test_forwarded_host_is_in_no_page_and_poisons_no_cache(self, proxied, claim):
        path = f"/hall?{next(iter(claim))}"

        claimed = proxied.get(path, headers=claim)
        cached = proxied.get(path)

        assert cached.headers["X-Cache"] in FROM_CACHE
        for response in (claimed, cached):
            assert response.status == 200
            assert b"evil" not in response.data
            assert b"6666" not in response.data
            assert f"http://{NAME}/".encode() in response.data

    def test_forwarded_scheme_is_ignored(self, proxied):
        response = proxied.get("/lab?scheme", headers={"X-Forwarded-Proto": "https"})

        assert f"https://{NAME}".encode() not in response.data

    def test_two_host_headers_are_refused(self, proxied):
        response = proxied.raw(head("GET / HTTP/1.1", f"Host: {NAME}", "Host: evil.example", ""))

        assert response.startswith("HTTP/1.1 400 ")


class TestSmuggling:
    @pytest.mark.parametrize(
        "headers",
        [
            ("Content-Length: 5", "Transfer-Encoding: chunked"),
            ("Transfer-Encoding: chunked", "Content-Length: 5"),
            ("Content-Length: 5", "Content-Length: 6"),
            ("Content-Length: 5", "Content-Length: 5"),
            ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
            ("Content-Length: +5",),
            ("Content-Length: 5, 6",),
            ("Content-Length: -1",),
            ("Transfer-Encoding: xchunked",),
            ("Transfer-Encoding: chunked, identity",),
        ],
    )
    def test_ambiguous_body_length_is_refused_without_a_second_response(self, proxied, headers):
        hidden = head("GET /tracker/metrics HTTP/1.1", f"Host: {NAME}", "")
        for path in ("/", "/tracker/endpoint/register"):
            response = proxied.raw(
                head(f"POST {path} HTTP/1.1", f"Host: {NAME}", *headers, "") + "0\r\n\r\n" + hidden
            )

            assert response.split(" ")[1] in ("400", "501"), response
            assert response.count("HTTP/1.1 ") == 1

    def test_malformed_header_is_refused_or_dropped(self, proxied):
        for line in ("Transfer-Encoding : chunked", "X: a\rTransfer-Encoding: chunked"):
            response = proxied.raw(
                head("POST / HTTP/1.1", f"Host: {NAME}", line, "Content-Length: 5",
                     "Connection: close", "")
                + "0\r\n\r\n"
            )  # fmt: skip
            # The five bytes are the body; there is no second response.
            assert response.count("HTTP/1.1 ") == 1, response
            assert response.split(" ")[1] in ("400", "404", "405"), response

    def test_url_cannot_inject_a_header(self, proxied):
        for path in (
            "/hall%0d%0aX-Evil:%201",
            "/hall?lang=%0d%0aX-Evil:%201",
            "/x%0d%0aX-Evil:1/y",
        ):
            response = proxied.get(path)
            assert "X-Evil" not in response.headers
            assert response.status in (200, 400, 404)

    def test_null_byte_is_refused(self, proxied):
        assert proxied.raw(head("GET /hall%00.css HTTP/1.0", f"Host: {NAME}", "")).startswith(
            "HTTP/1.1 400 "
        )


class TestPaths:
    @pytest.mark.parametrize("folder", ["/static", "/static/0123456789ab", "/theme/0123456789ab",
                                        "/preview", "/brand"])  # fmt: skip
    @pytest.mark.parametrize(
        "path",
        [
            "../" * 8 + "etc/passwd",
            "..%2f" * 8 + "etc/passwd",
            "%2e%2e/" * 8 + "etc/passwd",
            "%2e%2e%2f" * 8 + "etc/passwd",
            "..%252f" * 8 + "etc/passwd",
            "..%5c" * 8 + "etc%5cpasswd",
            "%c0%ae%c0%ae/" * 4 + "etc/passwd",
            "....//" * 8 + "etc/passwd",
            "/etc/passwd",
            "%2fetc/passwd",
            "../config.private.json",
            "../assets.py",
            "..%2fassets.py",
            "hall.jpg%00.png",
            "../var/tracker.sqlite",
        ],
    )
    def test_path_traversal_is_refused(self, proxied, folder, path):
        request = head(f"GET {folder}/{path} HTTP/1.1", f"Host: {NAME}", "Connection: close", "")

        response = proxied.raw(request)

        assert response.split(" ")[1] in ("400", "404"), response[:300]
        assert "root:" not in response
        assert SECRET not in response

    def test_public_files_are_served(self, proxied):
        assert proxied.get("/static/site.css").status == 200
        # Old pictures are not served; the site of these tests may run for minutes.
        (proxied.folder / "var/previews/hall.jpg").touch()
        assert proxied.get("/preview/hall.jpg").data == b"a picture"


class TestMetrics:
    @pytest.mark.parametrize(
        "path",
        [
            "/tracker/metrics",
            "/tracker/metrics?x",
            "/tracker//metrics",
            "//tracker/metrics",
            "/tracker/./metrics",
            "/tracker/hall/../metrics",
            "/tracker/%6detrics",
            "/tracker%2fmetrics",
            "/tracker/hall/..%2fmetrics",
            "/hall/../tracker/metrics",
            "/tracker/metrics/",
            "/tracker/metrics%20",
            "/tracker/metrics#x",
            "/TRACKER/metrics",
            f"http://{NAME}/tracker/metrics",
        ],
    )
    def test_metrics_are_refused_at_all_spellings_of_their_path(self, proxied, path):
        request = head(f"GET {path} HTTP/1.1", f"Host: {NAME}", "X-Forwarded-For: 127.0.0.1",
                       "Connection: close", "")  # fmt: skip

        response = proxied.raw(request)

        assert response.split(" ")[1] in ("400", "403", "404"), response[:300]
        assert "streaming_" not in response

    def test_metrics_are_served_to_the_machine_itself(self, proxied):
        response = proxied.get("/tracker/metrics", source="127.0.0.1")

        assert response.status == 200
        assert b"streaming_http_requests_total" in response.data


class TestBodies:
    def test_too_large_body_is_refused_in_one_line(self, proxied):
        for path, max_bytes in (("/tracker/endpoint/logs", 4 << 20), ("/hall", 64 << 10)):
            response = proxied.request(
                "POST", path, body=b"", headers={"Content-Length": str(max_bytes + 1)}
            )
            assert response.status == 413
            [line] = response.data.decode().splitlines()
            assert line == "ERROR SIZE the body is larger than this address takes"

    def test_too_large_head_is_refused(self, proxied):
        assert proxied.get("/", headers={"X": "x" * 50_000}).status == 400
        assert proxied.get("/" + "x" * 50_000).status == 414


class TestIdentity:
    def test_forwarded_address_does_not_reset_the_tracker_rate_limit(self, make_proxied):
        strict = make_proxied(
            frontends=0, trackers=1, settings=[("app:tracker", "limit.reads", "5/minute")]
        )
        responses = [
            strict.get("/tracker/streams.js", headers={"X-Forwarded-For": f"198.51.100.{n}"})
            for n in range(7)
        ]

        assert [response.status for response in responses] == [200] * 5 + [429] * 2
        # Another address is not limited.
        assert strict.get("/tracker/streams.js", source="127.0.0.66").status == 200

    def test_forwarded_address_does_not_reset_the_nginx_rate_limit(self, make_proxied):
        site = make_proxied(
            frontends=0, trackers=1,
            change=[("rate=1000r/s", "rate=1r/m"), ("burst=2000", "burst=4")],
        )  # fmt: skip
        responses = [
            site.get("/tracker/streams.js", headers={"X-Forwarded-For": f"198.51.100.{n}"})
            for n in range(7)
        ]

        assert [response.status for response in responses] == [200] * 5 + [429] * 2
        assert responses[-1].data == b"ERROR TOO MANY calls; send it again in 5 s\n"
        assert responses[-1].headers["Retry-After"] == "5"
        assert site.get("/tracker/streams.js", source="127.0.0.66").status == 200

    @pytest.mark.parametrize(
        ("rate", "burst", "path"),
        [
            ("rate=50r/s", "burst=200 delay=50", "/schedule?day=2026-11-{n:02}"),
            ("rate=20r/s", "burst=100 delay=20", "/schedule?q=word{n}"),
            ("rate=20r/s", "burst=100 delay=20", "/hall?delta={n}"),
        ],
    )
    def test_expensive_questions_are_rate_limited(self, make_proxied, rate, burst, path):
        site = make_proxied(change=[(rate, "rate=1r/m"), (burst, "burst=4 nodelay")])

        responses = [site.get(path.format(n=n + 1)) for n in range(7)]

        assert [response.status for response in responses] == [200] * 5 + [429] * 2
        assert responses[-1].data == b"ERROR TOO MANY calls; send it again in 5 s\n"
        assert responses[-1].headers["Retry-After"] == "5"
        # Pages without a query, and other addresses, are not limited.
        assert site.get("/hall").status == 200
        assert site.get(path.format(n=7), source="127.0.0.66").status == 200

    def test_invented_queries_come_from_the_cache_without_a_limit(self, make_proxied):
        site = make_proxied(change=[("rate=50r/s", "rate=1r/m"), ("rate=20r/s", "rate=1r/m")])
        page = site.get("/schedule").data

        for n in range(300):
            response = site.get(f"/schedule?{n}&x={n}&%71=x&day=")
            assert response.status == 200
            assert response.data == page
        log = (site.folder / f"frontend-{site.ports.frontend[0]}.log").read_text()
        assert "overload" not in log

    def test_cached_pages_and_lists_are_rate_limited(self, make_proxied):
        site = make_proxied(trackers=1, change=STRICT_LIMITS)
        for number, path in enumerate(("/", "/tracker/streams.json", "/tracker/hall/streams.json")):
            responses = [site.get(path, source=f"127.0.1.{number + 1}") for _ in range(3)]

            assert (path, [response.status for response in responses]) == (path, [200, 200, 429])
            assert responses[-1].data == b"ERROR TOO MANY calls; send it again in 5 s\n"

    def test_connections_of_one_address_are_limited(self, make_proxied):
        limit = "limit_conn streaming_connections "
        site = make_proxied(trackers=1, change=[(f"{limit}5000", f"{limit}3")])
        unfinished = head(
            "POST /tracker/endpoint/register HTTP/1.1", f"Host: {NAME}", "Content-Length: 9", ""
        )
        with contextlib.ExitStack() as stack:
            for _ in range(3):
                address = ("127.0.0.1", site.ports.site)
                connection = stack.enter_context(
                    socket.create_connection(address, source_address=(VIEWER, 0))
                )
                connection.sendall(unfinished.encode() + b"a")

            wait_until(lambda: site.get("/").status == 429, 10, "the limit is reached")

            assert site.get("/").data == b"ERROR TOO MANY calls; send it again in 5 s\n"
            assert site.get("/", source="127.0.0.66").status == 200
        wait_until(lambda: site.get("/").status == 200, 20, "the limit is no longer reached")

    def test_only_the_cdn_can_forward_addresses(self, make_proxied):
        site = make_proxied(
            localips=["^203\\.0\\.113\\.5$"], trackers=1, marks=("cdn",),
            change=[("198.51.100.0/24", "127.0.0.99"), *STRICT_LIMITS],
        )  # fmt: skip

        def page_kind(source, claim):
            response = site.get("/hall", source=source, headers={"X-Forwarded-For": claim})
            assert response.status == 200
            return "player" if b"player.css" in response.data else "room"

        assert page_kind("127.0.0.99", "203.0.113.5") == "room"
        # The CDN appends the viewer's address to a forged header.
        assert page_kind("127.0.0.99", "203.0.113.5, 203.0.113.77") == "player"
        assert page_kind(VIEWER, "203.0.113.5") == "player"

        # Addresses of the same IPv6 network share a limit.
        statuses = [
            site.get("/tracker/streams.js", source="127.0.0.99",
                     headers={"X-Forwarded-For": address}).status
            for address in ("2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:a:b:c:d",
                            "2001:db8:1:3::1")
        ]  # fmt: skip
        assert statuses == [200, 200, 429, 200]

    def test_each_response_has_a_generated_request_id(self, proxied):
        ids = {
            proxied.get(path, headers={"X-Request-Id": "mine"}).headers["X-Request-Id"]
            for path in ("/", "/", "/tracker/streams.js", "/nothing", "/static/site.css")
        }

        assert len(ids) == 5
        assert all(len(id_) == 32 for id_ in ids)


def test_access_log_is_empty_without_the_mark(proxied):
    proxied.get("/hall")
    log = proxied.folder / "nginx/streaming.log"
    before = log.rename(log.with_suffix(".before"))

    # nginx flushes its log buffer when it reopens its logs.
    os.kill(proxied.nginx.process.pid, signal.SIGUSR1)
    wait_until(log.exists, 10, "the log is open again")

    assert before.read_text() == ""


def test_logs_contain_no_address_or_user_agent(make_proxied):
    site = make_proxied(frontends=1, marks=("log",))
    site.get("/hall", source=VENUE, headers={"User-Agent": "a browser of somebody"})
    site.get("/tracker/streams.js", source=VENUE)
    site.request("POST", "/hall", source=VENUE, body=b"", headers={"Content-Length": "999999"})
    response = site.get("/lab", source=VENUE)
    log = site.folder / "nginx/streaming.log"
    deadline = time.monotonic() + 10
    while len(lines := log.read_text().splitlines()) < 4:
        assert time.monotonic() < deadline, lines
        time.sleep(0.1)

    records = [json.loads(line) for line in lines]
    assert [(line["path"], line["status"]) for line in records] == [
        ("/hall", 200),
        ("/tracker/streams.js", 503),
        ("/hall", 413),
        ("/lab", 200),
    ]
    assert records[-1]["id"] == response.headers["X-Request-Id"]
    for file in (site.folder / "nginx").glob("*.log"):
        assert VENUE not in file.read_text()
        assert "somebody" not in file.read_text()
