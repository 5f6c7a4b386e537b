"""Take pictures of a site's pages: ``make pictures URL=http://127.0.0.1:8000 TO=var/pictures``.

Every page on a phone and on a desk, in light and dark; and one sheet with all of them, which is
what docs/ shows. `make demo` makes a site with something to see.
"""

import html
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

CHROMIUM = "/usr/bin/chromium"
SCREENS = {"phone": (390, 844), "desk": (1280, 800)}
SCHEMES = ("light", "dark")
# What streams and scripts need to settle; nobody tells when a picture is worth taking.
SETTLES_IN = 4000


def main() -> None:
    """Take the pictures, then lay them out."""
    site, target = sys.argv[1].rstrip("/"), Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        pages = {
            "rooms": "/",
            "room": first(browser, f"{site}/", ".card a"),
            "schedule": "/schedule",
            "talk": first(browser, f"{site}/schedule", "a[href^='/talk/']"),
        }
        for name, path in pages.items():
            for screen, (width, height) in SCREENS.items():
                for scheme in SCHEMES:
                    page = browser.new_page(
                        viewport={"width": width, "height": height}, color_scheme=scheme
                    )
                    page.goto(site + path)
                    page.wait_for_timeout(SETTLES_IN)
                    page.screenshot(path=target / f"{name}-{screen}-{scheme}.png")
                    page.close()
        lay_out(browser, target, list(pages))
        browser.close()


def first(browser: Browser, url: str, selector: str) -> str:
    """Return where the first link of a kind leads."""
    page = browser.new_page()
    page.goto(url)
    path = page.locator(selector).first.get_attribute("href")
    page.close()
    assert path, f"{url} has no {selector}"
    return path


def lay_out(browser: Browser, folder: Path, names: list[str]) -> None:
    """Put the pictures side by side: a row for each page."""
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
