"""Restricts ``Access-Control-Allow-Origin`` to the sites that the ini file allows."""

from typing import Any

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
