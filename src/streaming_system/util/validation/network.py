"""Fields of hosts and URLs."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from streaming_system.util.validation.base import Field
from streaming_system.util.validation.texts import Text

HOST_PATTERN = r"^([A-Za-z0-9.-]{1,253}|[0-9A-Fa-f:.]{2,45})$"

# A path, perhaps with a query. No segment is "." or "..", and a first segment with a colon would be
# a scheme; "{room}" is the placeholder of a room's id.
RELATIVE_URL_PATTERN = (
    r"^(?!/)(?![^/?]*:)(?!([^?]*/)?(\.|%2[Ee]){1,2}([/?]|$))"
    r"([A-Za-z0-9._~!$&()*+,;=:@/-]|%[2-6][0-9A-Fa-f]|%7[0-9A-Ea-e]|%[89A-Fa-f][0-9A-Fa-f]|\{room\})+"
    r"(\?([A-Za-z0-9._~!$&()*+,;=:@/?-]|%[2-6][0-9A-Fa-f]|%7[0-9A-Ea-e]|%[89A-Fa-f][0-9A-Fa-f]"
    r"|\{room\})*)?$"
)
MAX_RELATIVE_URL_CHARS = 200

# The ending of the whole address of a stream, and the stream that it is.
STREAM_ENDINGS: Mapping[str, str] = {
    ".m3u8": "hls",
    ".webm": "webm_high",
    ".mp4": "mp4_high",
    ".ogg": "ogg_high",
    ".opus": "ogg_high",
    ".aac": "aac_high",
    ".mp3": "mp3_high",
}
# What is no folder of streams. Pages play no DASH by itself.
FILE_ENDINGS = (*STREAM_ENDINGS, ".mpd")

_DNS_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")
_URL_CHARACTERS = re.compile(r'[!"$-\[\]-~]{1,2000}')  # Visible ASCII without "#" and "\".


class Host(Text):
    """An IP address or a DNS name."""

    def __init__(self) -> None:
        super().__init__(
            253, min_length=1, pattern=HOST_PATTERN, allowed="an IP address or a host name"
        )

    def is_valid(self, value: Any) -> bool:
        return super().is_valid(value) and is_host(value)

    def json_schema(self) -> dict[str, Any]:
        formats = [{"format": name} for name in ("hostname", "ipv4", "ipv6")]
        return {**super().json_schema(), "anyOf": formats}


def is_host(text: str) -> bool:
    """Return whether a text is an IP address or a valid DNS name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        labels = text.removesuffix(".").split(".")
        # A name whose last label is a number is a mistyped address.
        return all(map(_DNS_LABEL.fullmatch, labels)) and not labels[-1].isdigit()
    return True


class RelativeUrl(Text):
    """The URL of a stream relative to its endpoint's base URL: a path, perhaps with a query."""

    def __init__(self) -> None:
        super().__init__(
            MAX_RELATIVE_URL_CHARS,
            min_length=1,
            pattern=RELATIVE_URL_PATTERN,
            allowed=f"a path below the base URL, such as hall.mp3 or {{room}}/index.m3u8: 1 to "
            f"{MAX_RELATIVE_URL_CHARS} characters of URLs, no / at the start, no . or .. between "
            "slashes, and no fragment",
        )


class Url(Field):
    """An absolute URL of some schemes, in visible ASCII and without a fragment.

    :param base_only: refuses a user, a query and whole playlists, and removes the final slash.
    """

    def __init__(self, *schemes: str, base_only: bool = False, allowed: str = "") -> None:
        self._schemes, self._base_only = schemes or ("http", "https"), base_only
        prefixes = ", ".join(f"{scheme}://" for scheme in self._schemes)
        self.allowed = allowed or f"an address that begins with {prefixes}"

    def is_valid(self, value: Any) -> bool:
        if not isinstance(value, str) or not _URL_CHARACTERS.fullmatch(value):
            return False
        try:
            parts = urlsplit(value)
            complete = parts.scheme in self._schemes and parts.hostname and parts.port != 0
        except ValueError:
            # A port above 65535, or brackets around something that is not an address.
            return False
        is_base = not re.search("[?@]", value) and not value.lower().endswith(FILE_ENDINGS)
        return bool(complete) and (is_base or not self._base_only)

    def validate(self, value: Any) -> Any:
        url = super().validate(value)
        return url.rstrip("/") if self._base_only else url
