"""Finds the files of a page: in its HTML, scripts and styles, and those cached for offline use."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

LINK_TYPES = {"stylesheet", "icon", "manifest", "modulepreload", "preload"}
IMPORT_PATTERN = re.compile(
    r"""(?:^|[;}])\s*(?:import|export)\b[^"'();]*["'](\.{1,2}/[^"']+)["']""", re.MULTILINE
)
# The web worker of hls.js.
WORKER_PATTERN = re.compile(r"""new URL\("(\.{1,2}/[^"]+)", import\.meta\.url\)""")
CSS_URL_PATTERN = re.compile(r"""url\(["']?([^"')]+)["']?\)""")
# Returning viewers come on another day: files with a shorter max age are revalidated.
DAY_SECONDS = 86400

Fetch = Callable[[str], tuple[dict[str, str], str]]


class _LinkParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.worker = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "link" and LINK_TYPES.intersection(attributes.get("rel", "").split()):
            self.links.append(attributes.get("href", ""))
        elif tag in ("script", "img"):
            self.links.append(attributes.get("src", ""))
        elif tag == "video":
            self.links.append(attributes.get("poster", ""))
        elif tag == "body":
            self.worker = attributes.get("data-worker", "")


def find_links(html: str) -> tuple[list[str], str]:
    """Return the links of a page to its own site, and the URL of its service worker."""
    parser = _LinkParser()
    parser.feed(html)
    return [name for name in parser.links if _is_ours(name)], parser.worker


def _is_ours(name: str) -> bool:
    return name.startswith("/") and not name.startswith("//")


def page_files(page: str, fetch: Fetch) -> tuple[list[str], list[tuple[str, str]]]:
    """Return all files of a page, and those that are revalidated, with their ETags.

    :param fetch: returns the headers of a response in lower case, and its text.
    """
    files, worker = find_links(fetch(page)[1])
    if worker:
        files.append(worker)
        site = json.loads(re.match(r"const SITE = (.+);", fetch(worker)[1])[1])
        files += [site["offline"], *site["files"]]
        files += find_links(fetch(site["offline"])[1])[0]
    revalidated: list[tuple[str, str]] = []
    files = list(dict.fromkeys(files))
    for path in files:
        headers, text = fetch(path)
        age = re.search(r"max-age=(\d+)", headers.get("cache-control", ""))
        if "etag" in headers and (age is None or int(age[1]) < DAY_SECONDS):
            revalidated.append((path, headers["etag"]))
        url_path = urlsplit(path).path
        links: list[str] = []
        if url_path.endswith((".js", ".mjs")) and path != worker:
            links = IMPORT_PATTERN.findall(text) + WORKER_PATTERN.findall(text)
        elif url_path.endswith(".css"):
            links = [name for name in CSS_URL_PATTERN.findall(text) if not name.startswith("data:")]
        # The loop continues with the new files.
        files += [name for name in dict.fromkeys(urljoin(path, link) for link in links)
                  if name not in files]  # fmt: skip
    return files, revalidated
