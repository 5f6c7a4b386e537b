"""What a browser may do with our pages: nothing that calls on anybody else by itself."""

from typing import Any
from urllib.parse import urlsplit

from pyramid.events import NewResponse

from streaming_system.rooms import Config


def includeme(config: Any) -> None:
    """Send the headers with every answer."""
    settings = config.get_settings()
    policy = content_security_policy(settings["conference"], settings["tracker.url"])

    def add_headers(event: NewResponse) -> None:
        headers = event.response.headers
        headers["Content-Security-Policy"] = policy
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "strict-origin-when-cross-origin"

    config.add_subscriber(add_headers, NewResponse)


def content_security_policy(conference: Config, tracker_url: str) -> str:
    """Return the policy: this site, the pictures it is configured with, and streams.

    Streams come from servers that register while we run, most of them by bare address, so the
    policy cannot name them.
    """
    rooms = (conference.default, *conference.rooms.values())
    pictures = {_origin(url) for room in rooms for url in (room.logo, room.preview)} - {""}
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            " ".join(["img-src 'self'", *sorted(pictures)]),
            "media-src *",
            " ".join(filter(None, ["connect-src 'self'", _origin(tracker_url)])),
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'self'",
        )
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""
