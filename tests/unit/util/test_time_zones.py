"""Names of time zones in feeds."""

import zoneinfo
from zoneinfo import ZoneInfo

import pytest
from babel.core import get_global

from streaming_system.util.time_zones import find_time_zone, is_fixed_offset


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin ", "Europe/Berlin"),
        ("America/New York", "America/New_York"),
        ("/Europe/Berlin", "Europe/Berlin"),
        ("/mozilla.org/20050126_1/Europe/Berlin", "Europe/Berlin"),
        (
            "/freeassociation.sourceforge.net/America/Argentina/Ushuaia",
            "America/Argentina/Ushuaia",
        ),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("W. Europe Standard Time 1", "Europe/Berlin"),
        ("w. europe daylight time", "Europe/Berlin"),
        ("Pacific Standard Time (Mexico)", "America/Tijuana"),
        ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "Europe/Berlin"),
        ("(GMT+01:00) Amsterdam, Berlin, Bern, Rom, Stockholm, Wien", "Europe/Amsterdam"),
        ("(UTC-05:00) Eastern Time (US & Canada)", "America/New_York"),
        ("(UTC) Coordinated Universal Time", "Etc/UTC"),
        ("Berlin", "Europe/Berlin"),
        ("(GMT+01:00) Berlin", "Europe/Berlin"),
        ("Eastern Time (US & Canada)", "America/New_York"),
        ("tzone://Microsoft/Utc", "Etc/UTC"),
        ("UTC+01:00", "Etc/GMT-1"),
        ("UTC\u22123", "Etc/GMT+3"),
        ("GMT+0200", "Etc/GMT-2"),
        ("+05:30", "Asia/Kolkata"),
        ("(UTC+03:00) Nowhere", "Etc/GMT-3"),
        ("GMT+0", "GMT+0"),
    ],
)
def test_name_of_a_time_zone_is_known(name, zone):
    assert find_time_zone(name) == ZoneInfo(zone)


@pytest.mark.parametrize(
    "name",
    ["", " ", "Europe/Berln", "Asia/Berlin", "Europe", "localtime", "Factory", "../../etc/passwd",
     "Customized Time Zone", "UTC+10:30", "UTC+99", "CEST", "\x00", "x" * 10_000],
)  # fmt: skip
def test_other_names_are_unknown(name):
    assert find_time_zone(name) is None


def test_all_names_of_windows_and_of_the_zone_database_are_known():
    names = {*get_global("windows_zone_mapping"), *zoneinfo.available_timezones()}

    assert {name for name in names if find_time_zone(name) is None} <= {"localtime", "Factory"}


def test_only_an_offset_has_no_summer_time():
    assert is_fixed_offset(find_time_zone("UTC+01:00"))
    assert not is_fixed_offset(find_time_zone("Berlin"))
