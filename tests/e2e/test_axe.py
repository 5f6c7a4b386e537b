"""axe-core finds nothing wrong on any page, in any theme, dark or light."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from streaming_system.theme.load import examples

SCHEMES = ("light", "dark")
# All else is the same in any colour.
OF_COLOURS = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}


@pytest.fixture
def wrong(visit):
    """Return a function that tells what axe finds on a page, in a few words for each place."""
    axe = Axe()

    def wrong(path, **options):
        page = visit(path, color_scheme=SCHEMES[0], **options)
        # What is folded away is read, too.
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        found = {SCHEMES[0]: axe.run(page)}
        for scheme in SCHEMES[1:]:
            page.emulate_media(color_scheme=scheme)
            found[scheme] = axe.run(page, options=OF_COLOURS)
        page.context.close()
        return [
            f"{path} {scheme}: {rule['id']}: {place['html'][:120]}: {place['failureSummary']}"
            for scheme, results in found.items()
            for rule in results.response["violations"]
            for place in rule["nodes"]
        ]

    return wrong


DESKTOP = {"viewport": {"width": 1280, "height": 800}}


@pytest.mark.timeout(600)
def test_axe_finds_nothing_on_any_page(every_page, wrong):
    found = [place for path, options in every_page for place in wrong(path, **DESKTOP, **options)]

    assert found == []


@pytest.mark.parametrize("theme", examples())
def test_axe_finds_nothing_in_any_theme(site, go_live, wrong, theme):
    go_live("example")
    site.wait_for(lambda: 'data-live="true"' in site.text("/"), 10, "the room is live")
    talk = site.text("/example/schedule").split('href="/talk/')[1].split('"')[0]

    found = [
        place
        for path in ("/", "/example", "/lab", "/schedule", f"/talk/{talk}")
        for place in wrong(path, **DESKTOP)
    ]

    assert found == []


def test_axe_finds_nothing_on_a_phone(go_live, wrong):
    go_live("example")

    found = [
        place
        for path in ("/", "/example", "/schedule")
        for place in wrong(path, viewport={"width": 320, "height": 640})
    ]

    assert found == []
