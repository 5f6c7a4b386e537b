"""Decodes the bytes of a feed into a document: XML, JSON, iCalendar, text or zip."""

import gzip
import io
import json
import re
import zipfile
import zlib
from dataclasses import dataclass
from html.entities import html5
from typing import Any, Literal

from lxml import etree

from streaming_system.plugin.encoding import BinaryDataError, decode_text
from streaming_system.plugin.values import describe_type

MAX_DOWNLOAD_BYTES = 16 * 2**20
MAX_DECOMPRESSED_BYTES = 64 * 2**20
MAX_ZIP_MEMBERS = 1000
MAX_EXCERPT_CHARS = 30

_ZIP_ERRORS = (
    KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error
)  # fmt: skip
_CDATA = re.compile(r"(<!\[CDATA\[.*?\]\]>)", re.DOTALL)
# An ampersand that begins none of the references that XML defines itself.
_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9A-Fa-f]+);)([A-Za-z0-9]{1,32};)?")

# Some servers write a line of their own before the calendar.
_CALENDAR = re.compile(r"^BEGIN:VCALENDAR(?!\S)", re.IGNORECASE | re.MULTILINE)


class FeedError(Exception):
    """A feed that cannot be imported; the message is one line for its author."""


@dataclass(frozen=True, kw_only=True)
class Feed:
    """A decoded feed whose format is not yet known.

    :param data: the bytes, decompressed; UTF-8 without byte order mark unless ``kind`` is "zip".
    :param source: URL or path, for messages and for stable guids.
    :param kind: the syntax; "text" is any other text.
    :param json: the value if ``kind`` is "json", else ``None``.
    :param xml: the root element if ``kind`` is "xml", else ``None``.
    :param members: the names of the files in the archive if ``kind`` is "zip".
    :param warnings: replaced characters and the like, one line each.
    """

    data: bytes
    source: str
    kind: Literal["xml", "json", "ics", "text", "zip"]
    json: Any = None
    xml: "etree._Element | None" = None
    members: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The feed as text without byte order mark."""
        return self.data.decode()

    def open_member(self, name: str) -> "Feed":
        """Open a file of a zip archive as a feed, in memory.

        :raises FeedError: if it cannot be read.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
                data = archive.read(name)
        except _ZIP_ERRORS:
            raise FeedError(f"the zip file's {name[:80]!r} is damaged or encrypted") from None
        return open_feed(data, f"{self.source}!{name}")


def open_feed(
    data: bytes, source: str = "feed", *, max_bytes: int = MAX_DECOMPRESSED_BYTES
) -> Feed:
    """Decode the bytes of a feed.

    The syntax is detected in this order: gzip, zip, XML, iCalendar, JSON, text; the encoding as
    :func:`~streaming_system.plugin.encoding.decode_text` does. XML cannot load other documents or
    expand entities.

    :raises FeedError: for empty, binary, truncated or hostile input.
    """
    if data[:2] == b"\x1f\x8b":
        data = _decompress(data, max_bytes)
        if data[:2] == b"\x1f\x8b":
            raise FeedError("the feed is binary data, not text")
    if data[:4] == b"PK\x03\x04":
        return Feed(data=data, source=source, kind="zip", members=_zip_members(data, max_bytes))
    if len(data) > max_bytes:
        raise FeedError(f"the feed is larger than {max_bytes:,} bytes")
    try:
        decoded = decode_text(data)
    except BinaryDataError:
        raise FeedError("the feed is binary data, not text") from None
    text, warnings = decoded.text, list(decoded.warnings)
    start = text[:4096].lstrip()
    if not start:
        raise FeedError("the feed is empty")
    kind: Literal["xml", "json", "ics", "text"] = "text"
    value = root = None
    if start[0] == "<":
        kind, root = "xml", _parse_xml(text.lstrip(), warnings)
    elif start[0] not in "{[" and _CALENDAR.search(start):
        kind = "ics"
    elif (value := _parse_json(text, must_be_json=start[0] in "{[")) is not None:
        kind = "json"
    return Feed(
        data=text.encode("utf-8", "replace"),
        source=source,
        kind=kind,
        json=value,
        xml=root,
        warnings=tuple(warnings),
    )


def _decompress(data: bytes, max_bytes: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            decompressed = stream.read(max_bytes + 1)
    except (OSError, EOFError, zlib.error):
        raise FeedError("broken gzip data: the file is damaged or incomplete") from None
    if len(decompressed) > max_bytes:
        raise FeedError(f"the feed inflates to more than {max_bytes:,} bytes")
    return decompressed


def _zip_members(data: bytes, max_bytes: int) -> tuple[str, ...]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except _ZIP_ERRORS:
        raise FeedError("broken zip file: it is damaged or incomplete") from None
    # The declared sizes can be wrong: open_feed checks each member again.
    if len(members) > MAX_ZIP_MEMBERS or sum(member.file_size for member in members) > max_bytes:
        raise FeedError(
            f"the zip file holds more than {MAX_ZIP_MEMBERS} files or {max_bytes:,} bytes"
        )
    return tuple(member.filename for member in members if not member.is_dir())


def _parse_json(text: str, *, must_be_json: bool) -> Any:
    """Return the object or list; ``None`` if the text is not JSON, and need not be.

    :raises FeedError: for broken JSON, and for other types.
    """
    try:
        # Line ends inside of texts are invalid JSON; they cost nothing.
        value = json.loads(text, parse_constant=_reject_constant, strict=False)
    except RecursionError:
        raise FeedError("the JSON is nested too deeply") from None
    except json.JSONDecodeError as error:
        if must_be_json:
            place = _describe_missing_comma(text, error) or _describe_place(
                text, error.lineno, error.colno
            )
            raise FeedError(f"not valid JSON: {place}") from None
        return None
    except FeedError:
        if must_be_json:
            raise
        return None
    except ValueError:
        raise FeedError("not valid JSON: a number has more than 4,300 digits") from None
    if not isinstance(value, dict | list):
        raise FeedError(f"the JSON is {describe_type(value)}, not an object or a list")
    return value


def _reject_constant(name: str) -> Any:
    raise FeedError(f"not valid JSON: {name} is not JSON")


def _describe_missing_comma(text: str, error: json.JSONDecodeError) -> str:
    """Return where a comma is missing: behind the value before the error, perhaps lines above."""
    is_next_member = re.match(r'["{\[0-9A-Za-z-]', text[error.pos : error.pos + 1])
    if "',' delimiter" not in error.msg or not is_next_member:
        return ""
    before = text[: error.pos].rstrip()
    line = before.count("\n") + 1
    last = before.rpartition("\n")[2]
    excerpt = last[-MAX_EXCERPT_CHARS:].strip()
    return f"line {line}, column {len(last) + 1}: a comma is missing after {excerpt!r}"


def _describe_place(text: str, line: int, column: int) -> str:
    lines = text.splitlines() or [""]
    at = lines[min(line, len(lines)) - 1]
    excerpt = at[max(0, column - 1) :][:MAX_EXCERPT_CHARS].strip()
    place = f"line {line}, column {column}"
    return f"{place}, at {excerpt!r}" if excerpt else f"{place}, where it ends too early"


def _parse_xml(text: str, warnings: list[str]) -> "etree._Element":
    if text[:14].lower() == "<!doctype html" or text[:5].lower() == "<html":
        raise FeedError("the feed is an HTML page, not a schedule: is the address right?")
    try:
        root = _xml_root(text)
    except etree.XMLSyntaxError as error:
        root = _parse_repaired_xml(text, error, warnings)
    # With resolve_entities=False, lxml drops the text after an entity of a DTD.
    if root.getroottree().docinfo.doctype:
        raise FeedError("the XML has a DOCTYPE, which no schedule needs: refused")
    return root


def _parse_repaired_xml(
    text: str, error: etree.XMLSyntaxError, warnings: list[str]
) -> "etree._Element":
    """Parse XML with entities of HTML and bare ampersands, which XML does not permit."""
    parts = [
        part if number % 2 else _AMPERSAND.sub(_escape_ampersand, part)
        for number, part in enumerate(_CDATA.split(text))
    ]
    repaired = "".join(parts)
    try:
        if repaired == text or "<!DOCTYPE" in text:
            raise error
        root = _xml_root(repaired)
    except etree.XMLSyntaxError as remaining:
        place = _describe_place(repaired, remaining.lineno or 1, remaining.offset or 1)
        raise FeedError(f"not well-formed XML: {place}") from None
    warnings.append(
        f"line {error.lineno}: the XML has entities of HTML or bare ampersands: read as HTML"
    )
    return root


def _escape_ampersand(match: re.Match[str]) -> str:
    character = html5.get(match[1] or "")
    if character is None:
        return f"&amp;{match[1] or ''}"
    return "".join(f"&#{ord(char)};" for char in character)


def _xml_root(text: str) -> "etree._Element":
    parser = etree.XMLParser(
        # The declared encoding is that of the original bytes.
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    return etree.fromstring(text.encode("utf-8", "replace"), parser)
