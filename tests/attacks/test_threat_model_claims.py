"""Forged addresses, host names and redirects, and injected lines."""

import json
import re
import time

import pytest
import urllib3
from functional.proxy.site import NAME, VENUE, VIEWER

from .conftest import SECRET, parse_line

ADDRESS = "203.0.113.66"
CLAIMS = {
    "X-Forwarded-For": ADDRESS, "X_Forwarded_For": ADDRESS, "X-Real-IP": ADDRESS,
    "Forwarded": f"for={ADDRESS}", "Remote-Addr": ADDRESS, "REMOTE_ADDR": ADDRESS,
    "Client-IP": ADDRESS, "True-Client-IP": ADDRESS, "CF-Connecting-IP": ADDRESS,
}  # fmt: skip


def registered_addresses(target):
    rooms = json.loads(target.get("/tracker/streams.json").data)["rooms"]
    return {endpoint["ip"] for room in rooms.values() for endpoint in room["endpoints"]}


@pytest.mark.parametrize("name", CLAIMS)
def test_endpoint_is_registered_by_the_address_of_its_connection(target, name):
    """The secret does not help: a leaked one must not redirect viewers to any address."""
    fields = {"secret": SECRET, "group": "hall", "data": "{}", "REMOTE_ADDR": ADDRESS}

    response = target.request(
        "POST", "/tracker/endpoint/register", fields=fields, headers={name: CLAIMS[name]}
    )

    assert response.data == b"OK\n"
    assert registered_addresses(target) == {VIEWER}


@pytest.mark.parametrize("name", CLAIMS)
def test_worker_ignores_forwarding_headers_of_other_addresses(target, name):
    """Only nginx's own address is trusted, even if a worker listens on the network."""
    response = target.get("/hall", port=target.ports.frontend[0], headers={name: VENUE})

    assert response.status == 200
    assert b"player.css" in response.data


def test_forwarding_chain_of_a_client_is_ignored(target):
    response = target.raw(
        f"GET /hall HTTP/1.1\r\nHost: {NAME}\r\nX-Forwarded-For: {VENUE}\r\n"
        f"X-Forwarded-For: {VENUE}, {VENUE}\r\nForwarded: for={VENUE}\r\nConnection: close\r\n\r\n"
    )

    assert response.startswith("HTTP/1.1 200 ")
    assert "player.css" in response


OTHER_SITES = ("//evil.example", "/\\evil.example", "/%5cevil.example", "/%2f%2fevil.example",
             "///evil.example/..", "/https:evil.example", "https://evil.example")  # fmt: skip
# Common names of redirect parameters.
PARAMETERS = (
    "next url return return_to redirect redirect_uri to from room template lang region host"
)


@pytest.mark.parametrize("destination", OTHER_SITES)
def test_no_url_redirects_to_another_site(target, destination):
    query = "&".join(f"{name}={destination}" for name in PARAMETERS.split())
    paths = [destination, f"{destination}/", f"{destination}/admin",
             f"/tracker{destination}", f"/hall{destination}",
             *(f"{path}?{query}" for path in (
                 "/", "/hall", "/hall/", "/schedule", "/streams", "/tracker/", "/tracker/admin",
                 "/tracker/admin/tokens", "/tracker/admin/login", "/tracker/hall/log",
                 "/tracker/hall/stream.js", "/tracker/hall/streams.json"))]  # fmt: skip
    redirects = 0
    for path in paths:
        response = target.raw(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n")
        for location in re.findall(
            r"(?im)^(?:location|refresh):\s*(.*?)\r$", response.split("\r\n\r\n")[0]
        ):
            redirects += 1
            # A path of this site, or only a query.
            assert re.match(rf"http://{NAME}/(?![/\\])|/(?![/\\])|\?", location), (path, location)
    assert redirects >= 2


LINE_BREAKS = ("%0d%0a", "%0a", "%0d", "%E5%98%8A%E5%98%8D", "%E2%80%A8", "%C2%85", "%00%0a")


@pytest.mark.parametrize("line_break", LINE_BREAKS)
def test_line_break_in_a_url_injects_no_header_or_log_line(target, line_break):
    forged = f'{line_break}{{"level":"ERROR","message":"forged-{line_break.strip("%")[:2]}"}}'
    before = {program: len(program.output) for program in target.workers.values()}
    paths = [f"/hall{forged}", f"/{forged}", f"/tracker/hall{forged}/log", f"/preview/{forged}.jpg",
             f"/static/{forged}", f"/hall?lang={forged}", f"/schedule?q={forged}&day={forged}",
             f"/tracker/admin/login?next=/admin{forged}", f"/tracker/endpoint{forged}"]  # fmt: skip
    for path in paths:
        path = path.replace('"', "%22").replace("{", "%7b").replace("}", "%7d")
        response = target.raw(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n")

        assert re.match(r"HTTP/1.1 (200|303|302|400|404) ", response), response[:300]
        assert "forged" not in response.split("\r\n\r\n")[0].replace("%22forged", "")

    # nginx flushes its log within a second.
    log, deadline = target.folder / "nginx/streaming.log", time.monotonic() + 30
    last = f"/last-{LINE_BREAKS.index(line_break)}-of-line-breaks"
    target.get(last)
    while last not in (written := log.read_text(errors="replace")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    workers = "".join(program.output[before[program] :] for program in target.workers.values())
    for line in (written + workers).split("\n"):
        assert line == "" or line.startswith(("{", "Starting server")), line
        record = parse_line(line)
        assert "forged" not in str(record.get("message", "")).split(" ")[0]
        assert record.get("level") != "ERROR", line


@pytest.mark.parametrize("field", ["group", "data", "secret", "REMOTE_ADDR", "name"])
def test_line_break_in_a_report_injects_no_header_or_log_line(target, field):
    fields = {"secret": SECRET, "group": "hall", "data": "{}"} | {
        field: 'x\r\nX-Forged: 1\r\n\r\n{"level": "forged"}\nforged'
    }

    response = target.request("POST", "/tracker/endpoint/register", fields=fields)

    assert "X-Forged" not in response.headers
    assert len(response.data.splitlines()) == 1
    assert not [
        line for line in target.logs().splitlines() if line.startswith(("forged", '{"level": "f'))
    ]


@pytest.mark.parametrize("name", ["User-Agent", "Referer", "X-Request-Id", "Accept-Language"])
def test_control_characters_in_a_header_inject_nothing(target, name):
    for value in ("a\rX-Forged: 1", "a\n b", "\x1b[31mred", "a\x85b", "\u2028"):
        response = target.raw(
            f"GET /hall HTTP/1.1\r\nHost: {NAME}\r\n{name}: ".encode().decode("latin-1")
            + value.encode().decode("latin-1") + "\r\nConnection: close\r\n\r\n"
        )  # fmt: skip

        head = response.split("\r\n\r\n")[0]
        assert re.match(r"HTTP/1.1 (200|400) ", head), head
        assert "Forged" not in head
    assert "\x1b" not in target.logs()


def test_nginx_refuses_malformed_host_names(target):
    """The host name in pages is the configured one."""
    with urllib3.HTTPConnectionPool("127.0.0.1", target.ports.site, retries=False) as pool:
        for name in (f"{NAME}@evil.example", f"{NAME}#.evil.example", f"evil.example/{NAME}",
                     f"{NAME},evil.example", f"{NAME} evil.example"):  # fmt: skip
            try:
                response = pool.request("GET", "/hall", headers={"Host": name}, timeout=20)
            except urllib3.exceptions.HTTPError:
                # nginx closed the connection.
                continue
            assert response.status == 400, name
            assert b"evil" not in response.data
    for port in ("", ":80", ":8080", ":evil"):
        response = target.raw(
            f"GET /hall HTTP/1.1\r\nHost: {NAME}{port}\r\nConnection: close\r\n\r\n"
        )
        assert "evil" not in response
        origin = NAME if port in ("", ":80") else f"{NAME}{port}"
        assert response.startswith("HTTP/1.1 400 ") or f'"http://{origin}/hall"' in response
