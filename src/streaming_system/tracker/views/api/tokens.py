"""Tokens, for the crew's programs."""

from typing import Any

from pyramid.httpexceptions import HTTPNoContent

from streaming_system.tracker.api.dispatch import api_view
from streaming_system.tracker.api.problems import problem
from streaming_system.tracker.models import Token
from streaming_system.tracker.views.api.serialization import check_room, note, utc


@api_view("token.list")
def tokens(request: Any) -> dict[str, Any]:
    """Return all tokens."""
    return {"tokens": [_token(token) for token in request.tokens.all()]}


@api_view("token.issue")
def issue(request: Any) -> dict[str, Any]:
    """Make a token."""
    wanted = request.validated
    check_room(request, wanted["room"])
    token, text = request.tokens.issue(
        label=wanted["label"],
        scope=wanted["scope"],
        room=wanted["room"] or "",
        endpoint=wanted["endpoint"] or "",
        by=request.caller.account,
        now=request.now,
    )
    note(request, "token.issue", f"{token.hint} {token.label}")
    request.response.status_int = 201
    return {**_token(token), "token": text}


@api_view("token.revoke")
def revoke(request: Any) -> Any:
    """Refuse a token from now on."""
    number = int(request.validated["token"])
    if not request.tokens.revoke(number, now=request.now):
        raise problem("not-found", "there is no such token, or it has been revoked already")
    note(request, "token.revoke", str(number))
    return HTTPNoContent()


def _token(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "label": token.label,
        "scope": token.scope,
        "room": token.room or None,
        "endpoint": token.endpoint or None,
        "hint": token.hint,
        "created_at": utc(token.created_at),
        "created_by": token.created_by,
        "used_at": utc(token.used_at) if token.used_at else None,
        "revoked_at": utc(token.revoked_at) if token.revoked_at else None,
    }
