"""The web app manifest, the service worker and static assets."""

import json
import re

import pytest

from streaming_system.frontend.assets import StaticAssets


class TestManifest:
    def test_manifest_has_site_name_and_icons(self, site):
        response = site.get("/manifest.webmanifest")

        assert response.headers["Content-Type"] == "application/manifest+json"
        document = json.loads(response.body)
        assert (document["name"], document["short_name"]) == ("Test Conf", "Test Conf")
        assert (document["start_url"], document["scope"], document["display"]) == (
            "/",
            "/",
            "standalone",
        )
        icons = {(icon["sizes"], icon["purpose"]): icon for icon in document["icons"]}
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

    def test_pages_link_manifest_and_set_theme_colours(self, site):
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
        # An embedded player is not installable.
        assert site.get("/embed/hall").html.select("link[rel=manifest]") == []

    def test_theme_sets_window_colours(self, make_site, tmp_path):
        plain = make_site()
        config = json.loads((tmp_path / "config.json").read_text())
        config["config"]["theme"] = "terminal"
        (tmp_path / "config.json").write_text(json.dumps(config))
        themed = make_site()

        def colours(site):
            document = json.loads(site.get("/manifest.webmanifest").body)
            page = site.get("/").html
            return (
                document["background_color"],
                document["theme_color"],
                *(meta["content"] for meta in page.select("[name=theme-color]")),
            )

        assert all(was != now for was, now in zip(colours(plain), colours(themed), strict=True))

    @pytest.mark.parametrize("icon", ["192", "512", "maskable"])
    def test_brand_icons_override_defaults(self, site, tmp_path, icon):
        (tmp_path / "brand").mkdir()
        (tmp_path / f"brand/icon-{icon}.png").write_bytes(b"own")

        assert site.get(f"/brand/icon-{icon}.png").body == b"own"

    def test_bitmap_favicon_is_no_manifest_icon(self, site, tmp_path):
        (tmp_path / "brand").mkdir()
        (tmp_path / "brand/favicon.ico").write_bytes(b"ico")

        document = json.loads(site.get("/manifest.webmanifest").body)

        assert {icon["type"] for icon in document["icons"]} == {"image/png"}

    def test_long_site_name_has_a_short_name(self, make_site, tmp_path):
        (tmp_path / "config.json").write_text(
            json.dumps({"default": {"title": "Conference on live streams of conferences, 2026"}})
        )

        document = json.loads(make_site().get("/manifest.webmanifest").body)

        assert document["short_name"] == "Conference"

    def test_manifest_below_a_prefix_has_prefixed_urls(self, site):
        below = {"SCRIPT_NAME": "/live"}

        document = json.loads(site.get("/live/manifest.webmanifest", extra_environ=below).body)

        assert (document["start_url"], document["scope"]) == ("/live/", "/live/")
        assert document["icons"][0]["src"] == "/live/brand/icon-192.png"


class TestServiceWorker:
    def fetch(self, site, **more):
        response = site.get(more.pop("path", "/sw.js"), **more)
        return response, json.loads(re.match(r"const SITE = (.*);\n", response.text)[1])

    def test_precached_files_exist(self, site):
        response, document = self.fetch(site)

        assert response.content_type == "text/javascript"
        assert response.headers["Service-Worker-Allowed"] == "/"
        assert "You are offline" in site.get(document["offline"])
        names = [address.rpartition("/")[2] for address in document["files"]]
        assert {
            "site.css",
            "live-updates.js",
            "schedule.js",
            "server-clock.js",
            "offline.js",
        } <= set(names)
        # Precaching files of pages that need the network would waste traffic.
        assert not [name for name in names if re.match("play|graph|panels|room|switch", name)]
        size = 0
        for address in document["files"]:
            response = site.get(address)
            assert "immutable" in response.headers["Cache-Control"]
            size += len(response.body)
        assert size < 150_000

    def test_service_worker_changes_with_files(self, site):
        response, document = self.fetch(site)

        assert document["version"] == site.app.registry["assets"].version
        assert document["version"] in response.text
        assert response.cache_control.max_age == 60

    def test_service_worker_below_a_prefix_has_prefixed_urls(self, site):
        _, document = self.fetch(site, path="/live/sw.js", extra_environ={"SCRIPT_NAME": "/live"})

        assert (document["home"], document["offline"]) == ("/live/", "/live/offline")
        assert all(address.startswith("/live/static/") for address in document["files"])


class TestAssets:
    def test_asset_version_changes_with_name_and_content(self, tmp_path):
        (tmp_path / "player").mkdir()
        (tmp_path / "player/dom.js").write_text("a")
        first = StaticAssets(tmp_path).version
        (tmp_path / "player/dom.js").write_text("b")
        second = StaticAssets(tmp_path).version
        (tmp_path / "player/dom.js").rename(tmp_path / "player/hall.js")
        third = StaticAssets(tmp_path).version

        assert len({first, second, third}) == 3
        assert StaticAssets(tmp_path).version == third

    def test_watching_assets_notices_changes(self, tmp_path, monkeypatch):
        monkeypatch.setattr("streaming_system.frontend.assets.WATCH_INTERVAL", -1)
        (tmp_path / "site.css").write_text("a")
        watched, cached = StaticAssets(tmp_path, watch=True), StaticAssets(tmp_path)
        before = watched.version
        (tmp_path / "site.css").write_text("another")

        assert watched.version != before
        assert cached.version == before


def _size(png):
    return int.from_bytes(png[16:20], "big")
