"""The port of the site's addresses, whichever port nginx listens at."""

import html
import json
import re
import urllib.parse

import pytest

from streaming_system.schedule.storage import save_schedule

from .site import FROM_CACHE, NAME, VIEWER
from .test_cache import schedule_with_talk
from .test_hostile import LOGIN, SECRET, head

# Documents with absolute addresses of the site.
DOCUMENTS = [
    "/hall",
    "/hall/rss",
    "/hall/atom",
    "/hall/schedule.ics",
    "/schedule.xml",
    "/schedule.json",
    "/streams/v2.json",
    "/oembed?url={url}hall",
]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# What the CDN of the site adds to a request by https.
HTTPS = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
ABSOLUTE = re.compile(rf"https?://{re.escape(NAME)}(?::[^/\"'<\s]*)?/")


@pytest.fixture(scope="module")
def site(make_proxied):
    """A site that has an IPv6 address as a name, and a CDN at the address of a viewer."""
    site = make_proxied(
        trackers=1,
        config={"embed": "*"},
        marks=("cdn",),
        change=[
            ("server_name live.example.org", "server_name live.example.org [::1]"),
            ("198.51.100.0/24", VIEWER),
        ],
    )
    save_schedule(schedule_with_talk("Welcome"), site.folder / "var/schedule.json")
    return site


@pytest.fixture(scope="module")
def strict(make_proxied):
    return make_proxied(
        change=[
            ("streaming_ports:10m rate=50r/s", "streaming_ports:10m rate=1r/m"),
            ("zone=streaming_ports burst=200 delay=50", "zone=streaming_ports burst=1 nodelay"),
            ('# "~:8443$" "";', '"~:8443$" "";'),
        ]
    )


def canonical(site, host, path="/hall", **more):
    """Return the address that a page has for itself."""
    page = site.get(path, host=host, **more)
    assert page.status == 200
    [link] = re.findall(r'<link rel="canonical" href="([^"]*)"', page.data.decode())
    return link


@pytest.mark.parametrize("path", DOCUMENTS)
def test_absolute_addresses_have_the_port_of_the_site(site, path):
    url = f"http://{NAME}:{site.ports.site}/"

    page = site.get(path.format(url=urllib.parse.quote(url)), host=url[7:-1])

    assert page.status == 200
    text = html.unescape(page.data.decode().replace("\r\n ", ""))
    assert set(ABSOLUTE.findall(text)) == {url}


@pytest.mark.parametrize(
    ("host", "address"),
    [
        (NAME, NAME),
        (f"{NAME}:", NAME),
        (f"{NAME}:80", NAME),
        (f"{NAME}:0080", NAME),
        (f"{NAME}:443", NAME),
        (f"{NAME}:8443", f"{NAME}:8443"),
        (f"{NAME}:65535", f"{NAME}:65535"),
        (f"{NAME.upper()}:8443", f"{NAME}:8443"),
        (f"{NAME}.", NAME),
        (f"{NAME}.:8443", f"{NAME}:8443"),
        ("[::1]", "[::1]"),
        ("[::1]:8443", "[::1]:8443"),
    ],
)
def test_spellings_of_a_host_give_one_address(site, host, address):
    assert canonical(site, host) == f"http://{address}/hall"


@pytest.mark.parametrize(
    "port",
    ["0", "99999", "65536", "08443", "abc", "8443abc", "8443:8443", "-1", "+1", " 1", "%38", "1@e"],
)
def test_invalid_ports_are_refused(site, port):
    for line in ("GET /hall HTTP/1.1", "GET /static/site.css HTTP/1.1", "GET /tracker/ HTTP/1.1"):
        response = site.raw(head(line, f"Host: {NAME}:{port}", "Connection: close", ""))
        assert response.split(" ")[1] == "400", response[:200]


@pytest.mark.parametrize("header", [NAME, f"{NAME}:6666", "evil.example:6666", f"{NAME}:evil"])
def test_port_of_the_request_line_overrides_the_header(site, header):
    line = f"GET http://{NAME}:8443/hall HTTP/1.1"

    response = site.raw(head(line, f"Host: {header}", "Connection: close", ""))

    assert f'"http://{NAME}:8443/hall"' in response
    assert "evil" not in response
    assert "6666" not in response


def test_ports_share_no_cached_page(site):
    pages = {host: canonical(site, host, "/lab") for host in (NAME, f"{NAME}:8443", f"{NAME}:1")}

    assert pages == {host: f"http://{host}/lab" for host in pages}
    again = site.get("/lab", host=f"{NAME}:8443")
    assert again.headers["X-Cache"] in FROM_CACHE


def test_files_are_cached_once_for_all_ports(site):
    page = site.get("/hall").data.decode()
    file = re.search(r'"(/static/[0-9a-f]+/bundles/player\.css)"', page)[1]
    site.get(file)

    assert site.get(file, host=f"{NAME}:7").headers["X-Cache"] == "HIT"


@pytest.mark.parametrize(
    ("netloc", "status"),
    [
        (NAME.upper(), 200),
        (f"{NAME}:443", 200),
        (f"{NAME}.", 200),
        (f"{NAME}:6666", 404),
        (f"{NAME}:99999", 404),
        (f"{NAME}:x", 404),
        ("evil.example", 404),
    ],
)
def test_oembed_knows_spellings_of_the_site(site, netloc, status):
    url = urllib.parse.quote(f"https://{netloc}/hall")

    assert site.get(f"/oembed?url={url}").status == status


def test_redirect_of_nginx_keeps_the_address(site):
    redirect = site.get("/static", host=f"{NAME}:8443")

    assert (redirect.status, redirect.headers["Location"]) == (301, "/static/")


@pytest.mark.parametrize(
    ("host", "origin", "is_accepted"),
    [
        (f"{NAME}:8443", f"https://{NAME}:8443", True),
        (NAME, f"https://{NAME}", True),
        (f"{NAME}:443", f"https://{NAME}", True),
        (f"{NAME}:8443", f"https://{NAME}:6666", False),
        (f"{NAME}:8443", f"https://{NAME}", False),
    ],
)
def test_forms_accept_their_own_port_only(site, host, origin, is_accepted):
    form = site.get(LOGIN, host=host, headers=HTTPS)
    token = re.search(r'name="csrf_token" value="([^"]*)"', form.data.decode())[1]
    cookies = "; ".join(c.split(";")[0] for c in form.headers.getlist("Set-Cookie"))

    response = site.request(
        "POST", LOGIN, host=host,
        body=urllib.parse.urlencode({"csrf_token": token, "name": "ada", "password": "none"}),
        headers={**HTTPS, **FORM, "Origin": origin, "Cookie": cookies},
    )  # fmt: skip

    # There is no such account, so an accepted form is shown again.
    assert (b"<button>Log in" in response.data) is is_accepted


def test_endpoint_registers_at_another_port(site):
    form = {"secret": SECRET, "group": "hall", "data": json.dumps({"overall_clients": 1})}

    response = site.request(
        "POST", "/tracker/endpoint/register", host=f"{NAME}:8443",
        body=urllib.parse.urlencode(form),
        headers=FORM,
    )  # fmt: skip

    assert (response.status, response.data) == (200, b"OK\n")


class TestForeignPorts:
    """Ports that are neither nginx's own nor listed."""

    def test_address_cannot_fill_the_cache_with_ports(self, strict):
        responses = [strict.get("/", host=f"{NAME}:{port}").status for port in (1, 2, 3, 4)]

        assert responses == [200, 200, 429, 429]

    def test_other_addresses_and_own_ports_have_no_such_limit(self, strict):
        for host in (NAME, f"{NAME}:{strict.ports.site}", f"{NAME}:8443", f"{NAME}:443"):
            assert [strict.get("/", host=host).status for _ in range(4)] == [200] * 4


class TestSecondProxy:
    """A CDN or load balancer, which ends https (#cdn)."""

    @pytest.mark.parametrize("host", [NAME, f"{NAME}:8443"])
    def test_scheme_of_the_proxy_is_the_sites(self, site, host):
        page = site.get("/hall", host=host, headers=HTTPS)

        assert f'"https://{host}/hall"' in page.data.decode()
        assert page.headers["Strict-Transport-Security"] == "max-age=31536000"

    @pytest.mark.parametrize("scheme", ["ftp", "https, http", "evil"])
    def test_unknown_scheme_is_ignored(self, site, scheme):
        headers = {**HTTPS, "X-Forwarded-Proto": scheme}

        assert canonical(site, NAME, headers=headers) == f"http://{NAME}/hall"

    def test_other_addresses_cannot_set_the_scheme(self, site):
        page = canonical(site, NAME, "/lab", headers=HTTPS, source="127.0.0.66")

        assert page == f"http://{NAME}/lab"
