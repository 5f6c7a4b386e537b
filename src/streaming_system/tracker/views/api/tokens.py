"""API tokens, for the crew's programs."""

from typing import Any

from pyramid.httpexceptions import HTTPNoContent

from streaming_system.tracker.api.dispatch import api_view
from streaming_system.tracker.api.problems import api_error
from streaming_system.tracker.models import Token
from streaming_system.tracker.views.api.serialization import format_utc, record_audit, require_room


@api_view("token.list")
def list_tokens(request: Any) -> dict[str, Any]:
    """Return all tokens."""
    return {"tokens": [_token_json(token) for token in request.tokens.all()]}


@api_view("token.issue")
def issue_token(request: Any) -> dict[str, Any]:
    """Issue a token."""
    body = request.validated
    require_room(request, body["room"])
    token, text = request.tokens.issue(
        label=body["label"],
        scope=body["scope"],
        room=body["room"] or "",
        endpoint=body["endpoint"] or "",
        created_by=request.client.account,
        now=request.now,
    )
    record_audit(request, "token.issue", f"{token.hint} {token.label}")
    request.response.status_int = 201
    return {**_token_json(token), "token": text}


@api_view("token.revoke")
def revoke_token(request: Any) -> Any:
    """Revoke a token."""
    number = int(request.validated["token"])
    if not request.tokens.revoke(number, now=request.now):
        raise api_error("not-found", "there is no such token, or it has been revoked already")
    record_audit(request, "token.revoke", str(number))
    return HTTPNoContent()


def _token_json(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "label": token.label,
        "scope": token.scope,
        "room": token.room or None,
        "endpoint": token.endpoint or None,
        "hint": token.hint,
        "created_at": format_utc(token.created_at),
        "created_by": token.created_by,
        "used_at": format_utc(token.used_at) if token.used_at else None,
        "revoked_at": format_utc(token.revoked_at) if token.revoked_at else None,
    }
