"""The metrics that Prometheus scrapes."""

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
from streaming_system.tracker.incidents.finding import INCIDENT_TYPES
from streaming_system.tracker.models import Endpoint, IncidentRecord

from .conftest import SECRET
from .served import Served

PLAYBACK = "/api/v1/rooms/hall/playback"


class Metrics:
    """Parsed metrics: values by name and labels."""

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
def metrics(tracker):
    return lambda: Metrics(tracker.get("/metrics").text)


def register(tracker, room="hall", **stats):
    fields = {"secret": SECRET, "group": room, "data": json.dumps(stats)}
    response = tracker.post("/endpoint/register", fields)
    assert response.text == "OK\n"


def play(tracker):
    tracker.post_json(PLAYBACK, {"sid": str(uuid.uuid4())})


def test_response_is_in_the_format_of_prometheus(tracker):
    response = tracker.get("/metrics")

    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "max-age=0" in response.headers["Cache-Control"]
    pattern = r'^streaming_build_info\{commit="[^"]+",version="[^"]+"\} 1\.0$'
    assert re.search(pattern, response.text, re.MULTILINE)


def test_every_room_has_gauges_from_the_start(metrics):
    scraped = metrics()

    for room in ("hall", "lab", "tube"):
        for state in ("alive", "draining", "silent"):
            assert scraped("endpoints", room=room, state=state) == 0
        for kind in ("players", "others"):
            assert scraped("viewers", room=room, kind=kind) == 0
        assert scraped("endpoint_clients", room=room) == 0
        assert scraped("endpoint_bitrate_bits", room=room) == 0
    assert scraped.all("incidents") == {frozenset({("kind", kind)}): 0 for kind in INCIDENT_TYPES}


def test_endpoint_and_viewers_are_counted(tracker, metrics):
    register(tracker, overall_clients=12, overall_bitrate=9_600_000)
    play(tracker)
    scraped = metrics()

    assert scraped("endpoints", room="hall", state="alive") == 1
    assert scraped("endpoint_clients", room="hall") == 12
    assert scraped("endpoint_bitrate_bits", room="hall") == 9_600_000
    # The player does not know its server, so that it cannot be accepted off the server's clients.
    assert scraped("viewers", room="hall", kind="players") == 1
    assert scraped("viewers", room="hall", kind="others") == 12
    assert scraped("endpoint_clients", room="lab") == 0


def test_gauges_are_zero_after_an_endpoint_expires(tracker, metrics, at):
    register(tracker, overall_clients=12, overall_bitrate=9_600_000)
    at(seconds=61)
    now = metrics()

    assert now("endpoints", room="hall", state="alive") == 0
    assert now("endpoints", room="hall", state="silent") == 1
    assert now("endpoint_clients", room="hall") == 0
    assert now("endpoint_bitrate_bits", room="hall") == 0
    at(minutes=61)
    assert metrics()("endpoints", room="hall", state="silent") == 0


@pytest.mark.parametrize("flag", ["draining", "drained"])
def test_draining_endpoint_still_counts_its_clients(tracker, metrics, database, flag):
    register(tracker, overall_clients=12)
    engine = make_engine({"sqlalchemy.url": database})
    with Session(engine) as db, db.begin():
        db.execute(sa.update(Endpoint).values({flag: True}))
    engine.dispose()
    scraped = metrics()

    assert scraped("endpoints", room="hall", state="alive") == 0
    assert scraped("endpoints", room="hall", state="draining") == 1
    assert scraped("endpoint_clients", room="hall") == 12


def test_scrape_runs_the_incident_detector(tracker, metrics, at, rows):
    register(tracker)
    at(seconds=61)

    assert metrics()("incidents", kind="silent-encoder") == 1
    assert [row["kind"] for row in rows(IncidentRecord)] == ["silent-encoder"]
    assert metrics()("incidents", kind="silent-encoder") == 1


def test_requests_are_counted_by_route_method_and_status_class(tracker, metrics):
    tracker.get("/streams.json")
    tracker.get("/streams.json")
    tracker.get("/hall/nothing", status=404)
    tracker.post("/endpoint/register", {"secret": "wrong"}, status=200)
    scraped = metrics()

    assert scraped.all("http_requests_total") == {
        frozenset({("route", route), ("method", method), ("status", status)}): count
        for route, method, status, count in [
            ("streams.list", "GET", "2xx", 2),
            ("none", "GET", "4xx", 1),
            ("endpoint.register", "POST", "4xx", 1),
        ]
    }
    assert scraped("http_request_seconds_count", route="streams.list") == 2
    assert scraped("http_request_seconds_bucket", route="streams.list", le="+Inf") == 2
    assert scraped("http_request_seconds_sum", route="streams.list") > 0


def test_clients_cannot_add_labels(tracker, metrics):
    before = metrics()
    for number in range(20):
        tracker.get(f"/room{number}/streams.json", status="*")
        Request.blank(f"/nothing{number}", method=f"MADE-UP-{number}").get_response(tracker.app)
        tracker.post_json(f"/api/v1/rooms/room{number}/playback", {"sid": "x"}, status="*")
        tracker.get(f"/%ff{number}", status="*")
    scraped = metrics()

    assert scraped("http_requests_total", route="none", method="other", status="4xx") == 20
    assert len(scraped.all("http_requests_total")) == len(before.all("http_requests_total")) + 5


def test_refused_reports_count_as_failures_in_spite_of_their_status(
    tracker, metrics, before_statement
):
    register(tracker)

    is_available = False

    def fail(*args):
        if not is_available:
            raise sa.exc.OperationalError("INSERT", {}, Exception("gone"))

    fields = {"secret": SECRET, "group": "hall", "data": "{}"}
    pipeline = {"secret": SECRET, "identifier": "m1", "recorded_time": "1.0"}
    pipeline["data"] = json.dumps({"current": {"encoder": ["happy", 1]}, "history": {}})
    before_statement(tracker.app, fail)
    for path, form in (
        ("/endpoint/register", fields),
        ("/endpoint/logs", fields),
        ("/flumotion/log", pipeline),
    ):
        assert tracker.post(path, form, status=200).text.startswith(
            ("ERROR DATABASE ", "ERROR LOGS ")
        )
    is_available = True

    scraped = metrics()
    for route in ("endpoint.register", "endpoint.logs", "pipeline.report"):
        assert scraped("http_requests_total", route=route, method="POST", status="5xx") == 1
    assert scraped("reports_total", kind="registration") == 1
    assert scraped("reports_total", kind="logs") == scraped("reports_total", kind="components") == 0


def test_accepted_reports_are_counted(tracker, metrics, tmp_path):
    accepted = {"registration": 2, "playback": 1, "components": 1, "old-player": 1}
    register(tracker)
    register(tracker)
    tracker.post("/endpoint/register", {"secret": "wrong"}, status=200)
    play(tracker)
    tracker.post_json(PLAYBACK, {"sid": ""}, status=400)
    pipeline = {"current": {"encoder": ["happy", 1]}, "history": {}}
    fields = {"secret": SECRET, "identifier": "m1", "recorded_time": "1.0"}
    tracker.post("/flumotion/log", fields | {"data": json.dumps(pipeline)})
    # The first call only fetches the cookie.
    tracker.post("/hall/log", {"data": "{}"})
    tracker.post("/hall/log", {"data": "{}"})
    tracker.post("/nowhere/log", {"data": "{}"})

    assert metrics().all("reports_total") == {
        frozenset({("kind", kind)}): accepted.get(kind, 0)
        for kind in ("registration", "state", "playback", "logs", "components", "old-player")
    }


def test_metrics_work_without_database(tracker, metrics, away):
    before = metrics()
    with away():
        tracker.app.registry["db.sessions"].kw["bind"].dispose()
        gone = metrics()
    back = metrics()

    assert before("database_up") == back("database_up") == 1
    assert 0 < before("database_seconds") < 10
    assert gone("database_up") == 0
    # What is not known is not errors to be 0.
    assert gone.all("endpoints") == {}
    assert gone("http_requests_total", route="metrics", method="GET", status="2xx") == 1


def test_unavailable_database_is_logged_once_for_many_scrapes(tracker, metrics, away, caplog):
    with away():
        tracker.app.registry["db.sessions"].kw["bind"].dispose()
        for _ in range(3):
            metrics()

    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len([line for line in errors if line.startswith("the database failed: ")]) == 1, errors


def test_apps_of_one_process_count_separately(tracker, metrics, tracker_settings):
    other = tracker_app.main({}, **tracker_settings)
    try:
        tracker.get("/streams.json")
        assert Metrics(other.registry["metrics"].text().decode()).all("http_requests_total") == {}
        assert (
            metrics()("http_requests_total", route="streams.list", method="GET", status="2xx") == 1
        )
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


def test_counters_of_several_processes_are_added(workers):
    def get(worker, path):
        with urllib.request.urlopen(
            f"http://127.0.0.1:{worker.port}{path}", timeout=30
        ) as response:
            return response.read().decode()

    def post(worker, clients):
        data = json.dumps({"overall_clients": clients})
        form = f"secret={SECRET.replace(' ', '+')}&group=hall&data={data}".encode()
        url = f"http://127.0.0.1:{worker.port}/endpoint/register"
        with urllib.request.urlopen(url, form, timeout=30) as response:
            assert response.read() == b"OK\n"

    first, second = workers
    for worker in (first, second, second):
        get(worker, "/streams.json")
    post(first, 5)
    post(second, 12)
    counted = {"route": "streams.list", "method": "GET", "status": "2xx"}

    for worker in workers:
        scraped = Metrics(get(worker, "/metrics"))
        assert scraped("http_requests_total", **counted) == 3
        assert scraped("http_request_seconds_count", route="streams.list") == 3
        assert scraped("reports_total", kind="registration") == 2
        assert scraped("reports_total", kind="playback") == 0
        # What is in the database is there once.
        assert scraped.all("endpoint_clients") == {
            frozenset({("room", room)}): clients
            for room, clients in [("hall", 12), ("lab", 0), ("tube", 0)]
        }
        assert scraped("database_up") == 1
    # What a process that has ended counted stays: counters never go back.
    first.kill()
    assert Metrics(get(second, "/metrics"))("http_requests_total", **counted) == 3


def test_restarted_process_continues_its_counters_and_leaves_no_files(tmp_path, tracker_settings):
    shared = tmp_path / "metrics"
    shared.mkdir()
    environ = {"PROMETHEUS_MULTIPROC_DIR": str(shared), "PROMETHEUS_MULTIPROC_NAME": "8201"}
    worker = Served(tmp_path, tracker_settings, environ)
    counted = {"route": "streams.list", "method": "GET", "status": "2xx"}

    for number in range(1, 4):
        worker.start()
        base = f"http://127.0.0.1:{worker.port}"
        urllib.request.urlopen(f"{base}/streams.json", timeout=30).close()
        with urllib.request.urlopen(f"{base}/metrics", timeout=30) as response:
            scraped = Metrics(response.read().decode())
        assert scraped("http_requests_total", **counted) == number
        assert scraped("http_request_seconds_count", route="streams.list") == number
        worker.kill()

    assert sorted(path.name for path in shared.iterdir()) == [
        "counter_8201.db",
        "histogram_8201.db",
    ]


@pytest.mark.parametrize("folder", ["/nowhere", ""])
def test_missing_shared_folder_stops_the_start(tracker_settings, monkeypatch, folder):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", folder)

    with pytest.raises(
        SystemExit, match=f"PROMETHEUS_MULTIPROC_DIR in the environment is '{folder}'"
    ):
        tracker_app.main({}, **tracker_settings)


def test_proxy_serves_metrics_to_its_own_machine_only(root):
    conf = (root / "conf/nginx.conf").read_text()
    [block] = re.findall(r"location = /tracker/metrics \{(.*?)\}", conf, re.DOTALL)

    assert [line.strip() for line in block.strip().splitlines()] == [
        "allow 127.0.0.1;",
        "allow ::1;",
        "deny all;",
        "proxy_pass http://streaming_tracker;",
    ]


def test_every_metric_is_documented(tracker, metrics, root):
    manual = (root / "docs/reference/metrics.md").read_text()
    tracker.get("/streams.json")
    names = {family.name for family in metrics().families}

    assert [name for name in names if f"| `{name}" not in manual] == []
