"""The file of a log and its rotated files."""

import os
import re
import time
from contextlib import suppress
from pathlib import Path

from streaming_system.agent.logs.checkpoint import FileKey, LogFileHandle

# A server writes to a rotated file until it reopens its log.
CLOSE_GRACE = 60.0
_ROTATION_SUFFIX = r"[.-][0-9][0-9T_.-]*"


class RotatedFiles:
    """Finds the files of a log, and holds them open as long as they may grow.

    A scan updates these attributes:

    - :attr:`main`: the key of the log itself
    - :attr:`previously_open`: files that were open before the scan
    - :attr:`named`: files that have a name, in contrast to deleted ones
    - :attr:`finished`: files that were read completely and have not changed since
    - :attr:`problem`: why the log cannot be read, or ""

    :param path: the path of the log.
    :param close_grace: seconds without growth after which a rotated file is closed.
    """

    def __init__(self, path: Path, close_grace: float = CLOSE_GRACE) -> None:
        self.path = path
        self.main: FileKey | None = None
        self.previously_open: frozenset[FileKey] = frozenset()
        self.named: frozenset[FileKey] = frozenset()
        self.finished: frozenset[FileKey] = frozenset()
        self.problem = ""
        name = re.escape(path.name)
        stem, suffix = re.escape(path.stem), re.escape(path.suffix)
        # access.log.1, access.log-20261125, access-20261125.log, but no compressed files.
        self._rotated_name = re.compile(
            f"{name}{_ROTATION_SUFFIX}|{stem}{_ROTATION_SUFFIX}{suffix}"
        )
        self._open: dict[FileKey, LogFileHandle] = {}
        self._active_at: dict[FileKey, float] = {}
        self._scanned_states: dict[FileKey, tuple[int, int]] = {}
        self._finished_states: dict[FileKey, tuple[int, int]] = {}
        self._close_grace = close_grace

    @property
    def is_open(self) -> bool:
        """Whether there is an open file."""
        return bool(self._open)

    def scan(self) -> list[LogFileHandle]:
        """Open new files; return the files that may have new lines, oldest first, the log last."""
        self.problem = ""
        self.previously_open = frozenset(self._open)
        finished, named = set(), set()
        for entry in self._rotated_entries():
            # Files may disappear during the scan.
            with suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                key = (status.st_dev, status.st_ino)
                named.add(key)
                if self._finished_states.get(key) == (status.st_size, status.st_mtime_ns):
                    finished.add(key)
                elif key not in self._open:
                    self._add(LogFileHandle(Path(entry.path)))
        self.main = self._open_main()
        # A finished file that has the log's name again is the log.
        self.finished = frozenset(finished - {self.main})
        self.named = frozenset(named | {self.main} if self.main else named)
        self._finished_states = {k: self._finished_states[k] for k in self.finished}
        # Lines that arrive after this moment are new in the next scan.
        self._scanned_states = {key: file.state() for key, file in self._open.items()}
        return sorted(
            self._open.values(),
            key=lambda file: (file.key == self.main, self._scanned_states[file.key][1]),
        )

    def mark_active(self, file: LogFileHandle) -> None:
        """Record that a file had new lines."""
        self._active_at[file.key] = time.monotonic()

    def release(self, file: LogFileHandle) -> None:
        """Close a file that was read completely, if it is rotated and no longer active."""
        idle = time.monotonic() - self._active_at[file.key]
        if file.key == self.main or idle < self._close_grace:
            return
        self._finished_states[file.key] = self._scanned_states[file.key]
        del self._open[file.key], self._active_at[file.key]
        file.close()

    def close(self) -> None:
        """Close all files."""
        for file in self._open.values():
            file.close()
        self._open.clear()

    def _rotated_entries(self) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.path.parent) as entries:
                return [
                    entry
                    for entry in entries
                    if self._rotated_name.fullmatch(entry.name)
                    and entry.is_file(follow_symlinks=False)
                ]
        except OSError as error:
            self.problem = f"its folder cannot be read: {error.strerror}"
            return []

    def _open_main(self) -> FileKey | None:
        try:
            file = LogFileHandle(self.path)
        except OSError as error:
            is_missing = isinstance(error, FileNotFoundError)
            self.problem = "does not exist" if is_missing else f"cannot be read: {error.strerror}"
            return None
        self._add(file)
        return file.key

    def _add(self, file: LogFileHandle) -> None:
        if file.key in self._open:
            file.close()
        else:
            self._open[file.key] = file
            self._active_at[file.key] = time.monotonic()
