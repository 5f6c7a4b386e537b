"""Finds the configured region of a viewer."""

import ipaddress
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streaming_system.config import Region
from streaming_system.tracker.settings import StartupError

if TYPE_CHECKING:
    import maxminddb


class Regions:
    """Finds a viewer's region by network, by a CDN's header, or by a MaxMind file.

    It stores nothing about viewers.

    :param header: the name of the header in which a CDN sends the viewer's country; "" for none.
    :param file: a MaxMind DB file with countries or cities (https://maxmind.github.io/MaxMind-DB/).
    :raises StartupError: if the file cannot be read.
    """

    def __init__(self, regions: Sequence[Region], header: str = "", file: Path | None = None):
        self._regions = regions
        self._header = header
        self._database = _open_database(file) if file else None

    @property
    def is_enabled(self) -> bool:
        """Whether any region is configured."""
        return bool(self._regions)

    def preferred_labels(self, name: str) -> tuple[str, ...]:
        """Return the labels of the endpoints that viewers of a region prefer."""
        return next((region.prefer for region in self._regions if region.name == name), ())

    def region_of(self, address: str | None, headers: Mapping[str, str]) -> str:
        """Return the name of a viewer's region, "" for none.

        :param address: the viewer's; invalid ones have no region.
        :param headers: of the viewer's request.
        """
        try:
            ip = ipaddress.ip_address(address or "")
        except ValueError:
            return ""
        # A server that listens on IPv6 sees IPv4 clients as mapped addresses.
        ip = getattr(ip, "ipv4_mapped", None) or ip
        by_network = next((region.name for region in self._regions if region.contains(ip)), None)
        if by_network is not None:
            return by_network
        places = self._lookup_places(ip, headers)
        return next(
            (region.name for region in self._regions if not places.isdisjoint(region.places)), ""
        )

    def _lookup_places(self, address: Any, headers: Mapping[str, str]) -> frozenset[str]:
        """Return the country code, and from the file the continent code as well."""
        country = headers.get(self._header, "").strip().upper() if self._header else ""
        if country:
            return frozenset([country])
        record = self._database.get(address) if self._database else None
        if not isinstance(record, dict):
            return frozenset()
        codes = (_code(record, "country", "iso_code"), _code(record, "continent", "code"))
        return frozenset(code for code in codes if code)


def _code(record: Mapping[str, Any], part: str, key: str) -> str:
    place = record.get(part)
    code = place.get(key) if isinstance(place, dict) else None
    return code if isinstance(code, str) else ""


def _open_database(file: Path) -> "maxminddb.Reader":
    # Only sites with such a file pay for the import.
    import maxminddb

    try:
        return maxminddb.open_database(file, maxminddb.MODE_MMAP)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise StartupError(
            f"region.file in the ini file ({file}) cannot be read: "
            f"{str(error).splitlines()[0]:.200}; allowed: a MaxMind DB file"
        ) from None
