"""Figures over time, and the machines that make the streams."""

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


def ago(**how_long):
    moment = datetime.now(UTC) - timedelta(**how_long)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


class TestSamples:
    def test_they_tell_what_an_endpoint_did_in_the_last_hour(self, api, hall):
        api.put_json(EDGE, {"clients": 12, "bitrate": 9_600_000}, headers=hall)

        answer = api.get(SAMPLES).json

        (line,) = answer["endpoints"]
        assert line["endpoint"] == "edge1"
        assert line["clients"][-1] == 12
        assert line["bitrate"][-1] == 9_600_000
        assert len(line["clients"]) == len(answer["times"]) >= 60
        assert api.get("/api/v1/rooms/lab/samples").json["endpoints"] == []

    def test_the_steps_are_as_long_as_was_asked_for_or_longer(self, api):
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
    def test_what_cannot_be_asked_for_is_refused(self, api, query, parameter):
        answer = api.get(f"{SAMPLES}?{query}", status=400)

        assert [error["parameter"] for error in answer.json["errors"]] == [parameter]

    @pytest.mark.parametrize(
        "query", ["step=5&step=6", "%ff=1", "step=%ff", "&".join(["a=1"] * 999)]
    )
    def test_an_odd_query_is_refused(self, api, query):
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

    def test_a_machine_says_how_its_components_are(self, api, hall, rows):
        answer = api.put_json(MACHINE, self.REPORT, headers=hall).json

        assert (answer["machine"], answer["components"]) == ("mixer1", 1)
        (component,) = api.get("/api/v1/components").json["components"]
        assert component | {"reported_at": None} == {
            "machine": "mixer1",
            "name": "webm",
            "kind": "encoder",
            "room": "hall",
            "mood": "happy",
            "since": "2026-08-22T09:00:00.000Z",
            "detail": "25 fps",
            "reported_at": None,
        }
        assert {row["mood"] for row in rows(ComponentMood)} == {"happy", "waking"}

    def test_what_a_report_leaves_out_is_gone(self, api, crew):
        api.put_json(MACHINE, self.REPORT, headers=crew)

        api.put_json(MACHINE, self.REPORT | {"components": []}, headers=crew)

        assert api.get("/api/v1/components").json == {"components": []}

    def test_a_rooms_token_is_for_that_rooms_components(self, api, hall, rows):
        api.put_json(MACHINE, self.REPORT | {"room": "lab"}, headers=hall, status=403)
        api.put_json(MACHINE, self.REPORT | {"room": None}, headers=hall, status=403)

        assert rows(Component) == []

    @pytest.mark.parametrize(
        "change",
        [
            {},
            {"history": []},
            # A mood of the past is said of somebody, too.
            {"components": [], "history": REPORT["history"]},
            {"kind": "mixer"},
            # Nothing is done by halves.
            {"components": [REPORT["components"][0] | {"name": "a"}, REPORT["components"][0]]},
        ],
    )
    @pytest.mark.parametrize("owner", ["hall", None])
    def test_a_rooms_token_cannot_speak_for_a_component_of_others(
        self, api, crew, token, rows, change, owner
    ):
        api.put_json(MACHINE, self.REPORT | {"room": owner, "history": []}, headers=crew)
        before = rows(Component), rows(ComponentMood)
        sad = [self.REPORT["components"][0] | {"mood": "sad"}]
        report = self.REPORT | {"room": "lab", "components": sad} | change

        answer = api.put_json(MACHINE, report, headers=token("room", "lab"), status=403).json

        assert answer["type"].endswith("#forbidden")
        assert answer["detail"] == "the component webm on mixer1 is not one of the token's room"
        assert (rows(Component), rows(ComponentMood)) == before

    def test_two_rooms_share_a_machine_under_names_of_their_own(self, api, hall, token):
        other = self.REPORT["components"][0] | {"name": "webm-lab"}
        for_lab = {"room": "lab", "components": [other], "history": []}
        api.put_json(MACHINE, self.REPORT, headers=hall)
        api.put_json(MACHINE, self.REPORT | for_lab, headers=token("room", "lab"))
        api.put_json(MACHINE, self.REPORT, headers=hall)

        found = api.get("/api/v1/components").json["components"]
        assert [(part["name"], part["room"]) for part in found] == [
            ("webm", "hall"),
            ("webm-lab", "lab"),
        ]

    def test_the_crew_may_give_a_component_to_another_room(self, api, crew, hall, token):
        api.put_json(MACHINE, self.REPORT, headers=hall)
        api.put_json(MACHINE, self.REPORT | {"room": "lab"}, headers=crew)

        api.put_json(MACHINE, self.REPORT | {"room": "lab"}, headers=token("room", "lab"))
        api.put_json(MACHINE, self.REPORT, headers=hall, status=403)

    def test_a_name_is_free_again_once_nobody_remembers_the_component(
        self, api, hall, token, database
    ):
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
    def test_what_is_not_allowed_is_pointed_at(self, api, crew, rows, change, pointer):
        answer = api.put_json(MACHINE, self.REPORT | change, headers=crew, status=400)

        assert pointer in [error["pointer"] for error in answer.json["errors"]]
        assert rows(Component) == rows(ComponentMood) == []
