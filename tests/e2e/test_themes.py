"""How pages look: themes, dark and light, languages from right to left, and every width."""

import json

import pytest

from streaming_system.theme.loader import example_names

from .config import configuration_with_theme
from .pages import first_talk_path

WIDTHS = {320: 640, 768: 1024, 1280: 800, 3840: 2160}
SCHEMES = ("light", "dark")

# Contrast as WCAG 2.2 computes it, of what the browser makes of a colour.
CONTRAST = """([one, other]) => {
  const luminance = (token) => {
    const probe = document.body.appendChild(document.createElement("i"));
    probe.style.color = `var(--${token})`;
    const canvas = new OffscreenCanvas(1, 1).getContext("2d");
    canvas.fillStyle = getComputedStyle(probe).color;
    canvas.fillRect(0, 0, 1, 1);
    probe.remove();
    const [red, green, blue] = [...canvas.getImageData(0, 0, 1, 1).data].map((part) =>
      part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}"""
SURFACES = ("surface-0", "surface-1", "surface-2")
LEAST = {
    **{("text", surface): 7 for surface in SURFACES},
    **{(name, surface): 4.5 for name in ("text-quiet", "accent") for surface in SURFACES},
    ("on-accent", "accent"): 4.5,
    **{("focus", surface): 3 for surface in SURFACES},
}

# Where things stand: how far from the left and from the right.
PLACES = [".brand", ".masthead nav", "h1", ".card .badge", ".card", ".grid tbody th", ".foot form"]
SIDES = """(places) => Object.fromEntries(places.flatMap((selector) =>
  [...document.querySelectorAll(selector)].slice(0, 1).map((element) => {
    const { left, right } = element.getBoundingClientRect();
    return [selector, [left, innerWidth - right].map(Math.round)];
  })))"""


def background(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def pages(site):
    """Return the addresses of one page of each kind."""
    return ["/", "/example", "/schedule", "/schedule?view=list", first_talk_path(site), "/monitor"]


def unreadable(page):
    """Return the pairs of colours that cannot be told apart well enough."""
    found = {pair: page.evaluate(CONTRAST, list(pair)) for pair in LEAST}
    return {pair: ratio for pair, ratio in found.items() if ratio < LEAST[pair]}


class TestThemes:
    def test_they_look_different_in_both_schemes(self, shared_sites, chromium):
        seen = {}
        page = chromium.new_page()
        for theme in ("", *example_names()):
            page.goto(shared_sites.get(configuration_with_theme(theme)).url)
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                style = page.evaluate(
                    "(({ backgroundColor, color, fontFamily }) => "
                    "[backgroundColor, color, fontFamily])(getComputedStyle(document.body))"
                )
                seen[theme, scheme] = tuple(style)
        page.close()

        grounds = {ground for ground, _, _ in seen.values()}
        assert len(grounds) == len({text for _, text, _ in seen.values()}) == len(seen) == 8
        assert len({family for _, _, family in seen.values()}) == 4

    @pytest.mark.parametrize("theme", ["", *example_names()])
    def test_all_can_be_read(self, visit, theme):
        page = visit("/")
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            assert unreadable(page) == {}, scheme

    class TestOfSomebodyWhoLikesYellow:
        @pytest.fixture
        def configuration(self):
            configuration = configuration_with_theme("./look")
            colours = {"light": {"accent": "#ffd400"}, "dark": {"accent": "#332b00"}}
            configuration.files["look/theme.json"] = json.dumps({"colours": colours})
            return configuration

        def test_an_accent_that_cannot_be_read_is_mended_on_the_page(self, visit):
            page = visit("/")

            assert unreadable(page) == {}
            # It is still of that colour, only darker: some red and green, and hardly any blue.
            accent = page.locator(".masthead nav").evaluate(
                "(nav) => { nav.style.color = 'var(--accent)'; return getComputedStyle(nav).color }"
            )
            assert accent.startswith("color(srgb ")
            red, green, blue = map(float, accent.removeprefix("color(srgb ").strip(")").split())
            assert 0.9 > red > green > 0.2 > blue

    @pytest.mark.parametrize("theme", ["festival"])
    def test_it_brings_its_own_letters_and_asks_nobody_else(self, site, visit, theme):
        page = visit("/")

        page.evaluate("document.fonts.ready")
        loaded = page.evaluate(
            "[...document.fonts].filter((font) => font.status === 'loaded')"
            ".map((font) => font.family + font.weight)"
        )
        assert sorted(name.strip('"') for name in loaded) == ["Fraunces400", "Fraunces700"]
        assert [url for url in page.asked if not url.startswith(site.url)] == []
        assert page.complaints == []

    @pytest.mark.parametrize("theme", ["", *example_names()])
    def test_no_page_is_wider_than_its_window(self, site, visit, theme):
        page = visit("/")
        for path in pages(site):
            page.goto(site.url + path)
            for width, height in WIDTHS.items():
                page.set_viewport_size({"width": width, "height": height})

                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, f"{path} at {width}"


class TestSwitch:
    def test_the_choice_holds_on_every_page_and_nothing_flashes(self, visit, site):
        page = visit("/", color_scheme="light")
        light = background(page)

        page.get_by_label("Colours").select_option("Dark")
        dark = background(page)
        assert dark != light

        # What the root says as soon as there is a body to draw.
        page.add_init_script(
            "new MutationObserver((_, watch) => { if (document.body) { watch.disconnect();"
            "window.atFirst = document.documentElement.dataset.scheme } })"
            ".observe(document, { childList: true, subtree: true })"
        )
        page.goto(site.url + "/schedule")
        assert page.evaluate("window.atFirst") == "dark"
        assert background(page) == dark
        assert page.get_by_label("Colours").input_value() == "dark"

        page.get_by_label("Colours").select_option("Automatic")
        assert background(page) == light
        page.emulate_media(color_scheme="dark")
        assert background(page) == dark
        assert page.complaints == []

    def test_other_tabs_follow(self, visit, site):
        page = visit("/", color_scheme="light")
        other = page.context.new_page()
        other.goto(site.url + "/schedule")

        page.get_by_label("Colours").select_option("Dark")

        other.wait_for_function("() => document.documentElement.dataset.scheme === 'dark'")
        assert other.get_by_label("Colours").input_value() == "dark"

    def test_without_javascript_the_page_follows_the_system(self, visit):
        light = visit("/", color_scheme="light", java_script_enabled=False)
        dark = visit("/", color_scheme="dark", java_script_enabled=False)

        assert not light.locator("[data-scheme-switch]").is_visible()
        # Pictures of the same page differ, since nothing can be evaluated there.
        assert light.screenshot() != dark.screenshot()


class TestWhatViewersAskTheirSystemsFor:
    @pytest.mark.parametrize("theme", ["festival"])
    def test_more_contrast_holds_over_any_theme(self, visit, theme):
        page = visit("/", contrast="more", color_scheme="light")

        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"

    def test_nothing_moves_for_those_who_do_not_want_it(self, visit):
        page = visit("/", reduced_motion="reduce")

        moving = page.locator(".card > a").first.evaluate("(a) => getComputedStyle(a).transition")
        assert moving in ("none", "none 0s ease 0s")

    def test_paper_is_white_and_has_no_controls(self, visit):
        page = visit("/example", color_scheme="dark")

        page.emulate_media(media="print")

        assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
        for selector in (".masthead nav", ".foot", ".stage"):
            assert not page.locator(selector).first.is_visible(), selector
        assert page.get_by_role("heading", level=1).is_visible()


class TestRightToLeft:
    @pytest.mark.parametrize("width", [320, 1280])
    def test_every_page_is_mirrored_and_as_wide_as_its_window(self, site, visit, width):
        page = visit("/", viewport={"width": width, "height": WIDTHS[width]})
        for path in pages(site):
            page.goto(site.url + path)
            usual = page.evaluate(SIDES, PLACES)
            page.evaluate("document.documentElement.dir = 'rtl'")
            mirrored = page.evaluate(SIDES, PLACES)

            assert usual
            for selector, (left, right) in usual.items():
                # Letters may be set a pixel apart.
                assert mirrored[selector] == pytest.approx([right, left], abs=2), (path, selector)
            # What sticks out to the left of such a page cannot be seen by scrollWidth alone.
            out = page.evaluate(
                "[document.documentElement.scrollWidth - innerWidth,"
                " (scrollTo(-9999, 0), Math.abs(scrollX))]"
            )
            assert max(out) <= 0, path
