"""Converts abstracts in HTML, Markdown or plain text to HTML, and titles to plain text.

The results are not sanitised: the import sanitises the texts of all formats.
"""

import html
import re
from collections.abc import Callable, Iterable

from markdown_it import MarkdownIt

MAX_PLAIN_CHARS = 4000

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": True}).enable("linkify")
# Feeds indent text for other reasons than to mark code.
_MARKDOWN_AND_HTML = (
    MarkdownIt("commonmark", {"html": True, "linkify": True}).enable("linkify").disable("code")
)
_TAG_END = r"(?:\s[^<>]{0,500})?/?>"
_INLINE_TAG = re.compile(
    rf"</?(?:br|a|em|strong|b|i|u|s|sub|sup|small|span|code|img|hr|abbr|q|kbd){_TAG_END}",
    re.IGNORECASE,
)
_BLOCK_TAG = re.compile(
    rf"<(/?)(?:p|ul|ol|li|dl|dt|dd|div|h[1-6]|blockquote|pre|table|thead|tbody|tr|td|th|section)"
    rf"{_TAG_END}",
    re.IGNORECASE,
)
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")
# Inline markup around words of a title; a lone tag can be what the talk is about.
_MARKED_WORDS = re.compile(
    r"<(i|b|em|strong|u|s|sub|sup|small|span|code|tt|mark|q)(?:\s[^<>]{0,200})?>([^<>]*)</\1\s*>",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ANY_TAG = re.compile(r"<[^<>]{0,500}>")


def html_from_html(value: str) -> str:
    """Return HTML without surrounding white space."""
    return value.strip()


def html_from_markdown(value: str) -> str:
    """Render Markdown (CommonMark with bare links) as HTML; tags in it are escaped."""
    return _MARKDOWN.render(value.strip().replace("\r\n", "\n")) if value.strip() else ""


def html_from_plain_text(value: str) -> str:
    """Render plain text as HTML: blank lines separate paragraphs, line ends become ``<br>``."""
    paragraphs = re.split(r"\n[ \t]*\n", value.strip().replace("\r\n", "\n"))
    return "".join(
        f"<p>{html.escape(part.strip()).replace(chr(10), '<br>')}</p>"
        for part in paragraphs
        if part.strip()
    )


def html_from_unknown_markup(
    value: str, fallback: Callable[[str], str] = html_from_markdown
) -> str:
    """Render text of a feed that does not declare its markup as HTML.

    Paragraphs of Markdown between HTML are rendered, too.

    :param fallback: converts a text without known HTML tags; Markdown by default.
    """
    if "<" not in value and "&" not in value:
        return fallback(value)
    if "&" in value and not _INLINE_TAG.search(value) and not _BLOCK_TAG.search(value):
        resolved = _resolve_entities(value)
        # HTML that was escaped once too often, and plain text in which a program escaped "&".
        if fallback is html_from_plain_text or _BLOCK_TAG.search(resolved):
            value = resolved
    if not _BLOCK_TAG.search(value):
        if not _INLINE_TAG.search(value):
            return fallback(value)
        if fallback is not html_from_markdown:
            return html_from_html(value)
        return str(_MARKDOWN_AND_HTML.render(value.strip().replace("\r\n", "\n")))
    if fallback is not html_from_markdown:
        return html_from_html(value)
    parts, depth = [], 0
    for part in _BLANK_LINES.split(value.strip().replace("\r\n", "\n")):
        tags = [match[1] for match in _BLOCK_TAG.finditer(part)]
        parts.append(part if tags or depth > 0 else html_from_unknown_markup(part))
        depth += tags.count("") - tags.count("/")
    return "\n".join(parts)


def join_abstracts(
    texts: Iterable[str], convert: Callable[[str], str] = html_from_unknown_markup
) -> str:
    """Convert the abstract and the description of a talk to HTML, each once.

    :param convert: converts each text; texts that only differ in markup and white space are equal.
    """
    fragments = [convert(text) for text in texts if text]
    if len(fragments) < 2:
        return "".join(fragments)
    distinct: dict[str, str] = {}
    for fragment in fragments:
        words = " ".join(html.unescape(_ANY_TAG.sub(" ", fragment)).split())
        if words:
            distinct.setdefault(words, fragment)
    return "\n".join(distinct.values())


def plain_text(value: str) -> str:
    """Return a title or a name without inline markup and entities: ``Q&amp;A`` is "Q&A"."""
    value = value[:MAX_PLAIN_CHARS]
    if "<" in value:
        value = _strip_marked_words(value)
    return _resolve_entities(value) if "&" in value else value


def _resolve_entities(value: str) -> str:
    return _ENTITY.sub(lambda match: html.unescape(match[0]), value)


def _strip_marked_words(value: str) -> str:
    for _ in range(3):  # Markup can be nested.
        value, count = _MARKED_WORDS.subn(r"\2", value)
        if not count:
            break
    return value
