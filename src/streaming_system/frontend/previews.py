"""Preview images of the streams, which agents write into a folder.

``ROOM.jpg`` is small, for cards; ``ROOM-large.jpg`` has the size of the stream. Either may also
exist as ``.webp`` and ``.avif``. Agents replace them atomically (``os.replace``).
"""

import os
import stat
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

# Agents write an image every few seconds; pages show the age of an older one.
MAX_AGE_SECONDS = 60.0
# The last image stays this long, in case the agent fails and the stream does not.
MAX_LAST_IMAGE_AGE_SECONDS = 900.0
# A large image has 100 kB.
MAX_IMAGE_BYTES = 16 * 2**20
# The most compact first: a browser uses the first format that it supports.
FORMATS = {"avif": "image/avif", "webp": "image/webp", "jpg": "image/jpeg"}


@dataclass(frozen=True, kw_only=True)
class PreviewImage:
    """A preview image, its entity tag and its age."""

    path: Path
    etag: str
    age_seconds: float = 0.0

    def load(self) -> bytes:
        """Return the content of the file.

        :raises OSError: if it is missing or no regular file.
        """
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(f"{self.path} is not a regular file")
            return file.read(MAX_IMAGE_BYTES)


class PreviewStore:
    """The folder of the preview images.

    :param folder: ``None`` disables previews.
    :param prefix: of the room ids in the names of the files.
    """

    def __init__(self, folder: Path | None, prefix: str = "") -> None:
        self._folder, self._prefix = folder, prefix

    def find(
        self, room: str, form: str, *, large: bool = False, max_age: float = MAX_AGE_SECONDS
    ) -> PreviewImage | None:
        """Return a room's image in one format, if it is at most ``max_age`` seconds old."""
        if self._folder is None:
            return None
        base = base_name(f"{self._prefix}{room}", large=large)
        path = self._folder / f"{base}.{form}"
        try:
            # lstat: agents must not publish other files by symbolic links.
            status = path.lstat()
        except OSError:
            return None
        if not stat.S_ISREG(status.st_mode) or not 0 < status.st_size <= MAX_IMAGE_BYTES:
            return None
        age = time.time() - status.st_mtime
        if age > max_age:
            return None
        return PreviewImage(path=path, etag=file_etag(status), age_seconds=age)

    def file_names(self) -> Collection[str]:
        """Return the names of all files.

        A page shows many rooms; listing the folder once is faster than one stat per image.
        """
        if self._folder is None:
            return frozenset()
        try:
            return frozenset(path.name for path in self._folder.iterdir())
        except OSError:
            return frozenset()

    def formats(
        self,
        room: str,
        names: Collection[str],
        *,
        large: bool = False,
        max_age: float = MAX_AGE_SECONDS,
    ) -> list[str]:
        """Return the formats with a recent image; none without a JPEG.

        :param names: the result of :meth:`file_names`.
        """
        base = base_name(f"{self._prefix}{room}", large=large)
        if f"{base}.jpg" not in names:
            return []
        listed = [form for form in FORMATS if f"{base}.{form}" in names]
        recent = [form for form in listed if self.find(room, form, large=large, max_age=max_age)]
        return recent if "jpg" in recent else []


def base_name(room: str, *, large: bool = False) -> str:
    """Return the file name of a room's images without the extension."""
    return f"{room}-large" if large else room


def file_etag(status: os.stat_result) -> str:
    """Return an entity tag of a file, from its time and size."""
    return f"{status.st_mtime_ns:x}-{status.st_size:x}"
