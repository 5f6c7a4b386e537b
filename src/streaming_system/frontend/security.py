"""What a browser may do with our pages: nothing that calls on anybody else by itself."""

from typing import Any
from urllib.parse import urlsplit

from pyramid.events import NewResponse

from streaming_system.rooms import Config

YOUTUBE = "https://www.youtube-nocookie.com"

# What pages never use, and neither may what they frame. Only names that browsers know: they
# complain of others.
_DENIED = (
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
# What the player uses, and the one of YouTube that a viewer asks for.
_FOR_PLAYERS = ("autoplay", "encrypted-media", "fullscreen", "picture-in-picture")
_FOR_US = ("clipboard-write", "screen-wake-lock")
PERMISSIONS = ", ".join(
    (
        *(f"{name}=()" for name in _DENIED),
        *(f'{name}=(self "{YOUTUBE}")' for name in _FOR_PLAYERS),
        *(f"{name}=(self)" for name in _FOR_US),
    )
)


def includeme(config: Any) -> None:
    """Send the headers with every answer."""
    settings = config.get_settings()
    policy = content_security_policy(settings["conference"], settings["tracker.url"])

    def add_headers(event: NewResponse) -> None:
        headers = event.response.headers
        headers.setdefault("Content-Security-Policy", policy)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
        headers["Permissions-Policy"] = PERMISSIONS
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        # For browsers that do not know frame-ancestors, which says the same.
        if "frame-ancestors 'self'" in headers["Content-Security-Policy"].split("; "):
            headers["X-Frame-Options"] = "SAMEORIGIN"

    config.add_subscriber(add_headers, NewResponse)


def allow_streams(request: Any, *, youtube: bool) -> None:
    """Let the page that answers a request play streams and, where it may lead there, YouTube."""
    settings = request.registry.settings
    request.response.headers["Content-Security-Policy"] = content_security_policy(
        settings["conference"], settings["tracker.url"], streams=True, youtube=youtube
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
    conference: Config, tracker_url: str, *, streams: bool = False, youtube: bool = False
) -> str:
    """Return the policy: this site, and the pictures it is configured with.

    :param streams: also streams. They come from servers that register while we run, most of them
        by bare address, so the policy cannot name them. A player of HLS fetches them by itself, and
        hands them to the browser as blobs.
    :param youtube: also a frame with a video of YouTube's, which a viewer asks for.
    """
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
            *([f"frame-src {YOUTUBE}"] if youtube else []),
            "form-action 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "frame-ancestors 'self'",
        )
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""
