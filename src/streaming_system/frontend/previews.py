"""Pictures of what is on in a room, as encoders write them into one folder.

``ROOM.jpg`` is small, for cards; ``ROOM-large.jpg`` is as large as the stream. Either may stand
there as ``.webp`` and ``.avif``, too. Whoever writes them replaces them at once (``os.replace``).
"""

import os
import stat
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

# An encoder makes a picture every few seconds; an older one would show what is long over.
MAX_AGE_SECONDS = 60.0  # seconds
MAX_IMAGE_BYTES = 16 * 2**20  # bytes; a large picture has a tenth of a mebibyte
# The smallest first: a browser takes the first that it knows.
FORMATS = {"avif": "image/avif", "webp": "image/webp", "jpg": "image/jpeg"}


@dataclass(frozen=True, kw_only=True)
class PreviewImage:
    """A picture that is fresh."""

    path: Path
    tag: str

    def read(self) -> bytes:
        """Return what is in it.

        :raises OSError: if it is gone, or has become anything but a file.
        """
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(f"{self.path} is no file")
            return file.read(MAX_IMAGE_BYTES)


class PreviewStore:
    """The folder of the pictures.

    :param folder: ``None`` where there is none.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def find(self, room: str, form: str, *, large: bool = False) -> PreviewImage | None:
        """Return a room's picture in one format, if it is fresh."""
        if self._folder is None:
            return None
        path = self._folder / f"{base_name(room, large=large)}.{form}"
        try:
            # Who writes pictures shall not choose other files that are served by a link.
            status = path.lstat()
        except OSError:
            return None
        if not stat.S_ISREG(status.st_mode) or not 0 < status.st_size <= MAX_IMAGE_BYTES:
            return None
        if time.time() - status.st_mtime > MAX_AGE_SECONDS:
            return None
        return PreviewImage(path=path, tag=file_etag(status))

    def there(self) -> Collection[str]:
        """Return what the files in the folder are called.

        A page shows many rooms. To look at the folder once lets other threads in less often than
        looking for each picture.
        """
        if self._folder is None:
            return frozenset()
        try:
            return frozenset(path.name for path in self._folder.iterdir())
        except OSError:
            return frozenset()

    def formats(self, room: str, there: Collection[str], *, large: bool = False) -> list[str]:
        """Return the formats of which there is a fresh picture; none without a JPEG.

        :param there: what :meth:`there` has returned just now.
        """
        base = base_name(room, large=large)
        if f"{base}.jpg" not in there:
            return []
        named = [form for form in FORMATS if f"{base}.{form}" in there]
        found = [form for form in named if self.find(room, form, large=large)]
        return found if "jpg" in found else []


def base_name(room: str, *, large: bool = False) -> str:
    """Return what a room's pictures are called, without their ends."""
    return f"{room}-large" if large else room


def file_etag(status: os.stat_result) -> str:
    """Return an entity tag for a file, which changes when the file does."""
    return f"{status.st_mtime_ns:x}-{status.st_size:x}"
