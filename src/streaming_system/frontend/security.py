"""What a browser may do with our pages: nothing that calls on anybody else by itself."""

from typing import Any
from urllib.parse import urlsplit

from pyramid.events import NewResponse

from streaming_system.rooms import Config

YOUTUBE = "https://www.youtube-nocookie.com"


def includeme(config: Any) -> None:
    """Send the headers with every answer."""
    settings = config.get_settings()
    policy = content_security_policy(settings["conference"], settings["tracker.url"])

    def add_headers(event: NewResponse) -> None:
        headers = event.response.headers
        headers.setdefault("Content-Security-Policy", policy)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "strict-origin-when-cross-origin"

    config.add_subscriber(add_headers, NewResponse)


def allow_streams(request: Any, *, youtube: bool, frames: tuple[str, ...] = ()) -> None:
    """Let the page that answers a request play streams and, where it may lead there, YouTube.

    :param frames: addresses of what else it may frame, such as its chat.
    """
    settings = request.registry.settings
    request.response.headers["Content-Security-Policy"] = content_security_policy(
        settings["conference"],
        settings["tracker.url"],
        streams=True,
        youtube=youtube,
        frames=frames,
    )


def content_security_policy(
    conference: Config,
    tracker_url: str,
    *,
    streams: bool = False,
    youtube: bool = False,
    frames: tuple[str, ...] = (),
) -> str:
    """Return the policy: this site, and the pictures it is configured with.

    :param streams: also streams. They come from servers that register while we run, most of them
        by bare address, so the policy cannot name them. A player of HLS fetches them by itself, and
        hands them to the browser as blobs.
    :param youtube: also a frame with a video of YouTube's, which a viewer asks for.
    :param frames: addresses of what else a viewer may ask for; their origins are allowed.
    """
    framed = [*([YOUTUBE] if youtube else []), *map(_origin, frames)]
    rooms = (conference.default, *conference.rooms.values())
    pictures = {_origin(url) for room in rooms for url in (room.logo, room.preview)} - {""}
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            " ".join(["img-src 'self'", *sorted(pictures)]),
            *(["media-src http: https: blob:", "worker-src 'self'"] if streams else []),
            " ".join(
                filter(
                    None,
                    ["connect-src 'self'", _origin(tracker_url), "http: https:" if streams else ""],
                )
            ),
            *([" ".join(["frame-src", *framed])] if framed else []),
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'self'",
        )
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""
