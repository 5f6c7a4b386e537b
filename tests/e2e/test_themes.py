"""The appearance of pages: themes, colour schemes, right-to-left layout, and all widths."""

import json

import pytest
from playwright.sync_api import expect

from streaming_system.theme.loader import example_names

from .config import configuration_with_theme
from .pages import first_talk_path

WIDTHS = {320: 640, 768: 1024, 1280: 800, 3840: 2160}
SCHEMES = ("light", "dark")

# The contrast by WCAG 2.2, of the colours that the browser computes.
CONTRAST = """([first, second]) => {
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
  const [dark, light] = [luminance(first), luminance(second)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}"""
SURFACES = ("surface-0", "surface-1", "surface-2")
MIN_CONTRAST = {
    **{("text", surface): 7 for surface in SURFACES},
    **{(name, surface): 4.5 for name in ("text-quiet", "accent") for surface in SURFACES},
    ("on-accent", "accent"): 4.5,
    **{("focus", surface): 3 for surface in SURFACES},
}

# Elements whose distances from the left and right edges are compared.
MIRRORED_ELEMENTS = [
    ".brand",
    ".masthead nav",
    "h1",
    ".card .badge",
    ".card",
    ".grid tbody th",
    ".foot form",
]
EDGE_DISTANCES = """(places) => Object.fromEntries(places.flatMap((selector) =>
  [...document.querySelectorAll(selector)]
    .filter((element) => element.checkVisibility()).slice(0, 1).map((element) => {
    const { left, right } = element.getBoundingClientRect();
    return [selector, [left, innerWidth - right].map(Math.round)];
  })))"""


def background(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def page_paths(site):
    """Return the path of one page of each kind."""
    return ["/", "/example", "/schedule", "/schedule?view=list", first_talk_path(site), "/monitor"]


def low_contrasts(page):
    """Return the pairs of colours with too little contrast."""
    ratios = {pair: page.evaluate(CONTRAST, list(pair)) for pair in MIN_CONTRAST}
    return {pair: ratio for pair, ratio in ratios.items() if ratio < MIN_CONTRAST[pair]}


class TestThemes:
    def test_themes_differ_in_both_schemes(self, shared_sites, chromium):
        styles = {}
        page = chromium.new_page()
        for theme in ("", *example_names()):
            page.goto(shared_sites.get(configuration_with_theme(theme)).url)
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                style = page.evaluate(
                    "(({ backgroundColor, color, fontFamily }) => "
                    "[backgroundColor, color, fontFamily])(getComputedStyle(document.body))"
                )
                styles[theme, scheme] = tuple(style)
        page.close()

        backgrounds = {colour for colour, _, _ in styles.values()}
        assert len(backgrounds) == len({text for _, text, _ in styles.values()}) == len(styles) == 8
        assert len({family for _, _, family in styles.values()}) == 4

    @pytest.mark.parametrize("theme", ["", *example_names()])
    def test_themes_have_enough_contrast(self, visit, theme):
        page = visit("/")
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            assert low_contrasts(page) == {}, scheme

    class TestYellowAccent:
        @pytest.fixture
        def configuration(self):
            configuration = configuration_with_theme("./look")
            colours = {"light": {"accent": "#ffd400"}, "dark": {"accent": "#332b00"}}
            configuration.files["look/theme.json"] = json.dumps({"colours": colours})
            return configuration

        def test_accent_with_low_contrast_is_darkened(self, visit):
            page = visit("/")

            assert low_contrasts(page) == {}
            # The hue stays the same: some red and green, and hardly any blue.
            accent = page.locator(".masthead nav").evaluate(
                "(nav) => { nav.style.color = 'var(--accent)'; return getComputedStyle(nav).color }"
            )
            assert accent.startswith("color(srgb ")
            red, green, blue = map(float, accent.removeprefix("color(srgb ").strip(")").split())
            assert 0.9 > red > green > 0.2 > blue

    @pytest.mark.parametrize("theme", ["festival"])
    def test_theme_loads_its_fonts_without_third_party_requests(self, site, visit, theme):
        page = visit("/")

        page.evaluate("document.fonts.ready")
        loaded = page.evaluate(
            "[...document.fonts].filter((font) => font.status === 'loaded')"
            ".map((font) => font.family + font.weight)"
        )
        assert sorted(name.strip('"') for name in loaded) == ["Fraunces400", "Fraunces700"]
        assert [url for url in page.requested_urls if not url.startswith(site.url)] == []
        assert page.errors == []

    @pytest.mark.parametrize("theme", ["", *example_names()])
    def test_pages_fit_the_window(self, site, visit, theme):
        page = visit("/")
        for path in page_paths(site):
            page.goto(site.url + path)
            for width, height in WIDTHS.items():
                page.set_viewport_size({"width": width, "height": height})

                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, f"{path} at {width}"


def test_header_content_and_footer_have_one_left_edge(site, visit):
    page = visit("/")
    for path in ("/", "/schedule?view=list", first_talk_path(site), "/none"):
        page.goto(site.url + path)
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            edges = page.evaluate(
                "['.brand', 'main :is(.state, h1, .notice)', '.foot > :first-child'].map("
                " (selector) =>"
                " Math.round(document.querySelector(selector).getBoundingClientRect().left))"
            )
            assert len(set(edges)) == 1, (path, width, edges)


class TestSwitch:
    def test_colour_scheme_applies_to_all_pages_without_flashing(self, visit, site):
        page = visit("/", color_scheme="light")
        light = background(page)

        page.get_by_label("Appearance").select_option("Dark")
        dark = background(page)
        assert dark != light

        # Record the scheme when the body is created, before the first rendering.
        page.add_init_script(
            "new MutationObserver((_, observer) => { if (document.body) { observer.disconnect();"
            "window.initialScheme = document.documentElement.dataset.scheme } })"
            ".observe(document, { childList: true, subtree: true })"
        )
        page.goto(site.url + "/schedule")
        assert page.evaluate("window.initialScheme") == "dark"
        assert background(page) == dark
        assert page.get_by_label("Appearance").input_value() == "dark"

        page.get_by_label("Appearance").select_option("Automatic")
        assert background(page) == light
        page.emulate_media(color_scheme="dark")
        assert background(page) == dark
        assert page.errors == []

    def test_colour_scheme_follows_other_tabs(self, visit, site):
        page = visit("/", color_scheme="light")
        other = page.context.new_page()
        other.goto(site.url + "/schedule")

        page.get_by_label("Appearance").select_option("Dark")

        other.wait_for_function("() => document.documentElement.dataset.scheme === 'dark'")
        assert other.get_by_label("Appearance").input_value() == "dark"

    def test_page_without_javascript_follows_the_system(self, visit):
        light = visit("/", color_scheme="light", java_script_enabled=False)
        dark = visit("/", color_scheme="dark", java_script_enabled=False)

        expect(light.locator("[data-scheme-switch]")).not_to_be_visible()
        # Screenshots are compared, because scripts are off.
        assert light.screenshot() != dark.screenshot()


class TestSystemPreferences:
    @pytest.mark.parametrize("theme", ["festival"])
    def test_more_contrast_takes_precedence_over_the_theme(self, visit, theme):
        page = visit("/", contrast="more", color_scheme="light")

        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"

    def test_reduced_motion_disables_transitions(self, visit):
        page = visit("/", reduced_motion="reduce")

        moving = page.locator(".card > a").first.evaluate("(a) => getComputedStyle(a).transition")
        assert moving in ("none", "none 0s ease 0s")

    def test_print_is_light_and_has_no_controls(self, visit):
        page = visit("/example", color_scheme="dark")

        page.emulate_media(media="print")

        assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
        for selector in (".masthead nav", ".foot", ".stage"):
            expect(page.locator(selector).first).not_to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_be_visible()


class TestRightToLeft:
    @pytest.mark.parametrize("width", [320, 1280])
    def test_right_to_left_pages_are_mirrored_and_fit_the_window(self, site, visit, width):
        page = visit("/", viewport={"width": width, "height": WIDTHS[width]})
        for path in page_paths(site):
            page.goto(site.url + path)
            distances = page.evaluate(EDGE_DISTANCES, MIRRORED_ELEMENTS)
            page.evaluate("document.documentElement.dir = 'rtl'")
            mirrored = page.evaluate(EDGE_DISTANCES, MIRRORED_ELEMENTS)

            assert distances
            for selector, (left, right) in distances.items():
                # Text may differ by a pixel.
                assert mirrored[selector] == pytest.approx([right, left], abs=2), (path, selector)
            # scrollWidth does not include content beyond the left edge.
            overflow = page.evaluate(
                "[document.documentElement.scrollWidth - innerWidth,"
                " (scrollTo(-9999, 0), Math.abs(scrollX))]"
            )
            assert max(overflow) <= 0, path
