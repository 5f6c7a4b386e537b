"""An event's theme as a browser gets it: what changes, what is served, what is refused."""

import json
import re

import pytest

from streaming_system.theme.loader import example_names

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.fixture
def folder(tmp_path):
    """A theme that lies beside the configuration."""
    folder = tmp_path / "look"
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
    """Return a function that names a theme in the configuration."""

    def choose(named):
        path = tmp_path / "config.json"
        said = json.loads(path.read_text())
        said["config"]["theme"] = named
        path.write_text(json.dumps(said))

    return choose


@pytest.fixture
def themed(choose, folder, make_site):
    """The pages in the theme."""
    choose("./look")
    return make_site()


def stylesheet_of(page):
    """Return the address of a page's last stylesheet."""
    return page.html.select("link[rel=stylesheet]")[-1]["href"]


class TestPages:
    @pytest.mark.parametrize("path", ["/", "/hall", "/schedule", "/monitor", "/none"])
    def test_every_page_loads_the_theme_s_stylesheet_last(self, themed, path):
        address = stylesheet_of(themed.get(path, expect_errors=True))

        sheet = themed.get(address)
        assert re.fullmatch(r"/theme/[0-9a-f]{12}/style\.css", address)
        assert sheet.content_type == "text/css"
        assert "--accent: light-dark(#800020, #8cc4f0);" in sheet.text
        assert "@layer theme {\n.card { outline: 1px solid }\n}" in sheet.text

    def test_without_a_theme_there_is_no_such_stylesheet(self, site):
        assert "/theme/" not in site.get("/").text
        site.get("/theme/000000000000/style.css", status=404)

    @pytest.mark.parametrize("name", example_names())
    def test_a_built_in_theme_is_known_by_its_name(self, choose, make_site, name):
        choose(name)
        site = make_site()

        sheet = site.get(stylesheet_of(site.get("/")))

        for file in re.findall(r'url\("([^"]+)"\)', sheet.text):
            assert site.get(f"{sheet.request.path.rsplit('/', 1)[0]}/{file}").body, file

    def test_an_example_brings_a_page_of_its_own(self, choose, make_site):
        choose("festival")

        page = make_site().get("/").html

        assert page.select_one(".hero strong").string == "Test Conf"
        # What it was made of is still there.
        assert len(page.select(".card")) == 3

    def test_a_theme_s_template_takes_the_place_of_ours(self, choose, folder, make_site):
        (folder / "templates").mkdir()
        (folder / "templates/base.jinja2").write_text(
            "{% extends 'site/base.jinja2' %}"
            "{% block foot %}{% include 'sponsors.jinja2' %}{% endblock %}"
        )
        (folder / "templates/sponsors.jinja2").write_text("<p id=sponsors>{{ '<Acme>' }}</p>")
        choose("./look")
        site = make_site()

        # Pages that the theme says nothing of stand on its base, too, and so do errors.
        for path in ("/", "/hall", "/hall?template=inroom", "/schedule", "/monitor", "/none"):
            page = site.get(path, expect_errors=True).html
            assert page.select_one("footer #sponsors").text == "<Acme>", path
            assert page.select_one("header.masthead"), path

    def test_fonts_may_come_from_this_site_only(self, themed):
        policy = themed.get("/").headers["Content-Security-Policy"]

        assert "; font-src 'self'; " in policy


class TestServing:
    def test_what_has_the_version_in_its_address_is_kept_for_a_year(
        self, themed, folder, make_site
    ):
        address = stylesheet_of(themed.get("/"))
        logo = address.replace("style.css", "pictures/logo.svg")

        assert themed.get(address).cache_control.max_age == 31536000
        picture = themed.get(logo)
        assert (picture.body, picture.content_type) == (SVG, "image/svg+xml")
        assert picture.cache_control.max_age == 31536000
        assert themed.get(address, headers={"If-None-Match": themed.get(address).headers["ETag"]},
                          status=304).body == b""  # fmt: skip

        # After a change and a restart, the pages have another address.
        (folder / "fonts/own.woff2").write_bytes(b"another")
        again = make_site()
        assert stylesheet_of(again.get("/")) != address
        assert again.get(address).cache_control.max_age == 60

    @pytest.mark.parametrize(
        "path",
        ["theme.json", "theme.css", "templates/index.jinja2", "pictures/", "pictures/.secret.svg",
         "pictures/..%2ftheme.json", "..%2f..%2fconfig.json", "pictures/%2e%2e/theme.json",
         "%2fetc%2fpasswd", "pictures/link.svg", "pictures/x.html", "pictures/logo.svg%00.png"],
    )  # fmt: skip
    def test_nothing_else_of_the_folder_is_served(self, themed, folder, tmp_path, path):
        (tmp_path / "outside.svg").write_text("outside")
        (folder / "pictures/link.svg").symlink_to(tmp_path / "outside.svg")
        (folder / "pictures/.secret.svg").write_text("hidden")
        (folder / "pictures/x.html").write_text("<script>1</script>")
        version = stylesheet_of(themed.get("/")).split("/")[2]

        answer = themed.get(f"/theme/{version}/{path}", status=404)

        assert "no such file" in answer.text or "does not exist" in answer.text


class TestPictures:
    def test_the_brand_folder_comes_first_then_the_theme_then_ours(self, themed, tmp_path):
        assert themed.get("/brand/logo").body == SVG
        # The theme has none.
        assert b"<svg" in themed.get("/favicon.ico").body

        (tmp_path / "brand").mkdir()
        (tmp_path / "brand/logo.png").write_bytes(b"own")
        # Another address than above, whose answer would be kept for a second.
        assert themed.get("/brand/logo?own").body == b"own"

    def test_a_social_picture_is_there_where_somebody_gave_one(self, choose, make_site):
        choose("festival")
        festival = make_site()
        choose("terminal")
        terminal = make_site()

        of_theme = festival.get("/brand/picture")
        assert of_theme.content_type == "image/png"
        # Else our own icon stands for it.
        assert terminal.get("/brand/picture").body not in (of_theme.body, b"")


class TestChanges:
    def test_in_development_they_show_at_once(self, choose, folder, make_site):
        choose("./look")
        site = make_site(**{"pyramid.reload_templates": "true"})
        before = stylesheet_of(site.get("/schedule"))

        (folder / "theme.json").write_text('{"colours": {"light": {"accent": "#004d40"}}}')

        after = stylesheet_of(site.get("/schedule"))
        assert after != before
        assert "light-dark(#004d40," in site.get(after).text

    def test_a_mistake_on_the_way_leaves_the_last_good_one(self, choose, folder, make_site, caplog):
        choose("./look")
        site = make_site(**{"pyramid.reload_templates": "true"})

        (folder / "theme.json").write_text('{"colours": ')

        assert "#800020" in site.get(stylesheet_of(site.get("/"))).text
        assert "pages use the last valid theme" in caplog.text

    def test_in_production_they_wait_for_a_restart(self, themed, folder):
        before = stylesheet_of(themed.get("/"))
        (folder / "theme.json").write_text('{"colours": {"light": {"accent": "#004d40"}}}')

        assert stylesheet_of(themed.get("/")) == before
        assert "#800020" in themed.get(before).text


class TestStart:
    @pytest.mark.parametrize(
        ("said", "complaint"),
        [
            ("{", "look/theme.json: line 1"),
            ('{"colours": {"light": {"accent": "#fff;} *{}"}}}', "is no colour"),
            ('{"logo": "../config.json"}', "key 'logo': is '../config.json'; allowed: the path of"),
        ],
    )
    def test_a_bad_theme_stops_it_with_one_line(self, choose, folder, make_site, said, complaint):
        (folder / "theme.json").write_text(said)
        choose("./look")

        with pytest.raises(SystemExit) as end:
            make_site()

        assert complaint in str(end.value)
        assert "\n" not in str(end.value)

    def test_what_has_been_corrected_is_in_the_log(self, choose, folder, make_site, caplog):
        (folder / "theme.json").write_text('{"colours": {"light": {"accent": "#ffd400"}}}')
        choose("./look")

        make_site()

        assert "'colours.light.accent': #ffd400 has a contrast of 1.1" in caplog.text

    @pytest.mark.parametrize("named", [3, "no theme", "a\0b/c"])
    def test_a_theme_s_name_is_a_word_or_a_path(self, choose, make_site, named):
        choose(named)

        with pytest.raises(SystemExit, match="section 'config': key 'theme': is "):
            make_site()
