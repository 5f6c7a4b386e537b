"""The site under test, its schedule, and a stub tracker."""

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


def make_talk(start, minutes, title, **more):
    """Return a talk on 24 November, by its local start."""
    start_time = (
        datetime.fromisoformat(f"2026-11-24T{start}").replace(tzinfo=SYDNEY).astimezone(UTC)
    )
    return Slot(start=start_time, end=start_time + timedelta(minutes=minutes), title=title,
                 guid=f"guid-{title}", **more)  # fmt: skip


HALL = [
    make_talk("10:00", 60, "Keynote & more", abstract="<p>About <b>it</b></p>",
              speakers=("Ada", "Bo"), url="https://e.example/keynote", subtitle="A subtitle",
              do_not_record=True),
    make_talk("11:30", 30, "<b>Panel</b>"),
    make_talk("12:00", 30, "Moved", relayed_from="Plenary"),
]  # fmt: skip
LAB = [make_talk("11:00", 30, "Soldering")]


@pytest.fixture
def schedule_file(tmp_path):
    path = tmp_path / "schedule.json"
    rooms = {
        name: RoomSchedule(
            timezone=SYDNEY,
            slots=fill_gaps(events, room=name, conference="Test Conf", begin=HALL[0].start,
                        end=HALL[-1].end, zone=SYDNEY),
        )
        for name, events in (("hall", HALL), ("lab", LAB))
    }  # fmt: skip
    save_schedule(Schedule(rooms=rooms, imported_at=NOW), path)
    return path


@pytest.fixture
def write_schedule(schedule_file):
    """Return a function that replaces the talks of the hall."""

    def write_schedule(*talks, zone=SYDNEY, title="hall"):
        filled = fill_gaps(
            list(talks),
            room=title,
            conference="Test Conf",
            begin=talks[0].start,
            end=talks[-1].end,
            zone=zone,
        )
        save_schedule(
            Schedule(rooms={"hall": RoomSchedule(timezone=zone, slots=filled)}), schedule_file
        )

    return write_schedule


_clock = {"now": NOW}


@pytest.fixture
def clock():
    """The clock of the site, which a test can set."""
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
            # The tests start servers on this machine.
            "outbound.allowed_private_networks": "127.0.0.1",
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
    """The pages without a tracker."""
    return make_site()


@pytest.fixture(scope="session")
def stub_tracker_server():
    """An HTTP server that replaces the tracker, for all tests."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.request_count += 1
            server.request_received.set()
            server.can_respond.wait(5)
            document = server.documents.get(self.path, server.document)
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(body)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.can_respond = threading.Event()
        server.request_received = threading.Event()
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def stub_tracker(stub_tracker_server):
    """A tracker whose documents a test sets."""
    server = stub_tracker_server
    server.request_count, server.document = 0, {}
    # Documents of other paths.
    server.documents = {}
    # A test may delay the response.
    server.request_received.clear()
    server.can_respond.set()
    yield server
    server.can_respond.set()


def streams_document(**rooms):
    """Return ``streams.json``, by the formats of each room's endpoint; ``None`` for no endpoint."""
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
def live_site(make_site, stub_tracker):
    """The pages, while the hall is live and the lab is not."""
    stub_tracker.document = streams_document(hall=["webm_high", "ogg_high"], lab=None)
    return make_site(**{"tracker.internal_url": stub_tracker.url})
