"""What strangers send, as nginx and the apps behind it take it."""

import json
import os
import signal
import time

import pytest

from .site import FEW, FROM_CACHE, NAME, VENUE, VIEWER, wait_until

SECRET = "s3cret of the proxy"
LOGIN = "/tracker/admin/login"


def head(*lines):
    return "".join(f"{line}\r\n" for line in lines)


class TestNames:
    @pytest.mark.parametrize("name", ["evil.example", "127.0.0.1", "live.example.org.evil.example"])
    def test_another_name_gets_nothing(self, proxied, name):
        assert proxied.raw(head("GET / HTTP/1.1", f"Host: {name}", "")) == ""

    def test_nor_does_one_in_the_request_line_or_none(self, proxied):
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
    def test_a_claimed_name_stands_in_no_page_and_poisons_none(self, proxied, claim):
        path = f"/hall?{next(iter(claim))}"

        claimed = proxied.get(path, headers=claim)
        kept = proxied.get(path)

        assert kept.headers["X-Cache"] in FROM_CACHE
        for answer in (claimed, kept):
            assert answer.status == 200
            assert b"evil" not in answer.data
            assert b"6666" not in answer.data
            assert f"http://{NAME}/".encode() in answer.data

    def test_a_claimed_scheme_is_not_believed(self, proxied):
        answer = proxied.get("/lab?scheme", headers={"X-Forwarded-Proto": "https"})

        assert f"https://{NAME}".encode() not in answer.data

    def test_two_names_are_refused(self, proxied):
        said = proxied.raw(head("GET / HTTP/1.1", f"Host: {NAME}", "Host: evil.example", ""))

        assert said.startswith("HTTP/1.1 400 ")


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
    def test_a_body_of_two_lengths_is_refused_and_nothing_after_it_is_answered(
        self, proxied, headers
    ):
        hidden = head("GET /tracker/metrics HTTP/1.1", f"Host: {NAME}", "")
        for path in ("/", "/tracker/endpoint/register"):
            said = proxied.raw(
                head(f"POST {path} HTTP/1.1", f"Host: {NAME}", *headers, "") + "0\r\n\r\n" + hidden
            )

            assert said.split(" ")[1] in ("400", "501"), said
            assert said.count("HTTP/1.1 ") == 1

    def test_a_broken_line_in_a_header_is_refused_or_dropped(self, proxied):
        for line in ("Transfer-Encoding : chunked", "X: a\rTransfer-Encoding: chunked"):
            said = proxied.raw(
                head("POST / HTTP/1.1", f"Host: {NAME}", line, "Content-Length: 5",
                     "Connection: close", "")
                + "0\r\n\r\n"
            )  # fmt: skip
            # The five bytes are the body, and there is no second answer.
            assert said.count("HTTP/1.1 ") == 1, said
            assert said.split(" ")[1] in ("400", "404", "405"), said

    def test_an_address_cannot_add_a_header(self, proxied):
        for path in (
            "/hall%0d%0aX-Evil:%201",
            "/hall?lang=%0d%0aX-Evil:%201",
            "/x%0d%0aX-Evil:1/y",
        ):
            answer = proxied.get(path)
            assert "X-Evil" not in answer.headers
            assert answer.status in (200, 400, 404)

    def test_a_null_byte_is_refused(self, proxied):
        assert proxied.raw(head("GET /hall%00.css HTTP/1.0", f"Host: {NAME}", "")).startswith(
            "HTTP/1.1 400 "
        )


class TestPaths:
    @pytest.mark.parametrize("folder", ["/static", "/static/0123456789ab", "/theme/0123456789ab",
                                        "/preview", "/brand"])  # fmt: skip
    @pytest.mark.parametrize(
        "way",
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
    def test_no_way_leads_out_of_a_folder(self, proxied, folder, way):
        request = head(f"GET {folder}/{way} HTTP/1.1", f"Host: {NAME}", "Connection: close", "")

        said = proxied.raw(request)

        assert said.split(" ")[1] in ("400", "404"), said[:300]
        assert "root:" not in said
        assert SECRET not in said

    def test_what_lies_in_the_folders_is_there(self, proxied):
        assert proxied.get("/static/site.css").status == 200
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
    def test_they_are_closed_whatever_they_are_called(self, proxied, path):
        request = head(f"GET {path} HTTP/1.1", f"Host: {NAME}", "X-Forwarded-For: 127.0.0.1",
                       "Connection: close", "")  # fmt: skip

        said = proxied.raw(request)

        assert said.split(" ")[1] in ("400", "403", "404"), said[:300]
        assert "streaming_" not in said

    def test_the_machine_itself_has_them(self, proxied):
        answer = proxied.get("/tracker/metrics", source="127.0.0.1")

        assert answer.status == 200
        assert b"streaming_http_requests_total" in answer.data


class TestBodies:
    def test_one_that_is_too_large_is_refused_in_one_line(self, proxied):
        for path, most in (("/tracker/endpoint/logs", 4 << 20), ("/hall", 64 << 10)):
            answer = proxied.request(
                "POST", path, body=b"", headers={"Content-Length": str(most + 1)}
            )
            assert answer.status == 413
            [line] = answer.data.decode().splitlines()
            assert line == "ERROR SIZE the body is larger than this address takes"

    def test_a_head_that_is_too_large_is_refused(self, proxied):
        assert proxied.get("/", headers={"X": "x" * 50_000}).status == 400
        assert proxied.get("/" + "x" * 50_000).status == 414


class TestIdentity:
    def test_a_claimed_address_is_no_new_caller_to_the_tracker(self, make_proxied):
        strict = make_proxied(
            frontends=0, trackers=1, settings=[("app:tracker", "limit.reads", "5/minute")]
        )
        found = [
            strict.get("/tracker/streams.js", headers={"X-Forwarded-For": f"198.51.100.{n}"})
            for n in range(7)
        ]

        assert [answer.status for answer in found] == [200] * 5 + [429] * 2
        # Somebody else is not held up.
        assert strict.get("/tracker/streams.js", source="127.0.0.66").status == 200

    def test_nor_to_nginx(self, make_proxied):
        site = make_proxied(
            frontends=0, trackers=1,
            change=[("rate=1000r/s", "rate=1r/m"), ("burst=2000", "burst=4")],
        )  # fmt: skip
        found = [
            site.get("/tracker/streams.js", headers={"X-Forwarded-For": f"198.51.100.{n}"})
            for n in range(7)
        ]

        assert [answer.status for answer in found] == [200] * 5 + [429] * 2
        assert found[-1].data == b"ERROR TOO MANY calls; send it again in 5 s\n"
        assert found[-1].headers["Retry-After"] == "5"
        assert site.get("/tracker/streams.js", source="127.0.0.66").status == 200

    def test_nor_are_made_up_questions_rendered_without_end(self, make_proxied):
        site = make_proxied(change=[("rate=100r/s", "rate=1r/m"), ("burst=1000", "burst=4")])

        found = [site.get(f"/?{n}") for n in range(7)]

        assert [answer.status for answer in found] == [200] * 5 + [429] * 2
        assert found[-1].data == b"ERROR TOO MANY calls; send it again in 5 s\n"
        # Pages that nobody asks anything of are there, for somebody else all of them.
        assert site.get("/hall").status == 200
        assert site.get("/?7", source="127.0.0.66").status == 200

    def test_pages_and_lists_that_are_in_the_cache_are_limited_too(self, make_proxied):
        site = make_proxied(trackers=1, change=FEW)
        for number, path in enumerate(("/", "/tracker/streams.json", "/tracker/hall/streams.json")):
            found = [site.get(path, source=f"127.0.1.{number + 1}") for _ in range(3)]

            assert (path, [answer.status for answer in found]) == (path, [200, 200, 429])
            assert found[-1].data == b"ERROR TOO MANY calls; send it again in 5 s\n"

    def test_behind_a_cdn_only_the_cdn_is_believed(self, make_proxied):
        site = make_proxied(
            localips=["^203\\.0\\.113\\.5$"], trackers=1, marks=("cdn",),
            change=[("198.51.100.0/24", "127.0.0.99"), *FEW],
        )  # fmt: skip

        def shown(source, claim):
            answer = site.get("/hall", source=source, headers={"X-Forwarded-For": claim})
            assert answer.status == 200
            return "player" if b"player.css" in answer.data else "room"

        assert shown("127.0.0.99", "203.0.113.5") == "room"
        # What the viewer claimed to the CDN stands before what the CDN saw.
        assert shown("127.0.0.99", "203.0.113.5, 203.0.113.77") == "player"
        assert shown(VIEWER, "203.0.113.5") == "player"

        # Of one network of IPv6, all count as one.
        found = [
            site.get("/tracker/streams.js", source="127.0.0.99",
                     headers={"X-Forwarded-For": address}).status
            for address in ("2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:a:b:c:d",
                            "2001:db8:1:3::1")
        ]  # fmt: skip
        assert found == [200, 200, 429, 200]

    def test_every_answer_has_an_id_of_ours(self, proxied):
        ids = {
            proxied.get(path, headers={"X-Request-Id": "mine"}).headers["X-Request-Id"]
            for path in ("/", "/", "/tracker/streams.js", "/nothing", "/static/site.css")
        }

        assert len(ids) == 5
        assert all(len(one) == 32 for one in ids)


def test_without_the_mark_nothing_is_logged(proxied):
    proxied.get("/hall")
    log = proxied.folder / "nginx/streaming.log"
    before = log.rename(log.with_suffix(".before"))

    # nginx writes all lines that it holds back before it opens its logs again.
    os.kill(proxied.nginx.process.pid, signal.SIGUSR1)
    wait_until(log.exists, 10, "the log is open again")

    assert before.read_text() == ""


def test_no_log_holds_an_address(make_proxied):
    site = make_proxied(frontends=1, marks=("log",))
    site.get("/hall", source=VENUE, headers={"User-Agent": "a browser of somebody"})
    site.get("/tracker/streams.js", source=VENUE)
    site.request("POST", "/hall", source=VENUE, body=b"", headers={"Content-Length": "999999"})
    answer = site.get("/lab", source=VENUE)
    log = site.folder / "nginx/streaming.log"
    give_up = time.monotonic() + 10
    while len(lines := log.read_text().splitlines()) < 4:
        assert time.monotonic() < give_up, lines
        time.sleep(0.1)

    shown = [json.loads(line) for line in lines]
    assert [(line["path"], line["status"]) for line in shown] == [
        ("/hall", 200),
        ("/tracker/streams.js", 503),
        ("/hall", 413),
        ("/lab", 200),
    ]
    assert shown[-1]["id"] == answer.headers["X-Request-Id"]
    for file in (site.folder / "nginx").glob("*.log"):
        assert VENUE not in file.read_text()
        assert "somebody" not in file.read_text()
