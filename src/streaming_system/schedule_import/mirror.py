"""Keeps a copy of the schedule that another host publishes: `streaming-system schedule follow`."""

import logging
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
from streaming_system.schedule_import.download import FeedDownloader

log = logging.getLogger(__name__)

_MIN_TIME = datetime.min.replace(tzinfo=UTC)


class ScheduleMirror:
    """Replaces the schedule file by what another host publishes, if that is good and newer.

    ``taken`` is what was taken last, another object each time; ``None`` before.

    :param url: where it is published: ``/schedule/file.json`` of a frontend.
    :param target: the schedule file of this host.
    :param limit: the most bytes that are taken.
    :param accept_older: take one that was imported before the one that is here, too.
    """

    def __init__(self, url: str, target: Path, *, limit: int, accept_older: bool = False) -> None:
        self._url = url
        self._target = target
        self._limit = limit
        self._accept_older = accept_older
        self._here = ScheduleStore(target)
        # What was taken last, as it is read from the file, and how to ask whether it still holds.
        self.taken: Schedule | None = None
        self._validators: dict[str, str] = {}
        self._problem = ""

    def look(self) -> bool:
        """Look once, and say what has changed; return whether all is well."""
        try:
            changes = self._follow()
        except (FeedError, ScheduleFileError) as error:
            if str(error) != self._problem:
                log.warning("%s: %s; the schedule in service stays", self._url, error)
            self._problem = str(error)
            return False
        if self._problem:
            log.info("%s: all is well again", self._url)
            self._problem = ""
        if changes is not None:
            log.info("a new schedule; %s changes", len(changes))
            zones = {name: room.timezone for name, room in self._here.current().rooms.items()}
            for change in changes:
                placed = change.after or change.before
                zone = zones.get(placed.room) if placed else None
                log.info("%s", change.line(zone or next(iter(zones.values()))))
        return True

    def _follow(self) -> list[Change] | None:
        """Return what is different from before; ``None`` if nothing is new."""
        here = self._in_service()
        # Whoever has lost or replaced the file gets it again.
        same = here is not None and here is self.taken
        downloader = FeedDownloader(
            self._url,
            limit=self._limit,
            headers=self._validators if same else {},
            networks=ALLOW_ALL,
        )
        document = downloader.fetch()
        if document is None:
            return None
        published = self._checked(document, downloader.digest, here)
        if published != here:
            save_schedule(published, self._target)
        self.taken = self._here.current()
        self._validators = downloader.validators
        if published == here:
            return None
        return diff_slots(summarize_schedule(here or Schedule()), summarize_schedule(published))

    def _in_service(self) -> Schedule | None:
        """Return the schedule that is here; ``None`` if there is none that can be read."""
        try:
            self._here.written()
        except ScheduleFileError:
            return None
        return self._here.current()

    def _checked(self, document: bytes, told: str, here: Schedule | None) -> Schedule:
        """Return the schedule in an answer.

        :raises FeedError: if it is not what the other host has sent, or not to be taken.
        """
        if not told:
            raise FeedError(
                "the answer has no checksum (Repr-Digest): is it the address of "
                "/schedule/file.json of a frontend?"
            )
        if told != repr_digest(document):
            raise FeedError("the checksum is not that of what came: it was changed on its way")
        try:
            published = deserialize_schedule(document.decode())
        except UnicodeDecodeError:
            raise FeedError("is not a schedule: it is not UTF-8") from None
        if not published.rooms:
            raise FeedError("has no rooms: are the same rooms configured there?")
        before = (here and here.imported) or _MIN_TIME
        if (published.imported or _MIN_TIME) < before and not self._accept_older:
            raise FeedError(
                f"was imported at {published.imported or 'no time'}, before the one here "
                f"({before}); if that is right, follow it with --accept-older"
            )
        return published
