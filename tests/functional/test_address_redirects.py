"""Addresses with another spelling, and those from before a room or the whole site moved."""

import json
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import pytest

from .pages import NOW, SYDNEY
from .test_events import talk, write_event

TARGETS = {
    "/hall/": "/hall",
    "/hall//": "/hall",
    "/hall/?lang=de&utm_source=a%20b": "/hall?lang=de&utm_source=a%20b",
    "/schedule/": "/schedule",
    "/Schedule": "/schedule",
    "/schedule/?day=2026-11-24&q=x": "/schedule?day=2026-11-24&q=x",
    "/schedule.XML": "/schedule.xml",
    "/monitor/": "/monitor",
    "/hall/schedule/": "/hall/schedule",
    "/HALL/Schedule": "/hall/schedule",
    "/HALL/json/": "/hall/json",
    "/embed/HALL/": "/embed/hall",
    "/talk/guid-Soldering/": "/talk/guid-Soldering",
    "/Talk/guid-Soldering": "/talk/guid-Soldering",
    "/talk/guid-Soldering.ics/": "/talk/guid-Soldering.ics",
    "/HALL": "/hall",
    "/Hall": "/hall",
    "/Great%20Hall": "/hall",
    "/great-hall": "/hall",
    "/GREAT+HALL/": "/hall",
    "/Gro%C3%9Fer%20H%C3%B6rsaal": "/hall",
    "/grosser-hoersaal": "/hall",
    "/grosser-horsaal": "/hall",
    "/hall)": "/hall",
    "/lab_b": "/lab",
    # Former ids and names.
    "/saal1": "/hall",
    "/SAAL1/schedule/": "/hall/schedule",
    "/old-hall?lang=fr": "/hall?lang=fr",
    # The C3VOC's site has a page for each stream, alone or below the conference.
    "/hall/hd": "/hall",
    "/saal1/sd/": "/hall",
    "/hall/audio/translated": "/hall",
    "/hall/slides": "/hall",
    "/testconf2026/hall/": "/hall",
    "/testconf2026/saal1/hd/translated": "/hall",
    "/TESTCONF2026/hall": "/hall",
    "/embed/saal1/hd/native/no-autoplay": "/embed/hall",
}
WITHOUT_TARGET = (
    "//evil/",
    "//hall/",
    "//evil.example/hall",
    "/\\evil/",
    "/\\hall/",
    "/%5Chall/",
    "/%2f%2fevil",
    "/%2f%2fhall/",
    "/%2fhall/",
    "/hall%2f%2fevil/",
    "/hall%0d%0aX-Evil:%201/",
    "/hall%00",
    "/%09/hall/",
    "/https://hall/",
    "/hall/../lab/",
    "/./hall/",
    "/hall/evil/",
    "/otherconf/hall",
    "/%FF/",
    "/%F0%9F%8E%AC/",
    "/talk/guid-Nothing/",
    "/talk/guid-Soldering/recording.m3u8",
    "/talk/guid-Soldering/more",
    "/hall/posts",
    "/hall/more",
    "/static/hall/",
    "/" + "hall/" * 2000,
    "/" + "%C3%A4" * 1000 + "/",
)


@pytest.fixture
def renamed_site(make_site, tmp_path):
    """A site whose hall has a former id, and titles with umlauts and spaces."""
    config = json.loads((tmp_path / "config.json").read_text())
    config["hall"] |= {"title": {"en": "Great Hall", "de": "Großer Hörsaal"}}
    config["hall"] |= {"former-ids": ["saal1", "Old Hall"]}
    config["lab"] |= {"title": "Lab B"}
    config["default"] |= {"conference": "Test Conf 2026"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    return make_site()


def location(site, path, **headers):
    """Return the target of the redirect from a path."""
    response = site.get(path, headers=headers, status=301)
    return response.headers["Location"]


def test_other_spelling_of_an_address_leads_to_the_page(renamed_site):
    assert {path: location(renamed_site, path) for path in TARGETS} == TARGETS
    for target in set(TARGETS.values()):
        renamed_site.get(target, status=200)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_hostile_or_unknown_address_leads_nowhere(renamed_site, method):
    for path in WITHOUT_TARGET:
        response = renamed_site.request(path, method=method, expect_errors=True)

        assert response.status_code in (400, 404), path
        assert "Location" not in response.headers, path


def test_path_of_redirect_target_stays_on_the_site_and_has_no_redirect(renamed_site):
    base = "https://live.example.org"
    for path in (
        "/HALL//",
        "/hall;//evil",
        "/@hall/",
        "/hall:80/",
        "/hall?next=//evil/",
        "/hall/?//",
    ):
        response = renamed_site.get(path, expect_errors=True)
        if target := response.headers.get("Location"):
            assert urlsplit(urljoin(f"{base}{path}", target)).netloc == "live.example.org"
            assert renamed_site.get(target).status_code == 200


def test_redirect_is_cacheable_and_depends_on_no_header(renamed_site):
    response = renamed_site.head("/HALL/", status=301)

    assert response.headers["Location"] == "/hall"
    assert response.cache_control.public
    assert response.cache_control.max_age == 3600
    assert location(renamed_site, "/HALL/", Host="evil.example") == "/hall"
    assert location(renamed_site, "/HALL/", **{"Accept-Language": "de"}) == "/hall"


def test_form_is_never_sent_to_another_address(renamed_site):
    for path in ("/hall/", "/HALL", "/saal1/hd", "/schedule/"):
        for send in (renamed_site.post, renamed_site.put, renamed_site.delete):
            assert "Location" not in send(path, status=404).headers


def test_canonical_link_names_the_room_itself(renamed_site):
    page = renamed_site.get("/OLD%20HALL/?lang=de").follow()

    assert page.html.select_one("link[rel=canonical]")["href"].startswith("http://localhost/hall")
    assert page.html.html["lang"] == "de"


def test_name_of_two_rooms_leads_to_none_of_them(make_site, tmp_path):
    config = json.loads((tmp_path / "config.json").read_text())
    config["hall"] |= {"title": "Room"}
    config["lab"] |= {"title": "room!", "former-ids": ["HALL"]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    site = make_site()

    site.get("/room", status=404)
    assert location(site, "/HALL") == "/hall"


def test_addresses_of_a_conference_below_the_site_stay_below_it(make_site, tmp_path):
    folder = tmp_path / "events"
    for name in ("ada-conf", "old"):
        write_event(
            folder, name, {"hall": talk("Engines", NOW - timedelta(minutes=10))}, SYDNEY,
            hall={"title": "Großer Saal"},
        )  # fmt: skip
    site = make_site(
        **{"events.folder": str(folder), "config.private": str(tmp_path / "config.private.json")}
    )

    assert location(site, "/ada-conf/hall/?lang=de") == "/ada-conf/hall?lang=de"
    assert location(site, "/ada-conf/grosser-saal") == "/ada-conf/hall"
    assert location(site, "/ada-conf/Hall/hd") == "/ada-conf/hall"
    assert location(site, "/ada-conf/schedule/") == "/ada-conf/schedule"
    assert location(site, "/ADA-Conf") == "/ada-conf/"
    assert location(site, "/ADA-Conf/hall?lang=de") == "/ada-conf/hall?lang=de"
    assert location(site, "/ada-conf") == "/ada-conf/"
    for hostile in ("/ada-conf//evil/", "/ada-conf/%5Cevil/", "/ADA-CONF//evil", "//ADA-CONF/hall"):
        assert "Location" not in site.get(hostile, expect_errors=True).headers
    for path in ("/ada-conf", "/ADA-CONF", "/ada-conf/hall/"):
        assert "Location" not in site.post(path, status=404).headers
