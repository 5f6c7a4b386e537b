"""Access logs of endpoints, over HTTP: files, figures, and what is never stored."""

from datetime import UTC, datetime, timedelta

import pytest

from streaming_system.tracker.models import LogHour, LogVisitor

from .conftest import SECRET

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
