"""A theme on the site: pages, public files and errors."""

import json
import re
import time

import pytest

from streaming_system.theme.loader import example_names

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.fixture
def folder(tmp_path):
    """A theme in the folder of the configuration."""
    folder = tmp_path / "theme"
    for name, content in {
        "theme.json": b'{"logo": "pictures/logo.svg", "colours": {"light": {"accent": "#800020"}}}',
        "theme.css": b".card { outline: 1px solid }",
        "pictures/logo.svg": SVG,
        "fonts/own.woff2": b"font",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def choose(tmp_path, conference):
    """Return a function that configures a theme."""

    def choose(theme):
        path = tmp_path / "config.json"
        document = json.loads(path.read_text())
        document["config"]["theme"] = theme
        path.write_text(json.dumps(document))

    return choose


@pytest.fixture
def themed(choose, folder, make_site):
    """The site with the theme."""
    choose("./theme")
    return make_site()


def stylesheet_url(page):
    """Return the URL of a page's last stylesheet."""
    return page.html.select("link[rel=stylesheet]")[-1]["href"]


class TestPages:
    @pytest.mark.parametrize("path", ["/", "/hall", "/schedule", "/monitor", "/none"])
    def test_every_page_loads_the_stylesheet_of_the_theme_last(self, themed, path):
        url = stylesheet_url(themed.get(path, expect_errors=True))

        sheet = themed.get(url)
        assert re.fullmatch(r"/theme/[0-9a-f]{12}/style\.css", url)
        assert sheet.content_type == "text/css"
        assert "--accent: light-dark(#800020, #8cc4f0);" in sheet.text
        assert "@layer theme {\n.card { outline: 1px solid }\n}" in sheet.text

    def test_site_without_theme_has_no_theme_stylesheet(self, site):
        assert "/theme/" not in site.get("/").text
        site.get("/theme/000000000000/style.css", status=404)

    @pytest.mark.parametrize("name", example_names())
    def test_builtin_theme_is_configured_by_name(self, choose, make_site, name):
        choose(name)
        site = make_site()

        sheet = site.get(stylesheet_url(site.get("/")))

        for file in re.findall(r'url\("([^"]+)"\)', sheet.text):
            assert site.get(f"{sheet.request.path.rsplit('/', 1)[0]}/{file}").body, file

    def test_example_theme_replaces_the_index_page(self, choose, make_site):
        choose("festival")

        page = make_site().get("/").html

        assert page.select_one(".hero h1").string == "Test Conf"
        # The content of the built-in page is still there.
        assert len(page.select(".card")) == 3

    def test_template_of_the_theme_replaces_the_builtin_one(self, choose, folder, make_site):
        (folder / "templates").mkdir()
        (folder / "templates/base.jinja2").write_text(
            "{% extends 'site/base.jinja2' %}"
            "{% block foot %}{% include 'sponsors.jinja2' %}{% endblock %}"
        )
        (folder / "templates/sponsors.jinja2").write_text("<p id=sponsors>{{ '<Acme>' }}</p>")
        choose("./theme")
        site = make_site()

        # Pages and errors with built-in templates extend the base of the theme, too.
        for path in ("/", "/hall", "/hall?template=inroom", "/schedule", "/monitor", "/none"):
            page = site.get(path, expect_errors=True).html
            assert page.select_one("footer #sponsors").text == "<Acme>", path
            assert page.select_one("header.masthead"), path

    def test_fonts_may_come_from_the_site_only(self, themed):
        policy = themed.get("/").headers["Content-Security-Policy"]

        assert "; font-src 'self'; " in policy


class TestServing:
    def test_urls_with_the_current_version_are_cached_for_a_year(self, themed, folder, make_site):
        url = stylesheet_url(themed.get("/"))
        logo = url.replace("style.css", "pictures/logo.svg")

        assert themed.get(url).cache_control.max_age == 31536000
        picture = themed.get(logo)
        assert (picture.body, picture.content_type) == (SVG, "image/svg+xml")
        assert picture.cache_control.max_age == 31536000
        assert themed.get(url, headers={"If-None-Match": themed.get(url).headers["ETag"]},
                          status=304).body == b""  # fmt: skip

        # A change gets another URL after a restart.
        (folder / "fonts/own.woff2").write_bytes(b"another")
        restarted = make_site()
        assert stylesheet_url(restarted.get("/")) != url
        assert restarted.get(url).cache_control.max_age == 60

    @pytest.mark.parametrize(
        "path",
        ["theme.json", "theme.css", "templates/index.jinja2", "pictures/", "pictures/.secret.svg",
         "pictures/..%2ftheme.json", "..%2f..%2fconfig.json", "pictures/%2e%2e/theme.json",
         "%2fetc%2fpasswd", "pictures/link.svg", "pictures/x.html", "pictures/logo.svg%00.png"],
    )  # fmt: skip
    def test_other_files_of_the_folder_are_not_served(self, themed, folder, tmp_path, path):
        (tmp_path / "outside.svg").write_text("outside")
        (folder / "pictures/link.svg").symlink_to(tmp_path / "outside.svg")
        (folder / "pictures/.secret.svg").write_text("hidden")
        (folder / "pictures/x.html").write_text("<script>1</script>")
        version = stylesheet_url(themed.get("/")).split("/")[2]

        response = themed.get(f"/theme/{version}/{path}", status=404)

        assert "no such file" in response.text or "does not exist" in response.text


class TestPictures:
    def test_picture_that_is_opened_as_a_page_runs_no_script(self, themed, tmp_path):
        version = stylesheet_url(themed.get("/")).split("/")[2]
        script = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
        (tmp_path / "brand").mkdir()
        for name in ("logo.svg", "favicon.svg"):
            (tmp_path / "brand" / name).write_bytes(script)

        for path in ("/brand/logo", "/favicon.ico", f"/theme/{version}/pictures/logo.svg"):
            response = themed.get(path)

            assert response.content_type == "image/svg+xml"
            policy = response.headers["Content-Security-Policy"].split("; ")
            assert {"default-src 'none'", "sandbox"} <= set(policy)
            assert "script-src" not in str(policy)
            assert response.headers["X-Content-Type-Options"] == "nosniff"

    def test_files_of_the_brand_folder_have_the_types_of_their_addresses(self, themed, tmp_path):
        (tmp_path / "brand").mkdir()
        page = b"<!doctype html><script>alert(1)</script>"
        for name in ("logo.png", "favicon.ico", "robots.txt", "icon-192.png", "index.html"):
            (tmp_path / "brand" / name).write_bytes(page)

        for path in ("/brand/logo?x", "/favicon.ico?x", "/robots.txt", "/brand/icon-192.png"):
            response = themed.get(path)

            assert response.content_type in ("image/png", "image/x-icon", "text/plain")
            assert response.headers["X-Content-Type-Options"] == "nosniff"
        themed.get("/brand/index.html", status=404)

    def test_brand_folder_has_precedence_over_theme_and_builtin_files(self, themed, tmp_path):
        assert themed.get("/brand/logo").body == SVG
        # The theme has no favicon.
        assert b"<svg" in themed.get("/favicon.ico").body

        (tmp_path / "brand").mkdir()
        (tmp_path / "brand/logo.png").write_bytes(b"own")
        # The response is cached for a second.
        deadline = time.monotonic() + 10
        while themed.get("/brand/logo").body != b"own":
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def test_social_image_is_that_of_the_theme_or_the_builtin_icon(self, choose, make_site):
        choose("festival")
        festival = make_site()
        choose("terminal")
        terminal = make_site()

        theme_image = festival.get("/brand/picture")
        assert theme_image.content_type == "image/png"
        # The fallback is the built-in icon.
        assert terminal.get("/brand/picture").body not in (theme_image.body, b"")


class TestChanges:
    def test_changes_are_visible_at_once_in_development(self, choose, folder, make_site):
        choose("./theme")
        site = make_site(**{"pyramid.reload_templates": "true"})
        before = stylesheet_url(site.get("/schedule"))

        (folder / "theme.json").write_text('{"colours": {"light": {"accent": "#004d40"}}}')

        after = stylesheet_url(site.get("/schedule"))
        assert after != before
        assert "light-dark(#004d40," in site.get(after).text

    def test_invalid_change_leaves_the_last_valid_theme(self, choose, folder, make_site, caplog):
        choose("./theme")
        site = make_site(**{"pyramid.reload_templates": "true"})

        (folder / "theme.json").write_text('{"colours": ')

        assert "#800020" in site.get(stylesheet_url(site.get("/"))).text
        assert "pages use the last valid theme" in caplog.text

    def test_changes_need_a_restart_in_production(self, themed, folder):
        before = stylesheet_url(themed.get("/"))
        (folder / "theme.json").write_text('{"colours": {"light": {"accent": "#004d40"}}}')

        assert stylesheet_url(themed.get("/")) == before
        assert "#800020" in themed.get(before).text


class TestStart:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{", "theme/theme.json: line 1"),
            ('{"colours": {"light": {"accent": "#fff;} *{}"}}}', "allowed: #rgb"),
            ('{"logo": "../config.json"}', "key 'logo': is '../config.json'; allowed: the path of"),
        ],
    )
    def test_invalid_theme_stops_the_start_with_one_line(
        self, choose, folder, make_site, text, message
    ):
        (folder / "theme.json").write_text(text)
        choose("./theme")

        with pytest.raises(SystemExit) as error:
            make_site()

        assert message in str(error.value)
        assert "\n" not in str(error.value)

    def test_contrast_fixes_are_logged(self, choose, folder, make_site, caplog):
        (folder / "theme.json").write_text('{"colours": {"light": {"accent": "#ffd400"}}}')
        choose("./theme")

        make_site()

        assert "'colours.light.accent': #ffd400 has a contrast of 1.1" in caplog.text

    @pytest.mark.parametrize("theme", [3, "no theme", "a\0b/c"])
    def test_invalid_theme_name_is_rejected(self, choose, make_site, theme):
        choose(theme)

        with pytest.raises(SystemExit, match="section 'config': key 'theme': is "):
            make_site()
