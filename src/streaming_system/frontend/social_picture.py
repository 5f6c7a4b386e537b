"""The picture of a link preview: a PNG or JPEG file with an absolute URL."""

import re
import struct
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from streaming_system.config import Room
from streaming_system.frontend.brand import SOCIAL_IMAGES
from streaming_system.frontend.previews import MAX_LAST_IMAGE_AGE_SECONDS
from streaming_system.frontend.views.branding import find_brand_file

# Messengers show neither vector graphics nor newer formats.
MEDIA_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
# A smaller picture, or one in portrait format, would be a blurred or cropped banner.
MIN_LARGE_WIDTH = 300  # pixels
MIN_LARGE_RATIO = 1.2
_PNG_HEADER = re.compile(rb"\x89PNG\r\n\x1a\n.{4}IHDR(.{8})", re.DOTALL)
# Frame headers of JPEG files (SOF), which contain the size; C4, C8 and CC are other segments.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, kw_only=True)
class SocialPicture:
    """A picture for messengers and social networks.

    :param url: absolute.
    :param width: in pixels; 0 if the size is unknown.
    :param is_large: it fits into a wide banner.
    """

    url: str
    media_type: str
    is_large: bool
    width: int = 0
    height: int = 0


def includeme(config: Any) -> None:
    """Add the request method for templates and views."""
    config.add_request_method(_social_picture, "social_picture")


def image_size(body: bytes) -> tuple[int, int]:
    """Return the width and height of a PNG or JPEG file in pixels; (0, 0) if they are unknown."""
    if match := _PNG_HEADER.match(body):
        width, height = struct.unpack(">II", match[1])
        return width, height
    offset = 2 if body.startswith(b"\xff\xd8") else len(body)
    while offset + 9 <= len(body) and body[offset] == 0xFF:
        marker, length = struct.unpack_from(">BH", body, offset + 1)
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", body, offset + 5)
            return width, height
        # Any number of fill bytes may precede a marker.
        offset += 1 if marker == 0xFF else 2 + length
    return 0, 0


def _social_picture(request: Any, room: Room | None = None) -> SocialPicture:
    """Return the picture of a room, or of the whole event.

    The first of: the room's configured preview, the newest preview of its agents, the room's logo;
    the event's logo; the picture of the brand folder, of the theme, or ours.
    """
    default = request.conference.default
    picture = _room_picture(request, room) if room else None
    return picture or _configured(request, default.logo) or _brand_picture(request)


def _room_picture(request: Any, room: Room) -> SocialPicture | None:
    return (
        _configured(request, room.preview, is_large=True)
        or _agent_preview(request, room)
        or _configured(request, room.logo)
    )


def _configured(request: Any, url: str, *, is_large: bool = False) -> SocialPicture | None:
    """Return the picture at a configured URL whose file name shows that it is a PNG or JPEG."""
    media_type = MEDIA_TYPES.get(PurePosixPath(urlsplit(url).path).suffix.lower())
    if not media_type:
        return None
    absolute = request.relative_url(url, to_application=True)
    return SocialPicture(url=absolute, media_type=media_type, is_large=is_large)


def _agent_preview(request: Any, room: Room) -> SocialPicture | None:
    store = request.registry["preview_store"]
    for large in (True, False):
        image = store.find(room.id, "jpg", large=large, max_age=MAX_LAST_IMAGE_AGE_SECONDS)
        try:
            width, height = image_size(image.load()) if image else (0, 0)
        except OSError:
            continue
        if width and height:
            url = request.route_url(
                "room.preview", room=room.id, large="-large" if large else "", form="jpg"
            )
            return _picture(url, "image/jpeg", width, height)
    return None


def _brand_picture(request: Any) -> SocialPicture:
    file = find_brand_file(request, SOCIAL_IMAGES, "social_image")
    url = request.route_url("brand.picture")
    return _picture(url, file.media_type, *image_size(file.body))


def _picture(url: str, media_type: str, width: int, height: int) -> SocialPicture:
    is_large = width >= MIN_LARGE_WIDTH and width >= height * MIN_LARGE_RATIO
    return SocialPicture(
        url=url, media_type=media_type, width=width, height=height, is_large=is_large
    )
