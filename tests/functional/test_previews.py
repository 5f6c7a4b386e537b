"""Pictures of what is on."""

import json
import os
import time

import pytest

from .pages import told

JPEG = b"\xff\xd8\xff\xe0 as good as a picture \xff\xd9"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "previews"
    folder.mkdir()
    return folder


@pytest.fixture
def put(folder):
    """Return a function that writes a picture as an encoder would have some seconds ago."""

    def put(name, ago=0, content=JPEG):
        path = folder / name
        path.write_bytes(content)
        moment = time.time() - ago
        os.utime(path, (moment, moment))

    return put


@pytest.fixture
def pictured(make_site, folder, tracker_says):
    tracker_says.says = told(hall=["webm_high"], lab=None)
    return make_site(**{"preview.folder": str(folder), "tracker.internal_url": tracker_says.url})


class TestPicture:
    def test_it_is_served_for_ten_seconds_and_not_sent_twice(self, pictured, put):
        put("hall.jpg")
        answer = pictured.get("/preview/hall.jpg")

        assert (answer.body, answer.content_type) == (JPEG, "image/jpeg")
        assert "max-age=10" in answer.headers["Cache-Control"]
        again = {"If-None-Match": answer.headers["ETag"]}
        assert pictured.get("/preview/hall.jpg", headers=again, status=304).body == b""
        put("hall.jpg", content=JPEG + b"!")
        assert pictured.get("/preview/hall.jpg", headers=again).body == JPEG + b"!"

    @pytest.mark.parametrize("ago", [None, 61, 3600])
    def test_an_old_or_missing_one_gives_way_to_no_signal(self, pictured, put, root, ago):
        if ago:
            put("hall.jpg", ago=ago)
        ours = root / "src/streaming_system/frontend/static/no-signal.jpg"

        assert pictured.get("/preview/hall.jpg").body == ours.read_bytes()
        assert pictured.get("/preview/hall-large.jpg").body == ours.read_bytes()
        pictured.get("/preview/hall.webp", status=404)

    def test_a_small_one_does_where_there_is_no_large_one(self, pictured, put):
        put("hall.jpg")
        assert pictured.get("/preview/hall-large.jpg").body == JPEG

        put("hall-large.jpg", content=b"large")
        assert pictured.get("/preview/hall-large.jpg").body == b"large"

    @pytest.mark.parametrize(
        "path", ["nowhere.jpg", "hall.png", "hall.jpg.jpg", "../config.json", "hall-huge.jpg"]
    )
    def test_nothing_else_of_the_disk_is_served(self, pictured, path):
        pictured.get(f"/preview/{path}", status=404)

    def test_without_a_folder_there_is_no_signal(self, site):
        assert site.get("/preview/hall.jpg").content_type == "image/jpeg"


class TestPages:
    def test_a_card_has_the_picture_in_the_best_format_and_its_size(self, pictured, put):
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

    def test_a_card_without_a_fresh_picture_has_a_pattern(self, pictured, put):
        put("hall.jpg", ago=100)

        card = pictured.get("/").html.select_one("[data-room=hall]")
        assert (card.select("img"), card.select_one(".pattern").text) == ([], "Great Hall")

    def test_only_live_rooms_pictures_are_renewed(self, pictured, put):
        put("lab.jpg")

        img = pictured.get("/").html.select_one("[data-room=lab] img")
        assert not img.has_attr("data-preview")

    def test_what_the_configuration_names_comes_first(self, make_site, folder, put, tmp_path):
        path = tmp_path / "config.json"
        document = json.loads(path.read_text())
        document["hall"]["preview"] = "https://pictures.example/hall.png"
        path.write_text(json.dumps(document))
        put("hall.jpg")
        site = make_site(**{"preview.folder": str(folder)})

        img = site.get("/").html.select_one("[data-room=hall] img")
        assert img["src"] == "https://pictures.example/hall.png"

    def test_the_player_and_apps_show_the_large_one(self, pictured, put):
        put("hall.jpg")
        put("hall-large.jpg")

        assert pictured.get("/hall").html.video["poster"] == "/preview/hall-large.jpg"
        [event] = pictured.get("/streams/v2.json").json
        rooms = {room["slug"]: room for room in event["groups"][0]["rooms"]}
        assert rooms["hall"]["poster"] == "http://localhost/preview/hall-large.jpg"
        assert rooms["lab"]["poster"] == "http://localhost/brand/logo"


class TestLinks:
    @pytest.mark.parametrize("large", ["", "-large"])
    def test_a_link_to_another_file_is_no_picture(self, pictured, folder, root, tmp_path, large):
        """Whoever may write pictures may not have every file that the site can read."""
        (tmp_path / "private.json").write_text("the secret")
        (folder / f"hall{large}.jpg").symlink_to(tmp_path / "private.json")
        (folder / f"hall{large}.webp").symlink_to(tmp_path / "private.json")
        ours = root / "src/streaming_system/frontend/static/no-signal.jpg"

        assert pictured.get(f"/preview/hall{large}.jpg").body == ours.read_bytes()
        pictured.get(f"/preview/hall{large}.webp", status=404)
        assert "/preview/hall" not in pictured.get("/").text

    def test_nor_is_what_is_no_file(self, pictured, folder, root):
        os.mkfifo(folder / "hall.jpg")
        (folder / "hall.webp").mkdir()
        ours = root / "src/streaming_system/frontend/static/no-signal.jpg"

        assert pictured.get("/preview/hall.jpg").body == ours.read_bytes()
        pictured.get("/preview/hall.webp", status=404)
