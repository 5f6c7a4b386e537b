"""Converts abstracts in HTML, Markdown or plain text to HTML.

The results are not sanitised: the import sanitises the abstracts of all formats.
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

    :param fallback: converts a text without known HTML tags; Markdown by default.
    """
    return html_from_html(value) if _TAG.search(value) else fallback(value)
