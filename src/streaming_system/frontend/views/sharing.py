"""The embedded player for other sites, oEmbed (https://oembed.com), and QR codes."""

import io
import re
from typing import Any
from urllib.parse import SplitResult, urlsplit

import segno
from pyramid.httpexceptions import (
    HTTPBadRequest,
    HTTPNotFound,
    HTTPNotImplemented,
    HTTPUnauthorized,
)
from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.config import Room
from streaming_system.frontend.security_headers import allow_frames
from streaming_system.frontend.social_meta import CAPTION_HEIGHT, DEFAULT_WIDTH
from streaming_system.frontend.views import pages

MAX_AGE_SECONDS = 300  # seconds
# Pixels.
MIN_WIDTH = 200
MAX_PIXELS = 10_000


@view_config(route_name="embed", renderer="embed.jinja2")
def embed(request: Any) -> dict[str, Any]:
    """Show the player of a room, for frames."""
    values = pages.room(request)
    # The template of the room's page, which differs at the venue, without its surroundings.
    page = request.override_renderer
    request.override_renderer = "embed.jinja2"
    allow_frames(request)
    return {**values, "page": page, "waits": request.GET.get("autoplay") != "1"}


@view_config(route_name="room.qr", http_cache=MAX_AGE_SECONDS)
def qr_code(request: Any) -> Response:
    """Return a QR code of the URL of a room's page, as an SVG image."""
    url = request.route_url("room", room=request.room.id)
    image = io.BytesIO()
    # Dark on light, also on a dark page: some apps cannot scan the reverse.
    segno.make(url, micro=False).save(image, kind="svg", border=4, dark="#000", light="#fff")
    return Response(body=image.getvalue(), content_type="image/svg+xml")


@view_config(route_name="oembed", renderer="json", http_cache=MAX_AGE_SECONDS)
def oembed(request: Any) -> dict[str, Any]:
    """Return how to embed the room at a URL of this site."""
    if request.GET.get("format", "json") != "json":
        raise HTTPNotImplemented("only format=json is there")
    room = _room_from_url(request, request.GET.get("url", ""))
    if not request.conference.site.embed:
        raise HTTPUnauthorized("the rooms of this site may not be shown by others")
    max_width, max_height = (_parse_pixels(request, name) for name in ("maxwidth", "maxheight"))
    width = max(MIN_WIDTH, min(DEFAULT_WIDTH, max_width, (max_height - CAPTION_HEIGHT) * 16 // 9))
    height = width * 9 // 16 + CAPTION_HEIGHT
    request.response.headers["Access-Control-Allow-Origin"] = "*"
    picture = request.social_picture(room)
    # All three, or none of them.
    size = {"thumbnail_width": picture.width, "thumbnail_height": picture.height}
    thumbnail = {"thumbnail_url": picture.url, **size} if all(size.values()) else {}
    return {
        "version": "1.0",
        "type": "video",
        "title": room.title,
        "provider_name": request.site_title,
        "provider_url": request.route_url("index"),
        "cache_age": MAX_AGE_SECONDS,
        "width": width,
        "height": height,
        "html": request.embed_code(room, width, height),
        **thumbnail,
    }


def _room_from_url(request: Any, url: str) -> Room:
    """Return the room of the URL of its page or of its embedded player."""
    if not url:
        raise HTTPBadRequest("url is missing; allowed: the address of a room")
    site = urlsplit(request.application_url)
    try:
        target = urlsplit(url)
    except ValueError:
        raise HTTPNotFound("url is no address") from None
    match = re.fullmatch(r"(?:/embed)?/([A-Za-z0-9_]+)/?", target.path.removeprefix(site.path))
    room: Room | None = request.conference.rooms.get(match[1]) if match else None
    is_ours = _host_and_port(target) == _host_and_port(site)
    is_ours = is_ours and target.path.startswith(f"{site.path}/")
    if target.scheme not in ("http", "https") or not is_ours or room is None:
        raise HTTPNotFound("url leads to no room of this site")
    return room


def _host_and_port(url: SplitResult) -> tuple[str, int] | None:
    """Return the host, and the port unless it is the default of a scheme; ``None`` if invalid.

    Behind a proxy that ends https, the scheme may differ from the one that viewers use.
    """
    try:
        port = url.port
    except ValueError:
        return None
    return (url.hostname or "").removesuffix("."), 0 if port in (80, 443, None) else port


def _parse_pixels(request: Any, name: str) -> int:
    text = request.GET.get(name, "") or str(MAX_PIXELS)
    if not re.fullmatch(r"[0-9]{1,5}", text, re.ASCII):
        raise HTTPBadRequest(f"{name} is {text!r:.40}; allowed: a whole number of pixels")
    return int(text)
