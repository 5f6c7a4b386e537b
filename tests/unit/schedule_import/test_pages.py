"""Feeds in pages."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from streaming_system.net.ssrf import parse_allowed_networks
from streaming_system.plugin import FeedError
from streaming_system.plugin_host.sandbox import ResourceLimits
from streaming_system.schedule_import.feed_reader import FeedReaderOptions, fetch_and_parse
from streaming_system.schedule_import.pages import MAX_PAGES, fetch_pages

URL = "https://e.example/api/slots/"
LIMITS = ResourceLimits()


@pytest.fixture
def fetch():
    """Return a function that fetches from the dict ``fetch.pages``, and records the URLs."""

    def fetch(url):
        fetch.urls.append(url)
        return fetch.pages[url]

    fetch.pages, fetch.urls = {}, []
    return fetch


def page(number, link):
    return json.dumps({"count": 9, "next": link, "previous": None, "results": [number]}).encode()


@pytest.mark.parametrize(
    "link",
    [
        f"{URL}?page=2",
        "?page=2",
        "/api/slots/?page=2",
        # Servers behind a proxy write http.
        "http://e.example/api/slots/?page=2",
    ],
)
def test_all_pages_are_fetched(fetch, link):
    fetch.pages = {URL: page(1, link), f"{URL}?page=2": page(2, None)}

    document = json.loads(fetch_pages(URL, fetch, LIMITS))

    assert [item["results"] for item in document] == [[1], [2]]
    assert fetch.urls == [URL, f"{URL}?page=2"]


@pytest.mark.parametrize(
    "data",
    [
        page(1, None),
        b'{"next": "?page=2"}',
        b'{"next": "?page=2", "results": {}}',
        b'{"next": 2, "results": []}',
        b'[{"next": "?page=2", "results": []}]',
        b"BEGIN:VCALENDAR",
    ],
)
def test_feed_in_one_piece_is_unchanged(fetch, data):
    fetch.pages = {URL: data}

    assert fetch_pages(URL, fetch, LIMITS) == data


def test_pages_of_a_file_are_not_fetched(fetch):
    fetch.pages = {"page.json": page(1, f"{URL}?page=2")}

    assert fetch_pages("page.json", fetch, LIMITS) == page(1, f"{URL}?page=2")


@pytest.mark.parametrize(
    "link",
    [
        "https://other.example/api/slots/?page=2",
        "https://e.example:8443/api/slots/?page=2",
        "file:///etc/passwd",
        "http://[::1",
    ],
)
def test_page_on_another_server_is_refused(fetch, link):
    fetch.pages = {URL: page(1, link)}

    with pytest.raises(FeedError, match="the next page is on another server, and not followed"):
        fetch_pages(URL, fetch, LIMITS)

    assert fetch.urls == [URL]


def test_circle_of_pages_is_refused(fetch):
    fetch.pages = {URL: page(1, "?page=2"), f"{URL}?page=2": page(2, URL)}

    with pytest.raises(FeedError, match="page 3 is an earlier page"):
        fetch_pages(URL, fetch, LIMITS)


@pytest.mark.slow
def test_number_of_pages_is_limited():
    urls = []

    def fetch(url):
        urls.append(url)
        return page(len(urls), f"?page={len(urls) + 1}")

    with pytest.raises(FeedError, match=f"more than {MAX_PAGES} pages"):
        fetch_pages(URL, fetch, LIMITS)

    assert len(urls) == MAX_PAGES


def test_size_of_all_pages_is_limited(fetch):
    fetch.pages = {URL: page(1, "?page=2"), f"{URL}?page=2": page(2, None)}
    limit = len(fetch.pages[URL]) + 10

    with pytest.raises(FeedError, match=f"the pages are larger than {limit} bytes"):
        fetch_pages(URL, fetch, ResourceLimits(max_download_bytes=limit))


class ApiHandler(BaseHTTPRequestHandler):
    """Serves two pages of slots, as pretalx's API does."""

    def do_GET(self):
        number = 2 if "page=2" in self.path else 1
        slot = {
            "start": f"2026-11-24T1{number}:00:00+01:00",
            "end": f"2026-11-24T1{number}:30:00+01:00",
            "room": {"name": {"en": "Hall"}},
            "submission": {"code": f"T{number}", "title": f"Talk {number}", "state": "confirmed"},
        }
        link = f"http://{self.headers['Host']}/api/slots/?page=2" if number == 1 else None
        body = json.dumps({"count": 2, "next": link, "previous": None, "results": [slot]})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args):
        pass


def test_talks_of_all_pages_are_read_from_a_server():
    networks = parse_allowed_networks({"outbound.allowed_private_networks": "127.0.0.1"})
    with HTTPServer(("127.0.0.1", 0), ApiHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            feed = fetch_and_parse(
                f"http://127.0.0.1:{server.server_port}/api/slots/",
                FeedReaderOptions(allowed_networks=networks),
            )
        finally:
            server.shutdown()
            thread.join()

    assert feed.format == "pretalx-api"
    assert [talk.title for talk in feed.validated.talks] == ["Talk 1", "Talk 2"]
