"""Thousands of odd requests to every route of both apps: none fails, and none takes long."""

import io
import re
import sys
import time
from urllib.parse import unquote_to_bytes

import pytest
from depth import scaled
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyramid.interfaces import IRoutesMapper

from streaming_system import tracker as tracker_app

from .test_headers import live_site, route_paths  # noqa: F401 - live_site is a fixture.

# 20,000 requests to the two apps in `make test-exhaustive`.
PATHS_OF_REQUEST = 10
EXAMPLES = scaled(20, 150)
# Processor time of one request. The slowest page takes a tenth of this on a slow machine.
MAX_CPU_SECONDS = 2.0
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
# Longer than any proxy allows; the server allows 256 KiB.
MAX_REPEATED_CHARS = 40_000

LISTS = ("", "*", "*;q=0", "en;q=0", "de, *;q=0", "de;q=9", "en;q=", ";q=1", ",,,", "de-AT-x-y-z",
         "gzip, br;q=0.1", "identity;q=0", "text/html;level=1;q=.5", "*/*", "a/*;q=0,", "\xe9"
)  # fmt: skip
DATES = ("Sat, 01 Jan 9999999 00:00:00 GMT", "Sat, 01 Jan 0000 00:00:00 GMT", "0", "now",
         "Thu, 31 Dec 9999 23:59:59 -2359", "Thu, 01 Jan 1970 00:00:00 GMT", "1 2 3 4 5 6",
         "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
         "Fri, 31 Dec 1999 23:59:60 GMT", "Mon, 30 Nov 2026 99:99:99 +9999")  # fmt: skip
ETAGS = ("*", '"', '""', 'W/"', 'W/"x"', '"a", "b"', '"\xff"', "x", '"' * 9, "W/" * 5)
RANGES = ("bytes=0-", "bytes=-", "bytes=-0", "bytes=-1", "bytes=5-1", "bytes=0-0,-1", "bytes",
          f"bytes={'9' * 5000}-", "bytes=0-99999999999999999999", "bytes=-99999999999999999999",
          "bytes=\xb2-", "lines=1-2", "bytes=1-2-3")  # fmt: skip
HOSTS = ("localhost", "", "[", "[::1", "[::::]", "[::1]:80", "a:b", "a:99999", "a:b:c", "a b", "@",
         "evil/", "a\\b", "a?b", "xn--", "\xff", ":80", "localhost:", "[v1.x]", "h\u00ff"
)  # fmt: skip
ORIGINS = ("null", "http://[", "https://[::1", "https://localhost", "http://a:99999999999", "//",
           "javascript:0", "https://evil.example/\xff", "http://\xff")  # fmt: skip
COOKIES = ("crew=x", "crew=\xff", 'crew="\\377"', "user=x; user=y", "=", ";;;", "a=b; \xff=c",
           "crew=" + "A" * 88 + "==", "user=\\", "lang=de,crew=1", "__proto__=x")  # fmt: skip
TYPES = ("application/json", "application/x-www-form-urlencoded", "text/plain; charset=x",
         "application/x-www-form-urlencoded; charset=utf-16", "multipart/form-data",
         "multipart/form-data; boundary=x", "multipart/form-data; boundary=\xff",
         "application/json; charset=utf-7", "/", ";", "application/json; charset", "a" * 300
)  # fmt: skip
ADDRESSES = ("203.0.113.9", "unknown", "for=[::1", "for=_x;by=y", "::ffff:1.2.3.4", ",", "https")
SEEDS = {
    "Accept": LISTS,
    "Accept-Charset": LISTS,
    "Accept-Encoding": LISTS,
    "Accept-Language": LISTS,
    "Access-Control-Request-Method": ("PUT", "\xff", ""),
    "Authorization": ("Bearer", "Bearer x", "Basic \xff", "Digest a=b", " ", "Bearer \x7f"),
    "Content-Encoding": ("gzip", "x", "identity"),
    "Content-Length": ("0", "-1", "+5", "1e3", "99999999999999999999", "\xb2", "", "5 5"),
    "Content-Type": TYPES,
    "Cookie": COOKIES,
    "Expect": ("100-continue", "x"),
    "Forwarded": ADDRESSES,
    "Host": HOSTS,
    "If-Match": ETAGS,
    "If-Modified-Since": DATES,
    "If-None-Match": ETAGS,
    "If-Range": DATES + ETAGS,
    "If-Unmodified-Since": DATES,
    "Last-Event-ID": ("0", "-1:9", "\xff", "1" * 99),
    "Origin": ORIGINS,
    "Range": RANGES,
    "Referer": ORIGINS,
    "User-Agent": ("", "\xff", "a" * 9),
    "X-Forwarded-For": ADDRESSES,
    "X-Forwarded-Host": HOSTS,
    "X-Forwarded-Port": ("0", "x", "99999999"),
    "X-Forwarded-Proto": ADDRESSES,
    "X-HTTP-Method-Override": ("PUT", "\xff"),
    "X-Request-Id": ("", "x" * 64, "\xff", "a b"),
}
QUERIES = ("", "x=%ff", "lang=%ff", "lang=de%00", "%", "%f", "=", "&&&", "a=1&a=2", "x=\xff",
           "lang=xx", "delta=1e9", "delta=99999999999999999999", "delta=-\u00b2", "day=all&q=e",
           "day=%F0%9F%92%A9", "q=%ED%A0%80", "q=" + "%2B" * 99, "view=x", "range=1e9", "room=%00",
           "room=hall", "format=xml", "url=http://[", "url=http://localhost/hall", "maxwidth=-1",
           "maxheight=9" + "9" * 5000, "region=%ff", "step=0", "from=2026-13-01", "room=\x7f",
           "template=../x", "template=inroom", "v=0", "next=//evil", "account=%ff", "clients=0",
           "to=9999-12-31T23:59:59-23:59", "from=0001-01-01T00:00:00%2B23:59")  # fmt: skip
METHODS = ("GET", "GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH",
           "TRACE", "CONNECT", "get", "PROPFIND", "\xff", "X" * 300)  # fmt: skip
SEGMENTS = ("", "..", ".", "%00", "%ff", "%2e%2e", "%2f", "hall", "lab", "static", "\xff", "%c3%28",
            "%0d%0aX: y", "%F0%9F%92%A9", "a" * 300, ";x", "~", "%5c", "json", "streams"
)  # fmt: skip
BODIES = (b"", b"{}", b"[]", b'{"played": 1e999}', b"secret=x&group=hall", b"a=%ff", b"\xff\xfe",
          b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x--", b"name=a&password=b",
          b'{"clients": 3}', b"{" * 5000, b"data=%7B%7D", b"=" * 2000)  # fmt: skip

odd_text = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=20)
# Long texts are pairs of a text and the number of its repetitions: failures print them.
counts = st.sampled_from((1, 1, 1, 2, MAX_REPEATED_CHARS))


def texts(seeds):
    """Return texts with a count: a seed, random text, or several joined."""
    seed = st.sampled_from(seeds) | odd_text
    separators = st.sampled_from((",", ", ", ";", "-", "", " "))
    joined = st.builds("{}{}{}".format, seed, separators, seed)
    return st.tuples(st.one_of(seed, seed, joined), counts)


def expand(text, count):
    """Return a text with a count, of at most 40,000 characters."""
    return (text * count)[:MAX_REPEATED_CHARS]


headers = st.lists(
    st.sampled_from(sorted(SEEDS)).flatmap(
        lambda name: st.tuples(st.just(name), texts(SEEDS[name]))
    ),
    max_size=4,
)
queries = st.lists(texts(QUERIES), max_size=2)


def requests(paths):
    """Return a request for several paths: known ones, their neighbours, and others below them."""
    known = st.sampled_from(sorted(set(paths)))
    segments = st.sampled_from(SEGMENTS) | odd_text
    path = st.one_of(
        known,
        known,
        st.builds("{}/{}".format, known, segments),
        st.builds(lambda base, segment: f"{base.rpartition('/')[0]}/{segment}", known, segments),
    )
    paths_of_request = st.lists(path, min_size=PATHS_OF_REQUEST, max_size=PATHS_OF_REQUEST)
    return st.tuples(
        st.sampled_from(METHODS), paths_of_request, queries, headers, st.sampled_from(BODIES)
    )


def send(app, address, method, query, fields, body):
    """Send a request as a WSGI server does.

    Return the status, headers, first 20 bytes, and processor seconds.
    """
    path, _, own_query = address.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path.encode("latin-1")).decode("latin-1"),
        "QUERY_STRING": "&".join(filter(None, [own_query, *(expand(*text) for text in query)])),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "203.0.113.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if len(fields) % 2 else "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    for name, text in fields:
        key = name.upper().replace("-", "_")
        is_content = key in ("CONTENT_LENGTH", "CONTENT_TYPE")
        environ[key if is_content else f"HTTP_{key}"] = expand(*text)
    started = []

    def start_response(status, response_headers, exc_info=None):
        started[:] = [int(status[:3]), dict(response_headers)]

    before = time.thread_time()
    response = app(environ, start_response)
    try:
        beginning = b"".join(response)[:20]
    finally:
        if close := getattr(response, "close", None):
            close()
    return *started, beginning, time.thread_time() - before


def assert_no_failure(app, request):
    method, paths, *rest = request
    for path in paths:
        status, response_headers, beginning, seconds = send(app, path, method, *rest)
        # oEmbed has this status for formats that a server does not have.
        is_oembed_refusal = status == 501 and path.startswith("/oembed?")
        assert 200 <= status < 500 or is_oembed_refusal, (path, status)
        # Reports of the legacy protocol fail with status 200.
        assert not beginning.startswith((b"ERROR INTERNAL", b"ERROR DATABASE")), path
        assert re.fullmatch(r"[\w.-]{8,64}", response_headers["X-Request-ID"]), path
        assert seconds < MAX_CPU_SECONDS, (path, seconds)
        for name, value in response_headers.items():
            # What a server writes to its connection must be one line of Latin-1.
            assert "\n" not in f"{name}{value}", (path, name)
            value.encode("latin-1")


@pytest.fixture
def pages_app(live_site):  # noqa: F811
    paths = [*route_paths(live_site).values(), "/preview/hall.webp", "/static/", "/nothing",
             "/theme/x/pictures/logo.svg", "/theme/x/fonts/a.woff2",
             "/hall?template=inroom", "/schedule?view=list", "/schedule?q=a"]  # fmt: skip
    return live_site.app, paths


@pytest.fixture
def tracker_with_paths(tracker_settings):
    """The tracker without rate limits, and a path for each of its routes."""
    limits = ("reports", "reads", "writes", "graphs", "logins", "publish", "feedback",
              "reminders", "captions")  # fmt: skip
    app = tracker_app.main({}, **tracker_settings | {f"limit.{name}": "off" for name in limits})
    parameters = {"room": "hall", "endpoint": "edge1", "machine": "mixer1", "annotation": "1",
                  "token": "1", "key": "1", "server": "nginx-rtmp", "talk": "1",
                  "format": "json"}  # fmt: skip
    paths = [
        re.sub(r"{(\w+)(:[^}]*)?}", lambda match: parameters[match[1]], route.pattern)
        .replace("*subpath", "site.css")
        .replace("*path", "x")
        for route in app.registry.getUtility(IRoutesMapper).get_routes()
    ]
    yield app, [path if path.startswith("/") else f"/{path}" for path in paths]
    app.registry["db.sessions"].kw["bind"].dispose()


@pytest.mark.timeout(1500)
def test_no_request_breaks_the_pages(pages_app):
    app, paths = pages_app

    @SETTINGS
    @given(requests(paths))
    def check(request):
        assert_no_failure(app, request)

    check()


@pytest.mark.timeout(1500)
def test_no_request_breaks_the_tracker(tracker_with_paths):
    app, paths = tracker_with_paths

    @SETTINGS
    @given(requests(paths))
    def check(request):
        assert_no_failure(app, request)

    check()
