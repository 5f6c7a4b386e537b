"""Metadata for search engines, messengers and embedding sites."""

import html
import re
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup, escape

from streaming_system.config import Room

# Query parameters that select another page; the others only change its presentation.
_CANONICAL_PARAMS = {"schedule": ("day", "room"), "room.schedule": ("day",)}
MAX_SUMMARY_CHARS = 200  # characters
# Elements that separate their text from its surroundings.
_BLOCK_TAG = re.compile(
    r"</?(?:p|br|li|ul|ol|div|h[1-6]|tr|td|blockquote|pre)\b[^>]*>", re.IGNORECASE
)
_ANY_TAG = re.compile(r"<[^>]*>")
# An embedded player in pixels: a 16:9 video above its caption, whose height embed.css repeats.
DEFAULT_WIDTH = 800
CAPTION_HEIGHT = 44


def includeme(config: Any) -> None:
    """Add the request methods for templates."""
    config.add_request_method(_canonical_url, "canonical_url", reify=True)
    config.include("streaming_system.frontend.social_picture")
    config.add_request_method(embed_code, "embed_code")


def plain_summary(markup: str, max_chars: int = MAX_SUMMARY_CHARS) -> str:
    """Return HTML as plain text, truncated at the end of a word."""
    words = html.unescape(_ANY_TAG.sub("", _BLOCK_TAG.sub(" ", str(markup)))).split()
    text = " ".join(words)
    if len(text) <= max_chars:
        return text
    truncated = text[:max_chars].rsplit(" ", 1)[0].rstrip(".,;:–-")
    return f"{truncated}…"


def _canonical_url(request: Any) -> str:
    """Return the URL of a page without parameters of presentation."""
    route = request.matched_route.name
    query = {
        key: request.GET[key] for key in _CANONICAL_PARAMS.get(route, ()) if request.GET.get(key)
    }
    # An unknown language is left out.
    language = request.GET.get("lang", "")
    if language.lower() == request.locale_name.replace("_", "-").lower():
        query["lang"] = language
    if route == "embed":
        room_url: str = request.route_url("room", room=request.matchdict["room"], _query=query)
        return room_url
    page: str = request.path_url
    return f"{page}?{urlencode(query)}" if query else page


def embed_code(
    request: Any,
    room: Room,
    width: int = DEFAULT_WIDTH,
    height: int = DEFAULT_WIDTH * 9 // 16 + CAPTION_HEIGHT,
) -> Markup:
    """Return the HTML with which another site embeds a room's player."""
    return Markup(
        '<iframe src="{url}" title="{title}" width="{width}" height="{height}" loading="lazy" '
        'allow="autoplay; fullscreen; picture-in-picture; encrypted-media" allowfullscreen>'
        "</iframe>"
    ).format(
        url=request.route_url("embed", room=room.id),
        title=escape(room.title),
        width=width,
        height=height,
    )
