"""The tracker: registration, stream lists, the servers page, errors and start-up."""

import concurrent.futures
import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.models import Endpoint, Sample

from .conftest import SECRET

STATS = {"overall_clients": 3, "overall_bitrate": 1_500_000, "overall_cbitrate": 1_600_000}


@pytest.fixture
def register(tracker):
    """Return a function that registers an endpoint, by default a valid one of the hall.

    ``error`` is the expected code of a refusal, which has status 200 as in the original.
    """

    def register(data=STATS, error="", sender="203.0.113.1", **form):
        form = {"secret": SECRET, "group": "hall", "data": data} | form
        if not isinstance(form["data"], str | None):
            form["data"] = json.dumps(form["data"])
        response = tracker.post(
            "/endpoint/register",
            {name: value for name, value in form.items() if value is not None},
            extra_environ={"REMOTE_ADDR": sender},
            status=200,
        )
        assert response.text.split()[:2] == (["ERROR", error] if error else ["OK"])
        return response

    return register


BASE64_HEADER = b"Content-Transfer-Encoding: base64"


def form_with_field(headers):
    """Return a multipart form whose only field has these headers."""
    field = b'Content-Disposition: form-data; name="data"\r\n' + headers
    return b"--x\r\n" + field + b"\r\n\r\n{}\r\n--x--\r\n"


def nested_form(depth):
    """Return a multipart form with this number of nested forms."""
    heads = [
        f"--b{level}\r\nContent-Type: multipart/mixed; boundary=b{level + 1}\r\n\r\n"
        for level in range(depth)
    ]
    return "".join(heads).encode() + f"--b{depth}--\r\n".encode()


@pytest.mark.both_databases
class TestRegister:
    def test_valid_report_gets_ok_as_plain_text(self, register):
        response = register()

        assert (response.content_type, response.text) == ("text/plain", "OK\n")

    def test_report_updates_the_state_and_adds_a_sample(self, register, rows):
        register()
        register(STATS | {"overall_clients": 7, "webm_high_clients": 7})

        [endpoint] = rows(Endpoint)
        assert (endpoint["room"], endpoint["host"]) == ("hall", "203.0.113.1")
        assert (endpoint["clients"], endpoint["figures"]) == (7, {"webm_high_clients": 7})
        assert [sample["clients"] for sample in rows(Sample)] == [3, 7]
        assert datetime.now(UTC) - endpoint["last_seen"] < timedelta(minutes=1)
        assert endpoint["last_seen"].utcoffset() == timedelta()

    def test_each_room_and_address_is_one_endpoint(self, register, rows):
        register()
        register(group="lab")
        register(sender="203.0.113.2")

        assert {(row["room"], row["host"]) for row in rows(Endpoint)} == {
            ("hall", "203.0.113.1"),
            ("lab", "203.0.113.1"),
            ("hall", "203.0.113.2"),
        }

    @pytest.mark.parametrize(
        ("sender", "normalised"),
        [
            ("2001:DB8:0:0::1", "2001:db8::1"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
        ],
    )
    def test_ip_addresses_are_normalised(self, register, rows, sender, normalised):
        register(sender=sender)

        assert [row["host"] for row in rows(Endpoint)] == [normalised]

    def test_every_metric_of_the_original_is_accepted(self, register, rows):
        streams = "webm_high webm_low flv_high flv_low mp4_high mp4_low ogg_high aac_high mp3_high"
        stats = {
            f"{stream}_{what}": number
            for number, stream in enumerate(["overall", *streams.split()])
            for what in ("clients", "bitrate", "cbitrate")
        } | {"loop_clients": 1, "loop_bitrate": 2}

        register(stats)

        stored = rows(Endpoint)[0]["figures"]
        assert stored == {k: v for k, v in stats.items() if not k.startswith("overall")}

    def test_fractions_are_rounded(self, register, rows):
        register({"overall_bitrate": 1234.6})

        assert rows(Endpoint)[0]["bitrate"] == 1235

    def test_missing_metrics_are_zero(self, register, rows):
        register({})

        assert rows(Endpoint)[0]["clients"] == 0

    @pytest.mark.parametrize(
        ("form", "line"),
        [
            ({"secret": "wrong"}, "ERROR SECRET"),
            ({"secret": ""}, "ERROR SECRET"),
            ({"secret": None}, "ERROR SECRET"),
            ({"secret": "sécret"}, "ERROR SECRET"),
            ({"group": "nowhere"}, "ERROR GROUP"),
            ({"group": ""}, "ERROR GROUP"),
            ({"group": "default"}, "ERROR GROUP"),
            ({"data": None}, "ERROR DATA data is not JSON"),
            ({"data": ""}, "ERROR DATA data is not JSON"),
            ({"data": "{"}, "ERROR DATA data is not JSON"),
            ({"data": "[" * 20_000}, "ERROR DATA data is not JSON"),
            ({"data": "[1]"}, "ERROR DATA data is not a JSON object"),
            ({"data": "null"}, "ERROR DATA data is not a JSON object"),
            ({"data": {"ip": "192.0.2.1"}}, "ERROR DATA data has 'ip', which is no figure"),
            ({"data": {"group": "lab"}}, "ERROR DATA data has 'group', which is no figure"),
            (
                {"data": {"last_seen": 1}},
                "ERROR DATA data has 'last_seen', which is no figure",
            ),
            (
                {"data": {"a\nb<script>é": 1}},
                "ERROR DATA data has 'a\\nb<script>\\xe9', which is no figure",
            ),
            (
                {"data": {"overall_clients": "3"}},
                "ERROR DATA overall_clients is '3'; allowed: a number from 0 to 10000000",
            ),
            (
                {"data": {"overall_clients": True}},
                "ERROR DATA overall_clients is True; allowed: a number from 0 to 10000000",
            ),
            (
                {"data": {"overall_clients": None}},
                "ERROR DATA overall_clients is None; allowed: a number from 0 to 10000000",
            ),
            (
                {"data": {"overall_clients": -1}},
                "ERROR DATA overall_clients is -1; allowed: a number from 0 to 10000000",
            ),
            (
                {"data": {"overall_bitrate": 10**13 + 1}},
                "ERROR DATA overall_bitrate is 10000000000001; "
                "allowed: a number from 0 to 10000000000000",
            ),
            (
                {"data": '{"overall_bitrate": NaN}'},
                "ERROR DATA overall_bitrate is nan; allowed: a number from 0 to 10000000000000",
            ),
            (
                {"data": '{"overall_bitrate": 1e999}'},
                "ERROR DATA overall_bitrate is inf; allowed: a number from 0 to 10000000000000",
            ),
            (
                {"data": '{"overall_bitrate": ' + "9" * 5000 + "}"},
                "ERROR DATA data is not JSON",
            ),
            (
                {"data": '{"overall_bitrate": ' + "9" * 400 + "}"},
                f"ERROR DATA overall_bitrate is {'9' * 60}; "
                "allowed: a number from 0 to 10000000000000",
            ),
        ],
    )
    def test_invalid_report_gets_one_line_and_changes_nothing(self, register, rows, form, line):
        response = register(error=line.split()[1], **form)

        assert (response.content_type, response.text) == ("text/plain", f"{line}\n")
        assert rows(Endpoint) == rows(Sample) == []

    def test_invalid_report_leaves_the_previous_state(self, register, rows):
        register()
        register({"overall_clients": -1}, error="DATA")

        assert [row["clients"] for row in rows(Endpoint)] == [3]

    def test_large_body_is_refused(self, tracker, rows):
        response = tracker.post("/endpoint/register", {"data": "x" * 70_000}, status=413)

        assert response.text == "ERROR SIZE a report has at most 65536 bytes\n"

    def test_body_that_is_not_a_form_is_refused(self, tracker):
        for body in (b"\xff\xfe", b"secret=%ff&group=%fe"):
            response = tracker.post("/endpoint/register", body, status=200)

            assert response.text.startswith("ERROR ")

    @pytest.mark.parametrize(
        ("field", "line"),
        [
            ("secret", "ERROR SECRET\n"),
            ("group", "ERROR GROUP\n"),
            ("data", "ERROR DATA data is not JSON\n"),
        ],
    )
    def test_uploaded_file_as_a_field_is_refused(self, tracker, rows, field, line):
        form = {"secret": SECRET, "group": "hall", "data": "{}"}
        content = form.pop(field).encode()

        response = tracker.post(
            "/endpoint/register", form, upload_files=[(field, "a.txt", content)], status=200
        )

        assert response.text == line
        assert rows(Endpoint) == rows(Sample) == []

    @pytest.mark.parametrize(
        ("kind", "body"),
        [
            ("application/x-www-form-urlencoded", b"secret=%FF"),
            ("application/x-www-form-urlencoded", b"secret=\xff"),
            ("application/x-www-form-urlencoded", b"secret=s&" * 1001),
            ("application/x-www-form-urlencoded; charset=iso-8859-1", b"secret=s"),
            ("application/x-www-form-urlencoded; charset=nonsense", b"secret=s"),
            (
                "multipart/form-data; boundary=x",
                form_with_field(b"Content-Type: text/plain; charset=bogus"),
            ),
            (
                "multipart/form-data; boundary=x",
                form_with_field(b"Content-Type: multipart/mixed; boundary=y\r\n" + BASE64_HEADER),
            ),
            ("multipart/form-data; boundary=b0", nested_form(900)),
        ],
        ids=[
            "no UTF-8",
            "raw bytes",
            "too many fields",
            "another charset",
            "no charset",
            "a form_with_field's charset",
            "an encoded form",
            "too deep",
        ],
    )
    def test_malformed_form_is_refused(self, tracker, rows, kind, body):
        # WebTest's post() would encode the body again.
        response = tracker.request(
            "/endpoint/register", method="POST", body=body, content_type=kind, status=200
        )

        assert response.text == "ERROR FORM the body is not a form in UTF-8\n"
        assert rows(Endpoint) == rows(Sample) == []

    def test_link_local_address_with_scope_is_refused(self, register, rows):
        response = register(sender="fe80::1%eth0", error="REMOTE_ADDR")

        assert response.text == (
            "ERROR REMOTE_ADDR is an address of one link only; allowed: one without %\n"
        )
        assert rows(Endpoint) == []

    def test_report_changes_nothing_if_its_sample_cannot_be_stored(
        self, tracker, register, rows, before_statement
    ):
        def fail(connection, cursor, statement, *rest):
            if statement.startswith("INSERT INTO sample"):
                raise sa.exc.OperationalError(statement, {}, Exception("the disk is full"))

        before_statement(tracker.app, fail)

        register(error="DATABASE")

        assert rows(Endpoint) == rows(Sample) == []

    def test_get_request_gets_the_expected_fields(self, tracker):
        response = tracker.get("/endpoint/register", status=405)

        assert response.headers["Allow"] == "POST"
        assert response.text == "ERROR METHOD post a form with secret, group and data\n"

    def test_address_field_is_ignored_by_default(self, register, rows):
        register(REMOTE_ADDR="192.0.2.7")

        assert [row["host"] for row in rows(Endpoint)] == ["203.0.113.1"]

    def test_concurrent_reports_are_all_stored(self, register, rows):
        def report(number):
            return register({"overall_clients": number}, sender=f"203.0.113.{number % 4}").text

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            responses = list(pool.map(report, range(80)))

        assert responses == ["OK\n"] * 80
        assert len(rows(Endpoint)) == 4
        assert sorted(row["clients"] for row in rows(Sample)) == list(range(80))


class TestUnderDevelopment:
    @pytest.fixture
    def tracker_settings(self, conference, database):
        return conference | {"sqlalchemy.url": database, "endpoint.remote_addr_field": "true"}

    def test_address_field_is_accepted_in_development(self, register, rows):
        register(REMOTE_ADDR="2001:DB8::7")

        assert [row["host"] for row in rows(Endpoint)] == ["2001:db8::7"]

    @pytest.mark.parametrize("claim", ["localhost", "", "192.0.2.7:80", "192.0.2.0/24", "1"])
    def test_invalid_address_field_is_refused(self, register, rows, claim):
        response = register(REMOTE_ADDR=claim, error="REMOTE_ADDR")

        assert response.text == "ERROR REMOTE_ADDR is not an IP address\n"
        assert rows(Endpoint) == []

    @pytest.mark.parametrize("scope", ["eth0", "<script>", "\nOK", "a" * 80])
    def test_scope_of_the_address_field_is_refused(self, register, rows, scope):
        response = register(REMOTE_ADDR=f"fe80::1%{scope}", error="REMOTE_ADDR")

        assert response.text == (
            "ERROR REMOTE_ADDR is an address of one link only; allowed: one without %\n"
        )
        assert rows(Endpoint) == []


class TestStreams:
    def test_streams_js_lists_live_rooms(self, tracker, register):
        register()
        register(sender="203.0.113.2")

        response = tracker.get("/streams.js")

        assert response.content_type == "text/javascript"
        assert response.text == 'var streamers_active = ["hall", "tube"];\n'
        assert "no-cache" in response.headers["Cache-Control"]

    def test_room_with_youtube_is_live_without_endpoints(self, tracker):
        assert tracker.get("/streams.js").text == 'var streamers_active = ["tube"];\n'

    def test_viewer_is_assigned_to_the_least_loaded_endpoint(self, tracker, register):
        register({"overall_bitrate": 900}, sender="203.0.113.1")
        register({"overall_bitrate": 100}, sender="203.0.113.2")

        response = tracker.get("/hall/stream.js")

        assert response.content_type == "text/javascript"
        assert response.text == 'var streamer_hall = new Streams("http://203.0.113.2:8080/");\n'
        assert "no-cache" in response.headers["Cache-Control"]

    def test_ipv6_address_in_a_url_has_brackets(self, tracker, register):
        register(sender="2001:db8::1")

        assert "http://[2001:db8::1]:8080/" in tracker.get("/hall/stream.js").text

    @pytest.mark.parametrize(
        ("room", "script"),
        [("lab", "var streamer_lab = null;\n"), ("tube", "var streamer_tube = new Streams('');\n")],
    )
    def test_script_of_a_room_without_endpoints(self, tracker, room, script):
        assert tracker.get(f"/{room}/stream.js").text == script

    def test_unknown_room_is_not_found(self, tracker):
        assert tracker.get("/nowhere/stream.js", status=404).text == "// There is no such room.\n"
        tracker.get("/a<b/stream.js", status=404)

    def test_streams_json_lists_rooms_and_endpoints(self, tracker, register):
        register({"overall_clients": 3, "overall_bitrate": 900, "webm_high_clients": 3})
        register({"overall_clients": 2, "overall_bitrate": 100}, sender="2001:db8::1")

        response = tracker.get("/streams.json")

        assert response.headers["Access-Control-Allow-Origin"] == "*"
        rooms = response.json["rooms"]
        for endpoint in rooms["hall"]["endpoints"]:
            seen = datetime.fromisoformat(endpoint.pop("last_seen"))
            assert datetime.now(UTC) - seen < timedelta(minutes=1)
        assert rooms == {
            "hall": {
                "live": True,
                "slate": False,
                "youtube": None,
                "clients": 5,
                "bitrate": 1000,
                "endpoints": [
                    {
                        "ip": "2001:db8::1",
                        "name": "2001:db8::1",
                        "url": "http://[2001:db8::1]:8080/",
                        "clients": 2,
                        "bitrate": 100,
                        "formats": [],
                        "weight": 500,
                    },
                    {
                        "ip": "203.0.113.1",
                        "name": "203.0.113.1",
                        "url": "http://203.0.113.1:8080/",
                        "clients": 3,
                        "bitrate": 900,
                        "formats": ["webm_high"],
                        "weight": 500,
                    },
                ],
            },
            "lab": {
                "live": False,
                "slate": False,
                "youtube": None,
                "clients": 0,
                "bitrate": 0,
                "endpoints": [],
            },
            "tube": {
                "live": True,
                "slate": False,
                "youtube": "dQw4w9WgXcQ",
                "clients": 0,
                "bitrate": 0,
                "endpoints": [],
            },
        }

    def test_endpoint_expires_after_a_minute_of_silence(self, tracker, register, at):
        register()
        at(seconds=58)
        # The other list would be a cache hit below.
        assert tracker.get("/hall/streams.json").json["live"]

        at(seconds=60)

        assert not tracker.get("/streams.json").json["rooms"]["hall"]["live"]
        assert tracker.get("/streams.js").text == 'var streamers_active = ["tube"];\n'
        assert tracker.get("/hall/stream.js").text == "var streamer_hall = null;\n"

    @pytest.mark.parametrize(
        "path", ["/streams.json", "/streams.js", "/hall/streams.json", "/hall/stream.js"]
    )
    def test_stream_list_needs_one_query_without_history(
        self, tracker, register, path, before_statement
    ):
        register()
        queries = []
        before_statement(tracker.app, lambda *args: queries.append(args[2].lower()))

        tracker.get(path)

        # An assignment by the tracker is counted.
        [query, *counting] = [query for query in queries if not query.startswith("begin")]
        assert "from endpoint" in query
        assert [line.partition(" set ")[0] for line in counting] == (
            ["update endpoint"] if path == "/hall/stream.js" else []
        )
        assert "sample" not in query
        assert "playback" not in query


class TestStats:
    def test_silent_endpoints_come_first(self, tracker, register, at):
        register({"overall_clients": 1200}, sender="203.0.113.8")
        at(minutes=10)
        register({"overall_clients": 3, "overall_bitrate": 1_500_000}, group="lab")

        page = tracker.get("/endpoint/stats").html

        silent, active = page.select("section")
        assert [cell.get_text() for cell in active.select("tbody tr > *")[:6]] == [
            "Lab",
            "203.0.113.1 http://203.0.113.1:8080/",
            "Streaming",
            "3",
            "1.5",
            "–",
        ]
        assert active.select(".bad") == []
        assert [cell.get_text() for cell in silent.select("tbody tr > *")[:4]] == [
            "Great Hall",
            "203.0.113.8 http://203.0.113.8:8080/",
            "Silent",
            "1,200",
        ]
        assert [cell.get_text() for cell in silent.select(".bad")][2:] == ["Silent"]
        assert active.select_one("tfoot td").get_text() == "3"

    def test_endpoint_needs_no_attention_after_an_hour_of_silence(self, tracker, register, at):
        register()
        at(hours=1)

        page = tracker.get("/endpoint/stats").html

        assert [heading.get_text() for heading in page.select("h2")] == [
            "Streaming 0",
            "Silent for longer 1",
        ]
        assert page.select(".bad") == []

    @pytest.mark.parametrize(
        ("values", "state"),
        [
            ({"capacity": 1_000_000, "bitrate": 960_000}, ["Full", "96"]),
            ({"capacity": 1_000_000, "bitrate": 500_000}, ["Streaming", "50"]),
            ({"draining": True}, ["Draining", "–"]),
            ({"drained": True}, ["Draining", "–"]),
        ],
    )
    def test_page_shows_state_and_utilisation(self, tracker, register, database, values, state):
        register()
        engine = make_engine({"sqlalchemy.url": database})
        with engine.begin() as connection:
            connection.execute(sa.update(Endpoint).values(**values))
        engine.dispose()

        cells = tracker.get("/endpoint/stats").html.select("tbody td")

        assert [cells[1].get_text(), cells[4].get_text()] == state

    def test_page_shows_address_and_formats(self, tracker, register):
        register(STATS | {"webm_high_clients": 3}, sender="2001:db8::1")

        cells = tracker.get("/endpoint/stats").html.select("td")
        assert cells[0].get_text() == "2001:db8::1 http://[2001:db8::1]:8080/"
        assert cells[7].get_text() == "webm_high"

    def test_page_links_to_the_other_pages_of_the_crew(self, tracker):
        nav = tracker.get("/endpoint/stats").html.select("nav.crew a")

        assert [(a.get_text(), a["href"]) for a in nav] == [
            ("Monitor", "/monitor"),
            ("Graphs", "/graphs"),
            ("Servers", "/endpoint/stats"),
            ("Pipeline", "/flumotion/stats"),
            ("Admin", "/admin"),
        ]
        assert [a.get_text() for a in nav if a.has_attr("aria-current")] == ["Servers"]

    def test_endpoint_disappears_after_a_week_of_silence(self, tracker, register, at):
        register()
        at(days=7)

        assert "203.0.113.1" not in tracker.get("/endpoint/stats").text

    def test_page_loads_own_files_only(self, tracker):
        response = tracker.get("/endpoint/stats")

        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
        sheets = [link["href"] for link in response.html.select("link[rel=stylesheet]")]
        scripts = [script["src"] for script in response.html.select("script")]
        assert sheets
        assert scripts
        for address in (*sheets, *scripts):
            assert address.startswith("/static/")
            tracker.get(address)


class TestErrors:
    @pytest.mark.parametrize(
        "path", ["/nothing", "/a%0aOK", "/static/../models.py", "/static/%00", "/" + "a" * 3000]
    )
    def test_unknown_path_gets_one_line_without_the_path(self, tracker, path):
        assert tracker.get(path, status=404).json == {"error": "there is nothing at this address"}
        assert tracker.post(path, status=404).text == "ERROR there is nothing at this address\n"

    @pytest.mark.parametrize("path", ["/%ff", "/%ff/stream.js", "/static/%ff"])
    def test_path_that_is_not_utf_8_is_refused(self, tracker, path):
        assert tracker.get(path, status=400).json == {"error": "the address is not UTF-8"}
        assert tracker.post(path, status=400).text == "ERROR the address is not UTF-8\n"

    def test_unavailable_database_gets_one_line(self, tracker, register, before_statement):
        def fail(*args):
            raise sa.exc.OperationalError("SELECT", {}, Exception("gone"))

        before_statement(tracker.app, fail)

        response = register(error="DATABASE")
        assert response.text == "ERROR DATABASE the database cannot be used now\n"
        assert response.headers["Retry-After"] == "5"
        assert tracker.get("/streams.json", status=503).json == {
            "error": "the database cannot be used now"
        }

    def test_invalid_sql_value_gets_one_line_and_is_logged(
        self, tracker, register, caplog, before_statement
    ):
        def fail(*args):
            raise sa.exc.DataError("INSERT", {}, Exception("value too long"))

        before_statement(tracker.app, fail)

        response = register(error="INTERNAL")
        assert response.text == "ERROR INTERNAL something is wrong on our side\n"
        assert "value too long" in caplog.text

    def test_bug_gets_one_line_and_is_logged(self, tracker, caplog):
        del tracker.app.registry.settings["endpoint.url"]
        tracker.post("/endpoint/register", {"secret": SECRET, "group": "hall", "data": "{}"})

        response = tracker.get("/hall/stream.js", status=500)

        assert response.json == {"error": "something is wrong on our side"}
        assert "KeyError" in caplog.text


class TestStart:
    def start(self, settings):
        with pytest.raises(SystemExit) as stop:
            tracker_app.main({}, **settings)
        return str(stop.value)

    @pytest.fixture
    def example(self, conference, tmp_path):
        (tmp_path / "config.json").write_text(
            json.dumps({"config": {"secret": "move me to config.private.json"}, "hall": {}})
        )
        return conference

    def test_secret_of_the_example_is_refused(self, example, database):
        line = self.start(example | {"sqlalchemy.url": database})

        assert "config.json:1:13: section 'config': key 'secret': is the example's" in line

    def test_all_errors_of_the_ini_and_the_configuration_stop_the_start(self, example, tmp_path):
        ini = tmp_path / "site.ini"
        ini.write_text(
            "[DEFAULT]\naccess_log = maybe\n[app:tracker]\nuse = egg:streaming-system#tracker\n"
            "ingest.max_batches = 5\nbound.rows_per_table = many\n"
        )

        lines = self.start(example | {"__file__": str(ini)}).splitlines()

        assert [line.removeprefix(f"{ini}:") for line in lines] == [
            "5:1: [app:tracker]: key 'ingest.max_batches': unknown key; did you mean "
            "'ingest.max_batch'? docs/reference/ini-keys.md lists the keys",
            "2:1: [DEFAULT]: key 'access_log': is 'maybe'; allowed: true or false",
            "6:1: [app:tracker]: key 'bound.rows_per_table': is 'many'; allowed: a whole number "
            "from 1",
        ]

    def test_weak_secret_is_logged(self, example, database, tmp_path, caplog):
        (tmp_path / "config.json").write_text('{"config": {"secret": "s3cret"}, "hall": {}}')

        app = TestApp(tracker_app.main({}, **example, **{"sqlalchemy.url": database}))

        assert "the secret in section 'config' is weak: it has 6 characters" in caplog.text
        app.app.registry["db.sessions"].kw["bind"].dispose()

    def test_secret_of_the_example_is_accepted_if_the_ini_allows_it(self, example, database):
        settings = example | {"sqlalchemy.url": database, "secret.allow_example": "true"}

        app = TestApp(tracker_app.main({}, **settings))

        assert app.get("/streams.js").status_int == 200
        app.app.registry["db.sessions"].kw["bind"].dispose()

    def test_missing_secret_is_refused(self, example, database, tmp_path):
        (tmp_path / "config.json").write_text('{"hall": {}}')

        assert "key 'secret': set one" in self.start(
            example | {"sqlalchemy.url": database, "secret.allow_example": "true"}
        )

    @pytest.mark.parametrize(
        ("settings", "line"),
        [
            ({}, "the ini file lacks the key sqlalchemy.url in [app:tracker]"),
            ({"sqlalchemy.url": "nonsense"}, "sqlalchemy.url in the ini file: Could not parse"),
            ({"sqlalchemy.url": "mysql9://x"}, "sqlalchemy.url in the ini file: Can't load plugin"),
            (
                {"sqlalchemy.url": "postgresql+psycopg://x:y@127.0.0.1:port/x"},
                "sqlalchemy.url in the ini file: invalid literal for int()",
            ),
            (
                {"sqlalchemy.url": "sqlite:////none/of/this"},
                "is not there (/none/of/this): run make",
            ),
            (
                {"sqlalchemy.url": "postgresql+psycopg://x@127.0.0.1:9/x"},
                "the database of sqlalchemy.url in the ini file cannot be opened: ",
            ),
            (
                {"sqlalchemy.url": "sqlite://", "endpoint.url": "ftp://x"},
                "endpoint.url in the ini file is 'ftp://x'; allowed: ",
            ),
            (
                {"sqlalchemy.url": "sqlite://", "secret.accepted": "maybe"},
                "secret.accepted in the ini file is 'maybe'; allowed: true or false",
            ),
            (
                {"sqlalchemy.url": "sqlite://", "answers.kept": "false"},
                "answers.kept in the ini file has a new name: use response_cache.enabled",
            ),
            (
                {"sqlalchemy.url": "sqlite://", "report.rate": "20"},
                "report.rate in the ini file has a new name: use ingest.target_rate",
            ),
        ],
    )
    def test_invalid_setting_stops_the_start_with_one_line(self, conference, settings, line):
        message = self.start(conference | settings)

        assert line in message
        assert "\n" not in message

    def test_file_that_is_not_a_database_is_refused(self, conference, tmp_path):
        (tmp_path / "text.sqlite").write_text("No database at all. " * 100)

        message = self.start(conference | {"sqlalchemy.url": f"sqlite:///{tmp_path}/text.sqlite"})

        assert message == (
            "the database of sqlalchemy.url in the ini file cannot be opened: "
            "file is not a database; "
            "name an SQLite file that this user may write to, in such a folder"
        )

    def test_database_without_tables_is_refused(self, conference, tmp_path):
        (tmp_path / "empty.sqlite").touch()

        assert self.start(
            conference | {"sqlalchemy.url": f"sqlite:///{tmp_path}/empty.sqlite"}
        ).endswith(
            "lacks the table 'account': run make initdb, or streaming-system tracker migrate"
        )
