"""The machines of the pipelines and their components."""

from typing import Any

from streaming_system.tracker.api.auth import insufficient_scope
from streaming_system.tracker.api.dispatch import api_view
from streaming_system.tracker.endpoints.endpoints import REPORT_INTERVAL
from streaming_system.tracker.models import Component
from streaming_system.tracker.pipeline.pipeline import (
    HEARTBEAT_TIMEOUT,
    ComponentState,
    Mood,
    WrongRoomError,
    current_mood,
)
from streaming_system.tracker.views.api.serialization import format_utc, require_room


@api_view("component.list")
def list_components(request: Any) -> dict[str, Any]:
    """Return the current state of all components."""
    current = request.pipeline.current(now=request.now)
    return {"components": [_component_json(request, component) for component in current]}


@api_view("component.report")
def report_machine(request: Any) -> dict[str, Any]:
    """Ingest the report of a machine."""
    body = request.validated
    require_room(request, body["room"])
    if request.client.scope == "room" and request.client.room != body["room"]:
        raise insufficient_scope("the token is for components of another room")
    try:
        request.pipeline.report(
            machine=body["machine"],
            kind=body["kind"],
            room=body["room"] or "",
            components=[
                ComponentState(**component | {"condition": component["condition"] or ""})
                for component in body["components"]
            ],
            history=[
                Mood(component=mood.pop("name"), **mood) for mood in map(dict, body["history"])
            ],
            restrict_to_room=request.client.scope == "room",
            clock_offset=body["clock_offset"],
            now=request.now,
        )
    except WrongRoomError as error:
        raise insufficient_scope(f"{error} is not one of the token's room") from None
    return {
        "machine": body["machine"],
        "components": len({component["name"] for component in body["components"]}),
        "report_every": int(REPORT_INTERVAL.total_seconds()),
        "lost_at": format_utc(request.now + HEARTBEAT_TIMEOUT),
    }


def _component_json(request: Any, component: Component) -> dict[str, Any]:
    return {
        "machine": component.machine,
        "name": component.name,
        "kind": component.kind,
        "room": component.room or None,
        "mood": current_mood(component, request.now),
        "since": format_utc(component.since),
        "detail": component.detail,
        "condition": component.condition or None,
        "reported_at": format_utc(component.reported_at),
    }
