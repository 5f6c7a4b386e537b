"""Annotations: public to read; the crew and its machines add them."""

from datetime import timedelta
from typing import Any

from pyramid.httpexceptions import HTTPNoContent

from streaming_system.tracker.api.auth import insufficient_scope
from streaming_system.tracker.api.dispatch import api_view
from streaming_system.tracker.api.problems import api_error
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.models import Annotation
from streaming_system.tracker.views.api.serialization import format_utc, record_audit, require_room

# The default range is this long, before and after the current time.
DEFAULT_WINDOW = timedelta(days=7)


@api_view("annotation.list")
def list_annotations(request: Any) -> dict[str, Any]:
    """Return the annotations in a time range."""
    query = request.validated
    end = query["to"] or request.now + DEFAULT_WINDOW
    begin = query["from"] or (query["to"] or request.now) - DEFAULT_WINDOW
    annotations = request.annotations.between(begin, end, room=query["room"])
    return {"annotations": [_annotation_json(annotation) for annotation in annotations]}


@api_view("annotation.add")
def add_annotation(request: Any) -> dict[str, Any]:
    """Add an annotation."""
    body = request.validated
    require_room(request, body["room"])
    if request.client.scope == "room" and request.client.room != body["room"]:
        raise insufficient_scope("the token is for annotations of another room")
    connection = ensure_write_transaction(request.db)
    request.registry["bounds"].require_space(connection, "annotation", now=request.now)
    added = request.annotations.add(
        at=body["at"],
        label=body["label"],
        room=body["room"] or "",
        created_by=request.client.account,
    )
    record_audit(request, "annotation.add", added.label)
    request.response.status_int = 201
    return _annotation_json(added)


@api_view("annotation.remove")
def remove_annotation(request: Any) -> Any:
    """Delete an annotation."""
    number = int(request.validated["annotation"])
    if not request.annotations.remove(number):
        raise api_error("not-found", "there is no such annotation")
    record_audit(request, "annotation.remove", str(number))
    return HTTPNoContent()


def _annotation_json(annotation: Annotation) -> dict[str, Any]:
    return {
        "id": annotation.id,
        "at": format_utc(annotation.at),
        "label": annotation.label,
        "room": annotation.room or None,
    }
