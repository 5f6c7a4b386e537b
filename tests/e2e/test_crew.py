"""The admin pages in Chromium, partly without JavaScript."""

import re
from itertools import product

from playwright.sync_api import expect


def test_admin_issues_a_token_and_drains_an_endpoint_without_javascript(visit, log_in, go_live):
    go_live("example")
    page = visit("/tracker/admin/tokens", java_script_enabled=False)
    log_in(page)
    # The log-in leads to the requested page.
    assert page.url.endswith("/tracker/admin/tokens")

    page.get_by_label("Label").fill("mixer <1>")
    page.get_by_label("Room").select_option("example")
    page.get_by_role("button", name="Issue").click()
    text = page.locator("code.secret").inner_text()
    assert re.fullmatch(r"sst_[A-Za-z0-9_-]{43}", text)
    assert text not in page.url
    assert text[10:] not in str(page.context.cookies())
    page.get_by_role("link", name="It is copied").click()
    assert text not in page.content()
    expect(page.get_by_role("rowheader", name="mixer <1>")).to_have_count(1)

    page.get_by_role("link", name="Endpoints").click()
    page.get_by_role("button", name="Drain").click()
    # It is the only server of the room.
    expect(page.get_by_role("status")).to_have_text(
        "127.0.0.1 of example is drained, but no other server can take new viewers of example: it "
        "gets them until one can."
    )
    expect(page.get_by_role("button", name="Undrain")).to_have_count(1)

    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("status")).to_have_text("You are logged out.", use_inner_text=True)
    page.goto(page.url.replace("/login", ""))
    assert "/admin/login" in page.url
    assert page.errors == []


def test_admin_pages_fit_the_window_without_third_party_requests(visit, site, log_in, go_live):
    go_live("example")
    page = visit("/tracker/admin", reduced_motion="reduce")
    log_in(page)

    for path in (
        "",
        "/endpoints",
        "/ingest",
        "/tokens",
        "/annotations",
        "/accounts",
        "/audit",
        "/plugins",
        "/password",
        "/secondfactor",
    ):
        page.goto(f"{site.url}/tracker/admin{path}")
        expect(page.locator("h1")).to_have_count(1)
        for width, scheme in product((320, 1280), ("light", "dark")):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (path, width, scheme)
        unlabelled = page.evaluate(
            "[...document.querySelectorAll('input:not([type=hidden]), select')]"
            ".filter((field) => !field.labels.length).length"
        )
        assert unlabelled == 0, path
    assert {url.split("/")[2] for url in page.requested_urls} == {site.url.split("/")[2]}
    assert page.errors == []
