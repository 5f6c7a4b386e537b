"""Pictures of rooms in a folder: one frame of a stream, in two sizes, in each format there is.

The folder belongs to the site: it shows a picture that is younger than a minute.
"""

import contextlib
import json
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from streaming_system.agent.config import ROOM_PATTERN
from streaming_system.agent.ffmpeg import QUIET_FLAGS
from streaming_system.agent.subprocesses import (
    ProcessRunner,
    ProgramError,
    ProgramTimeoutError,
    last_line,
)
from streaming_system.agent.tracker_http import USER_AGENT

log = logging.getLogger(__name__)

THUMBNAIL_SIZES = {"": (480, 270), "-large": (1280, 720)}
# What can be tried for each format, the best first; the JPEG comes last, since the site shows no
# others without it.
IMAGE_ENCODERS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "webp": (("-c:v", "libwebp", "-quality", "70", "-f", "webp"),),
    "avif": (
        ("-c:v", "libaom-av1", "-still-picture", "1", "-cpu-used", "8", "-crf", "34", "-f", "avif"),
        ("-c:v", "libsvtav1", "-preset", "10", "-crf", "38", "-f", "avif"),
    ),
    "jpg": (("-c:v", "mjpeg", "-q:v", "5", "-f", "image2", "-update", "1"),),
}
# The site takes an older picture for none.
THUMBNAIL_TTL = 60.0
# What may be used to fetch a stream; a playlist can lead neither to files nor to other protocols.
PROTOCOLS = {
    "http": "http,https,tcp,tls,crypto",
    "https": "http,https,tcp,tls,crypto",
    "rtmp": "rtmp,tcp",
    "rtmps": "rtmps,tls,tcp",
}
# What a stream can be; ffmpeg reads many more formats, some of which lead elsewhere.
INPUT_FORMATS = "hls,mpegts,mov,mp4,matroska,webm,flv,live_flv,ogg,aac,mp3,webvtt"
MAX_PIXELS = 7680 * 4320
NO_SIGNAL_FILTERS = (
    "hue=s=0,eq=brightness=-0.25:contrast=0.6,"
    "drawbox=y=ih*2/5:h=ih/5:w=iw:x=0:color=0x101214:t=fill"
)
NO_SIGNAL_TEXT = ",drawtext=text=no signal:fontcolor=white:fontsize=h/10:x=(w-tw)/2:y=(h-th)/2"
MANIFEST_NAME = ".previews.json"
TEMP_PREFIX = ".preview-"


@dataclass(frozen=True)
class ImageEncoder:
    """How a picture is written."""

    end: str
    options: tuple[str, ...]


class ThumbnailWriter:
    """The folder of the pictures, and ffmpeg that makes them.

    :param ffmpeg: where it is.
    :param within: how many seconds a frame may take.
    :raises ProgramError: if ffmpeg cannot even write a JPEG.
    :raises OSError: if nothing can be written into the folder.
    """

    def __init__(
        self, folder: Path, ffmpeg: str, programs: ProcessRunner, *, within: float
    ) -> None:
        self.folder = folder
        self._ffmpeg, self._programs, self._within = ffmpeg, programs, within
        folder.mkdir(parents=True, exist_ok=True)
        self._tidy()
        self._written = set(self._ledger())
        self._writing = threading.Lock()
        self._no_signal: dict[str, bytes] = {}
        self._writers = tuple(self._able())

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats that this ffmpeg can write."""
        return tuple(writer.end for writer in self._writers)

    @property
    def written(self) -> frozenset[str]:
        """The rooms of which there are pictures that we have written."""
        return frozenset(self._written)

    def grab(self, room: str, url: str) -> None:
        """Replace a room's pictures by what is on.

        :raises ProgramError: if nothing could be seen; then nothing is changed.
        """
        scheme = url.partition(":")[0]
        source = ["-protocol_whitelist", PROTOCOLS[scheme], "-format_whitelist", INPUT_FORMATS]
        source += ["-rw_timeout", str(round(self._within * 1_000_000))]
        if scheme.startswith("http"):
            # Agents know it, and do not count it as a viewer.
            source += ["-user_agent", f"{USER_AGENT} preview"]
        # Whoever joins a stream may get a second of it that only makes sense with what was before;
        # ffmpeg fails over that, though it has the picture that follows.
        source += ["-max_error_rate", "1"]
        source += ["-analyzeduration", "3000000", "-max_pixels", str(MAX_PIXELS)]
        source += ["-threads", "1", "-i", url]
        # A player would show it in this shape, whatever shape its dots have.
        shape = r"scale=w=min(iw*sar\,4096):h=ih,setsar=1"
        with self._beside() as beside:
            self._make(source, shape, self._writers, beside)
            self._publish(room, beside)

    def dark(self, room: str) -> bool:
        """Tell whether a room has no picture that the site would show."""
        try:
            status = (self.folder / f"{room}.jpg").stat()
        except OSError:
            return True
        return time.time() - status.st_mtime > THUMBNAIL_TTL

    def no_signal(self, room: str) -> None:
        """Replace a room's pictures by one that says that there is none.

        It bears an old date: the site shows a room's name instead, which is better.
        """
        old = time.time() - 3600
        with self._beside() as beside:
            for name, data in self._no_signal.items():
                (beside / name).write_bytes(data)
                os.utime(beside / name, (old, old))
            self._publish(room, beside)

    def remove(self, room: str) -> None:
        """Remove a room's pictures, if we have written them."""
        if room not in self._written:
            return
        for size in THUMBNAIL_SIZES:
            for end in IMAGE_ENCODERS:
                (self.folder / f"{room}{size}.{end}").unlink(missing_ok=True)
        self._note(self._written.discard, room)

    def _able(self) -> Iterator[ImageEncoder]:
        """Yield how this ffmpeg writes each format, as it turns out when it does."""
        bars = ("-f", "lavfi", "-i", "smptehdbars=size=1280x720:rate=1")
        for end, ways in IMAGE_ENCODERS.items():
            for options in ways:
                writer = ImageEncoder(end, options)
                with self._beside() as beside:
                    # There may be no font.
                    for filters in (NO_SIGNAL_FILTERS + NO_SIGNAL_TEXT, NO_SIGNAL_FILTERS):
                        with contextlib.suppress(ProgramError):
                            self._make(bars, filters, (writer,), beside)
                            break
                    else:
                        continue
                    for size in THUMBNAIL_SIZES:
                        name = f"{size}.{end}"
                        self._no_signal[name] = (beside / name).read_bytes()
                yield writer
                break
            else:
                if end == "jpg" or self._programs.stopped:
                    raise ProgramError("this ffmpeg cannot write JPEG")
                log.warning("previews: this ffmpeg cannot write %s; it is left out", end.upper())

    def _make(
        self, source: Sequence[str], filters: str, writers: Iterable[ImageEncoder], beside: Path
    ) -> None:
        """Let ffmpeg write pictures, called after size and format, into a folder."""
        command = [self._ffmpeg, *QUIET_FLAGS, *source]
        names = []
        for size, (width, height) in THUMBNAIL_SIZES.items():
            fit = (
                f"{filters},scale={width}:{height}:force_original_aspect_ratio=decrease:"
                f"force_divisible_by=2,pad={width}:{height}:(ow-iw)/2:(oh-ih)/2"
            )
            for writer in writers:
                # JPEG has all the 256 shades, videos have fewer.
                colours = "scale=out_range=pc,format=yuvj420p" if writer.end == "jpg" else ""
                names.append(f"{size}.{writer.end}")
                command += ["-vf", f"{fit},{colours or 'format=yuv420p'}", "-frames:v", "1"]
                command += ["-an", "-sn", "-dn", "-threads", "1", *writer.options, f"./{names[-1]}"]
        try:
            ended = self._programs.run(command, self._within, cwd=beside)
        except ProgramTimeoutError:
            raise ProgramError(f"nothing within {self._within:g} s") from None
        if ended.status:
            raise ProgramError(last_line(ended.stderr) or f"ffmpeg: ended with {ended.status}")
        for name in names:
            # Of a stream without a single picture, some versions make empty files.
            if not (beside / name).is_file() or not (beside / name).stat().st_size:
                raise ProgramError("there is no picture in it")

    def _publish(self, room: str, beside: Path) -> None:
        if room not in self._written:
            # Known before they are there, so that they are ours even after a power cut.
            self._note(self._written.add, room)
        for writer in self._writers:
            for size in THUMBNAIL_SIZES:
                picture = beside / f"{size}.{writer.end}"
                # The site may run as somebody else.
                picture.chmod(0o644)
                picture.replace(self.folder / f"{room}{size}.{writer.end}")

    @contextlib.contextmanager
    def _beside(self) -> Iterator[Path]:
        # Within the folder, since a file can only be moved at once within one file system.
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=TEMP_PREFIX) as beside:
            yield Path(beside)

    def _tidy(self) -> None:
        """Remove what a power cut has left."""
        for left in self.folder.glob(f"{TEMP_PREFIX}*"):
            if time.time() - left.stat().st_mtime > 600:
                shutil.rmtree(left, ignore_errors=True)

    def _ledger(self) -> list[str]:
        try:
            rooms = json.loads((self.folder / MANIFEST_NAME).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return []
        rooms = rooms if isinstance(rooms, list) else []
        return [room for room in rooms if isinstance(room, str) and ROOM_PATTERN.fullmatch(room)]

    def _note(self, change: Callable[[str], None], room: str) -> None:
        with self._writing, self._beside() as beside:
            change(room)
            if not self._written:
                (self.folder / MANIFEST_NAME).unlink(missing_ok=True)
                return
            (beside / MANIFEST_NAME).write_text(json.dumps(sorted(self._written)), encoding="ascii")
            (beside / MANIFEST_NAME).replace(self.folder / MANIFEST_NAME)
