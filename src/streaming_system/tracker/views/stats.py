"""The crew's page of endpoints."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pyramid.view import view_config

from streaming_system.tracker.endpoints.endpoints import ENDPOINT_TTL
from streaming_system.tracker.endpoints.formats import formats_of
from streaming_system.tracker.incidents.detector import FULL_THRESHOLD, MAX_SILENCE
from streaming_system.tracker.live_configuration import LiveConfiguration
from streaming_system.tracker.logs.ingest import AccessLogs
from streaming_system.tracker.models import Endpoint
from streaming_system.tracker.site_shell import allow_live_page

LOG_HOURS = 24


@dataclass(frozen=True, kw_only=True)
class ServerRow:
    """A row of the table.

    :param utilisation: from 0 to 1; ``None`` if its capacity is unknown.
    :param needs_attention: whether the crew should look after it.
    """

    endpoint: Endpoint
    url: str
    formats: list[str]
    utilisation: float | None
    state: str
    needs_attention: bool


@view_config(
    route_name="endpoint.stats",
    renderer="streaming_system.tracker:templates/servers.jinja2",
    http_cache=0,
)
def servers_page(request: Any) -> dict[str, Any]:
    """Show live and silent endpoints; those that need attention come first."""
    allow_live_page(request)
    now = request.now
    silent = _server_rows(request, request.endpoints.recently_expired(now=now), now)
    recently_silent = [row for row in silent if row.needs_attention]
    tables = [
        _table("Fallen silent", recently_silent, "No server has fallen silent within an hour."),
        _table(
            "Streaming",
            sorted(
                _server_rows(request, request.endpoints.alive(now=now), now),
                key=partial(_sort_key, request.configuration),
            ),
            "No server is streaming.",
        ),
        _table(
            "Silent for longer",
            [row for row in silent if not row.needs_attention],
            "No server has fallen silent within seven days.",
        ),
    ]
    return {
        "live": True,
        "now": now,
        # The table of streaming endpoints is shown even without rows.
        "tables": [table for table in tables if table["servers"] or table["title"] == "Streaming"],
        "playback": sorted(
            request.playback.qoe_metrics(now=now, by_endpoint=False),
            key=lambda metrics: request.configuration.room_number(metrics.room),
        ),
        "logs": _log_totals(request.logs, now),
        "rooms": request.conference.rooms,
    }


def _log_totals(logs: AccessLogs, now: datetime) -> dict[str, Any]:
    """Return the totals of the access logs for the last :data:`LOG_HOURS` hours."""
    end = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    begin = end - timedelta(hours=LOG_HOURS)
    return {
        "endpoints": logs.totals_by_endpoint(begin=begin, end=end),
        "hours": logs.totals_by_hour(begin=begin, end=end),
    }


def _server_rows(request: Any, endpoints: Iterable[Endpoint], now: datetime) -> list[ServerRow]:
    pattern: str = request.registry.settings["endpoint.url"]
    return [_server_row(endpoint, pattern, now) for endpoint in endpoints]


def _server_row(endpoint: Endpoint, pattern: str, now: datetime) -> ServerRow:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    utilisation = endpoint.bitrate / endpoint.capacity if endpoint.capacity else None
    state, needs_attention = _server_state(endpoint, utilisation, now)
    return ServerRow(
        endpoint=endpoint,
        url=endpoint.url or pattern.replace("{host}", host),
        formats=formats_of(endpoint),
        utilisation=utilisation,
        state=state,
        needs_attention=needs_attention,
    )


def _server_state(endpoint: Endpoint, utilisation: float | None, now: datetime) -> tuple[str, bool]:
    """Return the state of an endpoint for people, and whether it needs attention."""
    if endpoint.last_seen <= now - ENDPOINT_TTL:
        return "Silent", endpoint.last_seen > now - MAX_SILENCE
    if utilisation is not None and utilisation > FULL_THRESHOLD:
        return "Full", True
    if endpoint.draining or endpoint.drained:
        return "Draining", False
    if endpoint.slate_since:
        return f"On slate since {endpoint.slate_since:%H:%M:%S} UTC", True
    return "Streaming", False


def _table(title: str, rows: list[ServerRow], empty: str) -> dict[str, Any]:
    return {
        "title": title,
        "empty": empty,
        "servers": rows,
        "clients": sum(row.endpoint.clients for row in rows),
        "bitrate": sum(row.endpoint.bitrate for row in rows),
    }


def _sort_key(configuration: LiveConfiguration, row: ServerRow) -> tuple[bool, int, str, int]:
    room = row.endpoint.room
    return (
        not row.needs_attention,
        configuration.room_number(room),
        room,
        row.endpoint.bitrate,
    )
