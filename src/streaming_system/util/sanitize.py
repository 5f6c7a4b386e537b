"""Sanitises text, HTML and links from feeds."""

import re
import uuid
from urllib.parse import urlsplit

import nh3

MAX_TEXT_CHARS = 1000
MAX_HTML_CHARS = 64 * 1024
MAX_URL_CHARS = 2000
# The limit of a UID in calendars (RFC 7986, section 5.3).
MAX_IDENTIFIER_CHARS = 255

# Without images, which would be requests to third parties, and without the headings h1 and h2,
# which belong to the page.
_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "dl", "dt", "em", "h3", "h4", "h5",
    "h6", "hr", "i", "kbd", "li", "ol", "p", "pre", "q", "s", "small", "strong", "sub", "sup",
    "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
}  # fmt: skip

_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes={"a": {"href"}},
    url_schemes={"http", "https"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
)

# Control characters except white space, bidirectional overrides, lone surrogates, and code points
# that are not characters.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
# White space that is invalid in XML.
_INVALID_XML_SPACES = re.compile("[\x0b\x0c\x1c-\x1f]")

# An e-mail address in running text. It also matches @user@host of the fediverse, which has the
# same form.
_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}(?:@|%40)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}",
)
_EMAIL_PLACEHOLDER = "[e-mail address removed]"


def strip_unprintable(value: str) -> str:
    """Return a text without control characters and bidirectional overrides."""
    return _UNPRINTABLE.sub("", value)


def sanitise_text(value: str, max_chars: int = MAX_TEXT_CHARS) -> str:
    """Return ``value`` as one line of at most ``max_chars`` characters.

    Control characters, bidirectional overrides and lone surrogates are dropped, white space is
    collapsed, e-mail addresses are replaced.
    """
    line = _redact_emails(" ".join(strip_unprintable(value[: max_chars * 4]).split()))
    return line if len(line) <= max_chars else line[: max_chars - 1].rstrip() + "…"


def sanitise_identifier(value: str) -> str:
    """Return ``value`` as one line without control characters; a UUID if that is too long.

    An identifier can look like an e-mail address: calendars have UIDs such as
    ``talk-1@example.org``.
    """
    line = " ".join(strip_unprintable(value).split())
    return line if len(line) <= MAX_IDENTIFIER_CHARS else str(uuid.uuid5(uuid.NAMESPACE_OID, line))


def sanitise_html(value: str, max_chars: int = MAX_HTML_CHARS) -> str:
    """Return an HTML fragment without scripts, images, styles, unsafe links and e-mail addresses.

    It is cut after ``max_chars`` characters; open tags are closed.
    """
    if not value:
        return ""
    cut = strip_unprintable(value[:max_chars])
    if len(value) > max_chars and "<" in cut:
        # A truncated tag would be shown as text.
        cut = cut.rpartition("<")[0]
    # The cleaner resolves entities, which may hide addresses and control characters.
    cleaned = _INVALID_XML_SPACES.sub(" ", strip_unprintable(_CLEANER.clean(cut)))
    return _redact_emails(cleaned).strip()


def _redact_emails(text: str) -> str:
    return _EMAIL.sub(_EMAIL_PLACEHOLDER, text) if "@" in text or "%40" in text else text


def sanitise_url(value: str) -> str:
    """Return ``value`` if it is an absolute http or https URL of bounded length, else ""."""
    value = value.strip()
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host or len(value) > MAX_URL_CHARS:
        return ""
    if _redact_emails(value) != value:
        return ""
    return value if value.isprintable() and " " not in value and not parts.username else ""
