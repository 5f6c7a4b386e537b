"""Memory that strangers fill: the caches of a worker, each filled from outside."""

import itertools
import os
import re
from pathlib import Path

import pytest
import urllib3
from functional.proxy.site import NAME

MAX_GROWTH_BYTES = 32 * 2**20
REQUESTS = 1500
# What nginx accepts in a line of a request, with a little left for the rest of the line.
LONG = 7800
# Of waitress, for clients that reach a worker without nginx.
MAX_HEADER_BYTES = 38_000


def filler(number, length):
    """Return a text of some length that no other number has."""
    return f"{number}-{os.urandom(16).hex()}".ljust(length, "x")


def path_request(template, length=LONG):
    return lambda number: (template.format(filler(number, length)), {})


def header_request(path, name, template="{}", length=LONG):
    return lambda number: (path, {name: template.format(filler(number, length))})


FRONTEND = {
    "query of a small file": path_request("/robots.txt?{}"),
    "unknown parameter": path_request("/schedule?x={}"),
    "language": path_request("/?lang={}"),
    "version of a catalogue": path_request("/words/de.json?v={}"),
    "search": lambda number: (f"/schedule?q={filler(number, 200)}", {}),
    "short search": lambda number: (f"/schedule?q={number}", {}),
    "day": lambda number: (f"/schedule?day={2100 + number // 365}-01-{1 + number % 28:02}", {}),
    "time": lambda number: (f"/hall/json?delta={number}", {}),
    "address of a room": path_request(f"/oembed?url=http://{NAME}/hall?{{}}"),
    "path": lambda number: (f"/{filler(number, 1000)}", {}),
    "long path": path_request("/{}"),
    "file": lambda number: (f"/static/{filler(number, 1000)}", {}),
    "If-None-Match": header_request("/robots.txt", "If-None-Match", '"{}"'),
    "Accept-Encoding": header_request("/schedule", "Accept-Encoding", "gzip, {}"),
    "Accept-Language": header_request("/", "Accept-Language", "de, {}"),
    "Accept-Language of one word": header_request("/", "Accept-Language"),
    "Origin": header_request("/hall/json", "Origin", "https://{}"),
    "host": lambda number: ("/schedule?day=all", {"Host": filler(number, 1000)}),
    "host of exports": lambda number: ("/schedule.xml", {"Host": filler(number, 250)}),
    "request id": header_request("/hall/json", "X-Request-ID"),
    "longest query": path_request("/robots.txt?{}", MAX_HEADER_BYTES),
    "longest header": header_request("/robots.txt", "If-None-Match", '"{}"', MAX_HEADER_BYTES),
}
TRACKER = {
    "query of the list": path_request("/tracker/streams.json?{}"),
    "id of a change": path_request("/tracker/streams.json?told={}"),
    "region": path_request("/tracker/hall/streams.json?region={}"),
    "range of a graph": path_request("/tracker/overall-stats.json?x={}"),
    "path": lambda number: (f"/tracker/{filler(number, 1000)}", {}),
    "path of the API": lambda number: (f"/tracker/api/v1/{filler(number, 1000)}", {}),
    "If-None-Match": header_request("/tracker/streams.json", "If-None-Match", '"{}"'),
    "Accept-Encoding": header_request("/tracker/streams.json", "Accept-Encoding", "gzip, {}"),
    "Origin": header_request("/tracker/streams.json", "Origin", "https://{}"),
    "token": header_request("/tracker/api/v1/tokens", "Authorization", "Bearer {}"),
    "longest query": path_request("/tracker/streams.json?{}", MAX_HEADER_BYTES),
}


def memory(process):
    """Return the resident memory of a process in bytes."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024


def send(target, app, requests):
    """Send requests to a worker, past nginx, which would refuse some."""
    [(_, port)] = [worker for worker in target.workers if worker[0] == app]
    with urllib3.HTTPConnectionPool("127.0.0.1", port, retries=False, timeout=60) as pool:
        for path, headers in requests:
            response = pool.request("GET", path, headers={"Host": NAME, **headers}, redirect=False)
            assert response.status < 500, (response.status, response.data[:200])
    return target.workers[app, port].process


# The others take minutes: `make test-exhaustive`.
USUAL = {"longest query", "longest header"}


@pytest.mark.parametrize(
    ("app", "name"),
    [
        pytest.param(app, name, marks=() if name in USUAL else pytest.mark.exhaustive)
        for app, requests in (("frontend", FRONTEND), ("tracker", TRACKER))
        for name in requests
    ],
)
def test_texts_of_clients_fill_a_bounded_memory(target, app, name):
    request_of = {"frontend": FRONTEND, "tracker": TRACKER}[app][name]
    numbers = itertools.count()
    # Code, templates and buffers are loaded.
    process = send(target, app, (request_of(next(numbers)) for _ in range(50)))
    before = memory(process)

    send(target, app, (request_of(next(numbers)) for _ in range(REQUESTS)))

    assert memory(process) - before <= MAX_GROWTH_BYTES
