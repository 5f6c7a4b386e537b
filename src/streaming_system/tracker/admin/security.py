"""Who of the crew is asking, what they may do, and what keeps others out of the admin pages.

Nothing here is for the old protocol or the JSON API: they know neither cookies nor sessions.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pyramid.events import ContextFound, NewResponse
from pyramid.httpexceptions import HTTPBadRequest, HTTPRequestEntityTooLarge
from pyramid.request import RequestLocalCache
from pyramid.security import Allowed, Denied
from pyramid.session import SignedCookieSessionFactory

from streaming_system.tracker.admin.forms import INVALID_BODY_ERRORS, MAX_BODY_BYTES
from streaming_system.tracker.crew.accounts import Accounts
from streaming_system.tracker.crew.crew import CrewActions
from streaming_system.tracker.crew.logins import Logins
from streaming_system.tracker.crew.revoked_sessions import RevokedSessions
from streaming_system.tracker.crew.server_keys import ServerKeys
from streaming_system.tracker.db.session import ensure_write_transaction, write_transaction

# A session ends when nobody has used it for so long, and after so long in any case.
SESSION_IDLE_TIMEOUT = timedelta(hours=12)
SESSION_MAX_AGE = timedelta(days=3)
# How exactly it is known when a session was used last.
LAST_SEEN_RESOLUTION = timedelta(minutes=5)

# Who may look may see every page; who may `admin` may change what they show.
PERMISSIONS = {"admin": {"look", "admin"}, "viewer": {"look"}}
SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
    "img-src data:; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # Browsers still say to ourselves where a form was, which Pyramid compares with our own name.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Somebody of the crew who has logged in."""

    id: int
    name: str
    role: str


class SecurityPolicy:
    """Sessions say who it is; the account says whether that still holds, and what they may do."""

    def __init__(self) -> None:
        self._identities = RequestLocalCache(_load_identity)

    def identity(self, request: Any) -> Identity | None:
        """Return who it is, for whom Pyramid asks once for each request."""
        found: Identity | None = self._identities.get_or_create(request)
        return found

    def authenticated_userid(self, request: Any) -> str | None:
        """Return the name of the account."""
        identity = self.identity(request)
        return identity.name if identity else None

    def permits(self, request: Any, context: Any, permission: str) -> Any:
        """Tell whether they may do it."""
        identity = self.identity(request)
        allowed = identity is not None and permission in PERMISSIONS.get(identity.role, ())
        return (Allowed if allowed else Denied)("%s", permission)

    def remember(self, request: Any, userid: int, *, epoch: int) -> list[tuple[str, str]]:
        """Begin a session. What there was before, and its CSRF token, means nothing any more."""
        request.session.invalidate()
        now = request.now.timestamp()
        request.session.update(
            {
                "id": secrets.token_urlsafe(32),
                "account": userid,
                "epoch": epoch,
                "since": now,
                "seen": now,
            }
        )
        self._identities.clear(request)
        return []

    def forget(self, request: Any) -> list[tuple[str, str]]:
        """End the session, wherever its cookie has been copied to."""
        if "id" in request.session:
            request.ended_sessions.add(
                request.session["id"], now=request.now, forget=request.now - SESSION_MAX_AGE
            )
        request.session.invalidate()
        self._identities.clear(request)
        return []


def includeme(config: Any) -> None:
    """Guard the admin pages."""
    with write_transaction(config.registry["db.sessions"]) as db:
        cookies, failures = ServerKeys(db).get("session"), ServerKeys(db).get("login")
    sessions = _SessionFactory(cookies, secure=config.get_settings()["session.secure"])
    config.set_session_factory(sessions)
    config.set_security_policy(SecurityPolicy())
    config.set_default_csrf_options(require_csrf=True, callback=is_admin_page)
    config.add_subscriber(_validate_form_body, ContextFound)
    config.add_subscriber(_add_headers, NewResponse)
    config.add_request_method(_crew_actions, "crew", reify=True)
    config.add_request_method(lambda request: Accounts(request.db), "accounts", reify=True)
    config.add_request_method(
        lambda request: RevokedSessions(request.db), "ended_sessions", reify=True
    )
    config.add_request_method(
        lambda request: Logins(request.registry["db.sessions"], failures), "logins", reify=True
    )


def is_admin_page(request: Any) -> bool:
    """Tell whether this is about a page for people who log in."""
    # The address may be one that cannot be decoded.
    path = request.environ.get("PATH_INFO", "")
    return bool(path == "/admin" or path.startswith("/admin/"))


class _SessionFactory:
    """Sessions in a signed cookie that browsers show to the admin pages alone.

    They hold no more than numbers of their own and of an account, and the times of
    :func:`_load_identity`, which sets the limits of time, too.
    """

    def __init__(self, key: bytes, *, secure: bool) -> None:
        self._key, self._secure = key, secure
        # One for each prefix that the app is mounted at: that is one.
        self._factories: dict[str, Any] = {}

    def __call__(self, request: Any) -> Any:
        """Return the session of a request."""
        path = f"{request.script_name}/admin"
        if path not in self._factories:
            self._factories[path] = SignedCookieSessionFactory(
                self._key,
                cookie_name="crew",
                path=path,
                secure=self._secure,
                httponly=True,
                # Links in a chat lead to the page, not to a log-in; forms of others get nothing.
                samesite="Lax",
                timeout=None,
                reissue_time=None,
            )
        return self._factories[path](request)


def _load_identity(request: Any) -> Identity | None:
    session = request.session
    if "account" not in session:
        return None
    if request.method not in SAFE_METHODS:
        ensure_write_transaction(request.db)
    account = request.accounts.get(session["account"])
    now = request.now.timestamp()
    if (
        account is None
        or request.ended_sessions.has(session["id"])
        or account.epoch != session["epoch"]
        or now - session["since"] >= SESSION_MAX_AGE.total_seconds()
        or now - session["seen"] >= SESSION_IDLE_TIMEOUT.total_seconds()
    ):
        session.invalidate()
        return None
    if now - session["seen"] >= LAST_SEEN_RESOLUTION.total_seconds():
        session["seen"] = now
    return Identity(id=account.id, name=account.name, role=account.role)


def _crew_actions(request: Any) -> CrewActions:
    rooms = request.registry.settings["conference"].groups
    return CrewActions(request.db, rooms, by=request.identity.name)


def _validate_form_body(event: ContextFound) -> None:
    """Refuse what is no form of ours before anything reads it."""
    request = event.request
    if request.method in SAFE_METHODS or not is_admin_page(request):
        return
    # A body of unknown length would be read whole before anyone could look at it.
    if request.content_length is None or request.content_length > MAX_BODY_BYTES:
        raise HTTPRequestEntityTooLarge(f"a form has at most {MAX_BODY_BYTES} bytes")
    request.request_body_tempfile_limit = MAX_BODY_BYTES
    try:
        _ = request.POST
    except INVALID_BODY_ERRORS:
        raise HTTPBadRequest("the body is not a form in UTF-8") from None


def _add_headers(event: NewResponse) -> None:
    if is_admin_page(event.request):
        event.response.headers.update(SECURITY_HEADERS)
