"""What a browser may do with our pages: nothing that calls on anybody else by itself."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from pyramid.events import NewResponse

from streaming_system.config import ConferenceConfig
from streaming_system.frontend.streams import embed_origins

# What pages never use, and neither may what they frame. Only names that browsers know: they
# complain of others.
_DENIED_FEATURES = (
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "hid",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "serial",
    "usb",
    "xr-spatial-tracking",
)
# What the player uses, and those of others that a viewer asks for.
_PLAYER_FEATURES = ("autoplay", "encrypted-media", "fullscreen", "picture-in-picture")
_SITE_FEATURES = ("clipboard-write", "screen-wake-lock")


def includeme(config: Any) -> None:
    """Send the headers with every answer."""
    settings = config.get_settings()
    policy = content_security_policy(settings["conference"], settings["tracker.url"])
    permissions = permissions_policy(settings["conference"])

    def add_headers(event: NewResponse) -> None:
        headers = event.response.headers
        headers.setdefault("Content-Security-Policy", policy)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
        headers["Permissions-Policy"] = permissions
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        # For browsers that do not know frame-ancestors, which says the same.
        if "frame-ancestors 'self'" in headers["Content-Security-Policy"].split("; "):
            headers["X-Frame-Options"] = "SAMEORIGIN"

    config.add_subscriber(add_headers, NewResponse)


def permissions_policy(conference: ConferenceConfig) -> str:
    """Return what pages, and what they may frame, can use of a browser."""
    framed = {origin for room in conference.rooms.values() for origin in embed_origins(room)}
    players = " ".join(["self", *(f'"{origin}"' for origin in sorted(framed))])
    return ", ".join(
        (
            *(f"{name}=()" for name in _DENIED_FEATURES),
            *(f"{name}=({players})" for name in _PLAYER_FEATURES),
            *(f"{name}=(self)" for name in _SITE_FEATURES),
        )
    )


def allow_streams(request: Any, *, frames: Iterable[str]) -> None:
    """Let the page that answers a request play streams, and frame others' players."""
    settings = request.registry.settings
    request.response.headers["Content-Security-Policy"] = content_security_policy(
        settings["conference"], settings["tracker.url"], streams=True, frames=frames
    )


def allow_frames(request: Any) -> None:
    """Let the sites that the configuration names frame the page that answers a request."""
    settings = request.registry.settings
    headers = request.response.headers
    policy = headers.get("Content-Security-Policy") or content_security_policy(
        settings["conference"], settings["tracker.url"]
    )
    allowed = " ".join(("frame-ancestors 'self'", *settings["conference"].site.embed))
    headers["Content-Security-Policy"] = policy.replace("frame-ancestors 'self'", allowed)


def content_security_policy(
    conference: ConferenceConfig,
    tracker_url: str,
    *,
    streams: bool = False,
    frames: Iterable[str] = (),
) -> str:
    """Return the policy: this site, and the pictures it is configured with.

    :param streams: also streams. They come from servers that register while we run, most of them
        by bare address, so the policy cannot name them. A player of HLS fetches them by itself, and
        hands them to the browser as blobs.
    :param frames: also frames from these addresses: players and chats of others, which a viewer
        asks for; their origins are allowed.
    """
    framed = sorted(set(map(_origin, frames)))
    rooms = (conference.default, *conference.rooms.values())
    pictures = {_origin(url) for room in rooms for url in (room.logo, room.preview)} - {""}
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "font-src 'self'",
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
            "manifest-src 'self'",
            "base-uri 'none'",
            "frame-ancestors 'self'",
        )
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""
