"""The machines that make the streams, for programs."""

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
    """Return all components as they are."""
    found = request.pipeline.current(now=request.now)
    return {"components": [_component_json(request, component) for component in found]}


@api_view("component.report")
def report_machine(request: Any) -> dict[str, Any]:
    """Take a machine's report."""
    sent = request.validated
    require_room(request, sent["room"])
    if request.caller.scope == "room" and request.caller.room != sent["room"]:
        raise insufficient_scope("the token is for components of another room")
    try:
        request.pipeline.report(
            machine=sent["machine"],
            kind=sent["kind"],
            room=sent["room"] or "",
            components=[ComponentState(**component) for component in sent["components"]],
            history=[
                Mood(component=mood.pop("name"), **mood) for mood in map(dict, sent["history"])
            ],
            within_room=request.caller.scope == "room",
            now=request.now,
        )
    except WrongRoomError as error:
        raise insufficient_scope(f"{error} is not one of the token's room") from None
    return {
        "machine": sent["machine"],
        "components": len({component["name"] for component in sent["components"]}),
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
        "reported_at": format_utc(component.reported_at),
    }
