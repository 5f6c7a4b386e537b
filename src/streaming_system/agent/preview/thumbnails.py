"""Takes thumbnails with ffmpeg: one frame of a stream, in two sizes and several formats.

The files lie in a folder of the site, which shows them for a minute.
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
from streaming_system.agent.preview.measurement import GREY_OUTPUT, load_grey_picture
from streaming_system.agent.preview.stream_input import filtered_connections, input_options
from streaming_system.agent.subprocesses import (
    ProcessRunner,
    ProgramError,
    ProgramTimeoutError,
    last_line,
)
from streaming_system.net.filtering_proxy import Admits
from streaming_system.util.private_files import FILE_MODE, make_private_file, make_private_folder

log = logging.getLogger(__name__)

# Width and height by suffix of the file name.
THUMBNAIL_SIZES = {"": (480, 270), "-large": (1280, 720)}
# Options of ffmpeg for each format, in order of preference. JPEG is published last, since the site
# only shows the other formats beside a JPEG.
IMAGE_ENCODERS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "webp": (("-c:v", "libwebp", "-quality", "70", "-f", "webp"),),
    "avif": (
        ("-c:v", "libaom-av1", "-still-picture", "1", "-cpu-used", "8", "-crf", "34", "-f", "avif"),
        ("-c:v", "libsvtav1", "-preset", "10", "-crf", "38", "-f", "avif"),
    ),
    "jpg": (("-c:v", "mjpeg", "-q:v", "5", "-f", "image2", "-update", "1"),),
}
# The site ignores older thumbnails.
THUMBNAIL_TTL = 60.0
# The picture in its display aspect ratio.
SQUARE_PIXELS = r"scale=w=min(iw*sar\,4096):h=ih,setsar=1"
NO_SIGNAL_FILTERS = (
    "hue=s=0,eq=brightness=-0.25:contrast=0.6,"
    "drawbox=y=ih*2/5:h=ih/5:w=iw:x=0:color=0x101214:t=fill"
)
NO_SIGNAL_TEXT = ",drawtext=text=no signal:fontcolor=white:fontsize=h/10:x=(w-tw)/2:y=(h-th)/2"
NO_SIGNAL_AGE = 3600.0
MANIFEST_NAME = ".previews.json"
TEMP_PREFIX = ".preview-"
TEMP_FOLDER_TTL = 600.0


@dataclass(frozen=True)
class ImageEncoder:
    """An image format, and the options of ffmpeg for it."""

    extension: str
    options: tuple[str, ...]


class ThumbnailWriter:
    """Writes thumbnails of rooms into a folder.

    :param ffmpeg: path of the program.
    :param timeout: seconds for one thumbnail.
    :raises ProgramError: if ffmpeg cannot write JPEG.
    :raises OSError: if the folder is not writable.
    """

    def __init__(self, folder: Path, ffmpeg: str, runner: ProcessRunner, *, timeout: float) -> None:
        self.folder = folder
        self._ffmpeg, self._runner, self._timeout = ffmpeg, runner, timeout
        make_private_folder(folder)
        self._remove_old_temp_folders()
        self._rooms = set(self._load_manifest())
        self._manifest_lock = threading.Lock()
        # The content of the "no signal" files, by file name without the room.
        self._no_signal: dict[str, bytes] = {}
        self._encoders = tuple(self._detect_encoders())

    @property
    def formats(self) -> tuple[str, ...]:
        """The file extensions of the formats that this ffmpeg can write."""
        return tuple(encoder.extension for encoder in self._encoders)

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms with thumbnails of this program, also of earlier runs."""
        return frozenset(self._rooms)

    def capture(self, room: str, url: str, admits: Admits) -> bytes | None:
        """Replace the thumbnails of a room by a frame of its stream.

        It returns the frame as a small grey picture, ``None`` if this ffmpeg did not write it.

        :param admits: decides about each HTTP connection.
        :raises ProgramError: if there is no frame; then the old thumbnails stay.
        """
        source = input_options(url, self._timeout)
        with self._temp_folder() as temp:
            with filtered_connections(url, admits, self._timeout) as environ:
                self._write_images(
                    source, SQUARE_PIXELS, self._encoders, temp, environ, more_outputs=GREY_OUTPUT
                )
            self._publish(room, temp)
            return load_grey_picture(temp)

    def is_expired(self, room: str) -> bool:
        """Return whether a room has no thumbnail that the site would show."""
        try:
            status = (self.folder / f"{room}.jpg").stat()
        except OSError:
            return True
        return time.time() - status.st_mtime > THUMBNAIL_TTL

    def write_no_signal(self, room: str) -> None:
        """Replace the thumbnails of a room by "no signal" images.

        They have an old date, so the site shows the room's name instead, which looks better.
        """
        old = time.time() - NO_SIGNAL_AGE
        with self._temp_folder() as temp:
            for name, data in self._no_signal.items():
                (temp / name).write_bytes(data)
                os.utime(temp / name, (old, old))
            self._publish(room, temp)

    def remove(self, room: str) -> None:
        """Remove the thumbnails of a room if this program wrote them."""
        if room not in self._rooms:
            return
        for size in THUMBNAIL_SIZES:
            for extension in IMAGE_ENCODERS:
                (self.folder / f"{room}{size}.{extension}").unlink(missing_ok=True)
        self._update_manifest(self._rooms.discard, room)

    def _detect_encoders(self) -> Iterator[ImageEncoder]:
        """Yield the first working encoder of each format; they write the "no signal" images."""
        bars = ("-f", "lavfi", "-i", "smptehdbars=size=1280x720:rate=1")
        for extension, variants in IMAGE_ENCODERS.items():
            for options in variants:
                encoder = ImageEncoder(extension, options)
                if self._write_no_signal_images(bars, encoder):
                    yield encoder
                    break
            else:
                if extension == "jpg" or self._runner.stopped:
                    raise ProgramError("this ffmpeg cannot write JPEG")
                format_ = extension.upper()
                log.warning("previews: this ffmpeg cannot write %s; it is skipped", format_)

    def _write_no_signal_images(self, source: Sequence[str], encoder: ImageEncoder) -> bool:
        """Write the "no signal" images of a format; return whether ffmpeg can do it."""
        with self._temp_folder() as temp:
            # Without a font, drawtext fails.
            for filters in (NO_SIGNAL_FILTERS + NO_SIGNAL_TEXT, NO_SIGNAL_FILTERS):
                with contextlib.suppress(ProgramError):
                    self._write_images(source, filters, (encoder,), temp)
                    break
            else:
                return False
            for size in THUMBNAIL_SIZES:
                name = f"{size}.{encoder.extension}"
                self._no_signal[name] = (temp / name).read_bytes()
        return True

    def _write_images(
        self,
        source: Sequence[str],
        filters: str,
        encoders: Iterable[ImageEncoder],
        folder: Path,
        environ: Mapping[str, str] | None = None,
        *,
        more_outputs: Sequence[str] = (),
    ) -> None:
        """Write images into a folder, named after size and format, such as ``-large.jpg``.

        :param environ: variables of the environment of ffmpeg.
        :param more_outputs: options of ffmpeg for other files.
        """
        command = [self._ffmpeg, *QUIET_FLAGS, *source]
        names = []
        for size, (width, height) in THUMBNAIL_SIZES.items():
            resize = (
                f"{filters},scale={width}:{height}:force_original_aspect_ratio=decrease:"
                f"force_divisible_by=2,pad={width}:{height}:(ow-iw)/2:(oh-ih)/2"
            )
            for encoder in encoders:
                # JPEG uses the full range of values, video does not.
                is_jpeg = encoder.extension == "jpg"
                pixels = "scale=out_range=pc,format=yuvj420p" if is_jpeg else "format=yuv420p"
                names.append(f"{size}.{encoder.extension}")
                command += ["-vf", f"{resize},{pixels}", "-frames:v", "1"]
                command += ["-an", "-sn", "-dn", "-threads", "1"]
                command += [*encoder.options, f"./{names[-1]}"]
        command += more_outputs
        try:
            completed = self._runner.run(command, self._timeout, cwd=folder, environ=environ)
        except ProgramTimeoutError:
            raise ProgramError(f"no picture within {self._timeout:g} s") from None
        if completed.status:
            message = last_line(completed.stderr)
            raise ProgramError(message or f"ffmpeg: ended with {completed.status}")
        for name in names:
            # For a stream without a video frame, some versions write empty files.
            if not (folder / name).is_file() or not (folder / name).stat().st_size:
                raise ProgramError("there is no picture in it")

    def _publish(self, room: str, temp: Path) -> None:
        if room not in self._rooms:
            # The manifest has the room first, so that its files can be removed after a crash.
            self._update_manifest(self._rooms.add, room)
        for encoder in self._encoders:
            for size in THUMBNAIL_SIZES:
                image = temp / f"{size}.{encoder.extension}"
                # The site may run as another user of the group.
                image.chmod(FILE_MODE)
                image.replace(self.folder / f"{room}{size}.{encoder.extension}")

    @contextlib.contextmanager
    def _temp_folder(self) -> Iterator[Path]:
        # Below the folder: replacing a file is only atomic within one file system.
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=TEMP_PREFIX) as temp:
            yield Path(temp)

    def _remove_old_temp_folders(self) -> None:
        for folder in self.folder.glob(f"{TEMP_PREFIX}*"):
            if time.time() - folder.stat().st_mtime > TEMP_FOLDER_TTL:
                shutil.rmtree(folder, ignore_errors=True)

    def _load_manifest(self) -> list[str]:
        try:
            rooms = json.loads((self.folder / MANIFEST_NAME).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return []
        rooms = rooms if isinstance(rooms, list) else []
        return [room for room in rooms if isinstance(room, str) and ROOM_PATTERN.fullmatch(room)]

    def _update_manifest(self, change: Callable[[str], None], room: str) -> None:
        with self._manifest_lock, self._temp_folder() as temp:
            change(room)
            if not self._rooms:
                (self.folder / MANIFEST_NAME).unlink(missing_ok=True)
                return
            make_private_file(temp / MANIFEST_NAME)
            (temp / MANIFEST_NAME).write_text(json.dumps(sorted(self._rooms)), encoding="ascii")
            (temp / MANIFEST_NAME).replace(self.folder / MANIFEST_NAME)
