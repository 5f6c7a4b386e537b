"""Who a stranger claims to be, where a stranger wants others to be led, and lines in lines."""

import json
import re
import time

import pytest
import urllib3
from functional.proxy.site import NAME, VENUE, VIEWER

from .conftest import SECRET, read_line

ADDRESS = "203.0.113.66"
CLAIMS = {
    "X-Forwarded-For": ADDRESS, "X_Forwarded_For": ADDRESS, "X-Real-IP": ADDRESS,
    "Forwarded": f"for={ADDRESS}", "Remote-Addr": ADDRESS, "REMOTE_ADDR": ADDRESS,
    "Client-IP": ADDRESS, "True-Client-IP": ADDRESS, "CF-Connecting-IP": ADDRESS,
}  # fmt: skip


def registered(target):
    rooms = json.loads(target.get("/tracker/streams.json").data)["rooms"]
    return {endpoint["ip"] for room in rooms.values() for endpoint in room["endpoints"]}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_server_is_registered_by_the_address_that_it_has(target, name):
    """With the secret, too: else a leaked one would send all viewers to any address."""
    fields = {"secret": SECRET, "group": "hall", "data": "{}", "REMOTE_ADDR": ADDRESS}

    answer = target.request(
        "POST", "/tracker/endpoint/register", fields=fields, headers={name: CLAIMS[name]}
    )

    assert answer.data == b"OK\n"
    assert registered(target) == {VIEWER}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_worker_believes_no_claim_but_of_this_machine(target, name):
    """Nothing else of 127/8 is nginx; a worker that was opened to the network would see others."""
    found = target.get("/hall", port=target.ports.frontend[0], headers={name: VENUE})

    assert found.status == 200
    assert b"player.css" in found.data


def test_of_several_claims_in_a_chain_none_is_believed(target):
    said = target.raw(
        f"GET /hall HTTP/1.1\r\nHost: {NAME}\r\nX-Forwarded-For: {VENUE}\r\n"
        f"X-Forwarded-For: {VENUE}, {VENUE}\r\nForwarded: for={VENUE}\r\nConnection: close\r\n\r\n"
    )

    assert said.startswith("HTTP/1.1 200 ")
    assert "player.css" in said


ELSEWHERE = ("//evil.example", "/\\evil.example", "/%5cevil.example", "/%2f%2fevil.example",
             "///evil.example/..", "/https:evil.example", "https://evil.example")  # fmt: skip
# Whatever leads on does so by one of these, on one site or another.
NAMES = "next url return return_to redirect redirect_uri to from room template lang region host"


@pytest.mark.parametrize("place", ELSEWHERE)
def test_no_address_of_ours_leads_to_another_site(target, place):
    query = "&".join(f"{name}={place}" for name in NAMES.split())
    paths = [place, f"{place}/", f"{place}/admin", f"/tracker{place}", f"/hall{place}",
             *(f"{path}?{query}" for path in (
                 "/", "/hall", "/hall/", "/schedule", "/streams", "/tracker/", "/tracker/admin",
                 "/tracker/admin/tokens", "/tracker/admin/login", "/tracker/hall/log",
                 "/tracker/hall/stream.js", "/tracker/hall/streams.json"))]  # fmt: skip
    led = 0
    for path in paths:
        said = target.raw(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n")
        for where in re.findall(
            r"(?im)^(?:location|refresh):\s*(.*?)\r$", said.split("\r\n\r\n")[0]
        ):
            led += 1
            # Either below this site, or a question alone.
            assert re.match(rf"http://{NAME}/(?![/\\])|/(?![/\\])|\?", where), (path, where)
    assert led >= 2


BREAKS = ("%0d%0a", "%0a", "%0d", "%E5%98%8A%E5%98%8D", "%E2%80%A8", "%C2%85", "%00%0a")


@pytest.mark.parametrize("line_break", BREAKS)
def test_a_line_break_in_an_address_adds_no_header_and_no_line_of_log(target, line_break):
    forged = f'{line_break}{{"level":"ERROR","message":"forged-{line_break.strip("%")[:2]}"}}'
    before = {program: len(program.said) for program in target.workers.values()}
    paths = [f"/hall{forged}", f"/{forged}", f"/tracker/hall{forged}/log", f"/preview/{forged}.jpg",
             f"/static/{forged}", f"/hall?lang={forged}", f"/schedule?q={forged}&day={forged}",
             f"/tracker/admin/login?next=/admin{forged}", f"/tracker/endpoint{forged}"]  # fmt: skip
    for path in paths:
        path = path.replace('"', "%22").replace("{", "%7b").replace("}", "%7d")
        said = target.raw(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n")

        assert re.match(r"HTTP/1.1 (200|303|302|400|404) ", said), said[:300]
        assert "forged" not in said.split("\r\n\r\n")[0].replace("%22forged", "")

    # nginx writes within a second.
    log, give_up = target.folder / "nginx/streaming.log", time.monotonic() + 30
    last = f"/last-{BREAKS.index(line_break)}-of-line-breaks"
    target.get(last)
    while last not in (written := log.read_text(errors="replace")):
        assert time.monotonic() < give_up
        time.sleep(0.1)
    workers = "".join(program.said[before[program] :] for program in target.workers.values())
    for line in (written + workers).split("\n"):
        assert line == "" or line.startswith(("{", "Starting server")), line
        told = read_line(line)
        assert "forged" not in str(told.get("message", "")).split(" ")[0]
        assert told.get("level") != "ERROR", line


@pytest.mark.parametrize("field", ["group", "data", "secret", "REMOTE_ADDR", "name"])
def test_nor_does_one_in_a_report(target, field):
    fields = {"secret": SECRET, "group": "hall", "data": "{}"} | {
        field: 'x\r\nX-Forged: 1\r\n\r\n{"level": "forged"}\nforged'
    }

    answer = target.request("POST", "/tracker/endpoint/register", fields=fields)

    assert "X-Forged" not in answer.headers
    assert len(answer.data.splitlines()) == 1
    assert not [
        line for line in target.logs().splitlines() if line.startswith(("forged", '{"level": "f'))
    ]


@pytest.mark.parametrize("name", ["User-Agent", "Referer", "X-Request-Id", "Accept-Language"])
def test_nor_one_in_a_header(target, name):
    for value in ("a\rX-Forged: 1", "a\n b", "\x1b[31mred", "a\x85b", "\u2028"):
        said = target.raw(
            f"GET /hall HTTP/1.1\r\nHost: {NAME}\r\n{name}: ".encode().decode("latin-1")
            + value.encode().decode("latin-1") + "\r\nConnection: close\r\n\r\n"
        )  # fmt: skip

        head = said.split("\r\n\r\n")[0]
        assert re.match(r"HTTP/1.1 (200|400) ", head), head
        assert "Forged" not in head
    assert "\x1b" not in target.logs()


def test_a_worker_that_is_asked_for_another_name_is_behind_nginx(target):
    """nginx answers for one name; what stands in pages comes from it and from nothing else."""
    with urllib3.HTTPConnectionPool("127.0.0.1", target.ports.site, retries=False) as pool:
        for name in (f"{NAME}@evil.example", f"{NAME}#.evil.example", f"evil.example/{NAME}",
                     f"{NAME},evil.example", f"{NAME} evil.example"):  # fmt: skip
            try:
                answer = pool.request("GET", "/hall", headers={"Host": name}, timeout=20)
            except urllib3.exceptions.HTTPError:
                # It hung up without an answer.
                continue
            assert answer.status == 400, name
            assert b"evil" not in answer.data
    for port in ("", ":80", ":8080", ":evil"):
        said = target.raw(f"GET /hall HTTP/1.1\r\nHost: {NAME}{port}\r\nConnection: close\r\n\r\n")
        assert "evil" not in said
        assert said.startswith("HTTP/1.1 400 ") or f'"http://{NAME}/hall"' in said
