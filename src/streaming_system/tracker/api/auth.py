"""Authentication of the JSON API: bearer tokens (RFC 6750) and their scopes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streaming_system.tracker.api.operation import Operation
from streaming_system.tracker.api.problems import ApiError, api_error
from streaming_system.tracker.crew.tokens import Tokens
from streaming_system.tracker.models import Token

REALM = 'Bearer realm="tracker"'
MAX_TOKEN_CHARS = 200


@dataclass(frozen=True, kw_only=True)
class ApiClient:
    """The client that a token identifies: a :class:`Token` without its database session."""

    id: int
    label: str
    scope: str
    room: str
    endpoint: str

    @property
    def account(self) -> str:
        """Return the account for the audit log: the id of the token."""
        return f"token:{self.id}"

    def has_scope(self, operation: Operation, path: Mapping[str, str]) -> bool:
        """Return whether the token covers the operation and the resource of the path."""
        covers_path = {
            "crew": True,
            # If the path has no room, the body has one, and the view checks it.
            "room": self.room == path.get("room", self.room),
            "endpoint": (self.room, self.endpoint) == (path.get("room"), path.get("endpoint")),
            # No operation has these scopes.
            "publish": True,
            "captions": True,
        }
        return self.scope in operation.scopes and covers_path[self.scope]


def authenticate(request: Any) -> ApiClient:
    """Return the client of a request.

    A separate transaction records the token's last use even if the request is refused later.

    :raises ApiError: if the token is missing or invalid.
    """
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise api_error(
            "unauthorized", "send Authorization: Bearer and a token", {"WWW-Authenticate": REALM}
        )
    client = find_client(request, text.strip())
    if client is None:
        raise api_error(
            "unauthorized",
            "the token is not valid",
            {"WWW-Authenticate": f'{REALM}, error="invalid_token"'},
        )
    return client


def find_client(request: Any, text: str) -> ApiClient | None:
    """Return the client with a token, and record the token's use; ``None`` for an invalid token."""
    with request.registry["db.sessions"]() as db, db.begin():
        token = Tokens(db).authenticate(text[:MAX_TOKEN_CHARS], now=request.now)
        return to_client(token) if token else None


def to_client(token: Token) -> ApiClient:
    """Return the client that a token identifies."""
    return ApiClient(
        id=token.id,
        label=token.label,
        scope=token.scope,
        room=token.room,
        endpoint=token.endpoint,
    )


def require_scope(client: ApiClient, operation: Operation, path: Mapping[str, str]) -> None:
    """Refuse an operation that the client's token does not cover.

    :raises ApiError: if it does not.
    """
    if not client.has_scope(operation, path):
        raise insufficient_scope(f"this is a token of the scope {client.scope}")


def insufficient_scope(detail: str) -> ApiError:
    """Return the error of a token that does not cover the request."""
    challenge = f'{REALM}, error="insufficient_scope"'
    return api_error("forbidden", detail, {"WWW-Authenticate": challenge})
