"""The sources of recordings: HLS, MediaMTX, files of nginx, and lists of talks."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from streaming_system.config import ReliveSource
from streaming_system.frontend.relive.background_resource import (
    BackgroundFetcher,
    BackgroundResource,
)
from streaming_system.frontend.relive.file_list import MediaFile, parse_file_list
from streaming_system.frontend.relive.hls_playlist import (
    MasterPlaylist,
    MediaPlaylist,
    decode_playlist,
    parse_playlist,
)
from streaming_system.frontend.relive.mediamtx import get_url, list_url, parse_spans
from streaming_system.frontend.relive.talk_index import IndexedTalk, TalkIndex, parse_index
from streaming_system.frontend.relive.talk_playlist import MEDIA_TYPE, render_master, render_media
from streaming_system.frontend.relive.talk_recording import (
    UNKNOWN,
    RecordingPart,
    RecordingStatus,
    Span,
    TalkRecording,
    assess_coverage,
    merge_spans,
    talk_span,
    without_recording,
)
from streaming_system.schedule.model import Slot
from streaming_system.util.json_object import FieldProblems

# Two recordings of one stream overlap or join if the gap is not longer.
FILE_TOLERANCE = 2.0  # seconds


class RecordingSource(Protocol):
    """Where the talks of a room can be watched again."""

    def find(self, talk: Slot, now: datetime, playlist_path: str, timeout: float) -> TalkRecording:
        """Return what is known of the recording of a talk that has begun.

        :param playlist_path: the path of the site's own playlist of the talk.
        :param timeout: seconds to wait for the first response of the server.
        """


class HlsSource:
    """A playlist whose segments stay for hours, with the time of each (EXT-X-PROGRAM-DATE-TIME)."""

    def __init__(self, config: ReliveSource, fetcher: BackgroundFetcher) -> None:
        self._config, self._fetcher = config, fetcher
        self._playlist = self._resource(config.url)
        self._media: dict[str, BackgroundResource[MasterPlaylist | MediaPlaylist]] = {}

    def _resource(self, url: str) -> BackgroundResource[MasterPlaylist | MediaPlaylist]:
        def parse(lines: list[str], _: FieldProblems) -> MasterPlaylist | MediaPlaylist:
            return parse_playlist(lines, url)

        return BackgroundResource(self._fetcher, url, parse, decode_playlist)

    def find(self, talk: Slot, now: datetime, playlist_path: str, timeout: float) -> TalkRecording:
        """Return the recording of a talk; also of one that is still running."""
        playlist = self._playlist.get(timeout)
        if isinstance(playlist, MasterPlaylist):
            playlist = self._media_playlist(playlist, next(iter(playlist.media)), timeout)
        if playlist is None:
            return UNKNOWN
        part = RecordingPart(url=playlist_path, mime_type=MEDIA_TYPE)
        window = talk_span(talk, self._config.clock_offset)
        clock = now.timestamp() + self._config.clock_offset
        return assess_coverage(window, playlist.spans, [part], clock)

    def _media_playlist(
        self, master: MasterPlaylist, name: str, timeout: float
    ) -> MediaPlaylist | None:
        if name not in master.media:
            return None
        for removed in self._media.keys() - master.media.keys():
            self._media.pop(removed, None)
        resource = self._media.setdefault(name, self._resource(master.media[name]))
        playlist = resource.get(timeout)
        return playlist if isinstance(playlist, MediaPlaylist) else None

    def render(
        self, talk: Slot, now: datetime, name: str, base_path: str, timeout: float
    ) -> str | None:
        """Return a playlist of a talk; ``None`` if there is none.

        :param name: the id of a media playlist; "" for the playlist of the talk.
        :param base_path: the path below which its media playlists are.
        """
        playlist = self._playlist.get(timeout)
        if isinstance(playlist, MasterPlaylist):
            if not name:
                return render_master(playlist, lambda each: f"{base_path}/{each}.m3u8")
            playlist = self._media_playlist(playlist, name, timeout)
        elif name:
            return None
        if playlist is None:
            return None
        window = talk_span(talk, self._config.clock_offset)
        newest = max((span.end for span in playlist.spans), default=0.0)
        clock = now.timestamp() + self._config.clock_offset
        # The last segments arrive after the end.
        is_over = clock >= window.end and (newest >= window.end or clock - window.end > 60)
        return render_media(
            playlist, window, is_over=is_over, clock_offset=self._config.clock_offset
        )


class MediaMtxSource:
    """The playback server of MediaMTX, which cuts recordings by itself."""

    def __init__(self, config: ReliveSource, fetcher: BackgroundFetcher) -> None:
        self._config = config
        self._spans = BackgroundResource(fetcher, list_url(config.url, config.path), parse_spans)

    def find(self, talk: Slot, now: datetime, playlist_path: str, timeout: float) -> TalkRecording:
        """Return the recording of a talk that has ended."""
        spans = self._spans.get(timeout)
        if spans is None:
            return UNKNOWN
        window = talk_span(talk, self._config.clock_offset)
        pieces = filter(None, (span.overlap(window) for span in spans))
        parts = [
            RecordingPart(
                url=get_url(self._config.url, self._config.path, piece),
                mime_type="video/mp4",
                clock=piece.start - self._config.clock_offset,
            )
            for piece in pieces
        ]
        clock = now.timestamp() + self._config.clock_offset
        return _only_ended(talk, now, assess_coverage(window, spans, parts, clock))


class FileSource:
    """Files with the time of their start in their names, such as those of nginx-rtmp."""

    def __init__(self, config: ReliveSource, fetcher: BackgroundFetcher) -> None:
        self._config = config

        def parse(document: Any, problems: FieldProblems) -> tuple[list[MediaFile], list[Span]]:
            files = parse_file_list(config, document, problems)
            return files, merge_spans((file.span for file in files), FILE_TOLERANCE)

        self._files = BackgroundResource(fetcher, config.url, parse)

    def find(self, talk: Slot, now: datetime, playlist_path: str, timeout: float) -> TalkRecording:
        """Return the recording of a talk that has ended."""
        known = self._files.get(timeout)
        if known is None:
            return UNKNOWN
        files, spans = known
        window = talk_span(talk, self._config.clock_offset)
        clock = now.timestamp() + self._config.clock_offset
        parts = _file_parts(files, window, self._config.clock_offset)
        return _only_ended(talk, now, assess_coverage(window, spans, parts, clock))


def _file_parts(
    files: Iterable[MediaFile], window: Span, clock_offset: float
) -> Iterable[RecordingPart]:
    position = window.start
    for file in files:
        piece = file.span.overlap(Span(position, window.end)) if position < window.end else None
        if piece is not None:
            yield RecordingPart(
                url=file.url,
                mime_type=file.mime_type,
                start=piece.start - file.span.start,
                end=piece.end - file.span.start,
                clock=file.span.start - clock_offset,
            )
            position = piece.end


class IndexSource:
    """A list of talks with their recordings, as C3VOC's relive system writes it."""

    def __init__(self, config: ReliveSource, fetcher: BackgroundFetcher) -> None:
        self._index = BackgroundResource(fetcher, config.url, partial(parse_index, config.url))

    def find(self, talk: Slot, now: datetime, playlist_path: str, timeout: float) -> TalkRecording:
        """Return the recording of a talk; also of one that is still running."""
        index: TalkIndex | None = self._index.get(timeout)
        if index is None:
            return UNKNOWN
        entry: IndexedTalk | None = index.find(talk)
        if entry is not None and entry.url:
            return TalkRecording(
                status=RecordingStatus.PLAYABLE,
                parts=(RecordingPart(url=entry.url, mime_type=entry.mime_type),),
                release_url=entry.release_url,
            )
        missing = without_recording(talk_span(talk, 0.0), now.timestamp())
        if entry is None or not entry.release_url:
            return missing
        return TalkRecording(status=RecordingStatus.GONE, release_url=entry.release_url)


def _only_ended(talk: Slot, now: datetime, recording: TalkRecording) -> TalkRecording:
    """Return the recording if the talk has ended: players cannot follow a growing file."""
    return recording if now >= talk.end else TalkRecording(status=RecordingStatus.PENDING)


_SOURCES: Mapping[str, type[HlsSource | MediaMtxSource | FileSource | IndexSource]] = {
    "hls": HlsSource,
    "mediamtx": MediaMtxSource,
    "files": FileSource,
    "index": IndexSource,
}


def create_source(config: ReliveSource, fetcher: BackgroundFetcher) -> RecordingSource:
    """Return the source of a configuration in which no placeholder is left."""
    return _SOURCES[config.kind](config, fetcher)
