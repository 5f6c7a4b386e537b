"""An agent whose clock is wrong: the tracker gets the difference, and the right times."""

import json
import os
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from .conftest import wait_until
from .fake_server import raw_handler
from .servers import free_port

AHEAD = timedelta(seconds=90)


@raw_handler
def respond(handler):
    """Respond as a tracker whose clock is behind that of the agent."""
    body = b'{"report_every": 1}'
    handler.send_response_only(200)
    date = format_datetime(datetime.now(UTC) - AHEAD, usegmt=True)
    headers = {"Date": date, "Content-Type": "application/json", "Content-Length": str(len(body))}
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def reports(fake_server):
    """Return a function that returns the bodies of all reports to a path."""
    fake_server.responses["*"] = respond

    def reports(path):
        return [
            json.loads(request.body)
            for request in fake_server.requests
            if (request.method, request.path) == ("PUT", path)
        ]

    return reports


def test_endpoint_reports_the_difference_after_its_first_report(agent, fake_server, reports):
    running = agent(
        trackers=[fake_server.url],
        token="token = sst_x",
        sources="[source:cdn]\nuse = static\nstreams =\n    hall = hall hls 1M\n",
    )

    wait_until(lambda: len(reports("/api/v1/rooms/hall/endpoints/edge1")) > 1, 20, "two reports")

    first, second, *_ = reports("/api/v1/rooms/hall/endpoints/edge1")
    assert "clock_offset" not in first
    assert second["clock_offset"] == pytest.approx(90, abs=2)
    [offset] = running.metric("clock_offset_seconds").values()
    assert offset == pytest.approx(90, abs=2)


def test_components_have_the_times_of_the_tracker(agent, fake_server, reports):
    port = free_port()
    begin = datetime.now(UTC) - AHEAD - timedelta(seconds=2)
    agent(
        command="supervise",
        status_port=port,
        trackers=[fake_server.url],
        token="token = sst_x",
        sources=f"[watch]\nstatus = 127.0.0.1:{port}\n[watch:self]\nuse = process\n"
        f"pid.file = {os.devnull}\ninterval = 1\nbad.after = 1\n",
    )

    def sad_reports():
        found = reports("/api/v1/components/edge1")
        return [each for each in found if each["components"][0]["mood"] == "sad"]

    wait_until(lambda: len(sad_reports()) > 1, 20, "the component is sad")

    end = datetime.now(UTC) - AHEAD + timedelta(seconds=2)
    for report in reports("/api/v1/components/edge1"):
        assert report["clock_offset"] == pytest.approx(90, abs=2)
        for entry in (*report["components"], *report["history"]):
            assert begin <= datetime.fromisoformat(entry["since"]) <= end
    # The tracker recognises the state by its start.
    assert len({report["components"][0]["since"] for report in sad_reports()}) == 1
