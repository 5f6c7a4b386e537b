"""Who calls the JSON API: what the token in ``Authorization: Bearer`` stands for (RFC 6750)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streaming_system.tracker.api.operation import Operation
from streaming_system.tracker.api.problems import ApiError, api_error
from streaming_system.tracker.crew.tokens import Tokens

REALM = 'Bearer realm="tracker"'
MAX_TOKEN_CHARS = 200


@dataclass(frozen=True, kw_only=True)
class ApiClient:
    """What a token allows: what the :class:`Token` says, apart from the database."""

    id: int
    label: str
    scope: str
    room: str
    endpoint: str

    @property
    def account(self) -> str:
        """Return whom the audit trail names: the token, which people know by number."""
        return f"token:{self.id}"

    def may(self, operation: Operation, path: Mapping[str, str]) -> bool:
        """Tell whether this caller may do that to what the address names."""
        reach = {
            "crew": True,
            # Where the address has no room, the body has it, and the view looks at that.
            "room": self.room == path.get("room", self.room),
            "endpoint": (self.room, self.endpoint) == (path.get("room"), path.get("endpoint")),
        }
        return self.scope in operation.scopes and reach[self.scope]


def authenticate(request: Any) -> ApiClient:
    """Return who calls.

    It happens in a transaction of its own, so that the call's own begins with what it does; and a
    token's last use is noted even if the call is refused.

    :raises Problem: unless a valid token was sent.
    """
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise api_error(
            "unauthorized", "send Authorization: Bearer and a token", {"WWW-Authenticate": REALM}
        )
    with request.registry["db.sessions"]() as db, db.begin():
        token = Tokens(db).authenticate(text.strip()[:MAX_TOKEN_CHARS], now=request.now)
        if token is None:
            raise api_error(
                "unauthorized",
                "the token is not valid",
                {"WWW-Authenticate": f'{REALM}, error="invalid_token"'},
            )
        return ApiClient(
            id=token.id,
            label=token.label,
            scope=token.scope,
            room=token.room,
            endpoint=token.endpoint,
        )


def require_scope(caller: ApiClient, operation: Operation, path: Mapping[str, str]) -> None:
    """Refuse what a caller may not do.

    :raises Problem: if so.
    """
    if not caller.may(operation, path):
        raise insufficient_scope(f"this is a token of the scope {caller.scope}")


def insufficient_scope(detail: str) -> ApiError:
    """Return the problem of a caller who may not do what they ask for."""
    challenge = f'{REALM}, error="insufficient_scope"'
    return api_error("forbidden", detail, {"WWW-Authenticate": challenge})
