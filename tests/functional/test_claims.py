"""Players that claim more than can be: what they change, over HTTP, on both databases."""

import itertools
import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.tracker.models import Playback

pytestmark = pytest.mark.both_databases

HALL = "/api/v1/rooms/hall/playback"
NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
# The claims of one anonymous request that once moved a room's ratio to 0.99998.
ABSURD = {"played": 0, "bsda": 2_678_400_000, "errors": 1_000_000, "bsa": 1_000_000, "msd": 600_000}
INTERVAL = 20


class Site:
    """A tracker whose clock the test sets, and players that report to it."""

    def __init__(self, app):
        self.app = app
        self.seconds = 0
        app.registry["clock"] = lambda: NOON + timedelta(seconds=self.seconds)
        self.client = TestApp(app)
        self.numbers = itertools.count()

    def report(self, sid, address, **report):
        return self.client.post_json(
            HALL, {"sid": sid, **report}, extra_environ={"REMOTE_ADDR": address}
        )

    def watch(self, players, seconds=240):
        """Let players report every 20 s; ``players`` are pairs of an address and a function.

        The function returns the share of the time that the player claims to have rebuffered.
        """
        sids = [(str(uuid.uuid4()), address, claims) for address, claims in players]
        for self.seconds in range(0, seconds + 1, INTERVAL):
            for sid, address, claims in sids:
                self.report(sid, address, **claims(1000 * self.seconds))

    @property
    def qoe(self):
        return self.client.get(f"{HALL}?minutes=5").json

    @property
    def incidents(self):
        # The detector runs at most every ten seconds.
        self.seconds += 10
        found = self.client.get("/api/v1/incidents").json["incidents"]
        return [incident["kind"] for incident in found]


def playing(milliseconds):
    return {"played": milliseconds, "msd": 800}


def stuttering(milliseconds):
    return {"played": milliseconds // 2, "bsda": milliseconds // 2, "msd": 800}


def absurd(milliseconds):
    return {**ABSURD, "bsda": ABSURD["bsda"] // 2 + milliseconds * 1000}


def stalling(milliseconds):
    return {"played": 0, "bsda": milliseconds, "errors": milliseconds // 1000}


@pytest.fixture
def start(app_pool, tracker_settings):
    """Return a function that starts a tracker whose players report every 20 s."""

    def start(**more):
        settings = tracker_settings | {"ingest.min_interval": f"{INTERVAL}"} | more
        return Site(app_pool.get(tracker_app.main, settings))

    return start


@pytest.fixture
def site(start):
    return start()


def viewers(count, claims=playing):
    """Return players, each in a network of its own."""
    return [(f"198.51.{number}.7", claims) for number in range(count)]


def test_absurd_report_changes_no_metric_of_its_room(site):
    site.watch(viewers(12))
    before = site.qoe

    for number in range(30):
        site.report(str(uuid.uuid4()), f"203.0.113.{number}", **ABSURD)

    after = site.qoe
    unchanged = ("rebuffer_ratio", "rebuffers", "errors", "startup_p95_ms", "played_ms", "bitrate")
    assert {name: after[name] for name in unchanged} == {name: before[name] for name in unchanged}
    assert after["rebuffer_ratio"] == 0
    assert site.incidents == []


@pytest.mark.parametrize("claims", [absurd, stalling])
def test_player_moves_the_ratio_by_at_most_its_share(site, claims):
    site.watch([*viewers(19), ("203.0.113.1", claims)])

    assert site.qoe["rebuffer_ratio"] <= 1 / 20


def test_invented_players_of_one_address_open_no_incident(site):
    site.watch([*viewers(12), *[("203.0.113.1", stalling)] * 24])

    assert site.qoe["rebuffer_ratio"] > 0.5
    assert site.incidents == []


def test_players_of_two_networks_open_no_incident(site):
    attackers = [(f"203.0.{113 + number % 2}.{number}", stalling) for number in range(24)]
    site.watch([*viewers(12), *attackers])

    assert site.incidents == []


def test_new_identifier_for_each_report_adds_no_stall(site):
    site.watch(viewers(12))
    for number in range(100):
        address = f"2001:db8:{number}::1"
        site.report(str(uuid.uuid4()), address, played=0, bsda=60_000, bsa=60, dfa=1000)

    assert (site.qoe["rebuffer_ratio"], site.qoe["rebuffers"], site.qoe["dropped"]) == (0, 0, 0)
    assert site.incidents == []


def test_stalls_of_players_in_several_networks_open_an_incident(site):
    site.watch(viewers(12, stuttering))

    assert site.qoe["rebuffer_ratio"] == pytest.approx(0.5)
    assert site.incidents == ["rebuffering"]


def test_incident_needs_no_more_networks_than_the_ini_file_says(start):
    site = start(**{"alert.networks": "1"})
    site.watch([("203.0.113.1", stuttering)] * 12)

    assert site.incidents == ["rebuffering"]


def test_players_without_an_address_count_as_different_networks(site):
    # A tracker behind a Unix socket sees no address.
    site.watch([("", stuttering)] * 12)

    assert site.incidents == ["rebuffering"]


def test_paused_player_cannot_claim_the_pause_later(site):
    sid = str(uuid.uuid4())
    for site.seconds in range(0, 121, 20):
        site.report(sid, "192.0.2.1")
    site.seconds = 140
    site.report(sid, "192.0.2.1", bsda=45_000)

    assert site.qoe["rebuffer_ms"] == 20_000


def test_repeated_report_does_not_shorten_the_next_one(site):
    sid = str(uuid.uuid4())
    for site.seconds, played in ((0, 0), (5, 5_000), (6, 5_000), (11, 11_000)):
        site.report(sid, "192.0.2.1", played=played)

    assert site.qoe["played_ms"] == 11_000


def test_workers_with_different_clocks_add_no_time(site):
    sid = str(uuid.uuid4())
    for number in range(100):
        site.seconds = 100 + number % 2
        site.report(sid, "192.0.2.1", bsda=2_000 * number)

    assert site.qoe["rebuffer_ms"] <= 1_000


def test_crew_sees_outliers_apart(site):
    site.watch([*viewers(3), ("203.0.113.1", absurd)], seconds=60)

    page = site.client.get("/endpoint/stats").html
    [row] = [row for row in page.select("tbody tr") if "Great Hall" in row.text]
    assert [cell.text for cell in row.select("td")] == ["4", "0.00", "0", "4"]


def test_old_player_is_bounded_in_the_same_way(site, engine):
    address = {"REMOTE_ADDR": "192.0.2.1"}
    # The first response sets the cookie.
    site.client.post("/hall/log", {"data": "{}"}, extra_environ=address)
    for site.seconds, played in ((0, 0), (20, 86_400), (40, 86_420)):
        data = json.dumps({"player": {"played": played, "rebuffer_ms": 0}})
        assert (
            site.client.post("/hall/log", {"data": data}, extra_environ=address).json["code"] == 0
        )

    with engine.connect() as connection:
        events = connection.execute(sa.select(Playback.played_ms, Playback.outliers)).all()
    assert sorted(events) == [(0, 0), (0, 1), (20_000, 0)]


def test_database_has_no_address_of_a_player(site, engine):
    site.watch([("203.0.113.77", playing), ("2001:db8:77::77", playing)], seconds=60)

    with engine.connect() as connection:
        tables = sa.inspect(engine).get_table_names()
        content = repr([connection.execute(sa.text(f"SELECT * FROM {t}")).all() for t in tables])
    assert "203.0.113" not in content
    assert "2001:db8" not in content
