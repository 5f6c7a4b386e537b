"""Open incidents, for pages and programs."""

from typing import Any

from pyramid.view import view_config

from streaming_system.tracker.models import IncidentRecord
from streaming_system.tracker.views.api.serialization import format_utc


@view_config(route_name="api.incidents", request_method="GET", renderer="json", http_cache=1)
def list_incidents(request: Any) -> dict[str, Any]:
    """Return the open incidents, newest first."""
    # Pages of any site may use them.
    request.response.headers["Access-Control-Allow-Origin"] = "*"
    current = request.incidents.current(request.registry["incident_throttle"], now=request.now)
    return {"incidents": [_incident_json(request, incident) for incident in current]}


def _incident_json(request: Any, incident: IncidentRecord) -> dict[str, Any]:
    return {
        "id": incident.id,
        "kind": incident.kind,
        "room": incident.room,
        "subject": incident.subject,
        "summary": incident.summary,
        "opened_at": format_utc(incident.opened_at),
        "closed_at": format_utc(incident.closed_at) if incident.closed_at else None,
        "preview": request.incidents.preview_url(incident.room) or None,
    }
