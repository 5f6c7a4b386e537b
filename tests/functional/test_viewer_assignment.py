"""The assignment of viewers to endpoints, over HTTP and with real databases."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mmdb_writer
import netaddr
import pytest
from sqlalchemy.orm import Session
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.tracker.crew.tokens import Tokens
from streaming_system.tracker.db.session import ensure_write_transaction, make_engine
from streaming_system.tracker.endpoints.endpoints import Endpoints
from streaming_system.tracker.ingest.endpoint_report import EndpointReport, EndpointState
from streaming_system.tracker.ingest.endpoints import ingest
from streaming_system.tracker.models import Endpoint, Player, Sample

GBIT = 10**9
REGIONS = {
    "venue": {"networks": ["192.0.2.0/24", "2001:db8::/32"]},
    "europe": {"places": ["EU", "CH"], "prefer": ["eu"]},
    "": "",
}


@pytest.fixture
def db(database):
    engine = make_engine({"sqlalchemy.url": database})
    with Session(engine) as session:
        yield session
    engine.dispose()


@pytest.fixture
def serve(db):
    """Return a function that ingests a report of an endpoint."""

    def serve(name, viewers=0, room="hall", ago=0, stream_metrics=None, **state):
        report = EndpointReport(
            room=room,
            name=name,
            state=EndpointState(**{"host": f"{name}.example.org"} | state),
            clients=viewers,
            bitrate=viewers * 2_000_000,
            cbitrate=0,
            stream_metrics=stream_metrics or {},
            now=datetime.now(UTC) - timedelta(seconds=ago),
        )
        ingest(ensure_write_transaction(db), [report])
        db.commit()

    return serve


@pytest.fixture
def join(db):
    """Return a function that adds players to an endpoint."""

    def join(endpoint, number, room="hall"):
        now = datetime.now(UTC)
        nothing = dict.fromkeys(("played_ms", "rebuffer_ms", "rebuffers", "dropped", "errors"), 0)
        db.add_all(
            Player(
                sid=f"{room} {endpoint} {each}",
                room=room,
                endpoint=endpoint,
                format="hls",
                quality="",
                begun=now,
                moved=now,
                last_seen=now,
                until=now + timedelta(minutes=1),
                **nothing,
            )
            for each in range(number)
        )
        db.commit()

    return join


@pytest.fixture
def app(app_pool, tracker_settings):
    """Return a function that creates a tracker app: another worker, or other settings."""
    workers = []

    def app(config=None, **settings):
        if config is not None:
            path = Path(tracker_settings["config.public"])
            document = json.loads(path.read_text())
            for name, values in config.items():
                document.setdefault(name, {}).update(values)
            path.write_text(json.dumps(document))
        workers.append(
            app_pool.get(tracker_app.main, tracker_settings | settings, len(workers) + 1)
        )
        return TestApp(workers[-1], extra_environ={"REMOTE_ADDR": "203.0.113.1"})

    return app


def sent_to(tracker, room="hall", **more):
    script = tracker.get(f"/{room}/stream.js", **more).text
    return script.removeprefix(f'var streamer_{room} = new Streams("http://').removesuffix(
        '.example.org:8080/");\n'
    )


def weights(tracker, path="/hall/streams.json", **more):
    response = tracker.get(path, **more)
    return {endpoint["name"]: endpoint["weight"] for endpoint in response.json["endpoints"]}


class TestStreamScript:
    def test_viewers_between_two_reports_are_shared_out_by_capacity(self, tracker, serve):
        serve("small", capacity=GBIT)
        serve("large", capacity=9 * GBIT)

        assert Counter(sent_to(tracker) for _ in range(20)) == {"small": 2, "large": 18}

    def test_workers_share_the_count_of_assigned_viewers(self, app, serve):
        serve("a")
        serve("b")
        workers = [app(), app()]

        assert Counter(sent_to(workers[n % 2]) for n in range(12)) == {"a": 6, "b": 6}

    def test_a_report_replaces_the_count_of_assigned_viewers(self, tracker, serve, rows):
        serve("a", ago=30)
        for _ in range(30):
            sent_to(tracker)

        serve("a", viewers=28)

        # The report cannot include the viewers that were assigned in its last two seconds.
        assert [(row["clients"], row["handed"]) for row in rows(Endpoint)] == [(28, 2)]

    def test_expired_draining_and_full_endpoints_get_no_viewers(self, tracker, serve):
        serve("silent", ago=61)
        serve("draining", draining=True)
        serve("full", viewers=500, capacity=GBIT)
        serve("good", viewers=400)

        assert {sent_to(tracker) for _ in range(5)} == {"good"}

    def test_an_endpoint_names_its_own_address(self, tracker, serve):
        serve("cdn", url="https://cdn.example.org:8443/{room}/")

        script = tracker.get("/hall/stream.js").text

        assert script == 'var streamer_hall = new Streams("https://cdn.example.org:8443/hall/");\n'

    def test_a_script_cannot_be_broken_out_of(self, tracker, serve):
        serve("x", url="https://a.example/</script><script>alert(1)//")

        assert "<" not in tracker.get("/hall/stream.js").text

    def test_audio_only_endpoints_get_no_viewers_while_video_is_available(self, tracker, serve):
        serve("video", viewers=600, capacity=GBIT, formats=("hls",))
        serve("sound", formats=("mp3", "opus"))

        assert {sent_to(tracker) for _ in range(5)} == {"video"}


class TestStreamsOfARoom:
    def test_the_endpoints_are_named_with_what_they_serve_and_weights(self, tracker, serve):
        serve("a", formats=("hls", "webm"), qualities=("hd",), region="eu", tags=("cdn",))

        response = tracker.get("/hall/streams.json")

        document = response.json
        assert datetime.now(UTC) - datetime.fromisoformat(document.pop("generated_at")) < timedelta(
            minutes=1
        )
        assert document == {
            "room": "hall",
            "region": "",
            "live": True,
            "endpoints": [
                {
                    "name": "a",
                    "url": "http://a.example.org:8080/",
                    "formats": ["hls", "webm"],
                    "qualities": ["hd"],
                    "region": "eu",
                    "tags": ["cdn"],
                    "weight": 1000,
                }
            ],
            "fallbacks": [],
        }
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.cache_control.max_age == 1
        assert response.cache_control.public

    @pytest.mark.both_databases
    def test_files_are_named_where_they_are_reported(self, tracker, serve):
        serve("a", formats=("hls", "mp3"), files={"hls": "{room}/x.m3u8", "mp3": "hall.mp3"})
        serve("b", formats=("hls",))
        serve("c", formats=("hls",), files={"hls": "y.m3u8"})
        # The next report replaces them.
        serve("c", formats=("hls",), files={"hls": "z.m3u8"})

        expected = {
            "a": {"hls": "hall/x.m3u8", "mp3": "hall.mp3"},
            "b": None,
            "c": {"hls": "z.m3u8"},
        }
        for endpoints in (
            tracker.get("/hall/streams.json").json["endpoints"],
            tracker.get("/streams.json").json["rooms"]["hall"]["endpoints"],
        ):
            assert {each["name"]: each.get("files") for each in endpoints} == expected

    @pytest.mark.parametrize(
        ("qualities", "metrics", "expected"),
        [
            (("high",), {}, ["hls", "webm", "mp4"]),
            (("high", "low"), {}, ["hls", "webm", "webm_low", "mp4", "mp4_low"]),
            (("720p", "sd"), {}, ["hls", "webm", "webm_low", "mp4", "mp4_low"]),
            (("low",), {}, ["hls", "webm_low", "mp4_low"]),
            # Its metrics name the format that it has.
            (("hd", "sd"), {"webm_low_clients": 0}, ["hls", "webm", "webm_low", "mp4"]),
        ],
    )
    def test_low_quality_is_offered_where_it_is_named(
        self, tracker, serve, qualities, metrics, expected
    ):
        serve("a", formats=("hls", "webm", "mp4"), qualities=qualities, stream_metrics=metrics)

        [endpoint] = tracker.get("/hall/streams.json").json["endpoints"]
        assert endpoint["formats"] == expected
        [endpoint] = tracker.get("/streams.json").json["rooms"]["hall"]["endpoints"]
        assert endpoint["formats"] == expected

    @pytest.mark.parametrize(
        ("formats", "live"),
        [(("rtmp", "flv", "ts"), False), (("rtmp", "dash"), True), (("opus",), True), ((), True)],
    )
    def test_a_room_is_live_if_its_formats_are_playable(self, tracker, serve, formats, live):
        serve("a", formats=formats)

        assert tracker.get("/hall/streams.json").json["live"] is live
        assert tracker.get("/streams.json").json["rooms"]["hall"]["live"] is live
        assert tracker.get("/api/v1/rooms/hall").json["live"] is live

    def test_an_unknown_room_is_not_found(self, tracker):
        response = tracker.get("/nowhere/streams.json", status=404)

        assert response.json == {"error": "there is nothing at this address"}

    def test_draining_endpoints_are_the_last_resort(self, tracker, serve):
        serve("a")
        serve("b", draining=True)

        assert weights(tracker) == {"a": 1000, "b": 0}

    def test_players_that_came_since_the_report_count(self, tracker, serve, join):
        serve("a", capacity=GBIT, ago=10)
        serve("b", capacity=GBIT, ago=10)
        join("a", 250)

        # Half of a's capacity is taken, none of b's.
        assert weights(tracker) == {"b": 667, "a": 333}

    def test_sound_alone_is_not_weighed_against_pictures(self, tracker, serve):
        serve("video", viewers=600, capacity=GBIT, formats=("hls",))
        serve("sound", formats=("mp3",))

        assert weights(tracker) == {"video": 1000, "sound": 1000}

    def test_rooms_on_one_machine_share_its_link(self, tracker, serve):
        serve("a", host="one.example.org", capacity=GBIT)
        serve("a", room="lab", viewers=600, host="one.example.org", capacity=GBIT)
        serve("b", viewers=10, capacity=GBIT)

        assert weights(tracker) == {"b": 1000, "a": 0}

    def test_players_of_all_rooms_on_one_machine_count_between_reports(self, tracker, serve, join):
        serve("a", host="one.example.org", capacity=GBIT, ago=10)
        serve("a", room="lab", host="one.example.org", capacity=GBIT, ago=10)
        serve("b", capacity=GBIT, ago=10)
        join("a", 250, room="lab")

        assert weights(tracker) == {"b": 667, "a": 333}

    def test_rooms_that_begin_at_once_do_not_overfill_a_link(self, tracker, serve):
        for room in ("hall", "lab"):
            serve("both", room=room, capacity=GBIT // 10)
            serve(room, room=room, capacity=GBIT // 10)
        names = [sent_to(tracker, room) for _ in range(60) for room in ("hall", "lab")]

        # A link of 100 Mbit/s has room for 50 viewers at 2 Mbit/s.
        assert max(Counter(names).values()) <= 50


class TestDeregistration:
    def test_a_deregistered_endpoint_disappears_and_its_metrics_fall_to_zero(
        self, tracker, serve, db, rows
    ):
        serve("a", viewers=7)

        gone = Endpoints(db).deregister(room="hall", name="a", now=datetime.now(UTC))
        db.commit()

        assert gone
        assert tracker.get("/hall/streams.json").json["live"] is False
        assert sent_to(tracker) == "var streamer_hall = null;\n"
        assert [sample["clients"] for sample in rows(Sample)] == [7, 0]
        assert "a.example.org" not in tracker.get("/endpoint/stats").text

    def test_an_unknown_endpoint_cannot_be_deregistered(self, db):
        assert not Endpoints(db).deregister(room="hall", name="a", now=datetime.now(UTC))

    def test_a_deregistered_endpoint_can_register_again(self, tracker, serve, db):
        serve("a")
        Endpoints(db).deregister(room="hall", name="a", now=datetime.now(UTC))
        db.commit()

        serve("a")

        assert sent_to(tracker) == "a"

    def test_what_the_crew_has_drained_stays_drained_when_it_reports(self, tracker, serve, db):
        serve("a")
        serve("b", viewers=100)

        assert Endpoints(db).set_drained(room="hall", name="a", drained=True, now=datetime.now(UTC))
        db.commit()
        serve("a")

        assert sent_to(tracker) == "b"


class TestRegions:
    @pytest.fixture
    def regional(self, app, serve):
        serve("here", tags=("venue",))
        serve("europe", region="eu")
        serve("elsewhere", region="us")
        return app({"config": {"regions": REGIONS}}, **{"region.header": "CF-IPCountry"})

    @pytest.mark.parametrize(
        ("address", "country", "region", "endpoint"),
        [
            ("192.0.2.77", "", "venue", "here"),
            ("::ffff:192.0.2.77", "US", "venue", "here"),
            ("2001:db8::9", "", "venue", "here"),
            ("203.0.113.1", "ch", "europe", "europe"),
            ("203.0.113.1", "US", "", "elsewhere"),
            ("203.0.113.1", "", "", "elsewhere"),
        ],
    )
    def test_viewers_are_sent_to_endpoints_of_their_region(
        self, regional, serve, address, country, region, endpoint
    ):
        serve("europe", region="eu", viewers=5)
        serve("here", tags=("venue",), viewers=9)
        caller = {
            "extra_environ": {"REMOTE_ADDR": address},
            "headers": {"CF-IPCountry": country} if country else {},
        }

        leading = regional.get("/hall/streams.json", status=302, **caller)
        followed = leading.follow().json

        assert leading.headers["Cache-Control"] == "max-age=300, private"
        assert leading.headers["Access-Control-Allow-Origin"] == "*"
        assert followed["region"] == region
        assert followed["endpoints"][0]["name"] == endpoint
        assert sent_to(regional, **caller) == endpoint

    def test_other_regions_are_used_when_the_preferred_endpoints_are_full(self, regional, serve):
        serve("here", tags=("venue",), viewers=600, capacity=GBIT)

        endpoint = weights(regional, "/hall/streams.json?region=venue")

        assert endpoint["here"] == 0
        assert endpoint["europe"] == endpoint["elsewhere"] > 0

    def test_an_unknown_region_is_ignored(self, regional):
        response = regional.get("/hall/streams.json?region=%3Cscript%3E")

        assert response.json["region"] == ""
        assert {endpoint["weight"] for endpoint in response.json["endpoints"]} == {333}

    def test_a_file_of_countries_knows_them_by_address(self, app, serve, tmp_path):
        countries = mmdb_writer.MMDBWriter(ip_version=6, ipv4_compatible=True)
        countries.insert_network(
            netaddr.IPSet(["203.0.113.0/24"]),
            {"country": {"iso_code": "DE"}, "continent": {"code": "EU"}},
        )
        countries.to_db_file(str(tmp_path / "countries.mmdb"))
        serve("europe", region="eu", viewers=50)
        serve("elsewhere")
        regional = app(
            {"config": {"regions": REGIONS}}, **{"region.file": str(tmp_path / "countries.mmdb")}
        )

        assert sent_to(regional) == "europe"
        assert sent_to(regional, extra_environ={"REMOTE_ADDR": "198.51.100.1"}) == "elsewhere"

    def test_a_file_that_is_none_stops_the_start_with_one_line(self, app, tmp_path):
        (tmp_path / "bad.mmdb").write_text("not a database")

        with pytest.raises(SystemExit, match=r"region.file in the ini file .* cannot be read"):
            app(**{"region.file": str(tmp_path / "bad.mmdb")})


class TestFallbacks:
    @pytest.fixture
    def falling_back(self, app):
        return app(
            {
                "config": {"groups": ["overflow"]},
                "lab": {
                    "fallbacks": [
                        "group:overflow",
                        "https://cdn.example.org/{room}/",
                        "youtube:dQw4w9WgXcQ",
                    ]
                },
            },
            # The reports of these tests bypass this process.
            **{"response_cache.enabled": "false"},
        )

    def test_a_group_replaces_missing_and_full_endpoints(self, falling_back, serve, db):
        serve("extra", room="overflow", url="https://extra.example.org/{room}/")

        [endpoint] = falling_back.get("/lab/streams.json").json["endpoints"]
        assert (endpoint["name"], endpoint["url"]) == ("extra", "https://extra.example.org/lab/")

        serve("own", room="lab", capacity=GBIT)
        assert weights(falling_back, "/lab/streams.json") == {"own": 1000}
        assert sent_to(falling_back, "lab") == "own"

        serve("own", room="lab", viewers=600, capacity=GBIT)
        assert weights(falling_back, "/lab/streams.json") == {"extra": 1000, "own": 0}
        assert "extra.example.org" in falling_back.get("/lab/stream.js").text
        serve("sound", room="lab", formats=("mp3",))
        assert weights(falling_back, "/lab/streams.json") == {
            "extra": 1000,
            "own": 0,
            "sound": 1000,
        }
        Endpoints(db).deregister(room="lab", name="sound", now=datetime.now(UTC))
        db.commit()
        room = falling_back.get("/streams.json").json["rooms"]["lab"]
        assert {each["name"]: each["weight"] for each in room["endpoints"]} == {
            "extra": 1000,
            "own": 0,
        }

    def test_a_cdn_and_youtube_are_named_in_order_and_make_the_room_live(self, falling_back):
        response = falling_back.get("/lab/streams.json").json

        assert response["live"]
        assert response["fallbacks"] == [
            {"kind": "url", "url": "https://cdn.example.org/lab/"},
            {"kind": "youtube", "youtube": "dQw4w9WgXcQ"},
        ]
        assert "https://cdn.example.org/lab/" in falling_back.get("/lab/stream.js").text
        assert '"lab"' in falling_back.get("/streams.js").text

    def test_endpoints_may_register_for_a_group(self, falling_back):
        form = {"secret": "s3cret of the tests", "group": "overflow", "data": "{}"}

        assert falling_back.post("/endpoint/register", form).text == "OK\n"

    def test_endpoints_may_register_for_a_group_over_the_json_api(self, falling_back, db):
        _, text = Tokens(db).issue(
            label="x", scope="room", room="overflow", created_by="ada", now=datetime.now(UTC)
        )
        db.commit()
        address = "/api/v1/rooms/overflow/endpoints/extra"
        state = {"url": "https://extra.example.org/{room}/"}

        falling_back.authorization = ("Bearer", text)
        falling_back.put_json(address, state, status=201)

        [endpoint] = falling_back.get("/lab/streams.json").json["endpoints"]
        assert endpoint["url"] == "https://extra.example.org/lab/"
        falling_back.get("/api/v1/rooms/overflow/playback", status=404)


class TestViewersOnOtherRoomsEndpoints:
    @pytest.fixture
    def falling_back(self, app):
        return app(
            {
                "config": {"groups": ["overflow"]},
                "lab": {"fallbacks": ["group:hall", "group:overflow"]},
            },
            # The reports of these tests bypass this process.
            **{"response_cache.enabled": "false"},
        )

    def test_are_viewers_of_their_room_and_clients_of_the_endpoint_s(self, falling_back, serve):
        serve("edge", viewers=10)
        report = {"sid": "0" * 32, "cdn": "edge", "sf": "h", "played": 0}
        falling_back.post_json("/api/v1/rooms/lab/playback", report)

        rooms = {room["room"]: room for room in falling_back.get("/api/v1/rooms").json["rooms"]}
        assert rooms["lab"]["viewers"] == {"players": 1, "others": 0}
        assert rooms["hall"]["viewers"] == {"players": 0, "others": 9}
        assert (rooms["lab"]["bitrate"], rooms["hall"]["bitrate"]) == (0, 20_000_000)
        assert rooms["lab"]["endpoints"] == ["edge"]
        streams = falling_back.get("/streams.json").json["rooms"]
        assert [
            (streams[room]["clients"], streams[room]["bitrate"]) for room in ("lab", "hall")
        ] == [
            (0, 0),
            (10, 20_000_000),
        ]
        metrics = falling_back.get("/api/v1/rooms/lab/playback").json
        assert [each["endpoint"] for each in metrics["endpoints"]] == ["edge"]
        metrics = falling_back.get("/metrics").text
        assert 'streaming_viewers{kind="others",room="hall"} 9.0' in metrics

    def test_of_a_group_that_is_no_room_count_for_the_room(self, falling_back, serve):
        serve("extra", room="overflow", viewers=5)
        report = {"sid": "0" * 32, "cdn": "extra", "sf": "h", "played": 0}
        falling_back.post_json("/api/v1/rooms/lab/playback", report)

        room = falling_back.get("/api/v1/rooms/lab").json
        assert (room["viewers"], room["bitrate"]) == ({"players": 1, "others": 4}, 10_000_000)
        [metrics] = falling_back.get("/api/v1/rooms/lab/playback").json["endpoints"]
        assert metrics["viewers"] == {"players": 1, "others": 4}

    def test_count_between_two_reports(self, falling_back, serve, join):
        serve("a", capacity=GBIT, ago=10)
        serve("b", capacity=GBIT, ago=10)
        join("a", 250, room="lab")

        for room in ("hall", "lab"):
            assert weights(falling_back, f"/{room}/streams.json") == {"b": 667, "a": 333}

    def test_are_on_their_own_room_s_endpoint_if_it_has_one_of_that_name(
        self, falling_back, serve, join
    ):
        serve("a", capacity=GBIT, ago=10)
        serve("b", capacity=GBIT, ago=10)
        serve("a", room="lab", ago=10, host="lab.example.org")
        join("a", 250, room="lab")

        assert weights(falling_back) == {"a": 500, "b": 500}
