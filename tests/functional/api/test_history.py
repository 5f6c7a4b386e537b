"""Samples over time, and the components of machines."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.models import Component, ComponentMood
from streaming_system.tracker.pipeline.pipeline import COMPONENT_RETENTION

pytestmark = pytest.mark.both_databases

EDGE = "/api/v1/rooms/hall/endpoints/edge1"
SAMPLES = "/api/v1/rooms/hall/samples"
MACHINE = "/api/v1/components/mixer1"


def ago(**duration):
    time = datetime.now(UTC) - timedelta(**duration)
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")


class TestSamples:
    def test_samples_have_the_last_hour_by_default(self, api, hall):
        api.put_json(EDGE, {"clients": 12, "bitrate": 9_600_000}, headers=hall)

        response = api.get(SAMPLES).json

        (line,) = response["endpoints"]
        assert line["endpoint"] == "edge1"
        assert line["clients"][-1] == 12
        assert line["bitrate"][-1] == 9_600_000
        assert len(line["clients"]) == len(response["times"]) >= 60
        assert api.get("/api/v1/rooms/lab/samples").json["endpoints"] == []

    def test_step_is_at_least_the_requested_one(self, api):
        assert api.get(f"{SAMPLES}?step=60").json["step"] == 60
        assert api.get(f"{SAMPLES}?step=45&from={ago(minutes=5)}").json["step"] == 60
        assert api.get(f"{SAMPLES}?from={ago(days=6)}").json["step"] == 1800
        assert len(api.get(f"{SAMPLES}?from={ago(days=399)}").json["times"]) <= 401

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            ("step=0", "step"),
            ("step=86401", "step"),
            ("step=1e3", "step"),
            ("step=abc", "step"),
            ("step=" + "9" * 5000, "step"),
            ("from=yesterday", "from"),
            ("from=2099-01-01T00:00:00Z", "from"),
            ("from=2000-01-01T00:00:00Z", "from"),
            ("from=1999-12-31T23:59:59Z", "from"),
            ("to=2026-08-22T12:00:00", "to"),
            ("to=%00", "to"),
            ("rooms=all", "rooms"),
        ],
    )
    def test_invalid_parameter_is_reported_by_name(self, api, query, parameter):
        response = api.get(f"{SAMPLES}?{query}", status=400)

        assert [error["parameter"] for error in response.json["errors"]] == [parameter]

    @pytest.mark.parametrize(
        "query", ["step=5&step=6", "%ff=1", "step=%ff", "&".join(["a=1"] * 999)]
    )
    def test_malformed_query_is_refused(self, api, query):
        api.get(f"{SAMPLES}?{query}", status=400)


class TestComponents:
    REPORT = {
        "kind": "encoder",
        "room": "hall",
        "components": [
            {"name": "webm", "mood": "happy", "since": "2026-08-22T09:00:00Z", "detail": "25 fps"}
        ],
        "history": [
            {"name": "webm", "mood": "waking", "since": "2026-08-22T08:59:50Z", "seconds": 10}
        ],
    }

    def test_components_have_the_reported_state(self, api, hall, rows):
        response = api.put_json(MACHINE, self.REPORT, headers=hall).json

        assert (response["machine"], response["components"]) == ("mixer1", 1)
        (component,) = api.get("/api/v1/components").json["components"]
        assert component | {"reported_at": None} == {
            "machine": "mixer1",
            "name": "webm",
            "kind": "encoder",
            "room": "hall",
            "mood": "happy",
            "since": "2026-08-22T09:00:00.000Z",
            "detail": "25 fps",
            "condition": None,
            "reported_at": None,
        }
        assert {row["mood"] for row in rows(ComponentMood)} == {"happy", "waking"}

    def test_components_missing_in_a_report_are_removed(self, api, crew):
        api.put_json(MACHINE, self.REPORT, headers=crew)

        api.put_json(MACHINE, self.REPORT | {"components": []}, headers=crew)

        assert api.get("/api/v1/components").json == {"components": []}

    def test_token_of_a_room_covers_components_of_that_room(self, api, hall, rows):
        api.put_json(MACHINE, self.REPORT | {"room": "lab"}, headers=hall, status=403)
        api.put_json(MACHINE, self.REPORT | {"room": None}, headers=hall, status=403)

        assert rows(Component) == []

    @pytest.mark.parametrize(
        "change",
        [
            {},
            {"history": []},
            # A past mood belongs to a component, too.
            {"components": [], "history": REPORT["history"]},
            {"kind": "mixer"},
            # The report changes nothing if one component is refused.
            {"components": [REPORT["components"][0] | {"name": "a"}, REPORT["components"][0]]},
        ],
    )
    @pytest.mark.parametrize("owner", ["hall", None])
    def test_token_of_a_room_cannot_change_other_components(
        self, api, crew, token, rows, change, owner
    ):
        api.put_json(MACHINE, self.REPORT | {"room": owner, "history": []}, headers=crew)
        before = rows(Component), rows(ComponentMood)
        sad = [self.REPORT["components"][0] | {"mood": "sad"}]
        report = self.REPORT | {"room": "lab", "components": sad} | change

        response = api.put_json(MACHINE, report, headers=token("room", "lab"), status=403).json

        assert response["type"].endswith("#forbidden")
        assert response["detail"] == "the component webm on mixer1 is not one of the token's room"
        assert (rows(Component), rows(ComponentMood)) == before

    def test_rooms_can_share_a_machine_with_different_component_names(self, api, hall, token):
        other = self.REPORT["components"][0] | {"name": "webm-lab"}
        for_lab = {"room": "lab", "components": [other], "history": []}
        api.put_json(MACHINE, self.REPORT, headers=hall)
        api.put_json(MACHINE, self.REPORT | for_lab, headers=token("room", "lab"))
        api.put_json(MACHINE, self.REPORT, headers=hall)

        components = api.get("/api/v1/components").json["components"]
        assert [(each["name"], each["room"]) for each in components] == [
            ("webm", "hall"),
            ("webm-lab", "lab"),
        ]

    def test_crew_can_move_a_component_to_another_room(self, api, crew, hall, token):
        api.put_json(MACHINE, self.REPORT, headers=hall)
        api.put_json(MACHINE, self.REPORT | {"room": "lab"}, headers=crew)

        api.put_json(MACHINE, self.REPORT | {"room": "lab"}, headers=token("room", "lab"))
        api.put_json(MACHINE, self.REPORT, headers=hall, status=403)

    def test_component_name_is_free_after_its_retention(self, api, hall, token, database):
        api.put_json(MACHINE, self.REPORT, headers=hall)
        engine = make_engine({"sqlalchemy.url": database})
        with engine.begin() as connection:
            long_ago = datetime.now(UTC) - COMPONENT_RETENTION - timedelta(seconds=1)
            connection.execute(sa.update(Component).values(reported_at=long_ago))
        engine.dispose()

        api.put_json(MACHINE, self.REPORT | {"room": "lab"}, headers=token("room", "lab"))

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"kind": "toaster"}, "/kind"),
            ({"components": [{}]}, "/components/0/name"),
            ({"components": [{"name": "x", "mood": "cross", "since": "?"}]}, "/components/0/mood"),
            ({"components": None}, "/components"),
            ({"history": [{"seconds": -1}]}, "/history/0/seconds"),
            ({"components": [{"name": "x"}] * 101}, "/components"),
        ],
    )
    def test_invalid_member_is_reported_by_pointer(self, api, crew, rows, change, pointer):
        response = api.put_json(MACHINE, self.REPORT | change, headers=crew, status=400)

        assert pointer in [error["pointer"] for error in response.json["errors"]]
        assert rows(Component) == rows(ComponentMood) == []
