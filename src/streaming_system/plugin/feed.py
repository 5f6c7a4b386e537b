"""Decodes the bytes of a feed into a document: XML, JSON, iCalendar, text or zip."""

import gzip
import io
import json
import re
import zipfile
from dataclasses import dataclass
from typing import Any, Literal

from lxml import etree

MAX_DOWNLOAD_BYTES = 16 * 2**20
MAX_DECOMPRESSED_BYTES = 64 * 2**20
MAX_ZIP_MEMBERS = 1000

# Some servers write a line of their own before the calendar.
_CALENDAR = re.compile(rb"^BEGIN:VCALENDAR(?!\S)", re.IGNORECASE | re.MULTILINE)


class FeedError(Exception):
    """A feed that cannot be imported; the message is one line for its author."""


@dataclass(frozen=True, kw_only=True)
class Feed:
    """A decoded feed whose format is not yet known.

    :param data: the bytes, decompressed.
    :param source: URL or path, for messages and for stable guids.
    :param kind: the syntax; "text" is any other UTF-8.
    :param json: the value if ``kind`` is "json", else ``None``.
    :param xml: the root element if ``kind`` is "xml", else ``None``.
    :param members: the names of the files in the archive if ``kind`` is "zip".
    """

    data: bytes
    source: str
    kind: Literal["xml", "json", "ics", "text", "zip"]
    json: Any = None
    xml: "etree._Element | None" = None
    members: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The feed as text without byte order mark."""
        return self.data.decode("utf-8-sig")

    def open_member(self, name: str) -> "Feed":
        """Open a file of a zip archive as a feed, in memory.

        :raises FeedError: if it cannot be read.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
                data = archive.read(name)
        except (KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise FeedError(f"the zip file's {name[:80]!r} cannot be read: {error}") from None
        return open_feed(data, f"{self.source}!{name}")


def open_feed(
    data: bytes, source: str = "feed", *, max_bytes: int = MAX_DECOMPRESSED_BYTES
) -> Feed:
    """Decode the bytes of a feed.

    The syntax is detected in this order: gzip, zip, XML, iCalendar, JSON, text. XML cannot load
    other documents or expand entities.

    :raises FeedError: for empty, binary, truncated or hostile input.
    """
    if data[:2] == b"\x1f\x8b":
        data = _decompress(data, max_bytes)
    if data[:4] == b"PK\x03\x04":
        return Feed(data=data, source=source, kind="zip", members=_zip_members(data, max_bytes))
    if len(data) > max_bytes:
        raise FeedError(f"the feed is larger than {max_bytes:,} bytes")
    start = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise FeedError("the feed is empty")
    # UTF-16 XML starts with a byte order mark; the XML parser decodes it.
    if start[:1] == b"<" or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return Feed(data=data, source=source, kind="xml", xml=_parse_xml(data, start))
    if start[:1] not in (b"{", b"[") and _CALENDAR.search(start):
        # The parser decodes the lines: a fold can be inside a character.
        return Feed(data=data, source=source, kind="ics")
    text = _decode_utf8(data)
    try:
        value = json.loads(text, parse_constant=_reject_constant)
    except RecursionError:
        raise FeedError("the JSON is nested too deeply") from None
    except ValueError as error:
        if start[:1] in (b"{", b"["):
            raise FeedError(f"not valid JSON: {error}") from None
        return Feed(data=data, source=source, kind="text")
    if not isinstance(value, dict | list):
        raise FeedError(f"the JSON is a bare {type(value).__name__}, not an object or a list")
    return Feed(data=data, source=source, kind="json", json=value)


def _decompress(data: bytes, max_bytes: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            decompressed = stream.read(max_bytes + 1)
    except (OSError, EOFError) as error:
        raise FeedError(f"broken gzip data: {error}") from None
    if len(decompressed) > max_bytes:
        raise FeedError(f"the feed inflates to more than {max_bytes:,} bytes")
    return decompressed


def _zip_members(data: bytes, max_bytes: int) -> tuple[str, ...]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise FeedError(f"broken zip file: {error}") from None
    # The declared sizes can be wrong: open_feed checks each member again.
    if len(members) > MAX_ZIP_MEMBERS or sum(member.file_size for member in members) > max_bytes:
        raise FeedError(
            f"the zip file holds more than {MAX_ZIP_MEMBERS} files or {max_bytes:,} bytes"
        )
    return tuple(member.filename for member in members if not member.is_dir())


def _decode_utf8(data: bytes) -> str:
    if b"\x00" in data[:4096]:
        raise FeedError("the feed is binary data, not text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FeedError(f"the feed is not UTF-8 (byte {error.start})") from None


def _reject_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _parse_xml(data: bytes, start: bytes) -> "etree._Element":
    if start[:14].lower() == b"<!doctype html" or start[:5].lower() == b"<html":
        raise FeedError("the feed is an HTML page, not a schedule: is the address right?")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise FeedError(f"not well-formed XML: {' '.join(str(error.msg).split())}") from None
    # With resolve_entities=False, lxml drops the text after an entity of a DTD.
    if root.getroottree().docinfo.doctype:
        raise FeedError("the XML has a DOCTYPE, which no schedule needs: refused")
    return root
