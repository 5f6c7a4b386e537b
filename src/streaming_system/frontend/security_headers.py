"""Security headers of all responses. Pages load nothing from other sites by themselves."""

from collections.abc import Iterable
from typing import Any

from pyramid.events import NewResponse

from streaming_system.config import ConferenceConfig
from streaming_system.config.social import INTERNAL_FEEDBACK
from streaming_system.frontend.streams import embed_origins
from streaming_system.util.validation import csp_source

# Denied to pages and their frames. Browsers log a warning for unknown names.
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
# For our player and for embedded players.
_PLAYER_FEATURES = ("autoplay", "encrypted-media", "fullscreen", "picture-in-picture")
_SITE_FEATURES = ("clipboard-write", "screen-wake-lock")
# An SVG file that is opened by itself is a document: as such it runs no script and loads nothing.
SVG_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"
)


def includeme(config: Any) -> None:
    """Add the headers to every response."""
    settings = config.get_settings()
    policy = content_security_policy(settings["conference"], settings["tracker.url"])
    permissions = permissions_policy(settings["conference"])

    def add_headers(event: NewResponse) -> None:
        headers = event.response.headers
        is_svg = event.response.content_type == "image/svg+xml"
        headers.setdefault("Content-Security-Policy", SVG_POLICY if is_svg else policy)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
        headers["Permissions-Policy"] = permissions
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        # For browsers without frame-ancestors.
        if "frame-ancestors 'self'" in headers["Content-Security-Policy"].split("; "):
            headers["X-Frame-Options"] = "SAMEORIGIN"

    config.add_subscriber(add_headers, NewResponse)


def permissions_policy(conference: ConferenceConfig) -> str:
    """Return the Permissions-Policy of pages and their frames."""
    framed = {origin for room in conference.rooms.values() for origin in embed_origins(room)}
    players = " ".join(["self", *(f'"{origin}"' for origin in sorted(framed))])
    return ", ".join(
        (
            *(f"{name}=()" for name in _DENIED_FEATURES),
            *(f"{name}=({players})" for name in _PLAYER_FEATURES),
            *(f"{name}=(self)" for name in _SITE_FEATURES),
        )
    )


def allow_streams(request: Any, *, frames: Iterable[str], response: Any = None) -> None:
    """Allow the page of a request to play streams and to frame external players.

    :param response: that of the page, if the view creates one.
    """
    settings = request.registry.settings
    headers = (request.response if response is None else response).headers
    headers["Content-Security-Policy"] = content_security_policy(
        settings["conference"], settings["tracker.url"], streams=True, frames=frames
    )


def allow_frames(request: Any) -> None:
    """Allow the configured sites to frame the page of a request."""
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
    """Return a policy that allows this site and the configured images.

    :param streams: also allow streams. Endpoints register at run time, most of them by IP address,
        so the policy cannot list them. An HLS player fetches segments and passes them to the
        browser as blobs.
    :param frames: URLs of external players and chats whose origins may be framed.
    """
    framed = sorted(set(map(csp_source, frames)))
    rooms = (conference.default, *conference.rooms.values())
    has_form = any(room.feedback == INTERNAL_FEEDBACK for room in rooms)
    images = {csp_source(url) for room in rooms for url in (room.logo, room.preview)} - {""}
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "font-src 'self'",
            " ".join(["img-src 'self'", *sorted(images)]),
            *(["media-src http: https: blob:", "worker-src 'self'"] if streams else []),
            " ".join(
                filter(
                    None,
                    [
                        "connect-src 'self'",
                        csp_source(tracker_url),
                        "http: https:" if streams else "",
                    ],
                )
            ),
            *([" ".join(["frame-src", *framed])] if framed else []),
            # The tracker, perhaps at another host, stores the feedback of forms.
            " ".join(
                ["form-action 'self'", *([csp_source(tracker_url)] if has_form else [])]
            ).rstrip(),
            "manifest-src 'self'",
            "base-uri 'none'",
            "frame-ancestors 'self'",
        )
    )
