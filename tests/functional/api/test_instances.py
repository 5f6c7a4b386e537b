"""Two agents with the same endpoint name, and agents whose clock is wrong."""

from datetime import UTC, datetime, timedelta

import pytest

from streaming_system.tracker.models import Endpoint, Sample

EDGE = "/api/v1/rooms/hall/endpoints/edge1"
ONE = {"url": "https://one.example.org/", "formats": ["hls"], "clients": 1, "instance": "a" * 32}
OTHER = {"url": "https://other.example.org/", "formats": ["hls"], "clients": 2, "instance": "b" * 8}
INCIDENTS = "/api/v1/incidents"


@pytest.fixture
def at(api):
    """Return a function that sets the tracker's clock to some seconds after the start."""
    start = datetime.now(UTC)

    def at(seconds):
        api.tracker.registry["clock"] = lambda: start + timedelta(seconds=seconds)

    at(0)
    return at


@pytest.fixture
def incidents(api, at):
    """Return a function that returns the open incidents, by kind, after some seconds."""

    def incidents(after=0):
        # A request checks every ten seconds.
        at(seconds=after)
        return {incident["kind"]: incident for incident in api.get(INCIDENTS).json["incidents"]}

    return incidents


class TestNameClash:
    def test_second_live_instance_is_refused(self, api, hall, rows):
        api.put_json(EDGE, ONE, headers=hall, status=201)

        problem = api.put_json(EDGE, OTHER, headers=hall, status=409).json

        assert problem["type"].endswith("/api/v1/#name-taken")
        since = api.get(EDGE).json["since"][:19].replace("T", " ")
        assert problem["detail"] == (
            f"another agent, at one.example.org, has reported edge1 in hall since {since} UTC; "
            "give one of the two another name (name in agent.ini), or stop the other one"
        )
        # The first one's report is unchanged, and has the only sample.
        assert api.get(EDGE).json["url"] == ONE["url"]
        assert [sample["clients"] for sample in rows(Sample)] == [1]
        api.put_json(EDGE, ONE, headers=hall, status=200)

    def test_neither_deregisters_the_endpoint_of_the_other(self, api, hall):
        api.put_json(EDGE, ONE, headers=hall)
        api.put_json(EDGE, OTHER, headers=hall, status=409)

        problem = api.delete(f"{EDGE}?instance={OTHER['instance']}", headers=hall, status=409).json

        assert problem["type"].endswith("#name-taken")
        assert api.get(EDGE).json["url"] == ONE["url"]
        api.delete(f"{EDGE}?instance={ONE['instance']}", headers=hall, status=204)
        api.get(EDGE, status=404)

    def test_second_instance_takes_over_when_the_first_one_leaves(self, api, hall):
        api.put_json(EDGE, ONE, headers=hall)
        api.delete(f"{EDGE}?instance={ONE['instance']}", headers=hall)

        api.put_json(EDGE, OTHER, headers=hall, status=201)

        # The first one's late request changes nothing.
        api.delete(f"{EDGE}?instance={ONE['instance']}", headers=hall, status=409)
        assert api.get(EDGE).json["url"] == OTHER["url"]

    def test_second_instance_takes_over_when_the_lease_ends(self, api, hall, at):
        api.put_json(EDGE, ONE, headers=hall)

        at(seconds=59)
        api.put_json(EDGE, OTHER, headers=hall, status=409)
        at(seconds=61)
        api.put_json(EDGE, OTHER, headers=hall, status=201)

        api.put_json(EDGE, ONE, headers=hall, status=409)

    def test_refused_reports_do_not_renew_the_lease(self, api, hall, at):
        api.put_json(EDGE, ONE, headers=hall)
        for seconds in (15, 30, 45):
            at(seconds=seconds)
            api.put_json(EDGE, OTHER, headers=hall, status=409)

        at(seconds=61)

        api.put_json(EDGE, OTHER, headers=hall, status=201)

    def test_restarted_instance_continues_at_once(self, api, hall):
        api.put_json(EDGE, ONE, headers=hall, status=201)

        api.put_json(EDGE, ONE | {"clients": 0}, headers=hall, status=200)

    def test_clients_without_an_id_are_never_refused(self, api, hall):
        without = {name: value for name, value in OTHER.items() if name != "instance"}
        api.put_json(EDGE, ONE, headers=hall)

        api.put_json(EDGE, without, headers=hall, status=200)

        assert api.get(EDGE).json["url"] == OTHER["url"]
        # The endpoint is still that of the first instance.
        api.put_json(EDGE, OTHER, headers=hall, status=409)
        api.delete(EDGE, headers=hall, status=204)

    def test_instance_claims_an_endpoint_without_an_id(self, api, hall):
        api.put_json(EDGE, {}, headers=hall)

        api.put_json(EDGE, ONE, headers=hall, status=200)
        api.put_json(EDGE, OTHER, headers=hall, status=409)

    def test_same_name_in_another_room_is_no_clash(self, api, crew):
        api.put_json(EDGE, ONE, headers=crew)

        api.put_json(EDGE.replace("hall", "lab"), OTHER, headers=crew, status=201)

    @pytest.mark.parametrize("instance", ["", "two words", "x" * 65, 7, None])
    def test_invalid_id_is_refused(self, api, hall, instance):
        problem = api.put_json(EDGE, {"instance": instance}, headers=hall, status=400).json

        assert problem["errors"][0]["pointer"] == "/instance"

    def test_clash_is_an_incident_until_it_is_over(self, api, hall, incidents, at):
        api.put_json(EDGE, ONE, headers=hall)
        api.put_json(EDGE, OTHER, headers=hall, status=409)

        incident = incidents(after=10)["name-clash"]

        assert (incident["room"], incident["subject"]) == ("hall", "edge1")
        assert incident["summary"] == (
            "Two agents have the name edge1 in Great Hall: the one at one.example.org streams, the "
            "other one at other.example.org is refused. Give one of them another name."
        )
        assert incident["preview"] == "/preview/hall-large.jpg"
        for seconds in (30, 60, 90, 120):
            at(seconds=seconds)
            api.put_json(EDGE, ONE, headers=hall)
        assert "name-clash" not in incidents(after=130)

    def test_takeover_resolves_the_incident(self, api, hall, incidents, at):
        api.put_json(EDGE, ONE, headers=hall)
        at(seconds=50)
        api.put_json(EDGE, OTHER, headers=hall, status=409)
        assert "name-clash" in incidents(after=51)

        at(seconds=62)
        api.put_json(EDGE, OTHER, headers=hall, status=201)

        assert "name-clash" not in incidents(after=65)

    def test_database_has_the_id_but_no_response_has_it(self, api, hall, rows):
        response = api.put_json(EDGE, ONE, headers=hall)

        assert rows(Endpoint)[0]["instance"] == ONE["instance"]
        assert ONE["instance"] not in response.text + api.get(EDGE).text


class TestClock:
    @pytest.mark.parametrize(
        ("offset", "words"),
        [(37.4, "is 37 s ahead of the tracker's"), (-7200.0, "is 7,200 s behind the tracker's")],
    )
    def test_wrong_clock_of_an_endpoint_opens_an_incident(
        self, api, hall, incidents, offset, words
    ):
        api.put_json(EDGE, {**ONE, "clock_offset": offset}, headers=hall)

        incident = incidents()["clock"]

        assert (incident["room"], incident["subject"], incident["preview"]) == ("", "edge1", None)
        assert incident["summary"].startswith(f"The clock of edge1 {words}")

    @pytest.mark.parametrize("offset", [0, 4.9, -5, None])
    def test_clock_within_five_seconds_opens_none(self, api, hall, incidents, offset):
        api.put_json(EDGE, {**ONE, "clock_offset": offset}, headers=hall)

        assert incidents() == {}

    def test_incident_is_resolved_when_the_clock_is_right(self, api, hall, incidents, at):
        api.put_json(EDGE, {**ONE, "clock_offset": 9}, headers=hall)
        assert "clock" in incidents()
        api.put_json(EDGE, {**ONE, "clock_offset": 4.5}, headers=hall)
        assert "clock" in incidents(after=15)

        api.put_json(EDGE, {**ONE, "clock_offset": 0.3}, headers=hall)

        assert "clock" not in incidents(after=30)

    def test_machine_of_an_endpoint_has_one_incident(self, api, hall, incidents):
        report = {"kind": "streamer", "room": "hall", "clock_offset": 60, "components": [
            {"name": "hall hls", "mood": "happy", "since": "2026-08-22T09:00:00Z"}]}  # fmt: skip
        api.put_json("/api/v1/components/edge1:streams", report, headers=hall)
        assert incidents()["clock"]["subject"] == "edge1"

        api.put_json(EDGE, {**ONE, "clock_offset": 60}, headers=hall)

        assert list(incidents(after=15)) == ["clock"]
