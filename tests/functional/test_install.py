"""What devices get that keep the site like an app."""

import json
import re

import pytest

from streaming_system.frontend.assets import StaticAssets


class TestManifest:
    def test_it_names_the_site_and_its_icons(self, site):
        answer = site.get("/manifest.webmanifest")

        assert answer.headers["Content-Type"] == "application/manifest+json"
        told = json.loads(answer.body)
        assert (told["name"], told["short_name"]) == ("Test Conf", "Test Conf")
        assert (told["start_url"], told["scope"], told["display"]) == ("/", "/", "standalone")
        icons = {(icon["sizes"], icon["purpose"]): icon for icon in told["icons"]}
        assert list(icons) == [
            ("192x192", "any"),
            ("512x512", "any"),
            ("512x512", "maskable"),
            ("any", "any"),
        ]
        for icon in icons.values():
            found = site.get(icon["src"])
            assert found.content_type == icon["type"]
            if icon["type"] == "image/png":
                assert f"{_size(found.body)}x{_size(found.body)}" == icon["sizes"]

    def test_pages_name_it_and_the_colours_of_their_head(self, site):
        page = site.get("/hall").html

        assert page.select_one("link[rel=manifest]")["href"] == "/manifest.webmanifest"
        assert site.get(page.select_one("link[rel=apple-touch-icon]")["href"]).status_int == 200
        colours = {meta["media"]: meta["content"] for meta in page.select("[name=theme-color]")}
        assert colours == {
            "(prefers-color-scheme: light)": "#ffffff",
            "(prefers-color-scheme: dark)": "#191c22",
        }
        policy = site.get("/hall").headers["Content-Security-Policy"].split("; ")
        assert "manifest-src 'self'" in policy
        # A player in the frame of another site is no app.
        assert site.get("/embed/hall").html.select("link[rel=manifest]") == []

    def test_a_theme_colours_the_window(self, make_site, tmp_path):
        plain = make_site()
        config = json.loads((tmp_path / "config.json").read_text())
        config["config"]["theme"] = "terminal"
        (tmp_path / "config.json").write_text(json.dumps(config))
        themed = make_site()

        def colours(site):
            told = json.loads(site.get("/manifest.webmanifest").body)
            page = site.get("/").html
            return (
                told["background_color"],
                told["theme_color"],
                *(meta["content"] for meta in page.select("[name=theme-color]")),
            )

        assert all(was != now for was, now in zip(colours(plain), colours(themed), strict=True))

    @pytest.mark.parametrize("icon", ["192", "512", "maskable"])
    def test_the_event_s_own_icons_take_their_place(self, site, tmp_path, icon):
        (tmp_path / "brand").mkdir()
        (tmp_path / f"brand/icon-{icon}.png").write_bytes(b"own")

        assert site.get(f"/brand/icon-{icon}.png").body == b"own"

    def test_a_favicon_that_is_no_drawing_is_no_icon(self, site, tmp_path):
        (tmp_path / "brand").mkdir()
        (tmp_path / "brand/favicon.ico").write_bytes(b"ico")

        told = json.loads(site.get("/manifest.webmanifest").body)

        assert {icon["type"] for icon in told["icons"]} == {"image/png"}

    def test_a_long_name_has_a_short_one(self, make_site, tmp_path):
        (tmp_path / "config.json").write_text(
            json.dumps({"default": {"title": "Conference on live streams of conferences, 2026"}})
        )

        told = json.loads(make_site().get("/manifest.webmanifest").body)

        assert told["short_name"] == "Conference"

    def test_below_a_prefix_all_is_there(self, site):
        below = {"SCRIPT_NAME": "/live"}

        told = json.loads(site.get("/live/manifest.webmanifest", extra_environ=below).body)

        assert (told["start_url"], told["scope"]) == ("/live/", "/live/")
        assert told["icons"][0]["src"] == "/live/brand/icon-192.png"


class TestWorker:
    def told(self, site, **more):
        answer = site.get(more.pop("path", "/sw.js"), **more)
        return answer, json.loads(re.match(r"const SITE = (.*);\n", answer.text)[1])

    def test_all_that_it_keeps_from_the_start_is_there(self, site):
        answer, told = self.told(site)

        assert answer.content_type == "text/javascript"
        assert answer.headers["Service-Worker-Allowed"] == "/"
        assert "You are offline" in site.get(told["offline"])
        names = [address.rpartition("/")[2] for address in told["files"]]
        assert {
            "site.css",
            "live-updates.js",
            "schedule.js",
            "server-clock.js",
            "offline.js",
        } <= set(names)
        # What needs the network anyway would only cost the viewer's traffic.
        assert not [name for name in names if re.match("play|graph|panels|room|switch", name)]
        size = 0
        for address in told["files"]:
            kept = site.get(address)
            assert "immutable" in kept.headers["Cache-Control"]
            size += len(kept.body)
        assert size < 150_000

    def test_it_is_another_when_a_file_is_another(self, site):
        answer, told = self.told(site)

        assert told["version"] == site.app.registry["assets"].version
        assert told["version"] in answer.text
        assert answer.cache_control.max_age == 60

    def test_below_a_prefix_it_keeps_to_that(self, site):
        _, told = self.told(site, path="/live/sw.js", extra_environ={"SCRIPT_NAME": "/live"})

        assert (told["home"], told["offline"]) == ("/live/", "/live/offline")
        assert all(address.startswith("/live/static/") for address in told["files"])


class TestAssets:
    def test_the_version_changes_with_a_file_s_name_and_text(self, tmp_path):
        (tmp_path / "player").mkdir()
        (tmp_path / "player/dom.js").write_text("a")
        first = StaticAssets(tmp_path).version
        (tmp_path / "player/dom.js").write_text("b")
        second = StaticAssets(tmp_path).version
        (tmp_path / "player/dom.js").rename(tmp_path / "player/hall.js")
        third = StaticAssets(tmp_path).version

        assert len({first, second, third}) == 3
        assert StaticAssets(tmp_path).version == third

    def test_who_writes_files_gets_the_new_ones_at_once(self, tmp_path):
        (tmp_path / "site.css").write_text("a")
        watched, kept = StaticAssets(tmp_path, watch=True), StaticAssets(tmp_path)
        before = watched.version
        (tmp_path / "site.css").write_text("another")

        assert watched.version != before
        assert kept.version == before


def _size(png):
    return int.from_bytes(png[16:20], "big")
