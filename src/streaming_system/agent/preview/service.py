"""Takes thumbnails of live rooms in turn."""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from streaming_system.agent import ffmpeg
from streaming_system.agent.agent_service import (
    AgentService,
    create_tracker_clients,
    join_threads,
)
from streaming_system.agent.config import AgentConfig
from streaming_system.agent.config_section import AgentConfigError
from streaming_system.agent.preview import stream_urls
from streaming_system.agent.preview.config import parse_preview_config
from streaming_system.agent.preview.measurement import SoundMeter
from streaming_system.agent.preview.room_media import RoomMedia
from streaming_system.agent.preview.thumbnails import THUMBNAIL_TTL, ThumbnailWriter
from streaming_system.agent.subprocesses import ProcessRunner, ProgramError
from streaming_system.agent.supervisor.reporter import MAX_MACHINE_CHARS, PipelineReporter
from streaming_system.agent.tracker_http import BoundedHttpClient, TrackerUnavailableError
from streaming_system.net.filtering_proxy import Admits
from streaming_system.util.backoff import Backoff
from streaming_system.util.log_once import LogOnce
from streaming_system.util.unexpected_error import describe_unexpected_error

log = logging.getLogger(__name__)

MAX_TRACKER_INTERVAL = 10.0


@dataclass
class RoomThumbnailState:
    """The state of a room. Times are those of the monotonic clock.

    :param url: of the stream.
    :param due: when the next thumbnail is due.
    :param captured_at: when the last thumbnail was taken.
    :param is_offline: whether the "no signal" thumbnail was written since then.
    :param seconds: duration of the last run.
    """

    url: str
    due: float = 0.0
    is_busy: bool = False
    captured_at: float | None = None
    problem: str = ""
    is_offline: bool = False
    successes: int = 0
    failures: int = 0
    seconds: float = 0.0


class ThumbnailService(AgentService):
    """Takes thumbnails of rooms in turn, of some in parallel, until :attr:`stop` is set.

    :raises AgentConfigError: if ``[preview]`` is invalid.
    """

    _writer: ThumbnailWriter
    _sound_meter: SoundMeter
    # Thumbnails are useful without reports.
    needs_trackers = False

    def __init__(self, agent: AgentConfig) -> None:
        self.config = parse_preview_config(agent)
        self.stop = threading.Event()
        self.problem = ""
        self.runner = ProcessRunner(self.stop)
        self._condition = threading.Condition()
        self._rooms: dict[str, RoomThumbnailState] = {}
        self._warnings = LogOnce(log)
        self._tracker = BoundedHttpClient(self.config.tracker) if self.config.tracker else None
        self._section = agent.section("preview")
        self._capture_threads = [
            threading.Thread(target=self._capture_loop, name=f"preview {number}", daemon=True)
            for number in range(self.config.max_parallel)
        ]
        self.threads = list(self._capture_threads)
        if self._tracker:
            target = partial(self._poll_tracker_loop, self._tracker)
            self.threads.append(threading.Thread(target=target, name="rooms", daemon=True))
        self.media = RoomMedia(self.config.silence_floor)
        self.senders = [
            PipelineReporter(
                client,
                f"{agent.name}:pictures"[:MAX_MACHINE_CHARS],
                agent.interval,
                self.media.components,
                self.media.log,
                self.stop,
            )
            for client in (create_tracker_clients(agent, legacy=False) if agent.token else ())
        ]

    def wake(self) -> None:
        """Kill running programs, and wake the threads."""
        self.runner.kill_all()
        with self._condition:
            self._condition.notify_all()
        self.media.log.notify()

    def finish_work(self, deadline: float) -> None:
        """Wait for the threads that may be writing files."""
        join_threads(self._capture_threads, deadline)

    def run(self) -> None:
        """Run until :attr:`stop` is set.

        :raises AgentConfigError: if ffmpeg is not usable, or the folder is not writable.
        """
        try:
            self._writer = self._create_writer()
        except ProgramError as error:
            if self.stop.is_set():
                return
            raise AgentConfigError(f"{self._section.file.name}: [preview]: {error}") from None
        log.info("previews: %s into %s", ", ".join(self._writer.formats), self.config.folder)
        if not self.senders:
            log.info("previews: without a token, no black, frozen or silent stream is reported")
        if self._tracker is None:
            self._set_rooms(self.config.rooms)
        super().run()

    def clear(self) -> None:
        """Remove all thumbnails of this service; call it after :meth:`run`."""
        with self._condition:
            self._rooms.clear()
        if hasattr(self, "_writer"):
            self._remove_old_rooms()

    def rooms(self) -> Mapping[str, RoomThumbnailState]:
        """Return the state of each room."""
        with self._condition:
            return dict(self._rooms)

    def _create_writer(self) -> ThumbnailWriter:
        ffmpeg_path = ffmpeg.find_ffmpeg()
        if ffmpeg_path is None:
            raise ProgramError("needs ffmpeg, which is not installed")
        folder, timeout = self.config.folder, self.config.timeout
        self._sound_meter = SoundMeter(ffmpeg_path, self.runner, timeout=timeout)
        try:
            return ThumbnailWriter(folder, ffmpeg_path, self.runner, timeout=timeout)
        except OSError as error:
            raise self._section.error(
                "folder", str(folder), f"a writable folder, but {error.strerror}"
            ) from None

    def _poll_tracker_loop(self, tracker: BoundedHttpClient) -> None:
        """Update the rooms from the tracker until the service stops."""
        backoff = Backoff()
        while not self.stop.is_set():
            try:
                rooms = {**stream_urls.fetch_live_stream_urls(tracker), **self.config.rooms}
            except TrackerUnavailableError as error:
                # The rooms of the last response stay.
                backoff.record_failure(error.retry_after)
                self.problem = str(error)
                self._warnings.warn(tracker.url, str(error))
            else:
                backoff.reset()
                self.problem = ""
                self._warnings.resolve(tracker.url)
                self._set_rooms(rooms)
            interval = min(self.config.interval, MAX_TRACKER_INTERVAL)
            self.stop.wait(max(interval, backoff.remaining()))

    def _set_rooms(self, rooms: Mapping[str, str]) -> None:
        """Set the rooms and their URLs; remove the thumbnails of other rooms."""
        with self._condition:
            for room, url in rooms.items():
                self._rooms.setdefault(room, RoomThumbnailState(url)).url = url
            removed = [room for room in self._rooms if room not in rooms]
            for room in removed:
                del self._rooms[room]
            self._condition.notify_all()
        for room in removed:
            self.media.remove(room)
        self._remove_old_rooms()

    def _remove_old_rooms(self) -> None:
        try:
            for room in self._writer.rooms:
                with self._condition:
                    if room not in self._rooms:
                        self._writer.remove(room)
        except OSError as error:
            folder = str(self.config.folder)
            self._warnings.warn(folder, f"old pictures cannot be removed: {error.strerror}")

    def _capture_loop(self) -> None:
        while (job := self._next_room()) is not None:
            room, state = job
            start = time.monotonic()
            try:
                self._capture(room, state)
            except OSError as error:
                self._record_failure(room, state, f"{self.config.folder}: {error.strerror}")
            except Exception as error:
                # The thread must survive: the next run may succeed.
                log.debug("the thumbnail of %s failed", room, exc_info=True)
                self._record_failure(room, state, describe_unexpected_error(error))
            with self._condition:
                state.seconds = time.monotonic() - start
                state.due = max(start + self.config.interval, time.monotonic())
                state.is_busy = False
                was_removed = self._rooms.get(room) is not state
                is_gone = room not in self._rooms
                self._condition.notify_all()
            if is_gone:
                self.media.remove(room)
            if was_removed:
                self._remove_old_rooms()

    def _next_room(self) -> tuple[str, RoomThumbnailState] | None:
        """Wait until a room is due, and reserve it; return ``None`` when the service stops."""
        with self._condition:
            while not self.stop.is_set():
                idle = [
                    (state.due, room) for room, state in self._rooms.items() if not state.is_busy
                ]
                due, room = min(idle, default=(time.monotonic() + 60, ""))
                if room and due <= time.monotonic():
                    state = self._rooms[room]
                    state.is_busy = True
                    return room, state
                self._condition.wait(max(0.01, due - time.monotonic()))
        return None

    def _capture(self, room: str, state: RoomThumbnailState) -> None:
        try:
            admits = self.config.policy.for_stream(
                state.url, is_configured=room in self.config.rooms
            )
            picture = self._writer.capture(room, state.url, admits)
        except ProgramError as error:
            if self.stop.is_set():
                return
            # The URL may contain a secret, and /healthz shows the problem.
            self._record_failure(room, state, str(error).replace(state.url, "its stream"))
            if not state.is_offline and not self._has_current_thumbnail(room, state):
                self._writer.write_no_signal(room)
                state.is_offline = True
            return
        self.media.record_picture(room, picture)
        state.captured_at, state.problem, state.is_offline = time.monotonic(), "", False
        state.successes += 1
        self._warnings.resolve(f"preview of {room}")
        if self.senders:
            self._measure_sound(room, state, admits)

    def _measure_sound(self, room: str, state: RoomThumbnailState, admits: Admits) -> None:
        try:
            self.media.record_sound(room, self._sound_meter.measure_peak(state.url, admits))
        except ProgramError as error:
            if not self.stop.is_set():
                problem = str(error).replace(state.url, "its stream")
                self.media.record_sound_problem(room, problem)

    def _has_current_thumbnail(self, room: str, state: RoomThumbnailState) -> bool:
        """Return whether the last thumbnail is recent.

        After a jump of the wall clock, the dates of files are wrong; the monotonic clock is not.
        """
        captured_at = state.captured_at
        is_recent = captured_at is not None and time.monotonic() - captured_at <= THUMBNAIL_TTL
        return is_recent or not self._writer.is_expired(room)

    def _record_failure(self, room: str, state: RoomThumbnailState, problem: str) -> None:
        state.failures += 1
        state.problem = problem
        self.media.record_problem(room, problem)
        self._warnings.warn(f"preview of {room}", problem)
