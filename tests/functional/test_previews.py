"""Preview images."""

import json
import os
import time

import pytest

from .pages import streams_document

JPEG = b"\xff\xd8\xff\xe0 as good as a picture \xff\xd9"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "previews"
    folder.mkdir()
    return folder


@pytest.fixture
def put(folder):
    """Return a function that writes an image like an agent, some seconds ago."""

    def put(name, ago=0, content=JPEG):
        path = folder / name
        path.write_bytes(content)
        moment = time.time() - ago
        os.utime(path, (moment, moment))

    return put


@pytest.fixture
def pictured(make_site, folder, stub_tracker):
    stub_tracker.document = streams_document(hall=["webm_high"], lab=None)
    return make_site(**{"preview.folder": str(folder), "tracker.internal_url": stub_tracker.url})


class TestPreviewImage:
    def test_preview_has_max_age_and_etag(self, pictured, put):
        put("hall.jpg")
        response = pictured.get("/preview/hall.jpg")

        assert (response.body, response.content_type) == (JPEG, "image/jpeg")
        assert "max-age=10" in response.headers["Cache-Control"]
        again = {"If-None-Match": response.headers["ETag"]}
        assert pictured.get("/preview/hall.jpg", headers=again, status=304).body == b""
        put("hall.jpg", content=JPEG + b"!")
        assert pictured.get("/preview/hall.jpg", headers=again).body == JPEG + b"!"

    @pytest.mark.parametrize("ago", [None, 901, 3600])
    def test_outdated_or_missing_preview_is_no_signal(self, pictured, put, root, ago):
        if ago:
            put("hall.jpg", ago=ago)
        ours = root / "src/streaming_system/frontend/static/no-signal.jpg"

        assert pictured.get("/preview/hall.jpg").body == ours.read_bytes()
        assert pictured.get("/preview/hall-large.jpg").body == ours.read_bytes()
        pictured.get("/preview/hall.webp", status=404)

    def test_small_preview_replaces_missing_large_one(self, pictured, put):
        put("hall.jpg")
        assert pictured.get("/preview/hall-large.jpg").body == JPEG

        put("hall-large.jpg", content=b"large")
        assert pictured.get("/preview/hall-large.jpg").body == b"large"

    @pytest.mark.parametrize(
        "path", ["nowhere.jpg", "hall.png", "hall.jpg.jpg", "../config.json", "hall-huge.jpg"]
    )
    def test_other_files_are_404(self, pictured, path):
        pictured.get(f"/preview/{path}", status=404)

    def test_preview_without_folder_is_no_signal(self, site):
        assert site.get("/preview/hall.jpg").content_type == "image/jpeg"


class TestPages:
    def test_card_has_preview_in_all_formats_with_size(self, pictured, put):
        for form in ("jpg", "webp", "avif"):
            put(f"hall.{form}")
        picture = pictured.get("/").html.select_one("[data-room=hall] picture")

        assert [(s["srcset"], s["type"]) for s in picture.select("source")] == [
            ("/preview/hall.avif", "image/avif"),
            ("/preview/hall.webp", "image/webp"),
        ]
        img = picture.img
        assert (img["src"], img["width"], img["height"]) == ("/preview/hall.jpg", "640", "360")
        assert (img["alt"], img.has_attr("data-preview")) == ("", True)

    def test_card_of_a_live_room_keeps_the_last_preview_with_its_age(self, pictured, put):
        put("hall.jpg", ago=300)
        put("lab.jpg", ago=300)

        page = pictured.get("/").html
        hall = page.select_one("[data-room=hall]")
        assert hall.select_one("img")["src"] == "/preview/hall.jpg"
        assert hall.select_one(".age").text == "5 min ago"
        assert pictured.get("/preview/hall.jpg").body == JPEG
        # It is not live.
        assert page.select("[data-room=lab] img") == []

    def test_card_without_recent_preview_has_a_pattern(self, pictured, put):
        put("hall.jpg", ago=1000)

        card = pictured.get("/").html.select_one("[data-room=hall]")
        assert (card.select("img"), card.select_one(".pattern").text) == ([], "Keynote & more")

    def test_only_previews_of_live_rooms_are_refreshed(self, pictured, put):
        put("lab.jpg")

        img = pictured.get("/").html.select_one("[data-room=lab] img")
        assert not img.has_attr("data-preview")

    def test_configured_preview_takes_precedence(self, make_site, folder, put, tmp_path):
        path = tmp_path / "config.json"
        document = json.loads(path.read_text())
        document["hall"]["preview"] = "https://pictures.example/hall.png"
        path.write_text(json.dumps(document))
        put("hall.jpg")
        site = make_site(**{"preview.folder": str(folder)})

        img = site.get("/").html.select_one("[data-room=hall] img")
        assert img["src"] == "https://pictures.example/hall.png"

    def test_player_and_apps_use_large_preview(self, pictured, put):
        put("hall.jpg")
        put("hall-large.jpg")

        assert pictured.get("/hall").html.video["poster"] == "/preview/hall-large.jpg"
        [event] = pictured.get("/streams/v2.json").json
        rooms = {room["slug"]: room for room in event["groups"][0]["rooms"]}
        assert rooms["hall"]["poster"] == "http://localhost/preview/hall-large.jpg"
        assert rooms["lab"]["poster"] == "http://localhost/brand/logo"


class TestLinks:
    @pytest.mark.parametrize("large", ["", "-large"])
    def test_symbolic_link_is_no_preview(self, pictured, folder, root, tmp_path, large):
        """An agent that writes images must not get access to other files."""
        (tmp_path / "private.json").write_text("the secret")
        (folder / f"hall{large}.jpg").symlink_to(tmp_path / "private.json")
        (folder / f"hall{large}.webp").symlink_to(tmp_path / "private.json")
        ours = root / "src/streaming_system/frontend/static/no-signal.jpg"

        assert pictured.get(f"/preview/hall{large}.jpg").body == ours.read_bytes()
        pictured.get(f"/preview/hall{large}.webp", status=404)
        assert "/preview/hall" not in pictured.get("/").text

    def test_special_file_is_no_preview(self, pictured, folder, root):
        os.mkfifo(folder / "hall.jpg")
        (folder / "hall.webp").mkdir()
        ours = root / "src/streaming_system/frontend/static/no-signal.jpg"

        assert pictured.get("/preview/hall.jpg").body == ours.read_bytes()
        pictured.get("/preview/hall.webp", status=404)


def test_monitor_shows_the_preview_of_an_incident_and_links_the_large_one(
    pictured, put, stub_tracker
):
    put("hall.jpg")
    put("hall-large.jpg")
    stub_tracker.documents["/api/v1/incidents"] = {
        "incidents": [
            {"room": room, "summary": summary, "opened_at": "2026-11-23T21:19:00.000Z"}
            for room, summary in (("hall", "Black."), ("lab", "Silent."), ("", "A wrong clock."))
        ]
    }

    page = pictured.get("/monitor").html

    black, silent, clock = page.select(".incidents li")
    [image] = black.select("img")
    assert (image["src"], image["alt"]) == ("/preview/hall.jpg", "Great Hall")
    assert image.parent["href"] == "/preview/hall-large.jpg"
    # There is no recent picture of the lab.
    assert silent.select("img") == clock.select("img") == []
