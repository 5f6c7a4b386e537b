"""A machine reports what is wrong with a stream; during a talk, that is an incident."""

from datetime import UTC, datetime, timedelta

import pytest

from streaming_system.schedule.model import Slot

from .test_instances import INCIDENTS


@pytest.fixture
def tracker_settings(tracker_settings, schedule_file):
    return {**tracker_settings, "schedule.file": str(schedule_file), "alert.black": "30"}


def report(api, crew, condition, since):
    component = {
        "name": "hall picture",
        "mood": "hungry",
        "since": since.isoformat(),
        "condition": condition,
    }
    body = {"kind": "streamer", "room": "hall", "components": [component]}
    return api.put_json("/api/v1/components/site:pictures", body, headers=crew)


def test_black_picture_during_a_talk_opens_an_incident_with_its_preview(api, crew, write_schedule):
    now = datetime.now(UTC).replace(microsecond=0)
    begin = now - timedelta(minutes=10)
    write_schedule(
        Slot(start=begin, end=begin + timedelta(hours=1), title="Keynote", guid="keynote")
    )

    report(api, crew, "black", now - timedelta(seconds=40))

    incidents = {each["kind"]: each for each in api.get(INCIDENTS).json["incidents"]}
    # No endpoint streams the room, either.
    assert set(incidents) == {"black", "no-stream"}
    incident = incidents["black"]
    assert incident["room"] == "hall"
    assert incident["preview"] == "/preview/hall-large.jpg"
    assert "during “Keynote” (hall picture on site:pictures)" in incident["summary"]


def test_components_have_their_condition(api, crew):
    now = datetime.now(UTC)

    report(api, crew, "frozen", now)
    assert api.get("/api/v1/components").json["components"][0]["condition"] == "frozen"
    report(api, crew, None, now)
    assert api.get("/api/v1/components").json["components"][0]["condition"] is None
