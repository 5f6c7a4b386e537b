"""Which sites' pages may ask the tracker, where that is not just everybody's."""

from typing import Any

from pyramid.events import NewResponse

CORS_HEADER = "Access-Control-Allow-Origin"


def includeme(config: Any) -> None:
    """Hold what answers say of other sites to the ini's ``allowed_origins``."""
    allowed: frozenset[str] | None = config.get_settings()["allowed_origins"]
    if allowed is None:
        return

    def hold(event: NewResponse) -> None:
        headers = event.response.headers
        if headers.get(CORS_HEADER) != "*":
            return
        # A cache must not hand one site's answer to another.
        event.response.vary = (*(event.response.vary or ()), "Origin")
        origin = event.request.headers.get("Origin", "").lower()
        if origin in allowed:
            headers[CORS_HEADER] = origin
        else:
            del headers[CORS_HEADER]

    config.add_subscriber(hold, NewResponse)
