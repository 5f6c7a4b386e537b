"""Access logs of endpoints, over HTTP: files, figures, and what is never stored."""

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
    """Return a function that hands in log lines, by default good ones of the hall."""

    def send(*lines, status=200, sender="203.0.113.1", **form):
        form = {"secret": SECRET, "group": "hall", "data": "\n".join(lines)} | form
        return tracker.post(
            "/endpoint/logs", form, extra_environ={"REMOTE_ADDR": sender}, status=status
        )

    return send


@pytest.fixture
def kept(logdir):
    """Return a function that tells the lines in all files."""
    return lambda: [
        text for path in sorted(logdir.rglob("*.log*")) for text in path.read_text().splitlines()
    ]


@pytest.fixture
def db(database):
    engine = make_engine({"sqlalchemy.url": database})
    with Session(engine) as db:
        yield db
    engine.dispose()


class TestFigures:
    def test_lines_are_counted_by_the_hour(self, send, rows):
        answer = send(
            line(),
            line(size=500),
            line(address="192.0.2.8", status=404, size="-"),
            line(time=NOW - timedelta(hours=2)),
        )

        assert (answer.content_type, answer.text) == ("text/plain", "OK\n")
        earlier, now = sorted(rows(LogHour), key=lambda row: row["hour"])
        where = {"room": "hall", "name": "203.0.113.1"}
        assert now == where | {"hour": HOUR, "hits": 3, "bytes": 1500, "errors": 1, "viewers": 2}
        assert earlier["hour"] == HOUR - timedelta(hours=2)

    def test_reports_add_up_and_a_viewer_counts_once_an_hour(self, send, rows):
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
    def test_lines_of_other_days_are_kept_but_not_counted(self, send, rows, kept, age, counted):
        # The tracker's now: this file may have been read a good while ago.
        send(line(time=datetime.now(UTC) - age))

        assert len(rows(LogHour)) == counted
        assert len(kept()) == 1

    def test_the_hour_is_that_of_the_line_s_own_zone(self, send, rows):
        send(line(time=NOW.astimezone(timezone(timedelta(hours=5, minutes=45)))))

        assert [row["hour"] for row in rows(LogHour)] == [HOUR]

    def test_what_cannot_be_read_is_never_an_error(self, send, rows, kept):
        send("garbage", "\0\r\x1b[2J", "x" * 100_000, line(), "", '"' * 5000)

        assert [row["hits"] for row in rows(LogHour)] == [1]
        assert len(kept()) == 5

    def test_bytes_that_are_not_utf_8_are_taken(self, tracker, rows):
        form = urllib.parse.urlencode(
            {"secret": SECRET, "group": "hall", "data": line(agent="VLC \xff").encode("latin-1")}
        )

        tracker.post("/endpoint/logs", form)

        assert [row["hits"] for row in rows(LogHour)] == [1]

    def test_a_report_may_come_as_a_form_of_parts(self, tracker, rows):
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

    def test_lines_in_a_file_are_refused(self, tracker, logdir):
        answer = tracker.post(
            "/endpoint/logs",
            {"secret": SECRET, "group": "hall"},
            upload_files=[("data", "access.log", line().encode())],
            status=400,
        )

        assert answer.text == "ERROR DATA there is no field data with the lines\n"
        assert not logdir.exists()

    def test_figures_stay_countable(self, send, rows, database):
        send(line(size=2**50))
        engine = make_engine({"sqlalchemy.url": database})
        with engine.begin() as connection:
            connection.execute(sa.update(LogHour).values(bytes=2**62 - 5))
        engine.dispose()

        send(line(size=2**50))

        assert [row["bytes"] for row in rows(LogHour)] == [2**62]

    def test_many_reports_at_once_are_all_counted(self, send, rows, kept):
        def report(number):
            viewers = [line(address=f"192.0.2.{(number + n) % 5}") for n in range(3)]
            return send(*viewers, sender=f"203.0.113.{number % 3}").text

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(report, range(36)))

        assert answers == ["OK\n"] * 36
        assert [(row["hits"], row["viewers"]) for row in rows(LogHour)] == [(36, 5)] * 3
        assert len(kept()) == 108

    def test_a_batch_that_comes_again_is_neither_kept_nor_counted(self, send, rows, kept):
        first, second = line(), line(size=500)
        send(first, batch="edge1:1")
        send(second, batch="edge2:1", sender="203.0.113.2")
        send(second, batch="edge1:1", group="lab")

        assert send(first, batch="edge1:1").text == "OK\n"

        assert [row["hits"] for row in rows(LogHour)] == [1, 1, 1]
        assert len(kept()) == 3
        send(second, batch="edge1:2")
        assert len(kept()) == 4

    def test_the_same_batch_at_once_is_kept_once(self, send, kept):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: send(line(), batch="edge1:1"), range(4)))

        assert [answer.text for answer in answers] == ["OK\n"] * 4
        assert len(kept()) == 1

    @pytest.mark.parametrize("batch", ["", "edge1", ":1", "edge1:", "a b:1", "e:" + "1" * 61])
    def test_a_batch_without_sender_and_word_is_refused(self, send, kept, batch):
        answer = send(line(), batch=batch, status=400)

        assert answer.text.startswith("ERROR BATCH ")
        assert kept() == []

    def test_the_crew_sees_them(self, tracker, send):
        send(line(size=2_500_000_000), line(address="192.0.2.8", status=500))
        send(line(time=NOW - timedelta(hours=20)))
        send(line(time=NOW - timedelta(hours=25)), group="lab")

        page = tracker.get("/endpoint/stats").html

        [table, hours] = page.select("section[data-refresh=logs] table")
        cells = [cell.get_text() for cell in table.select("tbody th, tbody td")]
        assert cells == ["Great Hall", "203.0.113.1", "3", "2.5", "1", "2"]
        assert [row.select("td")[1].get_text() for row in hours.select("tbody tr")] == ["1", "2"]


class TestPrivacy:
    def test_no_address_or_agent_is_stored(self, send, kept, database, rows):
        send(line(user="jane"), "garbage of 192.0.2.7 with VLC")

        [known, unknown] = kept()
        pseudonym, rest = known.split(" ", 1)
        assert re.fullmatch("[0-9a-f]{32}", pseudonym)
        assert rest.startswith("- - [")
        assert rest.endswith('"GET /high.webm HTTP/1.1" 200 1000 "-" "-"')
        assert unknown == "# a line of 29 characters that cannot be read"
        assert bytes.fromhex(pseudonym) == rows(LogVisitor)[0]["visitor"]

    def test_a_viewer_has_one_pseudonym_a_day(self, send, kept):
        send(line(), line(), line(agent="mpv"))

        first, second, other = (text.split()[0] for text in kept())
        assert first == second != other

    def test_what_makes_them_out_is_forgotten(self, tracker_settings, send, rows):
        send(line())

        maintenance.run_maintenance(tracker_settings, clock=lambda: NOW + timedelta(days=1))
        assert len(rows(Salt)) == len(rows(LogVisitor)) == 1
        maintenance.run_maintenance(tracker_settings, clock=lambda: NOW + timedelta(days=2))

        assert rows(Salt) == rows(LogVisitor) == []
        assert len(rows(LogHour)) == 1

    def test_salts_of_days_before_yesterday_go_with_the_next_report(self, send, db, rows):
        for days in (2, 1, 0):
            DailySalts(db).get((NOW - timedelta(days=days)).date())

        send(line())

        assert min(row["day"] for row in rows(Salt)) == (NOW - timedelta(days=1)).date()


class TestWhereAddressesMayBeKept:
    @pytest.fixture
    def tracker_settings(self, tracker_settings):
        return tracker_settings | {"privacy.days": "3"}

    def test_lines_are_kept_as_they_came(self, send, kept):
        send(line(user="jane"), "garbage of 192.0.2.7")

        assert kept() == [line(user="jane"), "garbage of 192.0.2.7"]

    def test_old_files_are_removed(self, tracker_settings, send, kept):
        send(line())

        done = maintenance.run_maintenance(tracker_settings, clock=lambda: NOW + timedelta(days=2))
        assert done.deleted["log files"] == 0
        done = maintenance.run_maintenance(tracker_settings, clock=lambda: NOW + timedelta(days=3))
        assert done.deleted["log files"] == 1
        assert kept() == []

    def test_what_is_no_file_stays(self, tracker_settings, send, logdir):
        (logdir / "hall/a.log").mkdir(parents=True)
        (logdir / "hall/b.log").symlink_to("/etc/passwd")
        send(line())

        maintenance.run_maintenance(tracker_settings, clock=lambda: NOW + timedelta(days=9))

        assert sorted(path.name for path in (logdir / "hall").iterdir()) == ["a.log", "b.log"]


class TestTrouble:
    @pytest.fixture
    def unwritable(self, logdir):
        """A file where the folder of the logs should be."""
        logdir.write_text("")

    def test_logs_that_cannot_be_written_are_not_counted(self, unwritable, send, rows, caplog):
        answer = send(line(), status=503)

        assert answer.text == "ERROR LOGS the logs cannot be written now; send them again\n"
        assert rows(LogHour) == rows(LogVisitor) == []
        assert "writing access logs failed" in caplog.text

    def test_a_batch_that_was_refused_is_taken_when_it_comes_again(
        self, unwritable, logdir, send, kept
    ):
        send(line(), batch="edge1:1", status=503)
        logdir.unlink()

        send(line(), batch="edge1:1")

        assert len(kept()) == 1

    def test_what_is_sent_again_is_counted_once(self, unwritable, logdir, send, rows):
        send(line(), status=503)
        logdir.unlink()
        send(line())

        assert [(row["hits"], row["viewers"]) for row in rows(LogHour)] == [(1, 1)]

    def test_on_a_full_disk_nothing_acknowledged_is_lost_or_counted_twice(
        self, small_disk, logdir, send, rows, kept
    ):
        logdir.symlink_to(small_disk)
        report = [line(address=f"192.0.2.{number}") for number in range(200)]
        answers = []
        while "OK\n" in answers[-1:] or not answers:
            answers.append(send(*report, status="*").text)

        assert answers[-1] == "ERROR LOGS the logs cannot be written now; send them again\n"
        taken = answers.count("OK\n")
        assert taken > 1
        assert len(kept()) == 200 * taken
        assert [row["hits"] for row in rows(LogHour)] == [200 * taken]

    def test_without_a_database_nothing_is_written(self, tracker, send, logdir, before_statement):
        def fail(*args):
            raise sa.exc.OperationalError("INSERT", {}, Exception("gone"))

        before_statement(tracker.app, fail)

        assert send(line(), status=503).text == "ERROR the database cannot be used now\n"
        assert not logdir.exists()


class TestWithoutAFolder:
    @pytest.fixture
    def tracker_settings(self, tracker_settings):
        return tracker_settings | {"logdir": ""}

    def test_the_call_says_so(self, send, rows):
        answer = send(line(), status=503)

        assert answer.text == ("ERROR LOGS the tracker keeps no logs: the ini file has no logdir\n")
        assert rows(LogHour) == []


class TestWithoutTheSecret:
    @pytest.fixture
    def tracker_settings(self, tracker_settings):
        return tracker_settings | {"secret.accepted": "false"}

    @pytest.mark.parametrize("path", ["/endpoint/register", "/endpoint/logs", "/flumotion/log"])
    def test_every_old_report_is_refused(self, tracker, path):
        form = {"secret": SECRET, "group": "hall", "data": "{}"}

        assert tracker.post(path, form, status=403).text == "ERROR SECRET\n"
