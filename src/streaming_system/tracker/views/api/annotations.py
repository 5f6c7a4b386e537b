"""Words about moments, for programs: anybody reads them, the crew and its machines write them."""

from datetime import timedelta
from typing import Any

from pyramid.httpexceptions import HTTPNoContent

from streaming_system.tracker.api.auth import forbidden
from streaming_system.tracker.api.dispatch import api_view
from streaming_system.tracker.api.problems import problem
from streaming_system.tracker.models import Annotation
from streaming_system.tracker.views.api.serialization import check_room, note, utc

# How far the crew looks back, and plans ahead, where a program does not say.
WEEK = timedelta(days=7)


@api_view("annotation.list")
def annotations(request: Any) -> dict[str, Any]:
    """Return the annotations of some time."""
    asked = request.validated
    end = asked["to"] or request.now + WEEK
    begin = asked["from"] or (asked["to"] or request.now) - WEEK
    found = request.annotations.between(begin, end, room=asked["room"])
    return {"annotations": [_annotation(annotation) for annotation in found]}


@api_view("annotation.add")
def add(request: Any) -> dict[str, Any]:
    """Write a word about a moment."""
    sent = request.validated
    check_room(request, sent["room"])
    if request.caller.scope == "room" and request.caller.room != sent["room"]:
        raise forbidden("the token is for annotations of another room")
    added = request.annotations.add(
        at=sent["at"], label=sent["label"], room=sent["room"] or "", by=request.caller.account
    )
    note(request, "annotation.add", added.label)
    request.response.status_int = 201
    return _annotation(added)


@api_view("annotation.remove")
def remove(request: Any) -> Any:
    """Delete an annotation."""
    number = int(request.validated["annotation"])
    if not request.annotations.remove(number):
        raise problem("not-found", "there is no such annotation")
    note(request, "annotation.remove", str(number))
    return HTTPNoContent()


def _annotation(annotation: Annotation) -> dict[str, Any]:
    return {
        "id": annotation.id,
        "at": utc(annotation.at),
        "label": annotation.label,
        "room": annotation.room or None,
    }
