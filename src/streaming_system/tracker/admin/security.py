"""Sessions, permissions and browser security of the crew's pages.

The legacy protocol and the JSON API use neither cookies nor sessions.
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

from streaming_system.tracker.admin.devices import DeviceCookies
from streaming_system.tracker.admin.forms import INVALID_BODY_ERRORS, MAX_BODY_BYTES
from streaming_system.tracker.crew.accounts import Accounts
from streaming_system.tracker.crew.crew import CrewActions
from streaming_system.tracker.crew.login_failures import LoginClient
from streaming_system.tracker.crew.logins import Logins
from streaming_system.tracker.crew.revoked_sessions import RevokedSessions
from streaming_system.tracker.crew.server_keys import LOGIN_KEY_NAME, ServerKeys
from streaming_system.tracker.db.session import ensure_write_transaction, write_transaction

SESSION_IDLE_TIMEOUT = timedelta(hours=12)
SESSION_MAX_AGE = timedelta(days=3)
LAST_SEEN_RESOLUTION = timedelta(minutes=5)

# "own" is for the pages of one's own account.
PERMISSIONS = {"admin": {"own", "view", "admin"}, "viewer": {"own", "view"}}
SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Pyramid's CSRF check needs the referrer of requests from this origin.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A logged-in crew member."""

    id: int
    name: str
    role: str
    # Whether the account lacks a second factor that the settings require.
    lacks_second_factor: bool


class SecurityPolicy:
    """Authenticates by session, and authorises by the role of the account."""

    def __init__(self) -> None:
        self._identities = RequestLocalCache(_load_identity)

    def identity(self, request: Any) -> Identity | None:
        """Return the logged-in crew member, once loaded per request."""
        identity: Identity | None = self._identities.get_or_create(request)
        return identity

    def authenticated_userid(self, request: Any) -> str | None:
        """Return the name of the account."""
        identity = self.identity(request)
        return identity.name if identity else None

    def permits(self, request: Any, context: Any, permission: str) -> Any:
        """Return whether the account has a permission."""
        identity = self.identity(request)
        allowed = identity is not None and permission in PERMISSIONS.get(identity.role, ())
        if identity is not None and identity.lacks_second_factor:
            allowed = permission == "own"
        return (Allowed if allowed else Denied)("%s", permission)

    def remember(
        self, request: Any, userid: int, *, session_generation: int
    ) -> list[tuple[str, str]]:
        """Start a new session. The previous one and its CSRF token become invalid."""
        request.session.invalidate()
        now = request.now.timestamp()
        request.session.update(
            {
                "id": secrets.token_urlsafe(32),
                "account": userid,
                "epoch": session_generation,
                "since": now,
                "seen": now,
            }
        )
        self._identities.clear(request)
        return []

    def forget(self, request: Any) -> list[tuple[str, str]]:
        """End the session, including copies of its cookie."""
        if "id" in request.session:
            request.revoked_sessions.revoke(
                request.session["id"],
                now=request.now,
                expired_before=request.now - SESSION_MAX_AGE,
            )
        request.session.invalidate()
        self._identities.clear(request)
        return []


def includeme(config: Any) -> None:
    """Secure the admin pages."""
    with write_transaction(config.registry["db.sessions"]) as db:
        cookie_key, login_key = ServerKeys(db).get("session"), ServerKeys(db).get(LOGIN_KEY_NAME)
    secure = config.get_settings()["session.secure"]
    config.set_session_factory(_SessionFactory(cookie_key, secure=secure))
    config.registry["login_key"] = login_key
    config.registry["device_cookies"] = DeviceCookies(cookie_key, secure=secure)
    config.set_security_policy(SecurityPolicy())
    config.set_default_csrf_options(require_csrf=True, callback=is_admin_page)
    config.add_subscriber(_validate_form_body, ContextFound)
    config.add_subscriber(_add_headers, NewResponse)
    config.add_request_method(_crew_actions, "crew", reify=True)
    config.add_request_method(lambda request: Accounts(request.db), "accounts", reify=True)
    config.add_request_method(
        lambda request: RevokedSessions(request.db), "revoked_sessions", reify=True
    )
    config.add_request_method(
        lambda request: Logins(request.registry["db.sessions"], login_key), "logins", reify=True
    )
    config.add_request_method(
        lambda request: request.registry["device_cookies"].load(request), "device", reify=True
    )
    config.add_request_method(_login_client, "login_client")


def is_admin_page(request: Any) -> bool:
    """Return whether a request is for a page of the crew."""
    # request.path raises an error for a path that cannot be decoded.
    path = request.environ.get("PATH_INFO", "")
    return bool(path == "/admin" or path.startswith("/admin/"))


class _SessionFactory:
    """Creates sessions in a signed cookie, which browsers send to the admin pages only.

    A session contains its id, an account id, and times. :func:`_load_identity` checks the times,
    so the cookie itself does not expire.
    """

    def __init__(self, key: bytes, *, secure: bool) -> None:
        self._key, self._secure = key, secure
        # One factory for each path prefix of the app; normally one.
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
                # Links from other sites open the page with the session; their forms lack it.
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
        or request.revoked_sessions.is_revoked(session["id"])
        or account.session_generation != session["epoch"]
        or now - session["since"] >= SESSION_MAX_AGE.total_seconds()
        or now - session["seen"] >= SESSION_IDLE_TIMEOUT.total_seconds()
    ):
        session.invalidate()
        return None
    if now - session["seen"] >= LAST_SEEN_RESOLUTION.total_seconds():
        session["seen"] = now
    is_required = request.registry.settings["second_factor.required"]
    return Identity(
        id=account.id,
        name=account.name,
        role=account.role,
        lacks_second_factor=is_required and account.totp_secret is None,
    )


def _crew_actions(request: Any) -> CrewActions:
    conference = request.conference
    return CrewActions(
        request.db,
        conference.groups,
        account=request.identity.name,
        event=conference.default.conference,
        login_key=request.registry["login_key"],
        directory=request.directory,
    )


def _login_client(request: Any, name: str) -> LoginClient:
    """Return the client of a request that logs in with an account name."""
    return LoginClient(
        address=request.remote_addr or "",
        device=request.device.id_for(request.logins.name_key(name)),
    )


def _validate_form_body(event: ContextFound) -> None:
    """Reject an invalid body before a view parses it."""
    request = event.request
    if request.method in SAFE_METHODS or not is_admin_page(request):
        return
    # Without Content-Length, the whole body would be read first.
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
        event.response.headers["Content-Security-Policy"] = (
            event.request.shell.content_security_policy(
                "form-action 'self'", "frame-ancestors 'none'"
            )
        )
