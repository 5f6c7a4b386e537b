"""Bounds on what tokens, the shared secret and players can fill, on both databases."""

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.orm import Session
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.tracker.crew.tokens import Tokens
from streaming_system.tracker.models import Component, Endpoint, IncidentRecord, Player, Sample

from .conftest import SECRET

pytestmark = pytest.mark.both_databases

API = "/api/v1"
ENDPOINTS = f"{API}/rooms/hall/endpoints"
PLAYBACK = f"{API}/rooms/hall/playback"
NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


class Tracker:
    """A tracker whose clock the test sets."""

    def __init__(self, app, engine):
        self.engine = engine
        self.now = NOON
        app.registry["clock"] = lambda: self.now
        self.client = TestApp(app, extra_environ={"REMOTE_ADDR": "203.0.113.1"})

    def token(self, scope="room", room="hall"):
        with Session(self.engine) as db, db.begin():
            _, text = Tokens(db).issue(
                label="a room's", scope=scope, room=room, created_by="tests", now=self.now
            )
        return {"Authorization": f"Bearer {text}"}

    def put(self, name, token, room="hall", status=None):
        return self.client.put_json(
            f"{API}/rooms/{room}/endpoints/{name}",
            {"url": f"https://{name}.example.org/"},
            headers=token,
            status=status or "2*",
        )

    def register(self, address, error=""):
        response = self.client.post(
            "/endpoint/register",
            {"secret": SECRET, "group": "hall", "data": "{}"},
            extra_environ={"REMOTE_ADDR": address},
            status=200,
        )
        assert response.text.split()[:2] == (["ERROR", error] if error else ["OK"])
        return response

    def play(self, sid=None, address="203.0.113.1", status=200):
        return self.client.post_json(
            PLAYBACK,
            {"sid": sid or str(uuid.uuid4())},
            extra_environ={"REMOTE_ADDR": address},
            status=status,
        )

    def names(self, room="hall"):
        listed = self.client.get(f"{API}/rooms/{room}/endpoints").json["endpoints"]
        return sorted(endpoint["name"] for endpoint in listed)

    def reached(self, bound):
        """Return the metric of a bound."""
        families = text_string_to_metric_families(self.client.get("/metrics").text)
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == "streaming_bounds_reached_total" and sample.labels == {"bound": bound}
        )


@pytest.fixture
def start(app_pool, tracker_settings, engine):
    """Return a function that starts a tracker with some bounds."""

    def start(worker="", **settings):
        settings = {name.replace("__", "."): str(value) for name, value in settings.items()}
        app = app_pool.get(tracker_app.main, tracker_settings | settings, worker=worker)
        return Tracker(app, engine)

    return start


class TestEndpoints:
    def test_token_has_a_bounded_number_of_endpoints(self, start):
        tracker = start(bound__endpoints_per_token=3)
        token = tracker.token()
        for number in range(3):
            tracker.put(f"edge{number}", token)

        refused = [tracker.put(f"more{number}", token, status=409) for number in range(5)]

        problem = refused[0].json
        assert refused[0].content_type == "application/problem+json"
        assert problem["type"] == "/api/v1/#limit-reached"
        assert problem["detail"].startswith("the token has as many endpoints as it may have; ")
        assert problem["detail"].endswith(" (bound.endpoints_per_token is 3)")
        assert tracker.names() == ["edge0", "edge1", "edge2"]
        assert tracker.reached("endpoints_per_token") == 5
        # Known endpoints report on, and other tokens are unaffected.
        tracker.now += timedelta(seconds=1)
        assert tracker.put("edge1", token).status_int == 200
        assert tracker.put("edge9", tracker.token()).status_int == 201

    def test_room_has_a_bounded_number_of_endpoints(self, start):
        tracker = start(bound__endpoints_per_room=2)
        tracker.register("192.0.2.1")
        tracker.put("edge1", tracker.token())

        refused = tracker.register("192.0.2.2", error="LIMIT")
        tracker.put("edge2", tracker.token(), status=409)

        assert refused.text.startswith("ERROR LIMIT the room has as many endpoints as it may have")
        assert refused.text.count("\n") == 1
        tracker.register("192.0.2.1")
        tracker.put("edge2", tracker.token(room="lab"), room="lab", status=201)
        assert tracker.reached("endpoints_per_room") == 2

    def test_refused_endpoints_are_in_no_history(self, start, rows):
        tracker = start(bound__endpoints_per_room=1)
        tracker.register("192.0.2.1")
        tracker.register("192.0.2.2", error="LIMIT")

        assert [row["name"] for row in rows(Sample)] == ["192.0.2.1"]

    def test_new_endpoint_replaces_the_one_that_is_silent_the_longest(self, start):
        tracker = start(bound__endpoints_per_token=2)
        token = tracker.token()
        tracker.put("oldest", token)
        tracker.now += timedelta(minutes=1)
        tracker.put("old", token)
        tracker.now += timedelta(minutes=59)
        tracker.put("new", token)
        tracker.put("newer", token, status=409)

        assert tracker.put("old", token).status_int == 201
        tracker.put("oldest", token, status=409)

    def test_endpoint_that_the_crew_has_drained_is_not_replaced(self, start, rows):
        tracker = start(bound__endpoints_per_token=1)
        token = tracker.token()
        tracker.put("edge1", token)
        crew = tracker.token("crew", room="")
        tracker.client.put_json(f"{ENDPOINTS}/edge1/draining", {"draining": True}, headers=crew)
        tracker.now += timedelta(hours=2)

        tracker.put("edge2", token, status=409)

        assert [row["name"] for row in rows(Endpoint)] == ["edge1"]

    def test_deregistered_names_count(self, start):
        tracker = start(bound__endpoints_per_token=2)
        token = tracker.token()
        for name in ("edge1", "edge2"):
            tracker.put(name, token)
            tracker.client.delete(f"{ENDPOINTS}/{name}", headers=token)

        tracker.put("edge3", token, status=409)

    def test_bounds_hold_without_any_setting(self, start):
        tracker = start()
        token = tracker.token()

        status = [tracker.put(f"edge{number}", token, status="*") for number in range(230)]

        assert [response.status_int for response in status] == [201] * 100 + [409] * 130
        assert len(tracker.client.get("/streams.json").body) < 40_000

    def test_workers_at_once_exceed_no_bound(self, start, rows):
        workers = [start(worker=f"w{number}", bound__endpoints_per_room=5) for number in range(2)]
        token = workers[0].token()

        def put(number):
            return workers[number % 2].put(f"edge{number}", token, status="*").status_int

        with ThreadPoolExecutor(8) as threads:
            statuses = list(threads.map(put, range(40)))

        assert sorted(statuses) == [201] * 5 + [409] * 35
        assert len(rows(Endpoint)) == 5


class TestPlayers:
    def test_address_begins_a_bounded_number_of_players(self, start, rows):
        tracker = start(limit__players="3/hour")
        known = [str(uuid.uuid4()) for _ in range(3)]
        for sid in known:
            tracker.play(sid)

        refused = tracker.play(status=429)

        assert refused.json["type"] == "/api/v1/#too-many-requests"
        assert int(refused.headers["Retry-After"]) >= 1
        assert sorted(row["sid"] for row in rows(Player)) == sorted(known)
        assert tracker.reached("players_per_address") == 1
        for sid in known:
            tracker.play(sid)
        tracker.play(address="203.0.113.2")

    def test_old_players_count_too(self, start, rows):
        tracker = start(limit__players="1/hour")
        tracker.play()
        tracker.client.post("/hall/log", {"data": "{}"})

        refused = tracker.client.post("/hall/log", {"data": "{}"}, status=429)

        assert refused.text.startswith("ERROR TOO MANY")
        assert len(rows(Player)) == 1

    def test_refusal_affects_no_other_report_of_its_batch(self, start, rows):
        tracker = start(limit__players="5/hour")

        with ThreadPoolExecutor(8) as threads:
            calls = [threads.submit(tracker.play, status="*") for _ in range(40)]
            statuses = sorted(call.result().status_int for call in calls)

        assert statuses == [200] * 5 + [429] * 35
        assert len(rows(Player)) == 5


class TestComponents:
    def report(self, tracker, machine, names, status=200):
        return tracker.client.put_json(
            f"{API}/components/{machine}",
            {
                "kind": "mixer",
                "room": "hall",
                "components": [
                    {"name": name, "mood": "happy", "since": "2026-11-25T11:00:00Z"}
                    for name in names
                ],
            },
            headers=self.token,
            status=status,
        )

    def test_room_has_a_bounded_number_of_components(self, start, rows):
        tracker = start(bound__components_per_room=4)
        self.token = tracker.token()
        self.report(tracker, "mix1", ["a", "b", "c"])

        refused = self.report(tracker, "mix2", ["a", "b"], status=409)

        assert refused.json["type"] == "/api/v1/#limit-reached"
        assert "bound.components_per_room is 4" in refused.json["detail"]
        assert len(rows(Component)) == 3
        self.report(tracker, "mix1", ["a", "b", "c"])
        self.report(tracker, "mix2", ["a"])
        assert tracker.reached("components_per_room") == 1

    def test_old_protocol_gets_its_own_error(self, start, rows):
        tracker = start(bound__components_per_room=1)
        now = time.time()
        form = {"secret": SECRET, "identifier": "mix1", "type": "w", "recorded_time": str(now)}
        data = {"current": {"a": [0, now], "b": [0, now]}, "history": {}}

        refused = tracker.client.post(
            "/flumotion/log", form | {"data": json.dumps(data)}, status=200
        )

        assert refused.text.startswith("ERROR LIMIT the room has as many components")
        assert rows(Component) == []


class TestIncidents:
    def silence(self, tracker, count):
        with Session(tracker.engine) as db, db.begin():
            for number in range(count):
                db.add(
                    Endpoint(
                        room="hall",
                        name=f"edge{number:03}",
                        host="192.0.2.1",
                        since=tracker.now - timedelta(hours=2),
                        last_seen=tracker.now - timedelta(minutes=2),
                        clients=0,
                        bitrate=0,
                        cbitrate=0,
                        stream_metrics={},
                    )
                )

    def incidents(self, tracker):
        # The detector runs at most every ten seconds.
        tracker.now += timedelta(seconds=10)
        return tracker.client.get(f"{API}/incidents").json["incidents"]

    def test_last_incident_of_a_room_counts_the_others(self, start, rows):
        tracker = start(bound__incidents_per_room=5)
        self.silence(tracker, 245)

        first, second = self.incidents(tracker), self.incidents(tracker)

        assert first == second
        assert len(first) == 5
        [more] = [incident for incident in first if incident["kind"] == "more"]
        assert more["summary"] == "And 241 more incidents in Great Hall."
        assert (more["room"], more["subject"]) == ("hall", "")
        assert len(rows(IncidentRecord)) == 5
        assert tracker.reached("incidents_per_room") >= 1

    def test_count_follows_the_number_and_is_resolved(self, start):
        tracker = start(bound__incidents_per_room=5)
        self.silence(tracker, 20)
        before = self.incidents(tracker)
        self.delete(tracker, "edge01%")
        after = self.incidents(tracker)
        self.delete(tracker, "edge009")
        self.delete(tracker, "edge00[5-8]")

        assert [i["summary"] for i in before if i["kind"] == "more"] == [
            "And 16 more incidents in Great Hall."
        ]
        assert [i["summary"] for i in after if i["kind"] == "more"] == [
            "And 6 more incidents in Great Hall."
        ]
        listed = {i["subject"] for i in before} - {""}
        assert listed <= {i["subject"] for i in after}

    def test_listed_incidents_are_all_there_again_below_the_bound(self, start):
        tracker = start(bound__incidents_per_room=5)
        self.silence(tracker, 6)
        self.incidents(tracker)
        self.delete(tracker, "edge000")

        kinds = [incident["kind"] for incident in self.incidents(tracker)]

        assert kinds == ["silent-encoder"] * 5

    def delete(self, tracker, pattern):
        with tracker.engine.begin() as connection:
            connection.execute(sa.delete(Endpoint).where(Endpoint.name.like(pattern)))


class TestRows:
    @pytest.fixture
    def full(self, start, engine):
        """A tracker whose tables are full with three rows."""
        self.close_connections(engine)
        self.wait_for_statistics(engine, 0)
        tracker = start(bound__rows_per_table=3)
        self.sids = [str(uuid.uuid4()) for _ in range(3)]
        tracker.now -= timedelta(hours=1)
        for sid in self.sids:
            tracker.play(sid)
        for _ in range(3):
            tracker.register("192.0.2.1")
        token = tracker.token()
        for _ in range(3):
            self.annotate(tracker, token)
        self.token = token
        tracker.now += timedelta(hours=1)
        self.wait_for_statistics(engine, 3)
        return tracker

    def close_connections(self, engine):
        """Let PostgreSQL count the rows of other tests now: idle connections do so seconds later.

        Pools replace closed connections.
        """
        if engine.dialect.name == "postgresql":
            with engine.connect() as connection:
                connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    def wait_for_statistics(self, engine, rows):
        """Wait until PostgreSQL's statistics know the number of rows."""
        if engine.dialect.name != "postgresql":
            return
        deadline = time.monotonic() + 60
        while set(self.counted_rows(engine).values()) != {rows}:
            assert time.monotonic() < deadline, self.counted_rows(engine)
            with engine.begin() as connection:
                connection.exec_driver_sql("ANALYZE")
            time.sleep(0.05)

    def counted_rows(self, engine):
        with engine.connect() as connection:
            counts = connection.exec_driver_sql(
                "SELECT relname, n_live_tup FROM pg_stat_user_tables"
                " WHERE relname ~ '^(player|annotation|(sample|playback)_(p[0-9]+|default))$'"
            ).all()
        return {
            table: sum(count for name, count in counts if name.split("_")[0] == table)
            for table in ("player", "annotation", "sample", "playback")
        }

    def annotate(self, tracker, token, status=201):
        return tracker.client.post_json(
            f"{API}/annotations",
            {"at": "2026-11-25T12:00:00Z", "label": "cut", "room": "hall"},
            headers=token,
            status=status,
        )

    def test_full_table_refuses_new_objects(self, full):
        refused = full.play(status=409)

        assert refused.json["detail"] == "the table player is full (bound.rows_per_table is 3)"
        assert "annotation is full" in self.annotate(full, self.token, status=409).json["detail"]
        assert full.reached("rows_per_table") >= 2

    def test_known_endpoints_and_players_report_on(self, full, rows):
        full.register("192.0.2.1")
        full.play(self.sids[0])

        [endpoint] = rows(Endpoint)
        assert endpoint["last_seen"] == NOON
        assert [row["last_seen"] for row in rows(Player) if row["sid"] == self.sids[0]] == [NOON]
        # Their history ends instead.
        assert len(rows(Sample)) == 3
