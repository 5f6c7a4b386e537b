"""Takes screenshots of a running site: ``make pictures URL=http://127.0.0.1:8000 TO=var/pictures``.

It takes each page on a phone and on a desktop, light and dark, and a sheet with all of them for
docs/. `make demo` starts a site with content.
"""

import html
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

CHROMIUM = "/usr/bin/chromium"
SCREENS = {"phone": (390, 844), "desk": (1280, 800)}
SCHEMES = ("light", "dark")
# The time for streams and scripts to start; no event marks the end of it.
SETTLE_MS = 4000


def main() -> None:
    site, target = sys.argv[1].rstrip("/"), Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        pages = {
            "rooms": "/",
            "room": first_link(browser, f"{site}/", ".card a"),
            "schedule": "/schedule",
            "talk": first_link(browser, f"{site}/schedule", "a[href^='/talk/']"),
        }
        for name, path in pages.items():
            for screen, (width, height) in SCREENS.items():
                for scheme in SCHEMES:
                    page = browser.new_page(
                        viewport={"width": width, "height": height}, color_scheme=scheme
                    )
                    page.goto(site + path)
                    page.wait_for_timeout(SETTLE_MS)
                    page.screenshot(path=target / f"{name}-{screen}-{scheme}.png")
                    page.close()
        make_sheet(browser, target, list(pages))
        browser.close()


def first_link(browser: Browser, url: str, selector: str) -> str:
    """Return the target of the first matching link."""
    page = browser.new_page()
    page.goto(url)
    path = page.locator(selector).first.get_attribute("href")
    page.close()
    assert path, f"{url} has no {selector}"
    return path


def make_sheet(browser: Browser, folder: Path, names: list[str]) -> None:
    """Combine the screenshots into one image: a row for each page."""
    rows = "".join(
        "<div>"
        + "".join(
            f'<img class="{screen}" src="{html.escape(f"{name}-{screen}-{scheme}.png")}">'
            for scheme in SCHEMES
            for screen in SCREENS
        )
        + "</div>"
        for name in names
    )
    style = (
        "body { margin: 8px; background: #888 } img { height: 300px }"
        "div { display: flex; gap: 8px; margin-bottom: 8px }"
    )
    (folder / "sheet.html").write_text(f"<!DOCTYPE html><style>{style}</style>{rows}")
    page = browser.new_page(viewport={"width": 1290, "height": 600})
    page.goto((folder / "sheet.html").absolute().as_uri())
    page.screenshot(path=folder / "sheet.jpg", full_page=True, type="jpeg", quality=72)


if __name__ == "__main__":
    main()
