"""The crew's table of servers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pyramid.view import view_config

from streaming_system.tracker.endpoints.endpoints import ENDPOINT_TTL
from streaming_system.tracker.endpoints.formats import formats_of
from streaming_system.tracker.incidents.detector import FULL_THRESHOLD, MAX_SILENCE
from streaming_system.tracker.logs.ingest import AccessLogs
from streaming_system.tracker.models import Endpoint

# A page of the crew follows what happens by a script of our own that fetches the page again.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; frame-ancestors 'self'"
)

LOG_HOURS = 24


@dataclass(frozen=True, kw_only=True)
class ServerRow:
    """A row of the table.

    :param used: the share of its capacity that it sends; ``None`` where that is not known.
    :param wrong: whether somebody should look after it.
    """

    endpoint: Endpoint
    url: str
    formats: list[str]
    used: float | None
    state: str
    wrong: bool


@view_config(
    route_name="endpoint.stats",
    renderer="streaming_system.tracker:templates/servers.jinja2",
    http_cache=0,
)
def servers_page(request: Any) -> dict[str, Any]:
    """Show the servers that stream, and those that have fallen silent; first what is wrong."""
    request.response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    now = request.now
    silent = _server_rows(request, request.endpoints.silent(now=now), now)
    lately = [server for server in silent if server.wrong]
    tables = [
        _table("Fallen silent", lately, "No server has fallen silent within an hour."),
        _table(
            "Streaming",
            sorted(_server_rows(request, request.endpoints.alive(now=now), now), key=_sort_key),
            "No server is streaming.",
        ),
        _table(
            "Silent for longer",
            [server for server in silent if not server.wrong],
            "No server has fallen silent within seven days.",
        ),
    ]
    return {
        "live": True,
        "now": now,
        # Only what streams deserves a table without rows.
        "tables": [table for table in tables if table["servers"] or table["title"] == "Streaming"],
        "logs": _log_totals(request.logs, now),
        "rooms": request.registry.settings["conference"].rooms,
    }


def _log_totals(logs: AccessLogs, now: datetime) -> dict[str, Any]:
    """Return what the access logs say of this hour and of those before it."""
    end = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    begin = end - timedelta(hours=LOG_HOURS)
    return {
        "endpoints": logs.by_endpoint(begin=begin, end=end),
        "hours": logs.by_hour(begin=begin, end=end),
    }


def _server_rows(request: Any, endpoints: Iterable[Endpoint], now: datetime) -> list[ServerRow]:
    pattern: str = request.registry.settings["endpoint.url"]
    return [_server_row(endpoint, pattern, now) for endpoint in endpoints]


def _server_row(endpoint: Endpoint, pattern: str, now: datetime) -> ServerRow:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    used = endpoint.bitrate / endpoint.capacity if endpoint.capacity else None
    state, wrong = _server_state(endpoint, used, now)
    return ServerRow(
        endpoint=endpoint,
        url=endpoint.url or pattern.replace("{host}", host),
        formats=formats_of(endpoint),
        used=used,
        state=state,
        wrong=wrong,
    )


def _server_state(endpoint: Endpoint, used: float | None, now: datetime) -> tuple[str, bool]:
    """Return a server's state in a word or two, and whether that is wrong."""
    if endpoint.last_seen <= now - ENDPOINT_TTL:
        return "Silent", endpoint.last_seen > now - MAX_SILENCE
    if used is not None and used > FULL_THRESHOLD:
        return "Full", True
    if endpoint.draining or endpoint.drained:
        return "Draining", False
    return "Streaming", False


def _table(title: str, servers: list[ServerRow], empty: str) -> dict[str, Any]:
    return {
        "title": title,
        "empty": empty,
        "servers": servers,
        "clients": sum(server.endpoint.clients for server in servers),
        "bitrate": sum(server.endpoint.bitrate for server in servers),
    }


def _sort_key(server: ServerRow) -> tuple[bool, str, int]:
    return not server.wrong, server.endpoint.room, server.endpoint.bitrate
