"""Incidents over HTTP."""

from datetime import UTC, datetime, timedelta

import pytest

from streaming_system.tracker.models import IncidentRecord

from .conftest import SECRET


@pytest.fixture
def silent_endpoint(tracker, at):
    """An endpoint of the hall that has stopped reporting."""
    tracker.post("/endpoint/register", {"secret": SECRET, "group": "hall", "data": "{}"})
    at(seconds=61)


def test_list_is_empty_without_incidents(tracker):
    response = tracker.get("/api/v1/incidents")

    assert response.json == {"incidents": []}
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "max-age=1" in response.headers["Cache-Control"]


def test_request_checks_for_incidents(tracker, silent_endpoint, rows):
    [incident] = tracker.get("/api/v1/incidents").json["incidents"]

    assert (incident["kind"], incident["room"], incident["subject"], incident["closed_at"]) == (
        "silent-encoder",
        "hall",
        "203.0.113.1",
        None,
    )
    assert incident["summary"].startswith("The server 203.0.113.1 of Great Hall stopped")
    opened = datetime.fromisoformat(incident["opened_at"])
    assert datetime.now(UTC) - opened < timedelta(minutes=1)
    assert [row["id"] for row in rows(IncidentRecord)] == [incident["id"]]


def test_requests_check_every_ten_seconds_only(tracker, at, silent_endpoint):
    assert tracker.get("/api/v1/incidents").json["incidents"]
    at(seconds=0)

    assert len(tracker.get("/api/v1/incidents").json["incidents"]) == 1
