"""How pages look elsewhere: in search engines, in messages, in the frames of other sites."""

import html
import re
from typing import Any
from urllib.parse import urlencode, urlsplit

from markupsafe import Markup, escape

from streaming_system.config import Room

# What of a query makes another page; the rest is about how it is shown.
_CANONICAL_PARAMS = {"schedule": ("day", "room"), "room.schedule": ("day",)}
MAX_SUMMARY_CHARS = 200  # characters
# Elements whose text stands apart from what is around it.
_BLOCK_TAG = re.compile(
    r"</?(?:p|br|li|ul|ol|div|h[1-6]|tr|td|blockquote|pre)\b[^>]*>", re.IGNORECASE
)
_ANY_TAG = re.compile(r"<[^>]*>")
# A player of that size has a picture of 16 to 9 and the line below it.
DEFAULT_WIDTH = 800
CAPTION_HEIGHT = 44  # pixels; the same as in embed.css


def includeme(config: Any) -> None:
    """Add what templates ask for."""
    config.add_request_method(_canonical_url, "canonical_url", reify=True)
    config.add_request_method(_social_image_url, "picture_url")
    config.add_request_method(embed_code, "embed_code")


def plain_summary(markup: str, longest: int = MAX_SUMMARY_CHARS) -> str:
    """Return HTML as plain text, cut where a word ends."""
    words = html.unescape(_ANY_TAG.sub("", _BLOCK_TAG.sub(" ", str(markup)))).split()
    text = " ".join(words)
    if len(text) <= longest:
        return text
    cut = text[:longest].rsplit(" ", 1)[0].rstrip(".,;:–-")
    return f"{cut}…"


def _canonical_url(request: Any) -> str:
    """Return the one address of a page, whatever else was asked of it."""
    route = request.matched_route.name
    kept = {
        key: request.GET[key] for key in _CANONICAL_PARAMS.get(route, ()) if request.GET.get(key)
    }
    # A language that there is not is nobody's address.
    language = request.GET.get("lang", "")
    if language.lower() == request.locale_name.replace("_", "-").lower():
        kept["lang"] = language
    if route == "embed":
        address: str = request.route_url("room", room=request.matchdict["room"], _query=kept)
        return address
    page: str = request.path_url
    return f"{page}?{urlencode(kept)}" if kept else page


def _social_image_url(request: Any, room: Room | None = None) -> str:
    """Return the address of a picture of a room, or of the whole event."""
    for url in (room.preview, room.logo) if room else (request.conference.default.logo,):
        # Nobody out there shows vector graphics.
        if url and not urlsplit(url).path.endswith(".svg"):
            address: str = request.relative_url(url, to_application=True)
            return address
    ours: str = request.route_url("brand.picture")
    return ours


def embed_code(
    request: Any,
    room: Room,
    width: int = DEFAULT_WIDTH,
    height: int = DEFAULT_WIDTH * 9 // 16 + CAPTION_HEIGHT,
) -> Markup:
    """Return what another site puts into its page to show a room's player."""
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
