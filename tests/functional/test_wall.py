"""The wall: several rooms on one page."""

import json

import pytest

from .pages import streams_document

AT_VENUE = {"REMOTE_ADDR": "10.1.2.3"}


@pytest.fixture
def make_wall(make_site, stub_tracker, tmp_path):
    """Return a function that creates a site with rooms, of which some are live."""

    def make_wall(count=0, live=("hall",), **changes):
        config = json.loads((tmp_path / "config.json").read_text())
        config |= {f"r{number}": {"title": f"Room {number}"} for number in range(count)}
        config["config"] |= changes
        (tmp_path / "config.json").write_text(json.dumps(config))
        stub_tracker.document = streams_document(**{room: ["webm_high"] for room in live})
        return make_site(**{"tracker.internal_url": stub_tracker.url})

    return make_wall


def tiles(page):
    """Return the id of each tile's room, and whether the tile has a player."""
    return {
        stage["data-room"]: stage.select_one("video") is not None
        for stage in page.html.select(".tile > .stage")
    }


def test_wall_shows_all_rooms_with_their_talks(make_wall):
    page = make_wall().get("/wall")

    assert tiles(page) == {"hall": True, "lab": False, "tube": False}
    assert page.html.select_one(".wall")["data-tiles"] == "4"
    hall, lab, _ = page.html.select(".tile")
    assert hall.select_one(".tile-now").get_text(strip=True) == "Keynote & more"
    assert "<b>Panel</b>" in hall.select_one(".tile-next").get_text()
    assert lab.select_one(".pattern") is not None
    assert "Soldering" in lab.select_one(".tile-next").get_text()
    video = hall.select_one("video")
    assert video.has_attr("muted")
    assert video["data-playback"].endswith("/api/v1/rooms/hall/playback")
    assert "media-src http: https: blob:" in page.headers["Content-Security-Policy"]


def test_address_chooses_the_rooms_and_their_order(make_wall):
    site = make_wall()

    page = site.get("/wall?rooms=tube,HALL,,tube,no<b>where")

    assert list(tiles(page)) == ["tube", "hall"]
    assert page.html.select_one(".wall")["data-tiles"] == "2"
    assert [line.get_text() for line in page.html.select("main .room-message")] == [
        "There is no room called no<b>where."
    ]
    hall, lab, _ = page.html.select(".wall-rooms a")
    assert (hall["href"], hall.get("aria-current")) == ("/wall?rooms=tube", "true")
    assert (lab["href"], lab.get("aria-current")) == ("/wall?rooms=tube%2Chall%2Clab", None)
    assert list(tiles(site.get(lab["href"]))) == ["tube", "hall", "lab"]


@pytest.mark.parametrize(
    ("count", "layout"), [(1, "1"), (2, "2"), (3, "4"), (5, "6"), (7, "9"), (12, "9")]
)
def test_layout_has_room_for_all_tiles(make_wall, count, layout):
    rooms = ",".join(f"r{number}" for number in range(count))

    page = make_wall(count).get(f"/wall?rooms={rooms}").html

    assert page.select_one(".wall")["data-tiles"] == layout
    assert len(page.select(".tile")) == min(count, 9)


def test_wall_of_a_large_event_begins_with_the_live_rooms(make_wall):
    page = make_wall(12, live=("r11", "r5")).get("/wall")

    # A room with a video on YouTube counts as live.
    assert list(tiles(page))[:3] == ["tube", "r5", "r11"]
    assert len(tiles(page)) == 9


def test_wall_of_the_crew_reports_no_viewers(make_wall):
    page = make_wall().get("/wall?crew=1").html

    assert page.select_one("video") is not None
    assert page.select("[data-playback]") == []
    assert not [script for script in page.select("script[src]") if "reporter" in script["src"]]
    assert page.select_one("nav.crew [aria-current]").get_text() == "Wall"
    assert all("crew=1" in link["href"] for link in page.select(".wall-rooms a"))


def test_streams_do_not_start_by_themselves_at_the_venue(make_wall):
    site = make_wall(localips=["10.0.0.0/8"])

    elsewhere, venue = site.get("/wall"), site.get("/wall", extra_environ=AT_VENUE)
    crew = site.get("/wall?crew=1", extra_environ=AT_VENUE)

    waits = [bool(page.html.select(".stage[data-waits]")) for page in (elsewhere, venue, crew)]
    assert waits == [False, True, False]
    assert [page.cache_control.private for page in (elsewhere, venue)] == ["*", "*"]


def test_index_links_to_the_wall_of_several_rooms(make_wall, make_site, tmp_path):
    assert make_wall().get("/?lang=de").html.select_one('main a[href="/wall?lang=de"]')
    config = json.loads((tmp_path / "config.json").read_text())
    for room in ("lab", "tube"):
        del config[room]
    (tmp_path / "config.json").write_text(json.dumps(config))

    assert not make_site().get("/").html.select('main a[href^="/wall"]')


def test_old_address_of_the_wall_leads_to_it(make_wall):
    assert make_wall().get("/multiview/", status=301).headers["Location"] == "/wall"
