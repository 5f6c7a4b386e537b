"""Validates request headers and queries, each in one bounded function, before they are used.

WebOb and Pyramid parse them when they are first used, without limits: a date in the year 9999999
raises an error in the middle of a response, and a list of 40,000 languages takes seconds.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIEnvironment

# nginx accepts lines of 8 kB, by default.
MAX_ADDRESS_CHARS = 8192
MAX_COOKIE_CHARS = 8192
MAX_REFERRER_CHARS = 8192
# Browsers send fewer than 200 characters in each of these.
MAX_LIST_CHARS = 512
MAX_ETAGS_CHARS = 1024
MAX_CONTENT_TYPE_CHARS = 256
MAX_VALUE_CHARS = 128

_HOST = r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]{2,45})\]|[A-Za-z0-9._-]{1,253})"
_AUTHORITY = re.compile(rf"{_HOST}(?::(?P<port>[0-9]{{0,5}}))?")
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30})://(?P<rest>.*)", re.DOTALL)
_ONE_RANGE = re.compile(r"bytes *= *(?:[0-9]{1,18} *- *[0-9]{0,18}|- *[0-9]{1,18})", re.IGNORECASE)
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_LENGTH = re.compile(r"[0-9]{0,18}")
# RFC 6265, 4.1.1.
_COOKIE = re.compile(
    r"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+)="
    r"(?P<value>(?P<quote>\"?)[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*(?P=quote)(?!.))?.*",
    re.DOTALL,
)
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


def validate_request(environ: WSGIEnvironment) -> str:
    """Remove or replace the invalid headers of a request, and its query if it is invalid.

    :return: why the request as a whole is invalid, in one line that contains none of its text; ""
        for a valid one. Other invalid headers are ignored, as RFC 9110 requires or allows.
    """
    for name, clean in _OPTIONAL_HEADERS.items():
        value = environ.get(name)
        if value is None:
            continue
        cleaned = clean(value)
        if cleaned is None:
            del environ[name]
        else:
            environ[name] = cleaned
    _validate_range(environ)
    reason = ""
    for name, is_valid, problem in _REQUIRED_VALUES:
        value = environ.get(name)
        if value and not is_valid(value):
            # Error pages are rendered from the rest of the request.
            environ[name] = ""
            reason = reason or problem
    # WebOb would use an empty host name.
    if environ.get("HTTP_HOST") == "":
        del environ["HTTP_HOST"]
    return reason


def is_valid_query(query: str) -> bool:
    """Return whether a query has a limited length and is UTF-8.

    :param query: as WSGI has it, in Latin-1.
    """
    if len(query) > MAX_ADDRESS_CHARS:
        return False
    if "%" not in query and query.isascii():
        return True
    try:
        unquote_to_bytes(query.encode("latin-1")).decode()
    except UnicodeError:
        return False
    return True


def is_valid_authority(value: str) -> bool:
    """Return whether a text is a host name or an address, with or without a port."""
    match = _AUTHORITY.fullmatch(value)
    if match is None or int(match["port"] or 0) > 65535:
        return False
    return match["ipv6"] is None or _is_ipv6(match["ipv6"])


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _is_valid_path(path: str) -> bool:
    return len(path) <= MAX_ADDRESS_CHARS


def _is_valid_length(value: str) -> bool:
    return _LENGTH.fullmatch(value) is not None


def _is_valid_content_type(value: str) -> bool:
    return len(value) <= MAX_CONTENT_TYPE_CHARS and not _UNPRINTABLE.search(value)


def _clean_list(value: str) -> str | None:
    return value if len(value) <= MAX_LIST_CHARS else None


def _clean_etags(value: str) -> str | None:
    return value if len(value) <= MAX_ETAGS_CHARS else None


def _clean_date(value: str) -> str | None:
    """Return a date in the format of RFC 9110, 5.6.7."""
    if len(value) > MAX_VALUE_CHARS:
        return None
    try:
        moment = parsedate_to_datetime(value)
        # Without a time zone, it is UTC.
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        return format_datetime(moment, usegmt=True)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _clean_cookies(value: str) -> str | None:
    """Return the cookies with the values that RFC 6265 allows; other values become empty.

    Other programs on the same host set cookies of any kind. The app deletes its own invalid ones.
    """
    if len(value) > MAX_COOKIE_CHARS:
        return None
    matches = (_COOKIE.fullmatch(pair.strip()) for pair in value.split(";"))
    return "; ".join(f"{match['name']}={match['value'] or ''}" for match in matches if match)


def _clean_origin(value: str) -> str | None:
    """Return an origin; an invalid one is opaque, and never this site's own."""
    match = _SCHEME.fullmatch(value)
    return value if match and is_valid_authority(match["rest"]) else "null"


def _clean_referrer(value: str) -> str | None:
    match = _SCHEME.fullmatch(value) if len(value) <= MAX_REFERRER_CHARS else None
    return value if match and is_valid_authority(re.split("[/?#]", match["rest"])[0]) else None


def _validate_range(environ: WSGIEnvironment) -> None:
    """Remove a range that the apps would ignore, or whose condition is invalid."""
    condition = environ.pop("HTTP_IF_RANGE", None)
    if "HTTP_RANGE" not in environ:
        return
    if condition is not None:
        is_etag = len(condition) <= MAX_VALUE_CHARS and _ETAG.fullmatch(condition)
        condition = condition if is_etag else _clean_date(condition)
        if condition is None:
            del environ["HTTP_RANGE"]
            return
        environ["HTTP_IF_RANGE"] = condition
    # Several ranges are valid, but a server may send the whole response (RFC 9110, 14.2).
    if not _ONE_RANGE.fullmatch(environ["HTTP_RANGE"]):
        del environ["HTTP_RANGE"]


# Functions return the value, or ``None`` to ignore the header.
_OPTIONAL_HEADERS: Mapping[str, Callable[[str], str | None]] = {
    "HTTP_ACCEPT": _clean_list,
    "HTTP_ACCEPT_ENCODING": _clean_list,
    "HTTP_ACCEPT_LANGUAGE": _clean_list,
    "HTTP_COOKIE": _clean_cookies,
    "HTTP_IF_NONE_MATCH": _clean_etags,
    "HTTP_IF_MODIFIED_SINCE": _clean_date,
    "HTTP_ORIGIN": _clean_origin,
    "HTTP_REFERER": _clean_referrer,
}
_REQUIRED_VALUES: tuple[tuple[str, Callable[[str], bool], str], ...] = (
    ("HTTP_HOST", is_valid_authority, "the header Host is invalid"),
    ("CONTENT_LENGTH", _is_valid_length, "the header Content-Length is invalid"),
    ("CONTENT_TYPE", _is_valid_content_type, "the header Content-Type is invalid"),
    ("PATH_INFO", _is_valid_path, "the address is too long"),
    ("QUERY_STRING", is_valid_query, "the query is not UTF-8, or too long"),
)
