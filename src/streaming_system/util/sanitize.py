"""Makes what a stranger's feed says fit for a page: texts, HTML and links."""

import re
from urllib.parse import urlsplit

import nh3

MAX_TEXT_CHARS = 1000
MAX_HTML_CHARS = 64 * 1024

# No images (they would call on third parties), no headings that compete with the page's own.
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

# Control characters but for blanks, overrides of the writing direction, halves of surrogate pairs,
# and what is no character at all.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
# Blanks that XML does not have.
_ODD_BLANKS = re.compile("[\x0b\x0c\x1c-\x1f]")

# An address in the running text. @user@host, as people sign in the fediverse, looks the same and
# goes, too: nobody can tell that it is no address.
_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}(?:@|%40)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}",
)
_REMOVED = "[e-mail address removed]"


def strip_unprintable(value: str) -> str:
    """Return a text without what no page should hold, nor show in another direction."""
    return _UNPRINTABLE.sub("", value)


def sanitise_text(value: str, limit: int = MAX_TEXT_CHARS) -> str:
    """Return ``value`` as one line of at most ``limit`` characters.

    Control characters, overrides of the writing direction and halves of surrogate pairs are
    dropped, blanks are collapsed, e-mail addresses are replaced.
    """
    line = _redact_emails(" ".join(strip_unprintable(value[: limit * 4]).split()))
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def sanitise_html(value: str, limit: int = MAX_HTML_CHARS) -> str:
    """Return an HTML fragment without scripts, images, styles, odd links and e-mail addresses.

    What is longer than ``limit`` characters is cut; open tags are closed.
    """
    if not value:
        return ""
    cut = strip_unprintable(value[:limit])
    if len(value) > limit and "<" in cut:
        # A tag that the cut has torn would show as text.
        cut = cut.rpartition("<")[0]
    # The cleaner resolves entities, so that neither addresses nor control characters hide in them.
    cleaned = _ODD_BLANKS.sub(" ", strip_unprintable(_CLEANER.clean(cut)))
    return _redact_emails(cleaned).strip()


def _redact_emails(text: str) -> str:
    return _EMAIL.sub(_REMOVED, text) if "@" in text or "%40" in text else text


def sanitise_url(value: str) -> str:
    """Return ``value`` if it is an absolute http(s) URL of sane length, else ""."""
    value = value.strip()
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host or len(value) > 2000:
        return ""
    if _redact_emails(value) != value:
        return ""
    return value if value.isprintable() and " " not in value and not parts.username else ""
