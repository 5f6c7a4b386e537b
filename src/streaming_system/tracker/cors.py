"""The sites whose pages may use the tracker from a browser."""

from typing import Any
from urllib.parse import urlsplit

from pyramid.events import NewResponse

CORS_HEADER = "Access-Control-Allow-Origin"


def includeme(config: Any) -> None:
    """Apply the ini's ``allowed_origins`` to every response."""
    allowed: frozenset[str] | None = config.get_settings()["allowed_origins"]
    if allowed is None:
        return

    def restrict_origin(event: NewResponse) -> None:
        headers = event.response.headers
        if headers.get(CORS_HEADER) != "*":
            return
        # A shared cache must not give one site's response to another.
        event.response.vary = (*(event.response.vary or ()), "Origin")
        origin = event.request.headers.get("Origin", "").lower()
        if origin in allowed:
            headers[CORS_HEADER] = origin
        else:
            del headers[CORS_HEADER]

    config.add_subscriber(restrict_origin, NewResponse)


def is_own_origin(request: Any) -> bool:
    """Return whether a request comes from a page of this site, or from no page at all.

    Browsers add the origin of the page to each POST request. The site's pages are at the tracker's
    host, at ``frontend.url``, and at the origins that ``allowed_origins`` lists.
    """
    origin = request.headers.get("Origin", "").lower()
    if not origin:
        return bool(request.headers.get("Sec-Fetch-Site") != "cross-site")
    settings = request.registry.settings
    allowed: frozenset[str] = settings["allowed_origins"] or frozenset()
    own_hosts = {request.host.lower(), urlsplit(settings["frontend.url"]).netloc.lower()}
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        return False
    return origin in allowed or host in own_hosts - {""}
