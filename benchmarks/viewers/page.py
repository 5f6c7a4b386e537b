"""Which files a page needs: named by it, by its scripts and styles, and kept offline."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

SHOWN = {"stylesheet", "icon", "manifest", "modulepreload", "preload"}
IMPORT = re.compile(
    r"""(?:^|[;}])\s*(?:import|export)\b[^"'();]*["'](\.{1,2}/[^"']+)["']""", re.MULTILINE
)
# What hls.js works with in the background.
WORKER = re.compile(r"""new URL\("(\.{1,2}/[^"]+)", import\.meta\.url\)""")
STYLED = re.compile(r"""url\(["']?([^"')]+)["']?\)""")
# A browser does not ask again for what holds for a day; who comes is here on another day.
A_DAY = 86400

Fetch = Callable[[str], tuple[dict[str, str], str]]


class _Names(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.worker = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "link" and SHOWN.intersection(told.get("rel", "").split()):
            self.found.append(told.get("href", ""))
        elif tag in ("script", "img"):
            self.found.append(told.get("src", ""))
        elif tag == "video":
            self.found.append(told.get("poster", ""))
        elif tag == "body":
            self.worker = told.get("data-worker", "")


def names(html: str) -> tuple[list[str], str]:
    """Return what a page names of its own site, and the script that keeps pages offline."""
    parser = _Names()
    parser.feed(html)
    return [name for name in parser.found if _is_ours(name)], parser.worker


def _is_ours(name: str) -> bool:
    return name.startswith("/") and not name.startswith("//")


def files(page: str, fetch: Fetch) -> tuple[list[str], list[tuple[str, str]]]:
    """Return all files of a page, and those that are asked for again, with their ETags.

    :param fetch: returns an answer's headers, with small letters, and its text.
    """
    found, worker = names(fetch(page)[1])
    if worker:
        found.append(worker)
        kept = json.loads(re.match(r"const SITE = (.+);", fetch(worker)[1])[1])
        found += [kept["offline"], *kept["files"]]
        found += names(fetch(kept["offline"])[1])[0]
    again: list[tuple[str, str]] = []
    found = list(dict.fromkeys(found))
    for path in found:
        headers, text = fetch(path)
        age = re.search(r"max-age=(\d+)", headers.get("cache-control", ""))
        if "etag" in headers and (age is None or int(age[1]) < A_DAY):
            again.append((path, headers["etag"]))
        bare = urlsplit(path).path
        more: list[str] = []
        if bare.endswith((".js", ".mjs")) and path != worker:
            more = IMPORT.findall(text) + WORKER.findall(text)
        elif bare.endswith(".css"):
            more = [name for name in STYLED.findall(text) if not name.startswith("data:")]
        # What is found while we walk is walked, too.
        found += [name for name in dict.fromkeys(urljoin(path, one) for one in more)
                  if name not in found]  # fmt: skip
    return found, again
