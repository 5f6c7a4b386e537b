"""Changes of rooms of a site and of its conferences: each goes into the file of its conference."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from streaming_system.config import ConfigError
from streaming_system.config.events import (
    event_settings,
    list_events,
    room_prefix,
    title_prefix,
)
from streaming_system.config.overrides import Overrides
from streaming_system.tracker.crew.site_changes import SiteChanges


class EventChanges:
    """The changes of one crew member, by the ids of rooms in the tracker.

    Methods are those of :class:`SiteChanges`.
    """

    def __init__(self, db: Session, settings: Mapping[str, Any], *, account: str) -> None:
        self._db, self._settings, self._account = db, settings, account
        self._site = SiteChanges(db, settings, account=account)

    def overrides(self) -> Overrides:
        """Return the changes that are in force in all conferences.

        :raises CrewError: if a file is invalid.
        """
        site = self._site.overrides()
        rooms, previous = dict(site.rooms), list(site.previous)
        for prefix, changes in self._events().items():
            overrides = changes.overrides()
            rooms |= {f"{prefix}{room}": values for room, values in overrides.rooms.items()}
            previous += overrides.previous
        return replace(
            site, rooms=rooms, previous=tuple(sorted(previous, key=lambda state: state.at))
        )

    def set_value(self, room: str, key: str, value: Any, *, now: datetime) -> str:
        """Set the title, the message, the sources, or whether a room is closed."""
        changes, own_id = self._find(room)
        if key == "title":
            # The tracker shows the name of the conference before the title.
            value = value.removeprefix(title_prefix(changes.event))
        return changes.set_value(own_id, key, value, now=now)

    def reset(self, room: str, *, now: datetime) -> str:
        """Return a room to the organisers' files."""
        changes, own_id = self._find(room)
        return changes.reset(own_id, now=now)

    def move(self, room: str, steps: int, *, now: datetime) -> str:
        """Move a room in the order of the rooms of its conference."""
        changes, own_id = self._find(room)
        return changes.move(own_id, steps, now=now)

    def undo(self, *, now: datetime) -> str:
        """Undo the last change, whichever conference it was of."""

        def last_change_at(changes: SiteChanges) -> str:
            previous = changes.overrides().previous
            return previous[-1].at if previous else ""

        return max((self._site, *self._events().values()), key=last_change_at).undo(now=now)

    def _find(self, room: str) -> tuple[SiteChanges, str]:
        for prefix, changes in self._events().items():
            if room.startswith(prefix):
                return changes, room.removeprefix(prefix)
        return self._site, room

    def _events(self) -> dict[str, SiteChanges]:
        found = {}
        for name in list_events(self._settings):
            try:
                settings = event_settings(self._settings, name)
            except ConfigError:
                # It has just been removed.
                continue
            found[room_prefix(name)] = SiteChanges(
                self._db, settings, account=self._account, event=name
            )
        return found
