"""Where a viewer is, as far as the configuration wants to know it."""

import ipaddress
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streaming_system.config import Region
from streaming_system.tracker.settings import StartupError

if TYPE_CHECKING:
    import maxminddb


class Regions:
    """Finds a viewer's region by network, by what a CDN says, or by a MaxMind file.

    Nothing of it is stored: the region is all that leaves this class.

    :param header: the name of the header in which a CDN says the viewer's country; "" for none.
    :param file: a MaxMind DB file with countries or cities (https://maxmind.github.io/MaxMind-DB/).
    :raises StartError: if the file cannot be read.
    """

    def __init__(self, regions: Sequence[Region], header: str = "", file: Path | None = None):
        self._regions = regions
        self._header = header
        self._places = _open_database(file) if file else None

    @property
    def any(self) -> bool:
        """Tell whether it makes a difference where a viewer is."""
        return bool(self._regions)

    def preferred_in(self, name: str) -> tuple[str, ...]:
        """Return the labels of the endpoints that viewers of a region prefer."""
        return next((region.prefer for region in self._regions if region.name == name), ())

    def of(self, address: str | None, headers: Mapping[str, str]) -> str:
        """Return the name of a viewer's region, "" for none.

        :param address: the viewer's; text that is no address belongs nowhere.
        :param headers: of the viewer's request.
        """
        try:
            found = ipaddress.ip_address(address or "")
        except ValueError:
            return ""
        # A server that listens on IPv6 sees callers over IPv4 in this disguise.
        found = getattr(found, "ipv4_mapped", None) or found
        near = next((region.name for region in self._regions if region.contains(found)), None)
        if near is not None:
            return near
        places = self._places_of(found, headers)
        return next(
            (region.name for region in self._regions if not places.isdisjoint(region.places)), ""
        )

    def _places_of(self, address: Any, headers: Mapping[str, str]) -> frozenset[str]:
        said = headers.get(self._header, "").strip().upper() if self._header else ""
        if said:
            return frozenset([said])
        record = self._places.get(address) if self._places else None
        if not isinstance(record, dict):
            return frozenset()
        codes = (_code(record, "country", "iso_code"), _code(record, "continent", "code"))
        return frozenset(code for code in codes if code)


def _code(record: Mapping[str, Any], what: str, key: str) -> str:
    part = record.get(what)
    code = part.get(key) if isinstance(part, dict) else None
    return code if isinstance(code, str) else ""


def _open_database(file: Path) -> "maxminddb.Reader":
    # Few have such a file; the others' workers start without what reads it.
    import maxminddb

    try:
        return maxminddb.open_database(file, maxminddb.MODE_MMAP)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise StartupError(
            f"region.file in the ini file ({file}) cannot be read: "
            f"{str(error).splitlines()[0]:.200}; allowed: a MaxMind DB file"
        ) from None
