"""Finds time zones by the names that calendars and conference software give them."""

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo, available_timezones

from babel.core import get_global

MAX_NAME_CHARS = 200

# "(UTC+01:00) Amsterdam, Berlin", as Outlook and Rails show a zone.
_OFFSET_PREFIX = re.compile(r"\(((?:utc|gmt)[^)]{0,10})\) *(.*)", re.IGNORECASE)
_UTC_OFFSET = re.compile(
    r"(?:utc|gmt)? ?([+\u2212-]) ?(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE | re.ASCII
)
_UTC_NAMES = {"utc", "gmt", "z", "zulu", "universal", "utc+00:00"}
# Outlook numbers the zones of a file: "W. Europe Standard Time 1".
_OUTLOOK_NUMBER = re.compile(r"(.* time)[ _]\d{1,2}")
# Entries of the zone database that are the server's own zone, or a placeholder.
_NO_ZONES = {"localtime", "factory"}


def find_time_zone(name: str) -> ZoneInfo | None:
    """Return the time zone with a name; ``None`` if it is unknown.

    Known are the names of the IANA database in any case, with a vendor's prefix as calendars have
    it (``/mozilla.org/20050126_1/Europe/Berlin``), those of Windows (``W. Europe Standard Time``),
    Outlook (``(UTC+01:00) Amsterdam, Berlin, …``) and Rails (``Berlin``), and offsets
    (``UTC+01:00``). An offset gives a zone without summer time.
    """
    if len(name) > MAX_NAME_CHARS:
        return None
    zones = _zones_by_name()
    for candidate in _candidate_names(_normalise(name)):
        if candidate in zones:
            return ZoneInfo(zones[candidate])
    return None


def is_fixed_offset(zone: ZoneInfo) -> bool:
    """Return whether a zone is an offset from UTC that never changes."""
    return zone.key.startswith("Etc/GMT")


def _normalise(name: str) -> str:
    text = name.strip().strip("\"'").replace("_", " ").casefold()
    return " ".join(text.split())


def _candidate_names(name: str) -> Iterator[str]:
    """Yield the names to look up, the most specific one first."""
    path = name.strip("/")
    yield path
    windows = _OUTLOOK_NUMBER.sub(r"\1", path).replace(" daylight time", " standard time")
    yield windows
    parts = path.split("/")
    # A zone's name has two or three parts: America/Argentina/Ushuaia.
    yield from ("/".join(parts[-count:]) for count in (3, 2) if len(parts) > count)
    offset = parts[-1] if parts[-1] in _UTC_NAMES else path
    if match := _OFFSET_PREFIX.fullmatch(path):
        offset, places = match.groups()
        yield places
        yield from (place.strip() for place in places.split(","))
    yield _normalise_offset(offset)


def _normalise_offset(text: str) -> str:
    if text in _UTC_NAMES:
        return "etc/utc"
    match = _UTC_OFFSET.fullmatch(text)
    if match is None:
        return ""
    hours, minutes = int(match[2]), int(match[3] or 0)
    if not hours and not minutes:
        return "etc/utc"
    if minutes:
        return f"utc{'+' if match[1] == '+' else '-'}{hours:02}:{minutes:02}"
    # These names have the sign of POSIX: "Etc/GMT-1" is an hour ahead of UTC.
    return f"etc/gmt{'-' if match[1] == '+' else '+'}{hours}"


@cache
def _zones_by_name() -> dict[str, str]:
    """Return the IANA names of zones by their normalised names."""
    windows = {_normalise(name): zone for name, zone in get_global("windows_zone_mapping").items()}
    table = resources.files(__package__).joinpath("time_zone_names.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    zones = windows | {_normalise(name): zone for name, zone in rows}
    iana = {_normalise(name): name for name in available_timezones()}
    return {name: zone for name, zone in (zones | iana).items() if name not in _NO_ZONES}
