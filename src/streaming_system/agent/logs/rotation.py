"""The file of a log, and those that it was rotated to."""

import os
import re
import time
from contextlib import suppress
from pathlib import Path

from streaming_system.agent.logs.checkpoint import LogFileHandle

# How long a file is kept open that is rotated: servers write on until they are told.
CLOSE_GRACE = 60.0
_ROTATION_SUFFIX = r"[.-][0-9][0-9T_.-]*"

FileKey = tuple[int, int]


class RotatedFiles:
    """Keeps a log's files open as long as something may come in them.

    :param path: the log's.
    :param linger: seconds for which a file is kept open that is rotated.
    """

    def __init__(self, path: Path, linger: float = CLOSE_GRACE) -> None:
        self.path = path
        self.main: FileKey | None = None
        self.held: frozenset[FileKey] = frozenset()
        self.named: frozenset[FileKey] = frozenset()
        self.resting: frozenset[FileKey] = frozenset()
        self.trouble = ""
        name = re.escape(path.name)
        stem, suffix = re.escape(path.stem), re.escape(path.suffix)
        # access.log.1, access.log-20261125, access-20261125.log; never what is packed.
        self._rotated = re.compile(f"{name}{_ROTATION_SUFFIX}|{stem}{_ROTATION_SUFFIX}{suffix}")
        self._open: dict[FileKey, LogFileHandle] = {}
        self._grew: dict[FileKey, float] = {}
        self._seen: dict[FileKey, tuple[int, int]] = {}
        self._done: dict[FileKey, tuple[int, int]] = {}
        self._linger = linger

    def look(self) -> list[LogFileHandle]:
        """Return the files that may have something new: the oldest first, the log itself last.

        :attr:`held` are those that were open before, :attr:`named` those that have a name,
        :attr:`resting` those of them that have been done with, and are as they were then.
        """
        self.trouble = ""
        self.held = frozenset(self._open)
        resting, named = set(), set()
        for entry in self._entries():
            # They come and go while we look.
            with suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                key = (found.st_dev, found.st_ino)
                named.add(key)
                if self._done.get(key) == (found.st_size, found.st_mtime_ns):
                    resting.add(key)
                elif key not in self._open:
                    self._keep(LogFileHandle(Path(entry.path)))
        self.main = self._find_main()
        # Whatever a file of this name was done with when it was rotated, it is the log now.
        self.resting = frozenset(resting - {self.main})
        self.named = frozenset(named | {self.main} if self.main else named)
        self._done = {key: was for key, was in self._done.items() if key in self.resting}
        # What comes in while a file is read is new at the next look.
        self._seen = {key: file.state() for key, file in self._open.items()}
        return sorted(
            self._open.values(), key=lambda file: (file.key == self.main, self._seen[file.key][1])
        )

    def grew(self, file: LogFileHandle) -> None:
        """Note that something was read."""
        self._grew[file.key] = time.monotonic()

    def rest(self, file: LogFileHandle) -> None:
        """Let a file go that was read to its end, unless something may still come."""
        if file.key == self.main or time.monotonic() - self._grew[file.key] < self._linger:
            return
        self._done[file.key] = self._seen[file.key]
        del self._open[file.key], self._grew[file.key]
        file.close()

    def close(self) -> None:
        """Close all files."""
        for file in self._open.values():
            file.close()
        self._open.clear()

    def _entries(self) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.path.parent) as entries:
                return [
                    entry
                    for entry in entries
                    if self._rotated.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
                ]
        except OSError as error:
            self.trouble = f"its folder cannot be read: {error.strerror}"
            return []

    def _find_main(self) -> FileKey | None:
        try:
            file = LogFileHandle(self.path)
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            self.trouble = "is not there" if missing else f"cannot be read: {error.strerror}"
            return None
        self._keep(file)
        return file.key

    def _keep(self, file: LogFileHandle) -> None:
        if file.key in self._open:
            file.close()
        else:
            self._open[file.key] = file
            self._grew[file.key] = time.monotonic()
