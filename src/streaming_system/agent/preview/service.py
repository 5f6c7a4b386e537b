"""Makes pictures of what is on, room by room, until it is told to stop."""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from streaming_system.agent import ffmpeg
from streaming_system.agent.agent_service import AgentService, join_threads
from streaming_system.agent.config import AgentConfig
from streaming_system.agent.config_section import AgentConfigError
from streaming_system.agent.preview import stream_urls
from streaming_system.agent.preview.config import parse_preview_config
from streaming_system.agent.preview.thumbnails import THUMBNAIL_TTL, ThumbnailWriter
from streaming_system.agent.subprocesses import ProcessRunner, ProgramError
from streaming_system.agent.tracker_http import BoundedHttpClient, TrackerUnavailableError
from streaming_system.util.backoff import Backoff
from streaming_system.util.log_once import LogOnce

log = logging.getLogger(__name__)


@dataclass
class RoomThumbnailState:
    """How it stands with a room's picture.

    :param due: when to look again, by the monotonic clock.
    :param seen: when there was something to see.
    """

    address: str
    due: float = 0.0
    busy: bool = False
    seen: float | None = None
    trouble: str = ""
    dark: bool = False
    taken: int = 0
    failed: int = 0
    seconds: float = 0.0


class ThumbnailService(AgentService):
    """Looks at rooms in turn, at some of them at once.

    :raises ConfigError: if ``[preview]`` cannot be used.
    """

    _frames: ThumbnailWriter

    def __init__(self, agent: AgentConfig) -> None:
        self.config = parse_preview_config(agent)
        self.stop = threading.Event()
        self.trouble = ""
        self.programs = ProcessRunner(self.stop)
        self._lock = threading.Condition()
        self._looks: dict[str, RoomThumbnailState] = {}
        self._warnings = LogOnce(log)
        self._tracker = BoundedHttpClient(self.config.tracker) if self.config.tracker else None
        self._section = agent.section("preview")
        self._lookers = [
            threading.Thread(target=self._work, name=f"preview {number}", daemon=True)
            for number in range(self.config.at_once)
        ]
        self.threads = list(self._lookers)
        if self._tracker:
            ask = partial(self._ask, self._tracker)
            self.threads.append(threading.Thread(target=ask, name="rooms", daemon=True))
        self.senders = ()

    def wake(self) -> None:
        """Let everybody look who waits; what is running ends."""
        self.programs.kill_all()
        with self._lock:
            self._lock.notify_all()

    def finish_work(self, deadline: float) -> None:
        """Let nobody be in the middle of writing a picture."""
        join_threads(self._lookers, deadline)

    def run(self) -> None:
        """Go on until :attr:`stop` is set.

        :raises ConfigError: if there is no ffmpeg that can do it, or no folder to write into.
        """
        try:
            self._frames = self._prepare()
        except ProgramError as error:
            if self.stop.is_set():
                return
            raise AgentConfigError(f"{self._section.file.name}: [preview]: {error}") from None
        log.info("previews: %s into %s", ", ".join(self._frames.formats), self.config.folder)
        if self._tracker is None:
            self._look_at(self.config.rooms)
        super().run()

    def clear(self) -> None:
        """Remove all pictures that were written, when nobody writes any more."""
        with self._lock:
            self._looks.clear()
        if hasattr(self, "_frames"):
            self._remove_gone()

    def looks(self) -> Mapping[str, RoomThumbnailState]:
        """Return how it stands with each room."""
        with self._lock:
            return dict(self._looks)

    def _prepare(self) -> ThumbnailWriter:
        found = ffmpeg.find_ffmpeg()
        if found is None:
            raise ProgramError("needs ffmpeg, which is not installed")
        folder = self.config.folder
        try:
            return ThumbnailWriter(folder, found, self.programs, within=self.config.timeout)
        except OSError as error:
            raise self._section.error(
                "folder", str(folder), f"a folder to write into, but {error.strerror}"
            ) from None

    def _ask(self, tracker: BoundedHttpClient) -> None:
        """Ask the tracker again and again which rooms are live."""
        backoff = Backoff()
        while not self.stop.is_set():
            try:
                rooms = {**stream_urls.fetch_live_stream_urls(tracker), **self.config.rooms}
            except TrackerUnavailableError as failure:
                # The rooms of the last answer go on.
                backoff.record_failure(failure.retry_after)
                self.trouble = str(failure)
                self._warnings.warn(tracker.url, str(failure))
            else:
                backoff.reset()
                self.trouble = ""
                self._warnings.resolve(tracker.url)
                self._look_at(rooms)
            self.stop.wait(max(min(self.config.interval, 10), backoff.remaining()))

    def _look_at(self, rooms: Mapping[str, str]) -> None:
        """Look at these rooms and no others from now on."""
        with self._lock:
            for room, address in rooms.items():
                self._looks.setdefault(room, RoomThumbnailState(address)).address = address
            for room in [room for room in self._looks if room not in rooms]:
                del self._looks[room]
            self._lock.notify_all()
        self._remove_gone()

    def _remove_gone(self) -> None:
        try:
            for room in self._frames.written:
                with self._lock:
                    if room not in self._looks:
                        self._frames.remove(room)
        except OSError as error:
            self._warnings.warn(str(self.config.folder), f"old pictures stay: {error.strerror}")

    def _work(self) -> None:
        while (job := self._next()) is not None:
            room, look = job
            began = time.monotonic()
            try:
                self._take(room, look)
            except OSError as error:
                self._failed(room, look, f"{self.config.folder}: {error.strerror}")
            except Exception as error:
                # Whatever it is, the next look may go well; without this thread there is none.
                log.debug("a look at %s failed", room, exc_info=True)
                self._failed(room, look, f"{type(error).__name__}: {error!s:.200}")
            with self._lock:
                look.seconds = time.monotonic() - began
                look.due = max(began + self.config.interval, time.monotonic())
                look.busy = False
                gone = self._looks.get(room) is not look
                self._lock.notify_all()
            if gone:
                self._remove_gone()

    def _next(self) -> tuple[str, RoomThumbnailState] | None:
        """Wait until a room is due, and take it; return nothing when all is over."""
        with self._lock:
            while not self.stop.is_set():
                idle = [(look.due, room) for room, look in self._looks.items() if not look.busy]
                due, room = min(idle, default=(time.monotonic() + 60, ""))
                if room and due <= time.monotonic():
                    look = self._looks[room]
                    look.busy = True
                    return room, look
                self._lock.wait(max(0.01, due - time.monotonic()))
        return None

    def _take(self, room: str, look: RoomThumbnailState) -> None:
        try:
            self._frames.grab(room, look.address)
        except ProgramError as error:
            if self.stop.is_set():
                return
            # An address may hold what is nobody's business.
            self._failed(room, look, str(error).replace(look.address, "its stream"))
            # By this clock, too: one of the wall that leaps makes every picture look old.
            lately = look.seen is not None and time.monotonic() - look.seen <= THUMBNAIL_TTL
            if not look.dark and not lately and self._frames.dark(room):
                self._frames.no_signal(room)
                look.dark = True
            return
        look.seen, look.trouble, look.dark = time.monotonic(), "", False
        look.taken += 1
        self._warnings.resolve(f"preview of {room}")

    def _failed(self, room: str, look: RoomThumbnailState, trouble: str) -> None:
        look.failed += 1
        look.trouble = trouble
        self._warnings.warn(f"preview of {room}", trouble)
