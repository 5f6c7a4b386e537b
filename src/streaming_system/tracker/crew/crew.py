"""What the crew does: each deed is checked, done, and noted in the audit trail."""

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from streaming_system.tracker.crew.accounts import AccountError, Accounts
from streaming_system.tracker.crew.annotations import Annotations
from streaming_system.tracker.crew.audit import Audit
from streaming_system.tracker.crew.errors import CrewError, validate_single_line
from streaming_system.tracker.crew.tokens import Tokens
from streaming_system.tracker.endpoints.endpoints import Endpoints
from streaming_system.tracker.models import Account, Token

__all__ = ["AccountError", "CrewActions", "CrewError", "parse_time"]

MAX_ID = 2**31 - 1


class CrewActions:
    """The deeds of one of the crew, from an admin page or the command line alike.

    Each says in one line what has been done, and raises :class:`CrewError` for what cannot be.

    :param rooms: the ids of the rooms that there are.
    :param by: who it is: the name of an account, or ``cli:USER``.
    """

    def __init__(self, db: Session, rooms: Collection[str], *, by: str) -> None:
        self.db = db
        self._rooms = rooms
        self._by = by

    def issue_token(
        self, *, label: str, scope: str, room: str, endpoint: str, now: datetime
    ) -> tuple[Token, str]:
        """Issue a token; return it with its text."""
        if scope in ("room", "endpoint"):
            self._check_room(room)
        token, text = Tokens(self.db).issue(
            label=label, scope=scope, room=room, endpoint=endpoint, by=self._by, now=now
        )
        self._note("token.issue", f"{_token_label(token)} for {token_scope_label(token)}", now)
        return token, text

    def revoke_token(self, id: int, *, now: datetime) -> str:  # noqa: A002 - The column's name.
        """Refuse a token from now on."""
        tokens = Tokens(self.db)
        if not 0 < id <= MAX_ID or not tokens.revoke(id, now=now):
            raise CrewError("there is no such token, or it has been revoked already")
        token = tokens.get(id)
        name = _token_label(token) if token else f"{id}"
        self._note("token.revoke", name, now)
        return f"Revoked the token {name}."

    def drain(self, *, room: str, name: str, drained: bool, now: datetime) -> str:
        """Send an endpoint no new viewers, or again."""
        room, name = (
            validate_single_line(room, "the room", 64),
            validate_single_line(name, "the endpoint", 64),
        )
        if not Endpoints(self.db).set_drained(room=room, name=name, drained=drained, now=now):
            raise CrewError(f"there is no endpoint {name} in the room {room}")
        self._note("endpoint.drain" if drained else "endpoint.undrain", f"{room} {name}", now)
        if drained:
            return f"{name} of {room} gets no new viewers."
        return f"{name} of {room} gets viewers again."

    def annotate(self, *, at: datetime, label: str, room: str, now: datetime) -> str:
        """Write a word about a moment; ``room`` is "" where it is about all."""
        if room:
            self._check_room(room)
        added = Annotations(self.db).add(at=at, label=label, room=room, by=self._by)
        self._note("annotation.add", f"{added.at:%Y-%m-%d %H:%M:%S} {added.label}", now)
        return f"Added the annotation {added.label}."

    def remove_annotation(self, id: int, *, now: datetime) -> str:  # noqa: A002
        """Delete an annotation."""
        annotations = Annotations(self.db)
        annotation = annotations.get(id) if 0 < id <= MAX_ID else None
        if annotation is None or not annotations.remove(id):
            raise CrewError("there is no such annotation")
        label = annotation.label
        self._note("annotation.remove", f"{annotation.at:%Y-%m-%d %H:%M:%S} {label}", now)
        return f"Deleted the annotation {label}."

    def create_account(self, *, name: str, password: str, role: str, now: datetime) -> str:
        """Let somebody log in."""
        account = Accounts(self.db).create(name, password, role=role, now=now)
        self._note("account.create", f"{account.name} as {role}", now)
        return f"Created the {role} account {account.name}"

    def set_role(self, *, name: str, role: str, now: datetime) -> str:
        """Let an account be something else."""
        account = Accounts(self.db).set_role(name, role)
        self._note("account.role", f"{account.name} is {role}", now)
        return f"{account.name} is {'an admin' if role == 'admin' else 'a viewer'} now."

    def reset_password(self, *, name: str, password: str, now: datetime) -> str:
        """Give an account another password; its sessions end."""
        account = Accounts(self.db).reset_password(name, password)
        self._note("account.password", account.name, now)
        return f"{account.name} has another password, and is logged out everywhere."

    def change_password(self, *, proven: str, new: str, now: datetime) -> Account:
        """Give one's own account another password; all its sessions end.

        :param proven: as :meth:`Accounts.change_password` takes it.
        """
        account = Accounts(self.db).change_password(self._by, proven, new)
        self._note("account.password", account.name, now)
        return account

    def end_sessions(self, *, now: datetime) -> Account:
        """Log oneself out everywhere."""
        account = Accounts(self.db).end_sessions(self._by)
        self._note("logout.everywhere", "", now)
        return account

    def log_out(self, *, name: str, now: datetime) -> str:
        """Log somebody out everywhere."""
        Accounts(self.db).end_sessions(name)
        self._note("logout.everywhere", name, now)
        return f"{name} is logged out everywhere."

    def delete_account(self, *, name: str, now: datetime) -> str:
        """Delete an account; its sessions end."""
        Accounts(self.db).delete(name)
        self._note("account.delete", name, now)
        return f"Deleted the account {name}."

    def _check_room(self, room: str) -> None:
        if not room:
            raise CrewError("choose a room")
        if room not in self._rooms:
            raise CrewError(f"there is no room {room!r:.80}; allowed: {', '.join(self._rooms)}")

    def _note(self, action: str, subject: str, now: datetime) -> None:
        Audit(self.db).note(account=self._by, action=action, subject=subject, now=now)


def parse_time(text: str, *, now: datetime) -> datetime:
    """Return the moment that somebody has written; it is UTC where no offset says otherwise.

    :raises CrewError: if it is none.
    """
    if not text.strip():
        return now
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise CrewError(
            f"the time {text!r:.40} cannot be read; allowed: such as 2026-11-24 12:00, in UTC"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def token_scope_label(token: Token) -> str:
    """Say what a token is good for."""
    if token.scope == "room":
        return f"all endpoints of {token.room}"
    if token.scope == "endpoint":
        return f"{token.endpoint} of {token.room}"
    return "what an admin may do"


def _token_label(token: Token) -> str:
    return f"{token.label} ({token.hint}…)"
