"""The crew's table of servers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pyramid.view import view_config

from streaming_system.tracker.models import Endpoint

POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'self'"


@view_config(
    route_name="endpoint.stats",
    renderer="streaming_system.tracker:templates/stats.jinja2",
    http_cache=0,
)
def stats(request: Any) -> dict[str, Any]:
    """Show the servers that stream, and those that have fallen silent."""
    now = datetime.now(UTC)
    request.response.headers["Content-Security-Policy"] = POLICY
    return {
        "now": now,
        "tables": [
            _table(
                "Active servers",
                "No server is streaming.",
                _sorted(request.endpoints.alive(now=now)),
            ),
            _table(
                "Silent servers",
                "No server has fallen silent within seven days.",
                request.endpoints.silent(now=now),
            ),
        ],
        "rooms": request.registry.settings["conference"].rooms,
    }


def _table(title: str, empty: str, endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    return {
        "title": title,
        "empty": empty,
        "endpoints": endpoints,
        "clients": sum(endpoint.clients for endpoint in endpoints),
        "bitrate": sum(endpoint.bitrate for endpoint in endpoints),
    }


def _sorted(endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    return sorted(endpoints, key=lambda endpoint: (endpoint.room, endpoint.bitrate))
