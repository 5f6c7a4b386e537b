"""The model of an event's viewers, which is a package beside the benchmarks: no servers here."""

import gzip
import json
import re
import socket
import threading
from collections import Counter
from statistics import mean

import pytest

SECOND = 0.5
TOLD = 40


@pytest.fixture(scope="module")
def viewers(script):
    """The package of the simulator, without what starts servers."""
    for part in ("client", "event", "page", "table", "viewer"):
        script(f"viewers.{part}")
    return script("viewers")


class Site:
    """A site that answers at once, and forgets an endpoint some time after its last word."""

    def __init__(self, agenda, forgets_after=25.0):
        self.agenda, self.forgets_after = agenda, forgets_after
        self.seen = {}
        self.asked = []

    def ask(self, kind, path, address, done=None, **more):
        body = json.loads(more["body"]) if more.get("body") else None
        self.asked.append((self.agenda.now, kind, path, address, body))
        if kind == "register":
            _, room, _, name = path.rsplit("/", 3)
            self.seen[name] = (room, self.agenda.now)
        if done:
            done(200, json.dumps(self._answer(kind, path)).encode())

    def _answer(self, kind, path):
        if kind == "report":
            return {"next": TOLD}
        room = path.split("/")[2] if kind == "room list" else ""
        alive = [name for name, (where, at) in self.seen.items()
                 if where == room and self.agenda.now - at < self.forgets_after]  # fmt: skip
        return {"endpoints": [{"name": name, "weight": 10} for name in alive]}

    def of(self, kind):
        return [one for one in self.asked if one[1] == kind]


@pytest.fixture(scope="module")
def played(viewers):
    """An event of 600 viewers, played to its end."""
    event = viewers.event.Event(viewers=600, seconds=120.0)
    agenda = viewers.event.Agenda()
    site = Site(agenda)
    files = {"index": (["/a.css"], []), "room": (["/a.css", "/b.js"], [("/icon", '"1"')])}
    show = viewers.viewer.Show(event, agenda, site.ask, files=files, second=SECOND, token="t")
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

    def test_all_of_them_come_within_the_window(self, event):
        moments = event.arrivals()

        assert len(moments) + event.seated == 20_000
        assert min(moments) >= 0
        assert max(moments) < 90

    def test_most_come_when_a_talk_begins(self, event):
        by_second = Counter(int(moment) for moment in event.arrivals())
        at_talks = mean(by_second[int(talk) + s] for talk in event.talks for s in range(3, 8))
        before = mean(by_second[s] for s in range(4))

        assert len(event.talks) == 2
        assert at_talks > 4 * before

    def test_rooms_and_their_servers_are_shared_unequally(self, event):
        viewers = Counter(event.room() for _ in range(4000))
        servers = Counter(endpoint.room for endpoint in event.endpoints)

        assert viewers["hall"] > 4 * viewers["cellar"]
        assert servers.total() == 60
        assert servers["hall"] > 4 * servers["cellar"] > 0


@pytest.mark.parametrize("second", [1.0, 0.2, 0.1, 0.01])
def test_endpoints_are_heard_of_before_the_tracker_forgets_them(viewers, second):
    every = viewers.viewer.register_every(second)

    assert every <= 10
    assert every / second <= 50


def test_everybody_comes_and_is_watched_for_as_long_as_they_stay(played):
    show, _ = played

    assert show.came == 600
    assert 300 * 60 < show.watched < 600 * 120


def test_a_page_asks_every_five_seconds_or_so_which_rooms_are_live(played):
    _, site = played
    # Another page begins anew, and so asks sooner: those who have their page from before do not.
    came = {address for _, _, _, address, _ in site.of("page")}
    gaps = gaps_of([one for one in site.of("list") if one[3] not in came])

    assert len(gaps) > 1000
    assert all(4 <= round(gap, 6) <= 6 for gap in gaps)


def test_a_player_reports_when_it_was_told_to(played):
    show, site = played
    dead = show.event.dying.name
    usual = [one for one in site.of("report") if one[4]["sta"] == "p" and one[4]["cdn"] != dead]
    gaps = gaps_of(usual)

    assert len(gaps) > 300
    assert all(0.9 * TOLD * SECOND <= round(gap, 6) <= TOLD * SECOND for gap in gaps)


def test_totals_of_a_player_never_fall_and_it_says_goodbye_once(played):
    _, site = played
    totals, goodbyes = {}, Counter()
    for _, _, _, _, body in site.of("report"):
        assert body["played"] >= totals.get(body["sid"], 0)
        totals[body["sid"]] = body["played"]
        goodbyes[body["sid"]] += body["sta"] == "q"

    assert max(goodbyes.values()) == 1
    assert goodbyes.total() > 50


def test_viewers_leave_a_server_that_dies_and_nobody_is_sent_there_again(played):
    show, site = played
    dead = show.event.dying
    told = [(at, body["cdn"]) for at, _, _, _, body in site.of("report")]

    assert show.moved > 3
    assert not dead.viewers
    assert show.gone_at > show.event.dies_at
    assert show.sent_to_the_dead == 0
    assert any(name == dead.name for at, name in told if at < show.event.dies_at)
    # Who played there says so until it has seen that nothing comes.
    assert not [at for at, name in told if name == dead.name and at > show.event.dies_at + 5]


def test_a_list_that_names_the_dead_server_again_is_seen(viewers):
    event = viewers.event.Event(viewers=0, seconds=60.0)
    agenda = viewers.event.Agenda()
    show = viewers.viewer.Show(event, agenda, None, files={}, second=1.0, token="")
    dead, living = event.dying, event.endpoints[1]
    both = json.dumps({"endpoints": [{"name": dead.name}, {"name": living.name}]}).encode()
    dead.alive = False
    agenda.now = 10.0
    show.listed(dead.room, both, 10.0)
    show.listed(dead.room, json.dumps({"endpoints": [{"name": living.name}]}).encode(), 10.0)

    show.listed(dead.room, both, 9.0)
    assert show.sent_to_the_dead == 0, "an answer that was on its way"
    show.listed(dead.room, both, 11.0)
    assert show.sent_to_the_dead == 1


def test_who_is_here_for_the_first_time_fetches_every_file_once(played):
    _, site = played
    by_viewer = {}
    for _, _, path, address, _ in site.of("asset"):
        by_viewer.setdefault(address, []).append(path)

    assert {tuple(sorted(paths)) for paths in by_viewer.values()} <= {
        ("/a.css",), ("/a.css", "/b.js"), ("/icon",)
    }  # fmt: skip
    assert len(by_viewer) > 200


def test_all_open_pages_are_fetched_again_when_talks_change(played):
    show, site = played
    first, second = show.event.talks[:2]
    at = [moment for moment, *_ in site.of("now/next")]

    assert sum(first < moment < first + 6 for moment in at) > 250
    assert not [moment for moment in at if first + 8 < moment < second]


def test_the_files_of_a_page_are_those_that_it_its_scripts_and_its_styles_name(viewers):
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
    kept = {"cache-control": "max-age=31536000", "etag": '"0"'}

    def fetch(path):
        return ({"etag": '"1"'} if path == "/icon" else kept), site[path]

    files, again = viewers.page.files("/", fetch)

    assert sorted(files) == sorted(site.keys() - {"/"})
    assert again == [("/icon", '"1"')]


def test_the_client_reads_answers_that_come_in_pieces_and_asks_again_where_it_was_hung_up(viewers):
    body = gzip.compress(b"a list")
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:9], body[9:]))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    whole = head + chunked + b"0\r\n\r\n"
    got = []

    def serve(listening):
        for pieces in ([whole[:5], whole[5:-9], whole[-9:]], [whole]):
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                for piece in pieces:
                    connection.sendall(piece)
                    assert taken.acquire(timeout=30)

    taken = threading.Semaphore(0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=serve, args=[listening], daemon=True)
        server.start()
        client = viewers.client.Client(listening.getsockname()[1], "live.example.org")
        for _ in range(2):
            client.ask("list", "/x", "10.0.0.1", lambda *told: got.append(told), reads=True)
            while client.busy:
                client.turn(30)
                taken.release()
        server.join()
        client.close()

    assert got == [(200, b"a list")] * 2
    assert not client.errors
    assert len(client.seconds["list"]) == 2


@pytest.mark.parametrize(
    ("costs", "late", "wrong"),
    [
        ([5.0, 4.0, 4.1], 4.0, []),
        ([5.0, 4.0, 4.3], 4.0, ["a viewer costs more of 100 than of 10"]),
        ([5.0], 400.0, ["1 viewers"]),
    ],
)
def test_a_viewer_must_not_cost_more_where_there_are_more(viewers, costs, late, wrong):
    dead = {"sent_there_later": 0, "still_there": 0, "players_by_tracker": 0}
    sizes = [
        {"viewers": 10**power, "errors": {}, "dead_endpoint": dead,
         "client": {"late_ms": {"p99": late}}, viewers.table.CPU: {"sum": cost}}
        for power, cost in enumerate(costs)
    ]  # fmt: skip

    found = viewers.table.complaints(sizes)

    assert [re.sub(":.*", "", line) for line in found] == wrong


def test_the_docs_show_what_was_measured_and_nothing_was_wrong_with_it(root, viewers):
    sizes = json.loads((root / "benchmarks/viewers.json").read_text())["sizes"]
    shown = (root / "docs/performance.md").read_text()

    assert [one["viewers"] for one in sizes] == [1_000, 10_000, 100_000]
    assert viewers.table.complaints(sizes) == []
    assert viewers.table.written_into(shown, sizes) == shown, "make bench-viewers renews it"


def gaps_of(asked):
    """Return the seconds between what each viewer has asked and asked next."""
    before, gaps = {}, []
    for at, _, _, address, _ in asked:
        if address in before:
            gaps.append(at - before[address])
        before[address] = at
    return gaps
