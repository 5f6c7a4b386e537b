"""Access logs of endpoints over HTTP: files, hourly totals and privacy."""

import concurrent.futures
import re
import urllib.parse
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.crew.server_keys import DailySalts
from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.history import maintenance
from streaming_system.tracker.models import LogHour, LogVisitor, Salt

from .conftest import SECRET

pytestmark = pytest.mark.both_databases

NOW = datetime.now(UTC)
HOUR = NOW.replace(minute=0, second=0, microsecond=0)
VLC = "VLC/3.0.20 LibVLC/3.0.20"


def line(address="192.0.2.7", status=200, size=1000, agent=VLC, time=NOW, user="-"):
    """Return a line of an access log."""
    return (
        f"{address} - {user} [{time:%d/%b/%Y:%H:%M:%S %z}] "
        f'"GET /high.webm HTTP/1.1" {status} {size} "-" "{agent}"'
    )


@pytest.fixture
def logdir(tmp_path):
    return tmp_path / "logs"


@pytest.fixture
def tracker_settings(tracker_settings, logdir):
    return tracker_settings | {"logdir": str(logdir)}


@pytest.fixture
def send(tracker):
    """Return a function that uploads log lines of the hall.

    ``error`` is the expected code of a refusal, ``*`` allows any response.
    """

    def send(*lines, error="", sender="203.0.113.1", **form):
        form = {"secret": SECRET, "group": "hall", "data": "\n".join(lines)} | form
        response = tracker.post(
            "/endpoint/logs", form, extra_environ={"REMOTE_ADDR": sender}, status=200
        )
        expected = ["ERROR", error] if error else ["OK"]
        assert error == "*" or response.text.split()[:2] == expected
        return response

    return send


@pytest.fixture
def stored_lines(logdir):
    """Return a function that returns the lines of all files."""
    return lambda: [
        text for path in sorted(logdir.rglob("*.log*")) for text in path.read_text().splitlines()
    ]


@pytest.fixture
def db(database):
    engine = make_engine({"sqlalchemy.url": database})
    with Session(engine) as db:
        yield db
    engine.dispose()


class TestTotals:
    def test_lines_are_counted_per_hour(self, send, rows):
        response = send(
            line(),
            line(size=500),
            line(address="192.0.2.8", status=404, size="-"),
            line(time=NOW - timedelta(hours=2)),
        )

        assert (response.content_type, response.text) == ("text/plain", "OK\n")
        earlier, now = sorted(rows(LogHour), key=lambda row: row["hour"])
        key = {"room": "hall", "name": "203.0.113.1"}
        assert now == key | {"hour": HOUR, "hits": 3, "bytes": 1500, "errors": 1, "viewers": 2}
        assert earlier["hour"] == HOUR - timedelta(hours=2)

    def test_our_own_checks_are_no_viewers(self, send, rows):
        checks = [f"streaming-system (agent){purpose}" for purpose in ("", " preview", " check")]
        send(*(line(address="192.0.2.9", agent=agent) for agent in checks))
        assert [(row["hits"], row["viewers"]) for row in rows(LogHour)] == [(3, 0)]

        send(line(agent=checks[0]), *(line(address=f"192.0.2.{n}") for n in range(7)))

        assert [(row["hits"], row["viewers"]) for row in rows(LogHour)] == [(11, 7)]

    def test_reports_add_up_and_a_viewer_counts_once_per_hour(self, send, rows):
        send(line(), line(address="192.0.2.8"))
        send(line(), line(agent="mpv"))

        assert [(row["hits"], row["viewers"]) for row in rows(LogHour)] == [(4, 3)]
        assert all(len(row["visitor"]) == 16 for row in rows(LogVisitor))

    @pytest.mark.parametrize(
        ("age", "counted"),
        [
            (timedelta(hours=23), True),
            (timedelta(hours=25), False),
            (timedelta(minutes=-50), True),
            (timedelta(minutes=-70), False),
            (timedelta(days=9000), False),
        ],
    )
    def test_lines_of_other_days_are_stored_but_not_counted(
        self, send, rows, stored_lines, age, counted
    ):
        # Not NOW: this module may have been imported long ago.
        send(line(time=datetime.now(UTC) - age))

        assert len(rows(LogHour)) == counted
        assert len(stored_lines()) == 1

    def test_hour_is_converted_to_utc(self, send, rows):
        send(line(time=NOW.astimezone(timezone(timedelta(hours=5, minutes=45)))))

        assert [row["hour"] for row in rows(LogHour)] == [HOUR]

    def test_invalid_lines_are_no_error(self, send, rows, stored_lines):
        send("garbage", "\0\r\x1b[2J", "x" * 100_000, line(), "", '"' * 5000)

        assert [row["hits"] for row in rows(LogHour)] == [1]
        assert len(stored_lines()) == 5

    def test_bytes_other_than_utf_8_are_accepted(self, tracker, rows):
        form = urllib.parse.urlencode(
            {"secret": SECRET, "group": "hall", "data": line(agent="VLC \xff").encode("latin-1")}
        )

        tracker.post("/endpoint/logs", form)

        assert [row["hits"] for row in rows(LogHour)] == [1]

    def test_multipart_form_is_accepted(self, tracker, rows):
        boundary = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        fields = {b"secret": SECRET, b"group": "hall", b"data": line()}
        parts = [boundary % (name, value.encode()) for name, value in fields.items()]

        tracker.request(
            "/endpoint/logs",
            method="POST",
            body=b"".join(parts) + b"--x--\r\n",
            content_type="multipart/form-data; boundary=x",
        )

        assert [row["hits"] for row in rows(LogHour)] == [1]

    def test_file_upload_is_rejected(self, tracker, logdir):
        response = tracker.post(
            "/endpoint/logs",
            {"secret": SECRET, "group": "hall"},
            upload_files=[("data", "access.log", line().encode())],
            status=200,
        )

        assert response.text == "ERROR DATA there is no field data with the lines\n"
        assert not logdir.exists()

    def test_totals_saturate(self, send, rows, database):
        send(line(size=2**50))
        engine = make_engine({"sqlalchemy.url": database})
        with engine.begin() as connection:
            connection.execute(sa.update(LogHour).values(bytes=2**62 - 5))
        engine.dispose()

        send(line(size=2**50))

        assert [row["bytes"] for row in rows(LogHour)] == [2**62]

    def test_concurrent_reports_are_all_counted(self, send, rows, stored_lines):
        def send_report(number):
            viewers = [line(address=f"192.0.2.{(number + n) % 5}") for n in range(3)]
            return send(*viewers, sender=f"203.0.113.{number % 3}").text

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            responses = list(pool.map(send_report, range(36)))

        assert responses == ["OK\n"] * 36
        assert [(row["hits"], row["viewers"]) for row in rows(LogHour)] == [(36, 5)] * 3
        assert len(stored_lines()) == 108

    def test_repeated_batch_is_neither_stored_nor_counted(self, send, rows, stored_lines):
        first, second = line(), line(size=500)
        send(first, batch="edge1:1")
        send(second, batch="edge2:1", sender="203.0.113.2")
        send(second, batch="edge1:1", group="lab")

        assert send(first, batch="edge1:1").text == "OK\n"

        assert [row["hits"] for row in rows(LogHour)] == [1, 1, 1]
        assert len(stored_lines()) == 3
        send(second, batch="edge1:2")
        assert len(stored_lines()) == 4

    def test_concurrent_copies_of_a_batch_are_stored_once(self, send, stored_lines):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            responses = list(pool.map(lambda _: send(line(), batch="edge1:1"), range(4)))

        assert [response.text for response in responses] == ["OK\n"] * 4
        assert len(stored_lines()) == 1

    @pytest.mark.parametrize("batch", ["", "edge1", ":1", "edge1:", "a b:1", "e:" + "1" * 61])
    def test_invalid_batch_id_is_rejected(self, send, stored_lines, batch):
        response = send(line(), batch=batch, error="BATCH")

        assert response.text.startswith("ERROR BATCH ")
        assert stored_lines() == []

    def test_totals_are_on_the_stats_page(self, tracker, send):
        send(line(size=2_500_000_000), line(address="192.0.2.8", status=500))
        send(line(time=NOW - timedelta(hours=20)))
        send(line(time=NOW - timedelta(hours=25)), group="lab")

        page = tracker.get("/endpoint/stats").html

        [table, hours] = page.select("section[data-refresh=logs] table")
        cells = [cell.get_text() for cell in table.select("tbody th, tbody td")]
        assert cells == ["Great Hall", "203.0.113.1", "3", "2.5", "1", "2"]
        assert [row.select("td")[1].get_text() for row in hours.select("tbody tr")] == ["1", "2"]


class TestPrivacy:
    def test_addresses_and_user_agents_are_not_stored(self, send, stored_lines, database, rows):
        send(line(user="jane"), "garbage of 192.0.2.7 with VLC")

        [parsed, invalid] = stored_lines()
        pseudonym, rest = parsed.split(" ", 1)
        assert re.fullmatch("[0-9a-f]{32}", pseudonym)
        assert rest.startswith("- - [")
        assert rest.endswith('"GET /high.webm HTTP/1.1" 200 1000 "-" "-"')
        assert invalid == "# a line of 29 characters that cannot be read"
        assert bytes.fromhex(pseudonym) == rows(LogVisitor)[0]["visitor"]

    def test_viewer_has_one_pseudonym_per_day(self, send, stored_lines):
        send(line(), line(), line(agent="mpv"))

        first, second, other = (text.split()[0] for text in stored_lines())
        assert first == second != other

    def test_salts_and_visitors_are_deleted(self, tracker_settings, send, rows):
        send(line())

        maintenance.run_maintenance(tracker_settings, clock=lambda: NOW + timedelta(days=1))
        assert len(rows(Salt)) == len(rows(LogVisitor)) == 1
        maintenance.run_maintenance(tracker_settings, clock=lambda: NOW + timedelta(days=2))

        assert rows(Salt) == rows(LogVisitor) == []
        assert len(rows(LogHour)) == 1

    def test_next_report_deletes_salts_older_than_yesterday(self, send, db, rows):
        for days in (2, 1, 0):
            DailySalts(db).get((NOW - timedelta(days=days)).date())

        send(line())

        assert min(row["day"] for row in rows(Salt)) == (NOW - timedelta(days=1)).date()


class TestStoredAddresses:
    @pytest.fixture
    def tracker_settings(self, tracker_settings):
        return tracker_settings | {"privacy.days": "3"}

    def test_lines_are_stored_unchanged(self, send, stored_lines):
        send(line(user="jane"), "garbage of 192.0.2.7")

        assert stored_lines() == [line(user="jane"), "garbage of 192.0.2.7"]

    def test_expired_files_are_deleted(self, tracker_settings, send, stored_lines):
        send(line())

        result = maintenance.run_maintenance(
            tracker_settings, clock=lambda: NOW + timedelta(days=2)
        )
        assert result.deleted["log files"] == 0
        result = maintenance.run_maintenance(
            tracker_settings, clock=lambda: NOW + timedelta(days=3)
        )
        assert result.deleted["log files"] == 1
        assert stored_lines() == []

    def test_folders_and_links_are_not_deleted(self, tracker_settings, send, logdir):
        (logdir / "hall/a.log").mkdir(parents=True)
        (logdir / "hall/b.log").symlink_to("/etc/passwd")
        send(line())

        maintenance.run_maintenance(tracker_settings, clock=lambda: NOW + timedelta(days=9))

        assert sorted(path.name for path in (logdir / "hall").iterdir()) == ["a.log", "b.log"]


class TestFailures:
    @pytest.fixture
    def unwritable(self, logdir):
        """A file in place of the folder of the logs."""
        logdir.write_text("")

    def test_lines_that_cannot_be_written_are_not_counted(self, unwritable, send, rows, caplog):
        response = send(line(), error="LOGS")

        assert response.text == "ERROR LOGS the logs cannot be written now; send them again\n"
        assert response.headers["Retry-After"] == "5"
        assert rows(LogHour) == rows(LogVisitor) == []
        assert "writing access logs failed" in caplog.text

    def test_rejected_batch_is_accepted_when_repeated(self, unwritable, logdir, send, stored_lines):
        send(line(), batch="edge1:1", error="LOGS")
        logdir.unlink()

        send(line(), batch="edge1:1")

        assert len(stored_lines()) == 1

    def test_repeated_lines_are_counted_once(self, unwritable, logdir, send, rows):
        send(line(), error="LOGS")
        logdir.unlink()
        send(line())

        assert [(row["hits"], row["viewers"]) for row in rows(LogHour)] == [(1, 1)]

    def test_full_disk_loses_no_acknowledged_line_and_counts_each_once(
        self, small_disk, logdir, send, rows, stored_lines
    ):
        logdir.symlink_to(small_disk)
        report = [line(address=f"192.0.2.{number}") for number in range(200)]
        responses = []
        while "OK\n" in responses[-1:] or not responses:
            responses.append(send(*report, error="*").text)

        assert responses[-1] == "ERROR LOGS the logs cannot be written now; send them again\n"
        accepted = responses.count("OK\n")
        assert accepted > 1
        assert len(stored_lines()) == 200 * accepted
        assert [row["hits"] for row in rows(LogHour)] == [200 * accepted]

    def test_unavailable_database_prevents_writing(self, tracker, send, logdir, before_statement):
        def fail(*args):
            raise sa.exc.OperationalError("INSERT", {}, Exception("gone"))

        before_statement(tracker.app, fail)

        response = send(line(), error="DATABASE")

        assert response.text == "ERROR DATABASE the database cannot be used now\n"
        assert response.headers["Retry-After"] == "5"
        assert not logdir.exists()


class TestWithoutFolder:
    @pytest.fixture
    def tracker_settings(self, tracker_settings):
        return tracker_settings | {"logdir": ""}

    def test_upload_is_rejected_with_the_reason(self, send, rows):
        response = send(line(), error="LOGS")

        assert response.text == (
            "ERROR LOGS the tracker keeps no logs: the ini file has no logdir\n"
        )
        assert rows(LogHour) == []


class TestWithoutSecret:
    @pytest.fixture
    def tracker_settings(self, tracker_settings):
        return tracker_settings | {"secret.accepted": "false"}

    @pytest.mark.parametrize("path", ["/endpoint/register", "/endpoint/logs", "/flumotion/log"])
    def test_legacy_reports_are_rejected(self, tracker, path):
        form = {"secret": SECRET, "group": "hall", "data": "{}"}

        assert tracker.post(path, form, status=200).text == "ERROR SECRET\n"
