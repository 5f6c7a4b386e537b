"""axe-core finds nothing wrong on any page, in any theme, dark or light."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from streaming_system.theme.load import examples


@pytest.fixture
def wrong(visit):
    """Return a function that tells what axe finds on a page, in a few words for each place."""
    axe = Axe()

    def wrong(path, **options):
        page = visit(path, **options)
        # What is folded away is read, too.
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        found = axe.run(page).response["violations"]
        page.context.close()
        return [
            f"{path} {options}: {rule['id']}: {place['html'][:120]}: {place['failureSummary']}"
            for rule in found
            for place in rule["nodes"]
        ]

    return wrong


@pytest.mark.parametrize("theme", ["", *examples()])
def test_axe_finds_nothing(site, go_live, wrong, theme):
    go_live("example")
    site.wait_for(lambda: 'data-live="true"' in site.text("/"), 10, "the room is live")
    talk = site.text("/example/schedule").split('href="/talk/')[1].split('"')[0]

    paths = ["/", "/example", "/lab", "/schedule", f"/talk/{talk}"]
    if not theme:
        paths += ["/schedule?view=list", "/example?template=inroom", "/monitor", "/graphs", "/none"]

    found = [
        place
        for path in paths
        for scheme in ("light", "dark")
        for place in wrong(path, color_scheme=scheme, viewport={"width": 1280, "height": 800})
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
