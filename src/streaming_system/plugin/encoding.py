"""Decodes the bytes of a feed into text: by byte order mark, by declaration, or by detection."""

import codecs
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from charset_normalizer import from_bytes
from charset_normalizer.constant import IANA_SUPPORTED

MAX_LISTED_REPLACEMENTS = 10
MAX_SAMPLE_BYTES = 64 * 1024
MAX_EXCERPT_CHARS = 30
# Text with a larger share of control characters is binary data.
MAX_CONTROL_SHARE = 0.1
DEFAULT_LEGACY_ENCODING = "cp1252"
# Encodings that feeds are published in; the detector also knows EBCDIC and others.
LEGACY_ENCODINGS = (
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r",
    "iso8859_2", "iso8859_5", "iso8859_7", "cp932", "euc_jp", "gb18030", "big5", "cp949",
)  # fmt: skip
# The detection is a guess if there are fewer other characters than ASCII.
MIN_DETECTABLE_BYTES = 8
REPLACEMENT = "\ufffd"

_XML_ENCODING = re.compile(
    rb"<\?xml[^>]{0,200}?\sencoding\s*=\s*[\"']([A-Za-z][A-Za-z0-9._:-]{0,39})[\"']"
)
# RFC 5545 permits a fold between the bytes of a character.
_FOLD_INSIDE_CHARACTER = re.compile(rb"\r?\n[ \t](?=[\x80-\xbf])")
# Bytes that are not UTF-8, as the error handler "surrogateescape" decodes them.
_ESCAPED_BYTES = re.compile("[\udc80-\udcff]+")
# Characters that XML and JSON do not permit.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# As in the Encoding Standard of WHATWG: what declares Latin-1 usually is windows-1252.
_SUPERSETS = {"ascii": "cp1252", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}


class BinaryDataError(ValueError):
    """The data is not text."""


@dataclass(frozen=True, kw_only=True)
class DecodedText:
    """A text, and what an organiser should know of its encoding.

    :param warnings: one line for each problem, with its place.
    """

    text: str
    warnings: tuple[str, ...] = ()


def decode_text(data: bytes) -> DecodedText:
    """Decode bytes of an unknown encoding; the text has no byte order mark.

    The order is: byte order mark or zero bytes of UTF-16 and UTF-32, valid UTF-8, the declaration
    of an XML document, UTF-8 with some invalid bytes, the most likely other encoding. An invalid
    byte costs only its own character.

    :raises BinaryDataError: if the data is not text.
    """
    unicode_encoding = json.detect_encoding(data)
    if unicode_encoding.startswith(("utf-16", "utf-32")):
        width = 2 if "16" in unicode_encoding else 4
        # An editor that does not know the encoding adds a line end of one byte.
        complete = data[: len(data) // width * width]
        decoded = _decode_with_replacements(complete, unicode_encoding)
    else:
        decoded = _decode_bytes(data.removeprefix(codecs.BOM_UTF8))
    return _replace_control_characters(decoded)


def transcode_to_utf8(data: bytes, charset: str) -> bytes:
    """Return the body of a response as UTF-8 if only its header declares the encoding.

    :param charset: the parameter of the header ``Content-Type``.
    """
    encoding = _known_encoding(charset)
    declares_itself = (
        data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"\x1f\x8b", b"PK\x03\x04"))
        or _XML_ENCODING.match(data.lstrip()[:300]) is not None
        or _decode_strictly(data, "utf-8") is not None
    )
    text = None if declares_itself or not encoding else _decode_strictly(data, encoding)
    return data if text is None else text.encode("utf-8", "replace")


def _decode_bytes(data: bytes) -> DecodedText:
    declared = _declared_encoding(data)
    text = _decode_strictly(data, "utf-8")
    if text is None and data[:64].lstrip()[:15].upper() == b"BEGIN:VCALENDAR":
        text = _decode_strictly(_FOLD_INSIDE_CHARACTER.sub(b"", data), "utf-8")
    if text is not None:
        wrong = declared and declared != "utf-8" and not text.isascii()
        warning = f"the feed declares the encoding {declared}, but is UTF-8: read as UTF-8"
        return DecodedText(text=text, warnings=(warning,) if wrong else ())
    if declared and declared != "utf-8":
        return _decode_with_replacements(data, declared)
    return _decode_broken_utf8(data) or _decode_detected(data)


def _declared_encoding(data: bytes) -> str:
    match = _XML_ENCODING.match(data[:4096].lstrip()[:300])
    return _known_encoding(match[1].decode()) if match else ""


def _known_encoding(name: str) -> str:
    """Return Python's name of an encoding; "" if it is unknown, or is not for text."""
    try:
        known = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    known = _SUPERSETS.get(known, known)
    # Some of Python's codecs, such as punycode, are slow or are no character encodings.
    return known if known.replace("-", "_") in {*IANA_SUPPORTED, "utf_8"} else ""


def _decode_strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _decode_broken_utf8(data: bytes) -> DecodedText | None:
    """Decode UTF-8 with some invalid bytes; return ``None`` if most bytes are invalid."""
    text = data.decode("utf-8", "surrogateescape")
    invalid = sum(len(match[0]) for match in _ESCAPED_BYTES.finditer(text))
    valid = len(text) - invalid - sum(map(str.isascii, text))
    if valid < invalid:
        return None
    warnings = _list_replacements(text, _ESCAPED_BYTES.finditer(text), "a byte is not UTF-8")
    return DecodedText(text=_ESCAPED_BYTES.sub(_replace_bytes, text), warnings=warnings)


def _replace_bytes(match: re.Match[str]) -> str:
    data = match[0].encode("utf-8", "surrogateescape")
    # A single byte is a letter of another encoding; several are the rest of a damaged character.
    if len(data) == 1:
        return data.decode(DEFAULT_LEGACY_ENCODING, "replace")
    return REPLACEMENT


def _decode_detected(data: bytes) -> DecodedText:
    encoding = _detect_encoding(data)
    decoded = _decode_with_replacements(data, encoding)
    line = next(number for number, line in enumerate(data.split(b"\n"), 1) if not line.isascii())
    name = encoding.replace("cp125", "windows-125").replace("_", "-")
    warning = f"the feed is not UTF-8 (the first time in line {line}): read as {name}"
    return DecodedText(text=decoded.text, warnings=(warning, *decoded.warnings))


def _detect_encoding(data: bytes) -> str:
    sample = _sample_texts(data)
    if sum(byte >= 0x80 for byte in sample) < MIN_DETECTABLE_BYTES:
        return DEFAULT_LEGACY_ENCODING
    matches = list(from_bytes(sample, cp_isolation=list(LEGACY_ENCODINGS)))
    # Short texts fit many encodings; windows-1252 is the most common one.
    if not matches or any(DEFAULT_LEGACY_ENCODING in m.could_be_from_charset for m in matches):
        return DEFAULT_LEGACY_ENCODING
    return matches[0].encoding


def _sample_texts(data: bytes) -> bytes:
    """Return the values with other characters than ASCII, which the detection depends on."""
    texts: list[bytes] = []
    size = 0
    # No encoding has these delimiters inside of a character.
    for text in re.split(rb"[<>\"\n]", data):
        if not text.isascii():
            texts.append(text[:MAX_SAMPLE_BYTES])
            size += len(texts[-1])
        if size >= MAX_SAMPLE_BYTES:
            break
    return b"\n".join(texts)


def _decode_with_replacements(data: bytes, encoding: str) -> DecodedText:
    text = data.decode(encoding, "replace").removeprefix("\ufeff")
    if REPLACEMENT not in text or _decode_strictly(data, encoding) is not None:
        return DecodedText(text=text)
    problem = f"a byte is not {encoding.upper()}"
    return DecodedText(
        text=text, warnings=_list_replacements(text, re.finditer(REPLACEMENT, text), problem)
    )


def _replace_control_characters(decoded: DecodedText) -> DecodedText:
    places = list(_CONTROL.finditer(decoded.text))
    if not places:
        return decoded
    broken = len(places) + decoded.text.count(REPLACEMENT)
    if broken > MAX_CONTROL_SHARE * len(decoded.text):
        raise BinaryDataError("the data is binary")
    warnings = _list_replacements(decoded.text, places, "a control character")
    return DecodedText(
        text=_CONTROL.sub(" ", decoded.text), warnings=(*decoded.warnings, *warnings)
    )


def _list_replacements(text: str, places: Iterable[re.Match[str]], problem: str) -> tuple[str, ...]:
    """Return a warning for each replaced place, up to a limit."""
    warnings: list[str] = []
    more, line, position = 0, 1, 0
    for place in places:
        if len(warnings) == MAX_LISTED_REPLACEMENTS:
            more += 1
            continue
        line += text.count("\n", position, place.start())
        position = place.start()
        before = text[max(0, position - MAX_EXCERPT_CHARS) : position].rpartition("\n")[2]
        excerpt = _ESCAPED_BYTES.sub(REPLACEMENT, before)
        warnings.append(f"line {line}: {problem}, after {excerpt!r}: replaced")
    if more:
        warnings.append(f"{more} more characters were replaced")
    return tuple(warnings)
