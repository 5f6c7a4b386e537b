"""The addresses of streams, pages and pictures: one set of rules for all entrances.

Browsers, playlists and headers get these addresses as they are, so an address either works or is
refused with the reason.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import SplitResult, urlsplit

from streaming_system.util.validation.base import Field, InvalidValueError
from streaming_system.util.validation.network import STREAM_ENDINGS, is_host

MAX_URL_CHARS = 2000
ROOM_PLACEHOLDER = "{room}"

# Files that are no folder of streams, and no stream that the players can play.
_OTHER_FILE_ENDINGS = frozenset(
    {".asx", ".f4m", ".flv", ".htm", ".html", ".ism", ".js", ".json", ".m3u", ".m4s", ".mpd",
     ".php", ".pls", ".sdp", ".smil", ".ts", ".txt", ".xml", ".xspf"}
)  # fmt: skip
_PICTURE_ENDINGS = frozenset({".avif", ".gif", ".ico", ".jpeg", ".jpg", ".png", ".svg", ".webp"})
_PAGE_ENDINGS = frozenset({".htm", ".html", ".ics", ".json", ".pdf", ".php", ".txt", ".xml"})

_NO_SPACES = "an address without spaces: write %20 for a space"
_URL_CHARACTERS = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?\[\]-]|%[0-9A-Fa-f]{2})*", re.ASCII)
_HOST_IN_FRONT = re.compile(
    r"(?:www\.[^/]*|(?:[a-z0-9-]+\.)+[a-z]{2,63}|localhost|[0-9]{1,3}(?:\.[0-9]{1,3}){3})"
    r"(?::[0-9]+)?(?=[/?#]|$)",
    re.IGNORECASE | re.ASCII,
)
_BROKEN_SCHEME = re.compile(r"(https?)[:/]+(?=[^:/])", re.IGNORECASE)


@dataclass(frozen=True)
class StreamAddress:
    """Where the streams of a server are.

    :param base: the base of the addresses of its streams; it ends with a slash.
    :param files: the path below it of the only stream, by stream, if the address is a whole one.
    """

    base: str
    files: Mapping[str, str] = field(default_factory=dict)


def split_stream_url(url: str) -> StreamAddress:
    """Return the parts of a value of :class:`StreamUrl`."""
    path, _, query = url.partition("?")
    folder, _, name = path.rpartition("/")
    stream = STREAM_ENDINGS.get(PurePosixPath(name).suffix.lower())
    if stream is None:
        return StreamAddress(url)
    return StreamAddress(f"{folder}/", {stream: f"{name}?{query}" if query else name})


class StreamUrl(Field):
    """The base URL of streams, which gets its slash, or the whole URL of one stream.

    ``{room}`` in it stands for the room's id. A query is allowed behind a whole URL only.
    """

    allowed = (
        "an http:// or https:// address: the folder of the streams, or a whole playlist such as "
        "https://cdn.example.org/hall/index.m3u8"
    )

    def validate(self, value: Any) -> str:
        parts = _split_absolute(value, self.allowed)
        url = parts.geturl()
        ending = PurePosixPath(parts.path).suffix.lower() if parts.path[-1:] != "/" else ""
        if ending in STREAM_ENDINGS:
            return url
        if ending in _OTHER_FILE_ENDINGS:
            raise InvalidValueError(
                "the folder of the streams, or the whole address of a stream, which ends in "
                + ", ".join(STREAM_ENDINGS)
            )
        if parts.query or "?" in url:
            raise InvalidValueError(
                "a query behind a whole address only, such as "
                "https://cdn.example.org/hall/index.m3u8?token=…, and not behind a folder"
            )
        return url if url.endswith("/") else f"{url}/"

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^https?://[^\s#@]+$"}


class WebAddress(Field):
    """An address that pages link to or load a picture from: absolute, or a path on this site.

    :param path: whether a path is allowed: ``"any"``, ``"absolute"`` (it begins with a slash).
    """

    def __init__(self, path: str = "any") -> None:
        self._path = path
        example = "/path" if path == "absolute" else "a path"
        self.allowed = f"an address that begins with https:// or http://, or {example}"

    def validate(self, value: Any) -> str:
        if not isinstance(value, str):
            raise self.error()
        if not value:
            return value
        if re.match(r"https?://", value, re.IGNORECASE):
            return _split_absolute(value, self.allowed, fragment=True).geturl()
        if re.search(r"\s", value):
            raise InvalidValueError(_NO_SPACES)
        ending = PurePosixPath(value).suffix.lower()
        is_file = "/" not in value and ending in _PICTURE_ENDINGS | _PAGE_ENDINGS
        suggestion = "" if is_file else suggest_absolute(value)
        if suggestion:
            raise InvalidValueError(f"an address with its scheme: {suggestion}")
        if _is_unsafe(value) or _scheme(value) or value.startswith("//"):
            raise self.error()
        if self._path == "absolute" and not value.startswith("/"):
            raise self.error()
        return value

    def json_schema(self) -> dict[str, Any]:
        path = "/(?!/)" if self._path == "absolute" else r"(?!//)[^:\s]*(?:[/?#]|$)"
        return {"type": "string", "pattern": rf"^(?:[hH][tT][tT][pP][sS]?://[^\s]+|{path}.*)$"}


def suggest_absolute(text: str) -> str:
    """Return the URL that a text without a valid scheme seems to mean; "" if it is a path."""
    match = _BROKEN_SCHEME.match(text)
    scheme, rest = (match[1].lower(), text[match.end() :]) if match else ("https", text)
    rest = rest.removeprefix("//")
    return f"{scheme}://{rest}" if _HOST_IN_FRONT.match(rest) else ""


def csp_source(url: str) -> str:
    """Return the source of a Content-Security-Policy for the origin of a URL; "" without one.

    The grammar of policies has no IPv6 addresses: browsers ignore them. For these, the source has
    the scheme and the port, and a wildcard for the host.
    """
    parts = urlsplit(url)
    if not parts.scheme or not parts.netloc:
        return ""
    if ":" not in (parts.hostname or ""):
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}://*" + (f":{parts.port}" if parts.port else "")


def _split_absolute(value: Any, allowed: str, *, fragment: bool = False) -> SplitResult:
    """Return the parts of an absolute http(s) URL; its host is in ASCII."""
    if not isinstance(value, str):
        raise InvalidValueError(allowed)
    if not re.match(r"https?://", value, re.IGNORECASE):
        suggestion = suggest_absolute(value)
        raise InvalidValueError(
            f"an address with its scheme: {suggestion}" if suggestion else allowed
        )
    if re.search(r"\s", value):
        raise InvalidValueError(_NO_SPACES)
    if "#" in value and not fragment:
        raise InvalidValueError(
            "an address without a fragment, which servers never get: remove '#' and the rest"
        )
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", 0
    if "@" in value.partition("://")[2].partition("/")[0]:
        raise InvalidValueError("an address without user and password, which browsers refuse")
    if not _is_url_host(host) or port == 0 or len(value) > MAX_URL_CHARS:
        raise InvalidValueError(
            "a host name or an IP address (IPv6 in brackets) behind ://, and perhaps a port"
        )
    # Links may have any letters; browsers encode them.
    rest = f"{parts.path}?{parts.query}".replace(ROOM_PLACEHOLDER, "room")
    if _is_unsafe(value) if fragment else not _URL_CHARACTERS.fullmatch(rest):
        raise InvalidValueError(
            "an address of the characters of URLs; write others percent-encoded, such as %20"
        )
    return parts._replace(scheme=parts.scheme.lower(), netloc=_ascii_netloc(parts))


def _is_url_host(host: str) -> bool:
    try:
        name = host.replace(ROOM_PLACEHOLDER, "room").encode("idna").decode()
    except UnicodeError:
        return False
    # Names of machines have no underscores, but browsers connect to them.
    return bool(name) and is_host(name.replace("_", "x"))


def _ascii_netloc(parts: SplitResult) -> str:
    if parts.netloc.isascii():
        return parts.netloc
    port = f":{parts.port}" if parts.port else ""
    return (parts.hostname or "").encode("idna").decode() + port


def _scheme(text: str) -> str:
    match = re.match(r"([^/?#]*):", text)
    return match[1] if match else ""


def _is_unsafe(text: str) -> bool:
    return not text.isprintable() or bool(re.search(r'[\s"<>\\]', text))
