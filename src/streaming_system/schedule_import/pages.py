"""Follows the pages of paged feeds, such as those of pretalx's API."""

from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from streaming_system.plugin.feed import FeedError, open_feed
from streaming_system.plugin_host.sandbox import ResourceLimits, SandboxError, run_sandboxed

MAX_PAGES = 100


def fetch_pages(source: str, fetch: Callable[[str], bytes], limits: ResourceLimits) -> bytes:
    """Fetch a feed with all its pages; several pages become one JSON list of them.

    :param source: a URL or a path; the pages of a file are not followed.
    :param fetch: returns the bytes of a URL or a path.
    :param limits: ``max_download_bytes`` is the limit of all pages together.
    :raises FeedError: if a page cannot be fetched, is on another server, or repeats, and if there
        are too many pages.
    """
    first = page = fetch(source)
    if urlsplit(source).scheme not in ("http", "https"):
        return first
    pages, urls = [first], [source]
    while url := _next_url(page, urls[-1], limits):
        if url in urls:
            raise FeedError(f"page {len(urls) + 1} is an earlier page: {url[:200]}")
        if len(urls) == MAX_PAGES:
            raise FeedError(f"the feed has more than {MAX_PAGES} pages")
        page = fetch(url)
        urls.append(url)
        pages.append(page)
        if sum(map(len, pages)) > limits.max_download_bytes:
            raise FeedError(f"the pages are larger than {limits.max_download_bytes:,} bytes")
    return first if len(pages) == 1 else b"[" + b",".join(pages) + b"]"


def _next_url(page: bytes, current: str, limits: ResourceLimits) -> str:
    """Return the URL of the next page; "" if there is none."""
    if b'"next"' not in page or b'"results"' not in page:
        return ""
    try:
        link = run_sandboxed("reading a page", _parse_next_link, (page,), limits)
    except SandboxError as error:
        raise FeedError(str(error)) from error
    if not link:
        return ""
    try:
        here, there = urlsplit(current), urlsplit(urljoin(current, link))
        same_server = (here.hostname, here.port) == (there.hostname, there.port)
    except ValueError:
        same_server = False
    if not same_server or there.scheme not in ("http", "https"):
        raise FeedError(f"the next page is on another server, and not followed: {link!r:.200}")
    # Behind a proxy, some servers do not know that they are reached by https.
    return str(there._replace(scheme=here.scheme, fragment="").geturl())


def _parse_next_link(page: bytes) -> str:
    document = open_feed(page).json
    link = document.get("next") if isinstance(document, dict) else None
    is_page = isinstance(link, str) and isinstance(document.get("results"), list)
    return str(link) if is_page else ""
