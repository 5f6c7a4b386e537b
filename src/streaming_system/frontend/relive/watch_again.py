"""The talks that can be watched again: by the site's own player, or where they are published."""

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from streaming_system.config import ConferenceConfig, ReliveSource
from streaming_system.frontend.relive.background_resource import BackgroundFetcher
from streaming_system.frontend.relive.sources import RecordingSource, create_source
from streaming_system.frontend.relive.talk_recording import RecordingStatus, TalkRecording
from streaming_system.schedule.model import Link, Schedule, Slot
from streaming_system.schedule.recordings import Recordings, RecordingsStore, feed_recordings

# How long a page of a talk waits for the first response of a server, twice for two playlists. nginx
# waits for four seconds.
FIRST_RESPONSE_TIMEOUT = 1.5  # seconds
MARKS_TTL = 2.0  # seconds


@dataclass(frozen=True, kw_only=True)
class WatchAgain:
    """How a talk that has begun can be watched.

    :param recording: ``None`` if its room has no recording.
    :param links: where its recording is published.
    :param is_running: whether the talk has not ended.
    """

    recording: TalkRecording | None = None
    links: tuple[Link, ...] = ()
    is_running: bool = False

    @property
    def status(self) -> str:
        """The status of the recording; "" if the page does not mention it."""
        if self.recording is None:
            return ""
        status = self.recording.status
        is_hidden = bool(self.links) or self.is_running
        return "" if is_hidden and status is not RecordingStatus.PLAYABLE else status

    @property
    def is_watchable(self) -> bool:
        """Whether it can be watched."""
        return bool(self.links) or self.status == RecordingStatus.PLAYABLE

    @cached_property
    def parts(self) -> list[dict[str, Any]]:
        """The parts of the recording for the player."""
        return [
            {
                "url": part.url,
                "type": part.mime_type,
                "start": part.start,
                "end": part.end,
                "clock": part.clock,
            }
            for part in (self.recording.parts if self.recording else ())
        ]

    @property
    def sites(self) -> list[tuple[Link, str]]:
        """The links, each with the name of its site."""
        return [(link, urlsplit(link.url).hostname or "") for link in self.links]


class RecordingSources:
    """The sources of all rooms. One that is still configured outlives a change."""

    def __init__(self, fetcher: BackgroundFetcher) -> None:
        self._fetcher = fetcher
        self._sources: dict[ReliveSource, RecordingSource] = {}

    def of_rooms(self, conference: ConferenceConfig) -> Mapping[str, RecordingSource]:
        """Return the sources by room id."""
        configs = {
            room.id: room.relive.for_room(room.id)
            for room in conference.rooms.values()
            if room.relive
        }
        self._sources = {
            config: self._sources.get(config) or create_source(config, self._fetcher)
            for config in dict.fromkeys(configs.values())
        }
        return {room_id: self._sources[config] for room_id, config in configs.items()}


class TalkRecordings:
    """Finds out which talks can be watched again."""

    def __init__(self, sources: Mapping[str, RecordingSource], published: RecordingsStore) -> None:
        self.sources = sources
        self._published = published
        self._lock = threading.Lock()
        self._marks: tuple[Schedule, float, frozenset[str]] | None = None

    def find(
        self, room_id: str, talk: Slot, now: datetime, playlist_path: str, timeout: float = 0.0
    ) -> WatchAgain:
        """Return how a talk can be watched.

        :param playlist_path: the path of the site's own playlist of the talk.
        :param timeout: seconds to wait for the first response of a server.
        """
        published = self._published.current()
        return self._find(room_id, talk, now, playlist_path, timeout, published)

    def _find(
        self,
        room_id: str,
        talk: Slot,
        now: datetime,
        playlist_path: str,
        timeout: float,
        published: Recordings,
    ) -> WatchAgain:
        if talk.is_filler or talk.start > now or talk.do_not_record:
            return WatchAgain()
        source = self.sources.get(room_id)
        is_running = now < talk.end
        recording = source.find(talk, now, playlist_path, timeout) if source else None
        links: list[Link] = []
        if not is_running:
            links += published.talks.get(talk.guid, ())
            links += feed_recordings(talk)
            if recording and recording.release_url:
                links.append(Link(url=recording.release_url))
        return WatchAgain(
            recording=recording,
            links=tuple({link.url: link for link in reversed(links)}.values())[::-1],
            is_running=is_running,
        )

    def watchable_guids(
        self, schedule: Schedule, rooms: Iterable[str], now: datetime
    ) -> frozenset[str]:
        """Return the guids of the ended talks that can be watched again.

        :param rooms: ids of all rooms of the site.
        """
        with self._lock:
            marks = self._marks
        if marks and marks[0] is schedule and time.monotonic() - marks[1] < MARKS_TTL:
            return marks[2]
        # One look at the file for all talks.
        published = self._published.current()
        guids = frozenset(
            talk.guid
            for room_id in rooms
            if (room_schedule := schedule.rooms.get(room_id))
            for talk in room_schedule.slots
            if talk.end <= now and self._find(room_id, talk, now, "", 0.0, published).is_watchable
        )
        with self._lock:
            self._marks = schedule, time.monotonic(), guids
        return guids
