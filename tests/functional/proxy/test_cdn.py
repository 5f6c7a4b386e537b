"""conf/cdn-nginx.conf: a real nginx as the CDN in front of the site's nginx."""

import os
import re
import uuid

import pytest
from programs import find

from streaming_system.schedule.storage import save_schedule

from ..agent.servers import Program, free_port
from .site import HTTP, NAME, ROOT, VENUE, remove_mark, wait_until
from .test_cache import schedule_with_talk

CDN_ADDRESS = "127.0.0.1"
SID = "0123456789abcdef"


class Cdn:
    """nginx with conf/cdn-nginx.conf, in front of a site."""

    def __init__(self, site, folder, marks=()):
        self.site = site
        self.port = free_port()
        text = (ROOT / "conf/cdn-nginx.conf").read_text()
        for mark in marks:
            text = remove_mark(text, mark)
        text = re.sub(r"^ *listen \[::\].*\n", "", text, flags=re.MULTILINE)
        for old, new in (
            ("listen 80", f"listen 127.0.0.1:{self.port}"),
            ("203.0.113.10:80", f"127.0.0.1:{site.ports.site}"),
            ("/var/cache/", f"{folder}/"),
            ("/var/log/nginx/", f"{folder}/"),
        ):
            assert old in text, old
            text = text.replace(old, new)
        (folder / "site.conf").write_text(text)
        config = folder / "nginx.conf"
        # Its workers write into the folder of the test.
        user = "user root;" if os.geteuid() == 0 else ""
        config.write_text(HTTP.format(folder=folder, user=user, modules="", connections=128))
        self.program = Program(find("nginx"), "-c", config, folder=folder, name="cdn")
        self.program.wait_for(f"http://127.0.0.1:{self.port}/metrics", status=(404,), seconds=10)

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def request(self, method, path, **more):
        return self.site.request(method, path, port=self.port, **more)

    def states(self, path, times=3, **more):
        """Return the state of the CDN's cache for each of some requests."""
        responses = [self.get(path, **more) for _ in range(times)]
        assert all(response.status < 500 for response in responses)
        return [response.headers.get("X-CDN-Cache", "") for response in responses]


@pytest.fixture(scope="module")
def cdn(make_proxied, tmp_path_factory):
    site = make_proxied(
        trackers=1,
        localips=[f"^{VENUE}$"],
        marks=("cdn",),
        change=[("set_real_ip_from 198.51.100.0/24", f"set_real_ip_from {CDN_ADDRESS}")],
    )
    cdn = Cdn(site, tmp_path_factory.mktemp("cdn"))
    yield cdn
    cdn.program.kill()


def fresh(path):
    """Return a URL that is in no cache."""
    return f"{path}?told={uuid.uuid4()}"


def test_page_comes_from_the_cache_of_the_cdn(cdn):
    for _ in range(10):
        # On a busy machine, the page may expire between two requests.
        states = cdn.states(fresh("/schedule"), times=2)
        if states[1] == "HIT":
            break

    assert states == ["MISS", "HIT"]


def test_languages_and_encodings_are_cached_separately(cdn):
    path = fresh("/schedule")
    variants = [
        (language, encoding) for language in ("de", "fr") for encoding in ("", "gzip", "br")
    ]

    for _ in range(2):
        for language, encoding in variants:
            headers = {"Accept-Language": f"{language}-CH, x", "Accept-Encoding": encoding}
            response = cdn.get(path, headers=headers, decode_content=False)
            received = (
                response.headers["Content-Language"],
                response.headers.get("Content-Encoding", ""),
            )
            assert received == (language, encoding)


def test_files_with_a_version_are_cached_for_a_year(cdn):
    path = re.search(r"/static/[0-9a-f]{12}/site\.css", cdn.get("/schedule").data.decode())[0]

    assert cdn.get(path).headers["Cache-Control"] == "immutable, max-age=31536000, public"
    assert cdn.states(f"{path}?x")[-1] == "HIT"


@pytest.mark.parametrize(
    "path",
    [
        "/tracker/admin/login",
        "/tracker/streams.js",
        "/tracker/api/v1/rooms",
        "/tracker/overall-stats.json",
        # The venue has pages of its own.
        "/hall",
        "/schedule?day=x",
    ],
)
def test_private_responses_are_never_cached(cdn, path):
    assert set(cdn.states(path)) <= {"", "MISS"}


def test_no_response_with_a_cookie_is_cached(cdn):
    tokens = set()
    for _ in range(3):
        page = cdn.get("/tracker/admin/login")
        tokens.add(page.headers.get("Set-Cookie") or page.data)

    assert len(tokens) == 3


def test_requests_with_credentials_bypass_the_cache(cdn):
    path = fresh("/schedule")
    cdn.get(path)

    states = cdn.states(path, headers={"Authorization": "Bearer x"})

    assert set(states) == {"BYPASS"}


def test_viewer_has_the_address_of_the_connection(cdn):
    def is_at_venue(**more):
        return b"not permitted from within the venue" in cdn.get("/hall", **more).data

    assert is_at_venue(source=VENUE)
    assert not is_at_venue()
    assert not is_at_venue(headers={"X-Forwarded-For": VENUE})
    assert is_at_venue(source=VENUE, headers={"X-Forwarded-For": "203.0.113.9"})


def test_pages_have_the_host_of_the_viewer(cdn):
    assert f"http://{NAME}/".encode() in cdn.get(fresh("/schedule")).data
    # The origin's nginx responds to no other name.
    assert cdn.get("/schedule", host="evil.example").status in (444, 502, 504)


def test_reports_of_players_reach_the_tracker(cdn):
    path = "/tracker/api/v1/rooms/hall/playback"

    responses = [cdn.request("POST", path, json={"sid": SID, "cdn": "cdn"}) for _ in range(2)]

    assert [response.status for response in responses] == [200, 200]
    assert all(set(response.json()) == {"next", "until"} for response in responses)
    assert all("X-CDN-Cache" not in response.headers for response in responses)


def test_metrics_are_refused(cdn):
    for path in ("/metrics", "/tracker/metrics"):
        assert cdn.get(path, source=CDN_ADDRESS).status == 404


def test_change_of_the_schedule_is_visible_within_the_max_ages(cdn):
    file = cdn.site.folder / "var/schedule.json"
    save_schedule(schedule_with_talk("Former title"), file)
    wait_until(lambda: b"Former title" in cdn.get("/schedule").data, 20, "the first schedule")

    save_schedule(schedule_with_talk("Changed title"), file)

    def has_changed():
        return b"Changed title" in cdn.get("/schedule").data

    wait_until(has_changed, 10, "the changed schedule")
    assert cdn.get("/schedule").headers["Cache-Control"] == "max-age=1, public"
