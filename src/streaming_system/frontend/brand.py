"""The files of the brand folder: logo, favicon, icons, social image and robots.txt of the event."""

import hashlib
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from streaming_system.util.file_watch import FileStat, stat_file

log = logging.getLogger(__name__)

# Allowed file names by use, by precedence, and their MIME types.
LOGOS = {
    "logo.svg": "image/svg+xml",
    "logo.png": "image/png",
    "logo.webp": "image/webp",
    "logo.jpg": "image/jpeg",
}
FAVICONS = {
    "favicon.ico": "image/x-icon",
    "favicon.svg": "image/svg+xml",
    "favicon.png": "image/png",
}
# For link previews. Messengers show neither vector graphics nor newer formats.
SOCIAL_IMAGES = {
    "social.png": "image/png",
    "social.jpg": "image/jpeg",
    "logo.png": "image/png",
    "logo.jpg": "image/jpeg",
    "icon-512.png": "image/png",
}
ICONS = {f"icon-{size}.png": "image/png" for size in ("192", "512", "maskable")}
ROBOTS = {"robots.txt": "text/plain"}
MEDIA_TYPES = LOGOS | FAVICONS | SOCIAL_IMAGES | ICONS | ROBOTS

MAX_FILE_BYTES = 8 * 2**20
# The first and the last bytes of formats that show whether a file is complete.
_PNG_START, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_JPEG_START, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"


class BrandError(Exception):
    """A brand file that is not shown; the message is one line."""


@dataclass(frozen=True, kw_only=True)
class BrandFile:
    """A file in memory."""

    name: str
    media_type: str
    body: bytes

    @property
    def etag(self) -> str:
        """Its entity tag."""
        return hashlib.sha256(self.body).hexdigest()[:24]


class BrandFolder:
    """The files of a folder. While a file is invalid, its last valid version is served.

    :param folder: ``None`` for no files.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._files: dict[str, BrandFile] = {}
        self._stats: dict[str, FileStat] = {}
        self._refusals: dict[str, str] = {}

    @property
    def refusal(self) -> str:
        """Why a file is not shown, in one line; "" if all are valid."""
        for name in MEDIA_TYPES:
            self._find_file(name)
        return next(iter(self._refusals.values()), "")

    def find(self, names: Mapping[str, str]) -> BrandFile | None:
        """Return the first existing file of some names."""
        files = (self._find_file(name) for name in names)
        return next((file for file in files if file), None)

    def digests(self) -> dict[str, str]:
        """Return a hash of each file by name."""
        files = (self._find_file(name) for name in MEDIA_TYPES)
        return {file.name: file.etag for file in files if file}

    def _find_file(self, name: str) -> BrandFile | None:
        if self._folder is None:
            return None
        stat = stat_file(self._folder / name)
        if stat != self._stats.get(name):
            with self._lock:
                if stat != self._stats.get(name):
                    self._load(name, stat)
        return self._files.get(name)

    def _load(self, name: str, stat: FileStat) -> None:
        self._refusals.pop(name, None)
        if self._folder is not None and stat is not None and (self._folder / name).is_file():
            path = self._folder / name
            try:
                body = load_brand_file(path)
                self._files[name] = BrandFile(name=name, media_type=MEDIA_TYPES[name], body=body)
            except BrandError as error:
                log.warning("%s; the one before stays in service", error)
                self._refusals[name] = str(error)
        else:
            self._files.pop(name, None)
        self._stats[name] = stat


def validate_brand_folder(folder: str | None) -> None:
    """Validate the files that the site shows.

    :raises BrandError: for the first invalid one.
    """
    for name in MEDIA_TYPES if folder else ():
        path = Path(folder or "") / name
        if path.is_file():
            load_brand_file(path)


def load_brand_file(path: Path) -> bytes:
    """Return the content of a file.

    :raises BrandError: if it cannot be read, is empty, too large or cut off.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BrandError(f"{path}: is larger than {MAX_FILE_BYTES // 2**20} MiB")
        body = path.read_bytes()
    except OSError as error:
        raise BrandError(f"{path}: cannot be read: {error.strerror}") from None
    if not body:
        raise BrandError(f"{path}: is empty; delete it to show the default one")
    is_cut_off = (
        (body.startswith(_PNG_START) and not body.rstrip(b"\0\r\n").endswith(_PNG_END))
        or (body.startswith(_JPEG_START) and _JPEG_END not in body[-4096:])
        or (path.suffix == ".svg" and b"<svg" in body and not body.rstrip().endswith(b">"))
    )
    if is_cut_off:
        raise BrandError(f"{path}: is cut off: the end of the picture is missing")
    return body
