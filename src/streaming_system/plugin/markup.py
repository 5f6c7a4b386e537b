"""Abstracts come as HTML, Markdown or plain text; pages want HTML.

What these return is HTML that nobody has sanitised yet: that is done once, for all formats, when
the schedule is checked.
"""

import html
import re
from collections.abc import Callable

from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": True}).enable("linkify")
_TAG = re.compile(
    r"</?(?:p|br|a|em|strong|b|i|u|ul|ol|li|div|span|h[1-6]|blockquote|code|pre|table|img|hr)"
    r"(?:\s[^<>]{0,500})?/?>",
    re.IGNORECASE,
)


def html_from_html(value: str) -> str:
    """Return HTML as it came."""
    return value.strip()


def html_from_markdown(value: str) -> str:
    """Return Markdown (CommonMark, bare links made clickable) as HTML; tags in it are text."""
    return _MARKDOWN.render(value.strip().replace("\r\n", "\n")) if value.strip() else ""


def html_from_plain_text(value: str) -> str:
    """Return plain text as HTML: a blank line ends a paragraph, a line end breaks the line."""
    paragraphs = re.split(r"\n[ \t]*\n", value.strip().replace("\r\n", "\n"))
    return "".join(
        f"<p>{html.escape(part.strip()).replace(chr(10), '<br>')}</p>"
        for part in paragraphs
        if part.strip()
    )


def html_from_unknown_markup(
    value: str, otherwise: Callable[[str], str] = html_from_markdown
) -> str:
    """Return text of a format that does not say how it is marked up as HTML.

    :param otherwise: what text without a known HTML tag is; Markdown, unless said otherwise.
    """
    return html_from_html(value) if _TAG.search(value) else otherwise(value)
