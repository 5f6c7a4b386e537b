"""Stream keys, for the crew's programs."""

from typing import Any

from pyramid.httpexceptions import HTTPNoContent

from streaming_system.tracker.api.dispatch import api_view
from streaming_system.tracker.api.problems import api_error
from streaming_system.tracker.models import StreamKey
from streaming_system.tracker.publishing.encoder_guide import EncoderGuide, encoder_guides
from streaming_system.tracker.views.api.serialization import format_utc, record_audit, require_room


@api_view("stream_key.list")
def list_stream_keys(request: Any) -> dict[str, Any]:
    """Return all stream keys."""
    return {"stream_keys": [_stream_key_json(key) for key in request.stream_keys.all()]}


@api_view("stream_key.create")
def create_stream_key(request: Any) -> dict[str, Any]:
    """Create a stream key."""
    body = request.validated
    require_room(request, body["room"])
    key, text = request.stream_keys.create(
        room=body["room"],
        label=body["label"],
        expires_at=body["expires_at"],
        created_by=request.client.account,
        now=request.now,
    )
    record_audit(request, "stream_key.create", f"{key.hint} {key.label} for {key.room}")
    request.response.status_int = 201
    guides = encoder_guides(request.registry.settings, key.room, text)
    return {
        **_stream_key_json(key),
        "key": text,
        "encoders": [_guide_json(guide) for guide in guides],
    }


@api_view("stream_key.revoke")
def revoke_stream_key(request: Any) -> Any:
    """Revoke a stream key."""
    number = int(request.validated["key"])
    if not request.stream_keys.revoke(number, now=request.now):
        raise api_error("not-found", "there is no such stream key, or it has been revoked already")
    record_audit(request, "stream_key.revoke", str(number))
    return HTTPNoContent()


def _stream_key_json(key: StreamKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "room": key.room,
        "label": key.label,
        "hint": key.hint,
        "created_at": format_utc(key.created_at),
        "created_by": key.created_by,
        "expires_at": format_utc(key.expires_at) if key.expires_at else None,
        "used_at": format_utc(key.used_at) if key.used_at else None,
        "revoked_at": format_utc(key.revoked_at) if key.revoked_at else None,
    }


def _guide_json(guide: EncoderGuide) -> dict[str, Any]:
    return {
        "encoder": guide.encoder,
        "fields": [{"name": name, "value": value} for name, value in guide.fields],
    }
