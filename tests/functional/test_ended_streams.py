"""Viewers of a room whose stream has ended, wherever they are counted."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from streaming_system.tracker.crew.tokens import Tokens

from .test_metrics import Metrics

pytestmark = pytest.mark.both_databases

PLAYERS = 7
REPORT = {"formats": ["hls"], "clients": 9, "url": "https://edge1.example.org/hall/"}


class Site:
    """A tracker whose time a test can set, with players that report every few seconds."""

    def __init__(self, tracker, crew):
        self.tracker, self._headers = tracker, crew
        app = tracker.app
        self.now = app.registry["clock"]()
        app.registry["clock"] = lambda: self.now
        self.players = {
            room: [str(uuid.uuid4()) for _ in range(PLAYERS)] for room in ("hall", "tube")
        }
        self._rebuffer_ms = 0

    def stream(self, room="hall", **more):
        path = f"/api/v1/rooms/{room}/endpoints/edge1"
        self.tracker.put_json(path, REPORT | more, headers=self._headers)

    def end(self, room="hall"):
        self.tracker.delete(f"/api/v1/rooms/{room}/endpoints/edge1", headers=self._headers)

    def play(self, room="hall", **more):
        """Let all players of a room report: they play, or wait for data."""
        self._rebuffer_ms += 100
        for sid in self.players[room]:
            report = {"sid": sid, "cdn": "edge1", "sta": "r", "bsda": self._rebuffer_ms}
            self.tracker.post_json(f"/api/v1/rooms/{room}/playback", report | more)

    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)

    def counts(self, room="hall"):
        """Return the viewers of a room by the place where they are shown."""
        get = self.tracker.get
        metrics = Metrics(get("/metrics").text)
        of_room = get(f"/api/v1/rooms/{room}").json["viewers"]
        playback = get(f"/api/v1/rooms/{room}/playback").json["viewers"]
        graphs = get(f"/overall-stats.json?range=600&group={room}").json["graphs"]
        return {
            "room": of_room["players"] + of_room["others"],
            "playback": playback["players"] + playback["others"],
            "metrics": sum(metrics("viewers", room=room, kind=k) for k in ("players", "others")),
            "clients": get("/streams.json").json["rooms"][room]["clients"],
            "servers": sum(_numbers(get("/endpoint/stats").text)),
            "graphs": max(
                (
                    line["data"][-1][1]
                    for graph in graphs
                    if graph["unit"] == "viewers"
                    for line in graph["series"]
                ),
                default=0,
            ),
        }


def _numbers(page):
    """Return the viewers by players on the page of servers."""
    table = page.partition("Playback")[2].partition("</table>")[0]
    return [int(text) for text in re.findall(r"Great Hall.*?number\">(\d+)<", table, re.DOTALL)]


@pytest.fixture
def site(tracker, crew_token):
    return Site(tracker, crew_token)


def test_viewers_are_gone_at_once_when_the_stream_ends(site):
    site.stream()
    site.play()
    before = site.counts()

    site.end()
    site.wait(6)
    site.play()

    assert {place: count for place, count in before.items() if not count} == {}
    assert site.counts() == dict.fromkeys(before, 0)


def test_viewers_of_a_silent_server_are_gone_with_it(site):
    site.stream()
    site.wait(55)
    # A player in the background reports each minute, so it counts for longer than the server.
    site.play(bg=True)
    assert site.counts()["room"] == 9

    site.wait(6)

    assert site.counts()["room"] == 0


def test_viewers_are_back_with_the_stream(site):
    site.stream()
    site.play()
    site.end()
    site.wait(6)
    gone = site.counts()["room"]

    site.stream(clients=0)
    site.play()

    assert (gone, site.counts()["room"]) == (0, PLAYERS)


def test_a_restart_of_the_agent_loses_no_viewer(site):
    site.stream()
    site.play()
    site.end()
    site.wait(4)

    assert site.counts()["metrics"] == PLAYERS
    site.stream(clients=0)
    assert site.counts()["metrics"] == PLAYERS


def test_the_graph_shows_no_viewers_after_the_end(site):
    site.stream()
    site.play()
    site.end()
    # The pages retry for two minutes.
    for _ in range(24):
        site.wait(5)
        site.play()
    site.wait(600)

    series = site.tracker.get("/overall-stats.json?range=900").json["graphs"]
    [viewers] = [
        line["data"]
        for graph in series
        if graph["title"] == "Viewers by players"
        for line in graph["series"]
        if line["label"] == "hall"
    ]
    assert sum(bool(count) for _, count in viewers) <= 1


@pytest.mark.parametrize("source", ["youtube", "cdn"])
def test_players_that_need_no_endpoint_count(site, source):
    site.stream()
    site.end()
    site.wait(6)

    site.play(cdn=source)

    assert site.counts()["room"] == PLAYERS


def test_players_of_a_room_with_another_source_count(site):
    site.stream("tube")
    site.end("tube")
    site.wait(6)

    site.play("tube")

    assert site.counts("tube")["room"] == PLAYERS


def test_players_of_a_room_that_never_had_an_endpoint_count(site):
    site.play()

    assert site.counts()["room"] == PLAYERS


@pytest.fixture
def crew_token(engine):
    """The headers of a crew's token."""
    with Session(engine) as db, db.begin():
        _, text = Tokens(db).issue(
            label="Test",
            scope="crew",
            room="",
            endpoint="",
            created_by="tests",
            now=datetime.now(UTC),
        )
    return {"Authorization": f"Bearer {text}"}
