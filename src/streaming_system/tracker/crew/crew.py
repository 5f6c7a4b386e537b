"""The actions of crew members: each one is validated, executed and recorded in the audit log."""

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from streaming_system.tracker.crew.accounts import AccountError, Accounts
from streaming_system.tracker.crew.annotations import Annotations
from streaming_system.tracker.crew.audit import AuditLog
from streaming_system.tracker.crew.errors import CrewError, validate_single_line
from streaming_system.tracker.crew.login_failures import LoginFailureKeys, LoginFailures
from streaming_system.tracker.crew.second_factor import SecondFactors
from streaming_system.tracker.crew.server_keys import LOGIN_KEY_NAME, ServerKeys
from streaming_system.tracker.crew.tokens import Tokens
from streaming_system.tracker.endpoints.endpoints import Endpoints
from streaming_system.tracker.endpoints.stream_directory import StreamDirectory
from streaming_system.tracker.models import Account, StreamKey, Token
from streaming_system.tracker.publishing.stream_keys import StreamKeys

__all__ = ["AccountError", "CrewActions", "CrewError", "parse_time"]

MAX_ID = 2**31 - 1


class CrewActions:
    """The actions of one crew member, from an admin page or the command line.

    Methods return a message, and raise :class:`CrewError` for a rejected action.

    :param rooms: the ids of all rooms.
    :param account: the name of the account, or ``cli:USER``.
    :param event: the name of the event, which passwords must not consist of.
    :param login_key: the key of the hashes of failed logins; the default is that of the database.
    :param directory: the endpoints of each room, to describe the effect of draining.
    """

    def __init__(
        self,
        db: Session,
        rooms: Collection[str],
        *,
        account: str,
        event: str = "",
        login_key: bytes | None = None,
        directory: StreamDirectory | None = None,
    ) -> None:
        self.db = db
        self._accounts = Accounts(db, (event,))
        self._rooms = rooms
        self._account = account
        self._login_key = login_key
        self._directory = directory

    def issue_token(
        self, *, label: str, scope: str, room: str, endpoint: str, now: datetime
    ) -> tuple[Token, str]:
        """Issue a token; return it with its text."""
        if scope in ("room", "endpoint", "captions"):
            self._require_room(room)
        token, text = Tokens(self.db).issue(
            label=label,
            scope=scope,
            room=room,
            endpoint=endpoint,
            created_by=self._account,
            now=now,
        )
        self._record("token.issue", f"{_token_label(token)} for {token_scope_label(token)}", now)
        return token, text

    def revoke_token(self, token_id: int, *, now: datetime) -> str:
        """Revoke a token."""
        tokens = Tokens(self.db)
        if not 0 < token_id <= MAX_ID or not tokens.revoke(token_id, now=now):
            raise CrewError("there is no such token, or it has been revoked already")
        token = tokens.get(token_id)
        label = _token_label(token) if token else f"{token_id}"
        self._record("token.revoke", label, now)
        return f"Revoked the token {label}."

    def create_stream_key(
        self, *, room: str, label: str, expires_at: datetime | None, now: datetime
    ) -> tuple[StreamKey, str]:
        """Create a stream key of a room; return it with its text."""
        self._require_room(room)
        key, text = StreamKeys(self.db).create(
            room=room, label=label, expires_at=expires_at, created_by=self._account, now=now
        )
        self._record("stream_key.create", f"{_key_label(key)} for {room}", now)
        return key, text

    def revoke_stream_key(self, key_id: int, *, now: datetime) -> str:
        """Revoke a stream key."""
        keys = StreamKeys(self.db)
        key = keys.get(key_id) if 0 < key_id <= MAX_ID else None
        if key is None or not keys.revoke(key_id, now=now):
            raise CrewError("there is no such stream key, or it has been revoked already")
        self._record("stream_key.revoke", f"{_key_label(key)} for {key.room}", now)
        return f"Revoked the stream key {_key_label(key)} of {key.room}."

    def drain(self, *, room: str, name: str, drained: bool, now: datetime) -> str:
        """Drain an endpoint, or assign viewers to it again."""
        room = validate_single_line(room, "the room", 64)
        name = validate_single_line(name, "the endpoint", 64)
        if not Endpoints(self.db).set_drained(room=room, name=name, drained=drained, now=now):
            raise CrewError(f"there is no endpoint {name} in the room {room}")
        self._record("endpoint.drain" if drained else "endpoint.undrain", f"{room} {name}", now)
        if drained:
            return self._describe_drained(room, name, now)
        return f"{name} of {room} gets viewers again."

    def _describe_drained(self, room: str, name: str, now: datetime) -> str:
        last_resorts = self._directory.last_resorts(now=now) if self._directory else {}
        if rooms := last_resorts.get((room, name)):
            return (
                f"{name} of {room} is drained, but no other server can take new viewers of "
                f"{', '.join(rooms)}: it gets them until one can."
            )
        return f"{name} of {room} gets no new viewers."

    def annotate(self, *, at: datetime, label: str, room: str, now: datetime) -> str:
        """Add an annotation; ``room`` is "" for all rooms."""
        if room:
            self._require_room(room)
        annotation = Annotations(self.db).add(
            at=at, label=label, room=room, created_by=self._account
        )
        self._record("annotation.add", f"{annotation.at:%Y-%m-%d %H:%M:%S} {annotation.label}", now)
        return f"Added the annotation {annotation.label}."

    def remove_annotation(self, annotation_id: int, *, now: datetime) -> str:
        """Delete an annotation."""
        annotations = Annotations(self.db)
        annotation = annotations.get(annotation_id) if 0 < annotation_id <= MAX_ID else None
        if annotation is None or not annotations.remove(annotation_id):
            raise CrewError("there is no such annotation")
        label = annotation.label
        self._record("annotation.remove", f"{annotation.at:%Y-%m-%d %H:%M:%S} {label}", now)
        return f"Deleted the annotation {label}."

    def create_account(self, *, name: str, password: str, role: str, now: datetime) -> str:
        """Create an account."""
        account = self._accounts.create(name, password, role=role, now=now)
        self._record("account.create", f"{account.name} as {role}", now)
        return f"Created the {role} account {account.name}"

    def set_role(self, *, name: str, role: str, now: datetime) -> str:
        """Change the role of an account."""
        account = self._accounts.set_role(name, role)
        self._record("account.role", f"{account.name} is {role}", now)
        return f"{account.name} is {'an admin' if role == 'admin' else 'a viewer'} now."

    def reset_password(self, *, name: str, password: str, now: datetime) -> str:
        """Set a new password of another account, which ends its sessions and lockouts."""
        if name == self._account:
            raise AccountError("change your own password on the page of your account")
        account = self._accounts.reset_password(name, password)
        self._unlock(name)
        self._record("account.password", account.name, now)
        return f"{account.name} has another password, and is logged out everywhere."

    def change_password(self, *, verified_hash: str, new: str, now: datetime) -> Account:
        """Change the own password, which ends the own sessions.

        :param verified_hash: see :meth:`Accounts.change_password`.
        """
        account = self._accounts.change_password(self._account, verified_hash, new)
        self._unlock(account.name)
        self._record("account.password", account.name, now)
        return account

    def enable_second_factor(self, *, secret: str, code: str, now: datetime) -> list[str]:
        """Require codes of an app for the own log-ins; return the recovery codes."""
        account = self._accounts.require(self._account)
        codes = SecondFactors(self.db).enable(account, secret, code, now=now)
        self._record("second_factor.enable", account.name, now)
        return codes

    def renew_recovery_codes(self, *, now: datetime) -> list[str]:
        """Replace the own recovery codes; return the new ones."""
        account = self._accounts.require(self._account)
        codes = SecondFactors(self.db).renew_recovery_codes(account)
        self._record("second_factor.codes", account.name, now)
        return codes

    def disable_second_factor(self, *, now: datetime) -> Account:
        """Require no second factor for the own log-ins any more, which ends the own sessions."""
        account = self._accounts.require(self._account)
        SecondFactors(self.db).remove(account)
        self._record("second_factor.disable", account.name, now)
        return account

    def reset_second_factor(self, *, name: str, now: datetime) -> str:
        """Remove the second factor of another account, which ends its sessions."""
        if name == self._account:
            raise AccountError("turn off your own second factor on its page")
        SecondFactors(self.db).remove(self._accounts.require(name))
        self._record("second_factor.reset", name, now)
        return f"{name} logs in without a second factor, and is logged out everywhere."

    def end_sessions(self, *, now: datetime) -> Account:
        """End all own sessions."""
        account = self._accounts.end_sessions(self._account)
        self._record("logout.everywhere", "", now)
        return account

    def log_out(self, *, name: str, now: datetime) -> str:
        """End all sessions of an account."""
        self._accounts.end_sessions(name)
        self._record("logout.everywhere", name, now)
        return f"{name} is logged out everywhere."

    def unlock_account(self, *, name: str, now: datetime) -> str:
        """End the lockouts of an account after failed logins."""
        self._accounts.require(name)
        self._unlock(name)
        self._record("account.unlock", name, now)
        return f"{name} can log in again at once."

    def delete_account(self, *, name: str, now: datetime) -> str:
        """Delete an account, which ends its sessions."""
        self._accounts.delete(name)
        self._record("account.delete", name, now)
        return f"Deleted the account {name}."

    def _unlock(self, name: str) -> None:
        key = self._login_key or ServerKeys(self.db).get(LOGIN_KEY_NAME)
        LoginFailures(self.db).unlock(LoginFailureKeys(key).name(name))

    def _require_room(self, room: str) -> None:
        if not room:
            raise CrewError("choose a room")
        if room not in self._rooms:
            raise CrewError(f"there is no room {room!r:.80}; allowed: {', '.join(self._rooms)}")

    def _record(self, action: str, subject: str, now: datetime) -> None:
        AuditLog(self.db).record(account=self._account, action=action, subject=subject, now=now)


def parse_time(text: str, *, now: datetime) -> datetime:
    """Return the time in a text: UTC if it has no offset, ``now`` if it is empty.

    :raises CrewError: if the text is no time.
    """
    if not text.strip():
        return now
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        raise CrewError(
            f"the time {text!r:.40} cannot be read; allowed: such as 2026-11-24 12:00, in UTC"
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def token_scope_label(token: Token) -> str:
    """Return a description of what a token is valid for."""
    if token.scope == "room":
        return f"all endpoints of {token.room}"
    if token.scope == "endpoint":
        return f"{token.endpoint} of {token.room}"
    if token.scope == "publish":
        return "the publish hooks of all rooms"
    if token.scope == "captions":
        return f"the captions of {token.room}"
    return "what an admin may do"


def _token_label(token: Token) -> str:
    return f"{token.label} ({token.hint}…)"


def _key_label(key: StreamKey) -> str:
    return f"{key.label} ({key.hint}…)"
