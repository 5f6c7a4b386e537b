"""Changes of the rooms by the crew, in a file of their own beside the configuration."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from streaming_system.config import ConferenceConfig, ConfigError, load_conference_from_settings
from streaming_system.config.events import room_prefix
from streaming_system.config.overrides import (
    Overrides,
    PreviousState,
    load_overrides,
    overrides_file,
    save_overrides,
)
from streaming_system.config.worker_records import touch_trigger, trigger_file
from streaming_system.tracker.crew.audit import AuditLog
from streaming_system.tracker.crew.errors import CrewError
from streaming_system.util.json_document import parse_json5
from streaming_system.util.private_files import make_private_file, make_private_folder

# The names of the values in messages and in the audit log.
LABELS = {"title": "title", "message": "message", "closed": "state", "sources": "sources"}

Edit = Callable[[Overrides, ConferenceConfig], Overrides]


class SiteChanges:
    """The changes of one crew member. Each one is validated, saved, recorded, and live at once.

    Methods return a message, and raise :class:`CrewError` for a rejected change.

    :param settings: the settings of the tracker.
    :param account: the name of the account, or ``cli:USER``.
    :ivar event: the conference; "" for the site itself.
    """

    def __init__(
        self, db: Session, settings: Mapping[str, Any], *, account: str, event: str = ""
    ) -> None:
        self.event = event
        # Of the room ids in messages and in the audit log.
        self._prefix = room_prefix(event)
        self._audit = AuditLog(db)
        self._settings = settings
        self._account = account
        self._path = overrides_file(settings)

    def overrides(self) -> Overrides:
        """Return the changes that are in force.

        :raises CrewError: if the file is invalid.
        """
        try:
            return load_overrides(self._path)
        except ConfigError as error:
            raise CrewError(str(error)) from None

    def set_value(self, room: str, key: str, value: Any, *, now: datetime) -> str:
        """Set the title, the message, the sources, or whether a room is closed.

        :param value: as in the configuration. Sources are a list, or its text in JSON.
        """
        if key == "sources" and isinstance(value, str):
            value = _parse_sources(value)
        shown = {True: "closed", False: "open"}.get(value, value) if key == "closed" else value

        def edit(overrides: Overrides, _: ConferenceConfig) -> Overrides:
            values = {**overrides.rooms.get(room, {}), key: value}
            return replace(overrides, rooms={**overrides.rooms, room: values})

        self._change(edit, f"{self._prefix}{room} {LABELS[key]}: {shown}", now, room=room)
        return f"The {LABELS[key]} of {self._prefix}{room} is changed."

    def reset(self, room: str, *, now: datetime) -> str:
        """Return a room to the organisers' files."""

        def edit(overrides: Overrides, _: ConferenceConfig) -> Overrides:
            rooms = {name: values for name, values in overrides.rooms.items() if name != room}
            return replace(overrides, rooms=rooms)

        self._change(edit, f"{self._prefix}{room}: as in the configuration", now, room=room)
        return f"{self._prefix}{room} is as in the configuration."

    def move(self, room: str, steps: int, *, now: datetime) -> str:
        """Move a room in the order of the rooms.

        :param steps: negative towards the beginning.
        """

        def edit(overrides: Overrides, conference: ConferenceConfig) -> Overrides:
            order = list(conference.rooms)
            position = order.index(room)
            order.insert(max(0, position + steps), order.pop(position))
            return replace(overrides, order=tuple(order))

        direction = "up" if steps < 0 else "down"
        self._change(edit, f"{self._prefix}{room}: moved {direction}", now, room=room)
        return f"{self._prefix}{room} is moved {direction}."

    def undo(self, *, now: datetime) -> str:
        """Undo the last change; the one before it can then be undone."""
        with self._lock():
            overrides = self.overrides()
            if not overrides.previous:
                raise CrewError("there is no change to undo")
            last = overrides.previous[-1]
            undone = Overrides(rooms=last.rooms, order=last.order, previous=overrides.previous[:-1])
            self._validate(undone)
            self._save(undone, "site.undo", f"{last.change} (of {last.account})", now)
        return f"Undone: {last.change}."

    def _change(self, edit: Edit, description: str, now: datetime, *, room: str) -> None:
        with self._lock():
            before = self.overrides()
            conference = self._validate(before)
            if room not in conference.rooms:
                raise CrewError(
                    f"there is no room {room!r:.80}; allowed: {', '.join(conference.rooms)}"
                )
            after = edit(before, conference)
            if (after.rooms, after.order) == (before.rooms, before.order):
                raise CrewError("nothing would change")
            state = PreviousState(
                at=now.astimezone(UTC).isoformat(timespec="seconds"),
                account=self._account,
                change=description[:200],
                rooms=before.rooms,
                order=before.order,
            )
            after = replace(after, previous=(*before.previous, state))
            self._validate(after)
            self._save(after, "site.change", description, now)

    def _validate(self, overrides: Overrides) -> ConferenceConfig:
        try:
            return load_conference_from_settings(self._settings, overrides)
        except ConfigError as error:
            raise CrewError(str(error).removeprefix(f"{self._path}: ")) from None

    def _save(self, overrides: Overrides, action: str, subject: str, now: datetime) -> None:
        """Save the file after the entry in the audit log: no change is without one."""
        self._audit.record(account=self._account, action=action, subject=subject, now=now)
        self._audit.db.flush()
        with self._one_line_errors():
            save_overrides(self._path, overrides)
        # Without the trigger, workers notice the change a few seconds later.
        with contextlib.suppress(OSError):
            if trigger := trigger_file(self._settings):
                touch_trigger(trigger)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """Let one process change the file at a time."""
        lock = self._path.with_name(f".{self._path.name}.lock")
        with self._one_line_errors():
            make_private_folder(lock.parent)
            make_private_file(lock)
            descriptor = os.open(lock, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _one_line_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            place = Path(error.filename).name if error.filename else self._path.name
            raise CrewError(
                f"{place} cannot be written: {error.strerror}; the tracker needs to write into "
                "the folder of config.overrides and into workers.folder of the ini file"
            ) from None


def _parse_sources(text: str) -> list[Any]:
    try:
        sources = parse_json5(text) if text.strip() else []
    except ValueError as error:
        raise CrewError(f"the sources are no JSON: {error}") from None
    if not isinstance(sources, list):
        raise CrewError('the sources are no list; allowed: such as [{"youtube": "ID"}]')
    return sources
