"""Every URL the tracker answers, below whichever prefix it is mounted at."""

from typing import Any

ROOM = "{room:[A-Za-z0-9_]+}"


def includeme(config: Any) -> None:
    """Add the routes."""
    config.add_static_view("static", "static", cache_max_age=3600)
    config.add_route("endpoint.register", "/endpoint/register")
    config.add_route("endpoint.stats", "/endpoint/stats", request_method=("GET", "HEAD"))
    config.add_route("streams.script", "/streams.js", request_method=("GET", "HEAD"))
    config.add_route("streams.list", "/streams.json", request_method=("GET", "HEAD"))
    config.add_route("stream.script", f"/{ROOM}/stream.js", request_method=("GET", "HEAD"))
