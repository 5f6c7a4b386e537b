"""Makes what a stranger's feed says fit for a page: texts, HTML and links."""

import re
import unicodedata
from urllib.parse import urlsplit

import nh3

MAX_TEXT = 1000
MAX_HTML = 64 * 1024

# No images (they would call on third parties), no headings that compete with the page's own.
_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "dl", "dt", "em", "h3", "h4", "h5",
    "h6", "hr", "i", "kbd", "li", "ol", "p", "pre", "q", "s", "small", "strong", "sub", "sup",
    "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
}  # fmt: skip

# An address in the running text; not @user@host, which is how people sign in the fediverse.
_EMAIL = re.compile(
    r"(?<![@\w.+-])[\w.+-]{1,64}(?:@|%40|&#0*64;|&commat;)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}",
)
_REMOVED = "[e-mail address removed]"


def plain_text(value: str, limit: int = MAX_TEXT) -> str:
    """Return ``value`` as one line of at most ``limit`` characters.

    Control characters, overrides of the writing direction and halves of surrogate pairs are
    dropped, blanks are collapsed, e-mail addresses are replaced.
    """
    kept = "".join(
        " " if char.isspace() else char for char in value[: limit * 4] if not _unprintable(char)
    )
    line = _EMAIL.sub(_REMOVED, " ".join(kept.split()))
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def sanitised_html(value: str, limit: int = MAX_HTML) -> str:
    """Return an HTML fragment without scripts, images, styles, odd links and e-mail addresses.

    What is longer than ``limit`` characters is cut; open tags are closed.
    """
    cut = "".join(char for char in value[:limit] if char not in "\x00" and not _surrogate(char))
    if "<" in cut:
        # A tag that the cut has torn would show as text.
        cut = cut if len(value) <= limit else cut.rpartition("<")[0]
    clean = nh3.clean(
        cut,
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )
    return _EMAIL.sub(_REMOVED, clean).strip()


def web_link(value: str) -> str:
    """Return ``value`` if it is an absolute http(s) URL of sane length, else ""."""
    value = value.strip()
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host or len(value) > 2000:
        return ""
    return value if value.isprintable() and " " not in value and not parts.username else ""


def _unprintable(char: str) -> bool:
    if char.isspace():
        return False
    steers = "\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069"
    return steers or unicodedata.category(char) in ("Cc", "Cs")


def _surrogate(char: str) -> bool:
    return "\ud800" <= char <= "\udfff"
