"""Regions, groups and fallbacks in the configuration."""

import ipaddress
import json
import re

import pytest

from streaming_system.config import ConfigError, Fallback, load_conference


@pytest.fixture
def load(tmp_path):
    def load(config=None, hall=None):
        path = tmp_path / "config.json"
        document = {"config": config or {}, "default": {}, "hall": hall or {}, "lab": {}}
        path.write_text(json.dumps(document), encoding="utf-8")
        return load_conference(path, tmp_path / "none.json")

    return load


@pytest.fixture
def error_message(load, tmp_path):
    def error_message(**sections):
        with pytest.raises(ConfigError) as error:
            load(**sections)
        # The table of broken configurations has the lines and columns.
        return re.sub(r"\.json:\d+:\d+:", ".json:", str(error.value).replace(f"{tmp_path}/", ""))

    return error_message


def test_region_has_networks_places_and_preferences(load):
    [venue, europe] = load(
        {
            "regions": {
                "venue": {"networks": ["192.0.2.0/24", "2001:db8::/32", ""]},
                "europe": {"places": ["eu"], "prefer": ["eu", "cdn"], "": ""},
                "": {},
            }
        }
    ).site.regions

    assert (venue.name, venue.prefer) == ("venue", ("venue",))
    assert venue.contains(ipaddress.ip_address("192.0.2.9"))
    assert venue.contains(ipaddress.ip_address("2001:db8::9"))
    assert not venue.contains(ipaddress.ip_address("198.51.100.1"))
    assert (europe.places, europe.prefer) == (frozenset(["EU"]), ("eu", "cdn"))


def test_fallbacks_keep_their_order(load):
    config = load(
        {"groups": ["overflow"]},
        {"fallbacks": ["group:overflow", "group:lab", "https://cdn.example/x/", "youtube:abc"]},
    )

    assert config.rooms["hall"].fallbacks == (
        Fallback(kind="group", value="overflow"),
        Fallback(kind="group", value="lab"),
        Fallback(kind="url", value="https://cdn.example/x/"),
        Fallback(kind="youtube", value="abc"),
    )
    assert config.groups == ("hall", "lab", "overflow")


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"config": {"regions": {"x": {"networks": ["192.0.2.1/24"]}}}},
            "config.json: section 'config': key 'regions': 'x': 192.0.2.1/24 has host bits set; "
            "allowed: networks such as 192.0.2.0/24",
        ),
        (
            {"config": {"regions": {"x y": {}}}},
            "config.json: section 'config': key 'regions': 'x y': allowed: a name of A-Z a-z 0-9 "
            ". _ : -, and an object with networks, places, prefer",
        ),
        (
            {"config": {"regions": {"x": {"countries": ["DE"]}}}},
            "config.json: section 'config': key 'regions': 'x': allowed: a name of A-Z a-z 0-9 "
            ". _ : -, and an object with networks, places, prefer",
        ),
        (
            {"config": {"groups": ["a b"]}},
            "config.json: section 'config': key 'groups': 'a b'; allowed: names of 1 to 64 of "
            "A-Z a-z 0-9 _",
        ),
        (
            {"hall": {"fallbacks": ["javascript:alert(1)"]}},
            "config.json: room 'hall': key 'fallbacks': 'javascript:alert(1)'; allowed: a list of "
            '"group:NAME", "https://…" and "youtube:ID"',
        ),
        (
            {"hall": {"fallbacks": "group:nowhere"}},
            "config.json: room 'hall': key 'fallbacks': there is no room 'nowhere', nor is it one "
            "of the groups in section 'config'",
        ),
    ],
)
def test_invalid_regions_and_fallbacks_are_reported_in_one_line(error_message, sections, message):
    assert error_message(**sections) == message
