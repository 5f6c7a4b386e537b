"""A feed as it came in: bytes that may lie, turned into a document that plugins can look at."""

import gzip
import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any, Literal

from lxml import etree

MAX_DOWNLOAD_BYTES = 16 * 2**20
MAX_DECOMPRESSED_BYTES = 64 * 2**20
MAX_ZIP_MEMBERS = 1000


class FeedError(Exception):
    """A feed that cannot be used, with one line for whoever must mend it."""


@dataclass(frozen=True, kw_only=True)
class Feed:
    """A feed after parsing, before anyone knows its format.

    :param data: the bytes, inflated where they came compressed.
    :param source: where it came from, a URL or a path, for messages and for stable guids.
    :param kind: what it is written in; "text" is anything else that is UTF-8.
    :param json: the JSON value where ``kind`` is "json", else ``None``.
    :param xml: the root element where ``kind`` is "xml", else ``None``.
    :param members: the names of the files in it where ``kind`` is "zip".
    """

    data: bytes
    source: str
    kind: Literal["xml", "json", "ics", "text", "zip"]
    json: Any = None
    xml: "etree._Element | None" = None
    members: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The feed as text, without a byte order mark."""
        return self.data.decode("utf-8-sig")

    def member(self, name: str) -> "Feed":
        """Return a file of a zip as a feed of its own. Nothing is written anywhere.

        :raises FeedError: if it cannot be read.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
                data = archive.read(name)
        except (KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise FeedError(f"the zip file's {name[:80]!r} cannot be read: {error}") from None
        return open_feed(data, f"{self.source}!{name}")


def open_feed(
    data: bytes, source: str = "feed", *, max_inflated: int = MAX_DECOMPRESSED_BYTES
) -> Feed:
    """Turn bytes into a :class:`Feed`.

    The order of the questions is: compressed? XML? iCalendar? JSON? text? Nothing is fetched and no
    entity is expanded on behalf of the feed.

    :raises FeedError: for empty, binary, truncated or hostile input.
    """
    if data[:2] == b"\x1f\x8b":
        data = _decompress(data, max_inflated)
    if data[:4] == b"PK\x03\x04":
        return Feed(data=data, source=source, kind="zip", members=_zip_members(data, max_inflated))
    if len(data) > max_inflated:
        raise FeedError(f"the feed is larger than {max_inflated:,} bytes")
    start = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise FeedError("the feed is empty")
    # UTF-16 XML starts with a byte order mark; the XML parser decodes it from the bytes.
    if start[:1] == b"<" or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return Feed(data=data, source=source, kind="xml", xml=_parse_xml(data, start))
    text = _decode_utf8(data)
    if start[:15].upper() == b"BEGIN:VCALENDAR":
        return Feed(data=data, source=source, kind="ics")
    # Only JSON that is an object or a list can be a schedule; "10" or "null" is worth saying so.
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


def _decompress(data: bytes, limit: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            inflated = stream.read(limit + 1)
    except (OSError, EOFError) as error:
        raise FeedError(f"broken gzip data: {error}") from None
    if len(inflated) > limit:
        raise FeedError(f"the feed inflates to more than {limit:,} bytes")
    return inflated


def _zip_members(data: bytes, limit: int) -> tuple[str, ...]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise FeedError(f"broken zip file: {error}") from None
    # What a zip says of its sizes is checked again by whoever inflates it.
    if len(members) > MAX_ZIP_MEMBERS or sum(member.file_size for member in members) > limit:
        raise FeedError(f"the zip file holds more than {MAX_ZIP_MEMBERS} files or {limit:,} bytes")
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
    # lxml leaves entities of a DTD in place and loses the text behind them, so a DTD is refused.
    if root.getroottree().docinfo.doctype:
        raise FeedError("the XML has a DOCTYPE, which no schedule needs: refused")
    return root
