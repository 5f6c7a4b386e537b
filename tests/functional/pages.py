"""A site whose pages are tried, its programme, and a tracker that says what it is told to say."""

import contextlib
import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from zoneinfo import ZoneInfo

import pytest
from webtest import TestApp

from streaming_system import frontend as frontend_app
from streaming_system.schedule.gaps import fill_gaps
from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import save_schedule

SYDNEY = ZoneInfo("Australia/Sydney")
# 10:20 in Sydney.
NOW = datetime(2026, 11, 23, 23, 20, tzinfo=UTC)


def event(start, minutes, title, **more):
    """Return a talk that starts at a local time of 24 November."""
    begins = datetime.fromisoformat(f"2026-11-24T{start}").replace(tzinfo=SYDNEY).astimezone(UTC)
    return Slot(start=begins, end=begins + timedelta(minutes=minutes), title=title,
                 guid=f"guid-{title}", **more)  # fmt: skip


HALL = [
    event("10:00", 60, "Keynote & more", abstract="<p>About <b>it</b></p>", speakers=("Ada", "Bo"),
          url="https://e.example/keynote", subtitle="A subtitle", do_not_record=True),
    event("11:30", 30, "<b>Panel</b>"),
    event("12:00", 30, "Moved", via="Plenary"),
]  # fmt: skip
LAB = [event("11:00", 30, "Soldering")]


@pytest.fixture
def schedule_file(tmp_path):
    path = tmp_path / "schedule.json"
    rooms = {
        name: RoomSchedule(
            timezone=SYDNEY,
            events=fill_gaps(events, room=name, conference="Test Conf", begin=HALL[0].start,
                        end=HALL[-1].end, zone=SYDNEY),
        )
        for name, events in (("hall", HALL), ("lab", LAB))
    }  # fmt: skip
    save_schedule(Schedule(rooms=rooms, imported=NOW), path)
    return path


@pytest.fixture
def plan(schedule_file):
    """Return a function that replaces the hall's programme."""

    def plan(*events, zone=SYDNEY, title="hall"):
        filled = fill_gaps(
            list(events),
            room=title,
            conference="Test Conf",
            begin=events[0].start,
            end=events[-1].end,
            zone=zone,
        )
        save_schedule(
            Schedule(rooms={"hall": RoomSchedule(timezone=zone, events=filled)}), schedule_file
        )

    return plan


_clock = {"now": NOW}


@pytest.fixture
def clock():
    """The time of the site; a test may change it."""
    _clock["now"] = NOW
    return _clock


def site_now():
    """Return the time of the site."""
    return _clock["now"]


@pytest.fixture
def make_site(app_pool, conference, schedule_file, clock, tmp_path):
    def make_site(**settings):
        settings = {
            "schedule.file": str(schedule_file),
            "brand.folder": str(tmp_path / "brand"),
            "clock": site_now,
            # Servers that the tests start are on this machine.
            "outbound.private": "127.0.0.1",
            **conference,
            **settings,
        }
        return TestApp(
            app_pool.get(frontend_app.main, settings),
            extra_environ={"REMOTE_ADDR": "203.0.113.1"},
        )

    return make_site


@pytest.fixture
def site(make_site):
    """The pages, with no tracker to ask."""
    return make_site()


@pytest.fixture(scope="session")
def stub_tracker_server():
    """A real HTTP server in the place of a tracker, for all tests."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked += 1
            server.was_asked.set()
            server.answers.wait(5)
            says = server.of.get(self.path, server.says)
            body = says if isinstance(says, bytes) else json.dumps(says).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(body)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.answers = threading.Event()
        server.was_asked = threading.Event()
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def tracker_says(stub_tracker_server):
    """A tracker that can be told what to say."""
    server = stub_tracker_server
    server.asked, server.says = 0, {}
    # What is said at some addresses instead.
    server.of = {}
    # A test may hold the answer back.
    server.was_asked.clear()
    server.answers.set()
    yield server
    server.answers.set()


def told(**rooms):
    """Return what the tracker says: the formats of one endpoint, or None for a silent room."""
    return {
        "rooms": {
            room: {
                "live": formats is not None,
                "youtube": None,
                "clients": 7 if formats is not None else 0,
                "bitrate": 3_500_000,
                "endpoints": []
                if formats is None
                else [{"url": "http://192.0.2.5:8080/", "formats": formats}],
            }
            for room, formats in rooms.items()
        }
    }


@pytest.fixture
def live_site(make_site, tracker_says):
    """The pages, while the hall is live and the lab is not."""
    tracker_says.says = told(hall=["webm_high", "ogg_high"], lab=None)
    return make_site(**{"tracker.internal_url": tracker_says.url})
