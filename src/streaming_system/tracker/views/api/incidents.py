"""What is wrong, for pages and programs."""

from datetime import datetime
from typing import Any

from pyramid.view import view_config

from streaming_system.tracker.models import IncidentRecord


@view_config(route_name="api.incidents", request_method="GET", renderer="json", http_cache=1)
def list_incidents(request: Any) -> dict[str, Any]:
    """Return what is wrong now, newest first."""
    # Anybody may build a page of their own around these facts.
    request.response.headers["Access-Control-Allow-Origin"] = "*"
    found = request.incidents.current(request.registry["incident_throttle"], now=request.now)
    return {"incidents": [_incident_json(incident) for incident in found]}


def _incident_json(incident: IncidentRecord) -> dict[str, Any]:
    return {
        "id": incident.id,
        "kind": incident.kind,
        "room": incident.room,
        "subject": incident.subject,
        "summary": incident.summary,
        "opened_at": _format_utc(incident.opened_at),
        "closed_at": _format_utc(incident.closed_at) if incident.closed_at else None,
    }


def _format_utc(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
