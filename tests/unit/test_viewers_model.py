"""The simulation of an event's viewers (benchmarks/viewers), without servers."""

import gzip
import json
import re
import socket
import threading
from collections import Counter
from statistics import mean

import pytest

SECOND = 0.5
REPORT_INTERVAL = 40


@pytest.fixture(scope="module")
def viewers(script):
    """The package of the simulator, without the module that starts servers."""
    for part in ("client", "event", "intervals", "page", "running_event", "table"):
        script(f"viewers.{part}")
    return script("viewers")


class Site:
    """A fake site that responds at once, and expires endpoints."""

    def __init__(self, agenda, endpoint_ttl=25.0):
        self.agenda, self.endpoint_ttl = agenda, endpoint_ttl
        self.endpoints = {}
        self.requests = []

    def send(self, kind, path, address, done=None, **options):
        body = json.loads(options["body"]) if options.get("body") else None
        self.requests.append((self.agenda.now, kind, path, address, body))
        if kind == "register":
            _, room, _, name = path.rsplit("/", 3)
            self.endpoints[name] = (room, self.agenda.now)
        if done:
            done(200, json.dumps(self._response(kind, path)).encode())

    def _response(self, kind, path):
        if kind == "report":
            return {"next": REPORT_INTERVAL}
        room = path.split("/")[2] if kind == "room list" else ""
        alive = [name for name, (registered, at) in self.endpoints.items()
                 if registered == room and self.agenda.now - at < self.endpoint_ttl]  # fmt: skip
        return {"endpoints": [{"name": name, "weight": 10} for name in alive]}

    def of(self, kind):
        return [request for request in self.requests if request[1] == kind]


@pytest.fixture(scope="module")
def finished_event(viewers):
    """A complete event with 600 viewers."""
    event = viewers.event.Event(viewers=600, seconds=120.0)
    agenda = viewers.event.Agenda()
    site = Site(agenda)
    files = {"index": (["/a.css"], []), "room": (["/a.css", "/b.js"], [("/icon", '"1"')])}
    show = viewers.running_event.RunningEvent(
        event, agenda, site.send, files=files, second=SECOND, token="t"
    )
    for endpoint in event.endpoints:
        show.register(endpoint, lambda *_: None)
    show.begin()
    agenda.run(event.seconds)
    show.end()
    return show, site


class TestArrivals:
    @pytest.fixture
    def event(self, viewers):
        return viewers.event.Event(viewers=20_000, seconds=90.0)

    def test_all_viewers_arrive_within_the_window(self, event):
        moments = event.arrivals()

        assert len(moments) + event.seated == 20_000
        assert min(moments) >= 0
        assert max(moments) < 90

    def test_most_viewers_arrive_when_a_talk_starts(self, event):
        by_second = Counter(int(moment) for moment in event.arrivals())
        at_talks = mean(by_second[int(talk) + s] for talk in event.talks for s in range(3, 8))
        before = mean(by_second[s] for s in range(4))

        assert len(event.talks) == 2
        assert at_talks > 4 * before

    def test_rooms_have_unequal_viewers_and_endpoints(self, event):
        viewers = Counter(event.room() for _ in range(4000))
        servers = Counter(endpoint.room for endpoint in event.endpoints)

        assert viewers["hall"] > 4 * viewers["cellar"]
        assert servers.total() == 60
        assert servers["hall"] > 4 * servers["cellar"] > 0


@pytest.mark.parametrize("second", [1.0, 0.2, 0.1, 0.01])
def test_endpoints_report_before_the_tracker_expires_them(viewers, second):
    interval = viewers.intervals.register_interval(second)

    assert interval <= 10
    assert interval / second <= 50


def test_viewing_time_of_all_viewers_is_counted(finished_event):
    show, _ = finished_event

    assert show.came == 600
    assert 300 * 60 < show.watched < 600 * 120


def test_page_polls_live_rooms_about_every_five_seconds(finished_event):
    _, site = finished_event
    # A new page polls at once; seated viewers keep their page.
    arrived = {address for _, _, _, address, _ in site.of("page")}
    gaps = gaps_of([request for request in site.of("list") if request[3] not in arrived])

    assert len(gaps) > 1000
    assert all(4 <= round(gap, 6) <= 6 for gap in gaps)


def test_player_reports_in_the_interval_of_the_tracker(finished_event):
    show, site = finished_event
    dead = show.event.dying.name
    reports = [
        request
        for request in site.of("report")
        if request[4]["sta"] == "p" and request[4]["cdn"] != dead
    ]
    gaps = gaps_of(reports)

    assert len(gaps) > 300
    assert all(
        0.9 * REPORT_INTERVAL * SECOND <= round(gap, 6) <= REPORT_INTERVAL * SECOND for gap in gaps
    )


def test_player_totals_never_decrease_and_it_sends_one_end_report(finished_event):
    _, site = finished_event
    totals, end_reports = {}, Counter()
    for _, _, _, _, body in site.of("report"):
        assert body["played"] >= totals.get(body["sid"], 0)
        totals[body["sid"]] = body["played"]
        end_reports[body["sid"]] += body["sta"] == "q"

    assert max(end_reports.values()) == 1
    assert end_reports.total() > 50


def test_viewers_leave_a_dead_endpoint_for_good(finished_event):
    show, site = finished_event
    dead = show.event.dying
    reports = [(at, body["cdn"]) for at, _, _, _, body in site.of("report")]

    assert show.moved > 3
    assert not dead.viewers
    assert show.gone_at > show.event.dies_at
    assert show.assigned_to_dead == 0
    assert any(name == dead.name for at, name in reports if at < show.event.dies_at)
    # Its players report it until their data timeout.
    assert not [at for at, name in reports if name == dead.name and at > show.event.dies_at + 5]


def test_list_with_a_dead_endpoint_is_counted(viewers):
    event = viewers.event.Event(viewers=0, seconds=60.0)
    agenda = viewers.event.Agenda()
    show = viewers.running_event.RunningEvent(event, agenda, None, files={}, second=1.0, token="")
    dead, living = event.dying, event.endpoints[1]
    both = json.dumps({"endpoints": [{"name": dead.name}, {"name": living.name}]}).encode()
    dead.alive = False
    agenda.now = 10.0
    show.parse_list(dead.room, both, 10.0)
    show.parse_list(dead.room, json.dumps({"endpoints": [{"name": living.name}]}).encode(), 10.0)

    show.parse_list(dead.room, both, 9.0)
    assert show.assigned_to_dead == 0, "the request was sent earlier"
    show.parse_list(dead.room, both, 11.0)
    assert show.assigned_to_dead == 1


def test_first_visit_fetches_every_file_once(finished_event):
    _, site = finished_event
    by_viewer = {}
    for _, _, path, address, _ in site.of("asset"):
        by_viewer.setdefault(address, []).append(path)

    assert {tuple(sorted(paths)) for paths in by_viewer.values()} <= {
        ("/a.css",), ("/a.css", "/b.js"), ("/icon",)
    }  # fmt: skip
    assert len(by_viewer) > 200


def test_open_pages_are_fetched_again_when_talks_change(finished_event):
    show, site = finished_event
    first, second = show.event.talks[:2]
    at = [moment for moment, *_ in site.of("now/next")]

    assert sum(first < moment < first + 6 for moment in at) > 250
    assert not [moment for moment in at if first + 8 < moment < second]


def test_files_of_a_page_are_found_in_html_scripts_and_styles(viewers):
    site = {
        "/": '<link rel="stylesheet" href="/s/a.css"><script type="module" src="/s/a.js"></script>'
        '<img src="https://elsewhere/x.png"><body data-worker="/sw.js">',
        "/s/a.css": "body { background: url(b.png) }",
        "/s/a.js": 'import { x } from "./c.js";\nimport("./later.js");',
        "/s/c.js": 'export const y = 1;\nexport { z } from "../s/d.js";',
        "/s/d.js": "",
        "/s/b.png": "",
        "/sw.js": 'const SITE = {"offline": "/offline", "files": ["/s/d.js"]};\nfetch();',
        "/offline": '<link rel="icon" href="/icon">',
        "/icon": "",
    }
    immutable = {"cache-control": "max-age=31536000", "etag": '"0"'}

    def fetch(path):
        return ({"etag": '"1"'} if path == "/icon" else immutable), site[path]

    files, revalidated = viewers.page.page_files("/", fetch)

    assert sorted(files) == sorted(site.keys() - {"/"})
    assert revalidated == [("/icon", '"1"')]


def test_client_reads_chunked_responses_and_retries_on_a_closed_connection(viewers):
    body = gzip.compress(b"a list")
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:9], body[9:]))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    response = head + chunked + b"0\r\n\r\n"
    results = []

    def serve(listening):
        for pieces in ([response[:5], response[5:-9], response[-9:]], [response]):
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                for piece in pieces:
                    connection.sendall(piece)
                    assert received.acquire(timeout=30)

    received = threading.Semaphore(0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=serve, args=[listening], daemon=True)
        server.start()
        client = viewers.client.Client(listening.getsockname()[1], "live.example.org")
        for _ in range(2):
            client.send(
                "list", "/x", "10.0.0.1", lambda *result: results.append(result), reads=True
            )
            while client.busy:
                client.poll(30)
                received.release()
        server.join()
        client.close()

    assert results == [(200, b"a list")] * 2
    assert not client.errors
    assert len(client.seconds["list"]) == 2


@pytest.mark.parametrize(
    ("costs", "late", "problems"),
    [
        ([5.0, 4.0, 4.1], 4.0, []),
        ([5.0, 4.0, 4.3], 4.0, ["a viewer costs more among 100 than among 10"]),
        ([5.0], 400.0, ["1 viewers"]),
    ],
)
def test_cost_of_a_viewer_must_not_grow_with_the_size(viewers, costs, late, problems):
    dead = {"sent_there_later": 0, "still_there": 0, "players_by_tracker": 0}
    sizes = [
        {"viewers": 10**power, "errors": {}, "dead_endpoint": dead,
         "client": {"late_ms": {"p99": late}}, viewers.table.CPU: {"sum": cost}}
        for power, cost in enumerate(costs)
    ]  # fmt: skip

    lines = viewers.table.find_problems(sizes)

    assert [re.sub(":.*", "", line) for line in lines] == problems


def test_docs_contain_the_committed_results_without_problems(root, viewers):
    sizes = json.loads((root / "benchmarks/viewers.json").read_text())["sizes"]
    text = (root / "docs/explanation/performance.md").read_text()

    assert [size["viewers"] for size in sizes] == [1_000, 10_000, 100_000]
    assert viewers.table.find_problems(sizes) == []
    assert viewers.table.update_document(text, sizes) == text, "run make bench-viewers"


def gaps_of(requests):
    """Return the seconds between consecutive requests of each viewer."""
    before, gaps = {}, []
    for at, _, _, address, _ in requests:
        if address in before:
            gaps.append(at - before[address])
        before[address] = at
    return gaps
