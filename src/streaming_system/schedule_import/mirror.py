"""Mirrors the schedule of another host: ``streaming-system schedule follow``."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from streaming_system.net.ssrf import ALLOW_ALL
from streaming_system.plugin.feed import FeedError
from streaming_system.schedule.diff import Change, diff_slots, summarize_schedule
from streaming_system.schedule.model import Schedule
from streaming_system.schedule.storage import (
    ScheduleFileError,
    deserialize_schedule,
    repr_digest,
    save_schedule,
)
from streaming_system.schedule.store import ScheduleStore
from streaming_system.schedule_import.download import fetch_if_changed
from streaming_system.util.log_once import LogOnce

log = logging.getLogger(__name__)

_MIN_TIME = datetime.min.replace(tzinfo=UTC)


class ScheduleMirror:
    """Replaces the schedule file by the published one if that is valid and newer.

    ``published`` is the last downloaded schedule, a new object each time; ``None`` at first.

    :param url: ``/schedule/file.json`` of the publishing frontend.
    :param target: the schedule file of this host.
    :param max_bytes: size limit of the download.
    :param accept_older: accept a schedule that was imported before the current one.
    """

    def __init__(
        self, url: str, target: Path, *, max_bytes: int, accept_older: bool = False
    ) -> None:
        self._url = url
        self._target = target
        self._max_bytes = max_bytes
        self._accept_older = accept_older
        self._store = ScheduleStore(target)
        self._validators: Mapping[str, str] = {}
        self._log_once = LogOnce(log)
        self.published: Schedule | None = None

    def poll(self) -> bool:
        """Download the schedule if it has changed, and log the changes; return the success."""
        try:
            changes = self._update()
        except (FeedError, ScheduleFileError) as error:
            self._log_once.warn(self._url, f"{error}; the schedule in service stays")
            return False
        self._log_once.resolve(self._url)
        if changes is not None:
            self._log_changes(changes)
        return True

    def _log_changes(self, changes: list[Change]) -> None:
        log.info("a new schedule; %s changes", len(changes))
        zones = {name: room.timezone for name, room in self._store.current().rooms.items()}
        for change in changes:
            slot = change.after or change.before
            zone = zones.get(slot.room) if slot else None
            log.info("%s", change.describe(zone or next(iter(zones.values()))))

    def _update(self) -> list[Change] | None:
        """Return the changes; ``None`` if there is no new schedule."""
        current = self._current_schedule()
        # Validators only apply while the file holds the schedule that came with them.
        is_mirrored = current is not None and current is self.published
        feed = fetch_if_changed(
            self._url,
            validators=self._validators if is_mirrored else {},
            max_bytes=self._max_bytes,
            allowed_networks=ALLOW_ALL,
        )
        if feed.data is None:
            return None
        published = self._verify(feed.data, feed.repr_digest, current)
        if published != current:
            save_schedule(published, self._target)
        self.published = self._store.current()
        self._validators = feed.validators
        if published == current:
            return None
        before = summarize_schedule(current or Schedule())
        return diff_slots(before, summarize_schedule(published))

    def _current_schedule(self) -> Schedule | None:
        """Return the schedule in the file; ``None`` if it is missing or invalid."""
        try:
            self._store.modified_at()
        except ScheduleFileError:
            return None
        return self._store.current()

    def _verify(self, document: bytes, digest: str, current: Schedule | None) -> Schedule:
        """Return the schedule of a downloaded document.

        :raises FeedError: if the document is corrupt, invalid, or older than the current schedule.
        """
        if not digest:
            raise FeedError(
                "the response has no checksum (Repr-Digest): is it the address of "
                "/schedule/file.json of a frontend?"
            )
        if digest != repr_digest(document):
            raise FeedError("the checksum does not match: the document was changed on its way")
        try:
            published = deserialize_schedule(document.decode())
        except UnicodeDecodeError:
            raise FeedError("is not a schedule: it is not UTF-8") from None
        if not published.rooms:
            raise FeedError("has no rooms: are the same rooms configured there?")
        current_time = (current and current.imported_at) or _MIN_TIME
        if (published.imported_at or _MIN_TIME) < current_time and not self._accept_older:
            raise FeedError(
                f"was imported at {published.imported_at or 'no time'}, before the one here "
                f"({current_time}); if that is right, follow it with --accept-older"
            )
        return published
