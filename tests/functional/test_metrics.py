"""What Prometheus is told."""

import json
import re
import urllib.request
import uuid

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.orm import Session
from webob import Request

from streaming_system import tracker as tracker_app
from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.incidents.detector import INCIDENT_TYPES
from streaming_system.tracker.models import Endpoint, IncidentRecord

from .conftest import SECRET
from .served import Served

PLAYBACK = "/api/v1/rooms/hall/playback"


class Told:
    """Metrics as text, to be asked by name and labels."""

    def __init__(self, text):
        self.families = list(text_string_to_metric_families(text))

    def __call__(self, name, **labels):
        """Return the value of a sample, or ``None`` if there is none."""
        return self.all(name).get(frozenset(labels.items()))

    def all(self, name):
        """Return the values of all samples of a name, by their labels."""
        return {
            frozenset(sample.labels.items()): sample.value
            for family in self.families
            for sample in family.samples
            if sample.name == f"streaming_{name}"
        }


@pytest.fixture
def told(tracker):
    return lambda: Told(tracker.get("/metrics").text)


def register(tracker, room="hall", **figures):
    fields = {"secret": SECRET, "group": room, "data": json.dumps(figures)}
    return tracker.post("/endpoint/register", fields)


def play(tracker):
    tracker.post_json(PLAYBACK, {"sid": str(uuid.uuid4())})


def test_the_answer_is_what_prometheus_reads(tracker):
    answer = tracker.get("/metrics")

    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "max-age=0" in answer.headers["Cache-Control"]
    assert re.search(r'^streaming_build_info\{version="[^"]+"\} 1\.0$', answer.text, re.MULTILINE)


def test_every_room_is_there_from_the_start(told):
    told = told()

    for room in ("hall", "lab", "tube"):
        for state in ("alive", "draining", "silent"):
            assert told("endpoints", room=room, state=state) == 0
        for kind in ("players", "others"):
            assert told("viewers", room=room, kind=kind) == 0
        assert told("endpoint_clients", room=room) == 0
        assert told("endpoint_bitrate_bits", room=room) == 0
    assert told.all("incidents") == {frozenset({("kind", kind)}): 0 for kind in INCIDENT_TYPES}


def test_a_stream_and_its_viewers_are_counted(tracker, told):
    register(tracker, overall_clients=12, overall_bitrate=9_600_000)
    play(tracker)
    told = told()

    assert told("endpoints", room="hall", state="alive") == 1
    assert told("endpoint_clients", room="hall") == 12
    assert told("endpoint_bitrate_bits", room="hall") == 9_600_000
    # The player does not know its server, so that it cannot be taken off the server's clients.
    assert told("viewers", room="hall", kind="players") == 1
    assert told("viewers", room="hall", kind="others") == 12
    assert told("endpoint_clients", room="lab") == 0


def test_gauges_fall_to_zero_when_a_stream_falls_silent(tracker, told, at):
    register(tracker, overall_clients=12, overall_bitrate=9_600_000)
    at(seconds=61)
    now = told()

    assert now("endpoints", room="hall", state="alive") == 0
    assert now("endpoints", room="hall", state="silent") == 1
    assert now("endpoint_clients", room="hall") == 0
    assert now("endpoint_bitrate_bits", room="hall") == 0
    at(minutes=61)
    assert told()("endpoints", room="hall", state="silent") == 0


@pytest.mark.parametrize("flag", ["draining", "drained"])
def test_a_server_that_takes_no_new_viewers_still_streams(tracker, told, database, flag):
    register(tracker, overall_clients=12)
    engine = make_engine({"sqlalchemy.url": database})
    with Session(engine) as db, db.begin():
        db.execute(sa.update(Endpoint).values({flag: True}))
    engine.dispose()
    told = told()

    assert told("endpoints", room="hall", state="alive") == 0
    assert told("endpoints", room="hall", state="draining") == 1
    assert told("endpoint_clients", room="hall") == 12


def test_what_is_wrong_is_looked_for(tracker, told, at, rows):
    register(tracker)
    at(seconds=61)

    assert told()("incidents", kind="silent-encoder") == 1
    assert [row["kind"] for row in rows(IncidentRecord)] == ["silent-encoder"]
    assert told()("incidents", kind="silent-encoder") == 1


def test_requests_are_counted_by_route_method_and_class_of_status(tracker, told):
    tracker.get("/streams.json")
    tracker.get("/streams.json")
    tracker.get("/hall/nothing", status=404)
    tracker.post("/endpoint/register", {"secret": "wrong"}, status=403)
    told = told()

    assert told.all("http_requests_total") == {
        frozenset({("route", route), ("method", method), ("status", status)}): count
        for route, method, status, count in [
            ("streams.list", "GET", "2xx", 2),
            ("none", "GET", "4xx", 1),
            ("endpoint.register", "POST", "4xx", 1),
        ]
    }
    assert told("http_request_seconds_count", route="streams.list") == 2
    assert told("http_request_seconds_bucket", route="streams.list", le="+Inf") == 2
    assert told("http_request_seconds_sum", route="streams.list") > 0


def test_nobody_can_add_labels(tracker, told):
    told_before = told()
    for number in range(20):
        tracker.get(f"/room{number}/streams.json", status="*")
        Request.blank(f"/nothing{number}", method=f"MADE-UP-{number}").get_response(tracker.app)
        tracker.post_json(f"/api/v1/rooms/room{number}/playback", {"sid": "x"}, status="*")
        tracker.get(f"/%ff{number}", status="*")
    told = told()

    assert told("http_requests_total", route="none", method="other", status="4xx") == 20
    assert len(told.all("http_requests_total")) == len(told_before.all("http_requests_total")) + 5


def test_reports_are_counted_once_they_are_taken(tracker, told, tmp_path):
    taken = {"registration": 2, "playback": 1, "components": 1, "old-player": 1}
    register(tracker)
    register(tracker)
    tracker.post("/endpoint/register", {"secret": "wrong"}, status=403)
    play(tracker)
    tracker.post_json(PLAYBACK, {"sid": ""}, status=400)
    pipeline = {"current": {"encoder": ["happy", 1]}, "history": {}}
    fields = {"secret": SECRET, "identifier": "m1", "recorded_time": "1.0"}
    tracker.post("/flumotion/log", fields | {"data": json.dumps(pipeline)})
    # The first call only fetches the cookie.
    tracker.post("/hall/log", {"data": "{}"})
    tracker.post("/hall/log", {"data": "{}"})
    tracker.post("/nowhere/log", {"data": "{}"})

    assert told().all("reports_total") == {
        frozenset({("kind", kind)}): taken.get(kind, 0)
        for kind in ("registration", "state", "playback", "logs", "components", "old-player")
    }


def test_metrics_are_told_while_the_database_is_away(tracker, told, away):
    before = told()
    with away():
        tracker.app.registry["db.sessions"].kw["bind"].dispose()
        gone = told()
    back = told()

    assert before("database_up") == back("database_up") == 1
    assert 0 < before("database_seconds") < 10
    assert gone("database_up") == 0
    # What is not known is not said to be 0.
    assert gone.all("endpoints") == {}
    assert gone("http_requests_total", route="metrics", method="GET", status="2xx") == 1


def test_a_database_that_is_away_is_said_once_however_often_they_are_asked_for(
    tracker, told, away, caplog
):
    with away():
        tracker.app.registry["db.sessions"].kw["bind"].dispose()
        for _ in range(3):
            told()

    said = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len([line for line in said if line.startswith("the database failed: ")]) == 1, said


def test_two_apps_of_one_process_count_apart(tracker, told, tracker_settings):
    other = tracker_app.main({}, **tracker_settings)
    try:
        tracker.get("/streams.json")
        assert Told(other.registry["metrics"].text().decode()).all("http_requests_total") == {}
        assert told()("http_requests_total", route="streams.list", method="GET", status="2xx") == 1
    finally:
        other.registry["db.sessions"].kw["bind"].dispose()


@pytest.fixture
def workers(tmp_path, tracker_settings):
    """Two processes that share a database, and a folder for what they count."""
    shared = tmp_path / "metrics"
    shared.mkdir()
    environ = {"PROMETHEUS_MULTIPROC_DIR": str(shared)}
    workers = [Served(tmp_path, tracker_settings, environ) for _ in range(2)]
    for worker in workers:
        worker.start()
    yield workers
    for worker in workers:
        worker.stop()


def test_several_processes_add_up_what_they_count(workers):
    def get(worker, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{worker.port}{path}", timeout=30) as answer:
            return answer.read().decode()

    def post(worker, clients):
        data = json.dumps({"overall_clients": clients})
        form = f"secret={SECRET.replace(' ', '+')}&group=hall&data={data}".encode()
        url = f"http://127.0.0.1:{worker.port}/endpoint/register"
        with urllib.request.urlopen(url, form, timeout=30) as answer:
            assert answer.read() == b"OK\n"

    first, second = workers
    for worker in (first, second, second):
        get(worker, "/streams.json")
    post(first, 5)
    post(second, 12)
    counted = {"route": "streams.list", "method": "GET", "status": "2xx"}

    for worker in workers:
        told = Told(get(worker, "/metrics"))
        assert told("http_requests_total", **counted) == 3
        assert told("http_request_seconds_count", route="streams.list") == 3
        assert told("reports_total", kind="registration") == 2
        assert told("reports_total", kind="playback") == 0
        # What is in the database is there once.
        assert told.all("endpoint_clients") == {
            frozenset({("room", room)}): clients
            for room, clients in [("hall", 12), ("lab", 0), ("tube", 0)]
        }
        assert told("database_up") == 1
    # What a process that has ended counted stays: counters never go back.
    first.kill()
    assert Told(get(second, "/metrics"))("http_requests_total", **counted) == 3


def test_a_process_that_is_started_again_goes_on_counting_and_leaves_nothing(
    tmp_path, tracker_settings
):
    shared = tmp_path / "metrics"
    shared.mkdir()
    environ = {"PROMETHEUS_MULTIPROC_DIR": str(shared), "PROMETHEUS_MULTIPROC_NAME": "8201"}
    worker = Served(tmp_path, tracker_settings, environ)
    counted = {"route": "streams.list", "method": "GET", "status": "2xx"}

    for number in range(1, 4):
        worker.start()
        base = f"http://127.0.0.1:{worker.port}"
        urllib.request.urlopen(f"{base}/streams.json", timeout=30).close()
        with urllib.request.urlopen(f"{base}/metrics", timeout=30) as answer:
            told = Told(answer.read().decode())
        assert told("http_requests_total", **counted) == number
        assert told("http_request_seconds_count", route="streams.list") == number
        worker.kill()

    assert sorted(path.name for path in shared.iterdir()) == [
        "counter_8201.db",
        "histogram_8201.db",
    ]


@pytest.mark.parametrize("folder", ["/nowhere", ""])
def test_a_shared_folder_that_is_not_there_stops_the_start(tracker_settings, monkeypatch, folder):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", folder)

    with pytest.raises(
        SystemExit, match=f"PROMETHEUS_MULTIPROC_DIR in the environment is '{folder}'"
    ):
        tracker_app.main({}, **tracker_settings)


def test_the_proxy_keeps_metrics_for_its_own_machine(root):
    conf = (root / "conf/nginx.conf").read_text()
    [block] = re.findall(r"location = /tracker/metrics \{(.*?)\}", conf, re.DOTALL)

    assert [line.strip() for line in block.strip().splitlines()] == [
        "allow 127.0.0.1;",
        "allow ::1;",
        "deny all;",
        "proxy_pass http://streaming_tracker;",
    ]


def test_every_metric_is_documented(tracker, told, root):
    manual = (root / "docs/monitoring.md").read_text()
    tracker.get("/streams.json")
    names = {family.name for family in told().families}

    assert [name for name in names if f"| `{name}" not in manual] == []
