"""Log files with rotation. Several processes append whole lines to them."""

import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from streaming_system.util.private_files import FILE_MODE, FOLDER_MODE, make_private_folder

_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}", re.ASCII)
_LOG_FILE = re.compile(r"(.+\.log)(?:\.([1-9][0-9]*))?", re.ASCII)
_BLOCK_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class RotatingLogStore:
    """One file per room and endpoint: ``folder/ROOM/NAME.log``; rotated files end in ``.1``…

    The store opens only these files, and follows no symbolic link below the folder. A process
    holds the lock of a room's folder while it writes, rotates or deletes files in it.

    :param max_file_bytes: the size at which a file is rotated; one report is never split.
    :param max_rotated_files: the number of rotated files per endpoint.
    :param rotate_daily: rotate files at midnight, UTC, too.
    """

    folder: Path
    max_file_bytes: int
    max_rotated_files: int
    rotate_daily: bool = False

    def append(self, *, room: str, name: str, lines: bytes, now: datetime) -> None:
        """Append whole lines to a file, and flush them to disk: all lines or none.

        :raises OSError: if the lines cannot be written.
        """
        # An address may start with a colon: ::1.
        file = f"{_validate_name(name.replace(':', '_'))}.log"
        with self._lock_room(_validate_name(room)) as room_folder:
            if self._must_rotate(room_folder, file, len(lines), now):
                self._rotate(room_folder, file)
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
            descriptor = os.open(file, flags | os.O_CLOEXEC, FILE_MODE, dir_fd=room_folder)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise OSError(f"{file} is no regular file")
                _append_lines(descriptor, lines, now)
            finally:
                os.close(descriptor)

    def delete_before(self, cutoff: datetime) -> int:
        """Delete the files of days (UTC) that started by a time; return the number deleted."""
        deleted = 0
        for room in self._rooms():
            with self._lock_room(room) as room_folder:
                for file in _list_files(room_folder):
                    modified = _last_modified(room_folder, file)
                    if _LOG_FILE.fullmatch(file) and modified and _midnight(modified) <= cutoff:
                        os.unlink(file, dir_fd=room_folder)
                        deleted += 1
        return deleted

    def _rooms(self) -> list[str]:
        if not self.folder.is_dir():
            return []
        with os.scandir(self.folder) as entries:
            return sorted(
                entry.name
                for entry in entries
                if entry.is_dir(follow_symlinks=False) and _SAFE_NAME.fullmatch(entry.name)
            )

    @contextmanager
    def _lock_room(self, room: str) -> Iterator[int]:
        """Open and lock the folder of a room; yield its descriptor."""
        make_private_folder(self.folder)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        folder = os.open(self.folder, flags)
        try:
            _ensure_folder(room, folder)
            room_folder = os.open(room, flags | os.O_NOFOLLOW, dir_fd=folder)
        finally:
            os.close(folder)
        try:
            fcntl.flock(room_folder, fcntl.LOCK_EX)
            yield room_folder
        finally:
            # This releases the lock.
            os.close(room_folder)

    def _must_rotate(self, room_folder: int, file: str, added_bytes: int, now: datetime) -> bool:
        try:
            status = os.stat(file, dir_fd=room_folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        if not status.st_size:
            return False
        modified = datetime.fromtimestamp(status.st_mtime, UTC)
        is_old = self.rotate_daily and modified.date() != now.astimezone(UTC).date()
        return is_old or status.st_size + added_bytes > self.max_file_bytes

    def _rotate(self, room_folder: int, file: str) -> None:
        """Rename ``.log.1`` to ``.log.2`` and so on, then ``.log`` to ``.log.1``."""
        numbers = []
        for entry in _list_files(room_folder):
            match = _LOG_FILE.fullmatch(entry)
            if match and match[1] == file and match[2]:
                numbers.append(int(match[2]))
        for number in sorted(numbers, reverse=True):
            if number >= self.max_rotated_files:
                os.unlink(f"{file}.{number}", dir_fd=room_folder)
            else:
                _rename(f"{file}.{number}", f"{file}.{number + 1}", room_folder)
        _rename(file, f"{file}.1", room_folder)


def _validate_name(name: str) -> str:
    # Callers have validated rooms and addresses. This check confines paths to the folder.
    if not _SAFE_NAME.fullmatch(name):
        raise ValueError(f"{name!r:.80} is no safe file name")
    return name


def _list_files(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def _ensure_folder(name: str, parent: int) -> None:
    try:
        os.mkdir(name, mode=FOLDER_MODE, dir_fd=parent)
    except FileExistsError:
        return


def _rename(old: str, new: str, folder: int) -> None:
    os.rename(old, new, src_dir_fd=folder, dst_dir_fd=folder)


def _append_lines(descriptor: int, lines: bytes, now: datetime) -> None:
    end = _truncate_partial_line(descriptor)
    try:
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.utime(descriptor, (now.timestamp(), now.timestamp()))
        # Some file systems report a full disk only here.
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, end)
        raise


def _truncate_partial_line(descriptor: int) -> int:
    """Remove the partial last line of a killed writer; return the size of the file."""
    end = size = os.fstat(descriptor).st_size
    while end:
        begin = max(0, end - _BLOCK_BYTES)
        newline = os.pread(descriptor, end - begin, begin).rfind(b"\n")
        if newline >= 0:
            end = begin + newline + 1
            break
        end = begin
    if end != size:
        os.ftruncate(descriptor, end)
    return end


def _last_modified(folder: int, file: str) -> datetime | None:
    """Return when a file was modified; ``None`` if it is no regular file."""
    status = os.stat(file, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        return None
    return datetime.fromtimestamp(status.st_mtime, UTC)


def _midnight(time: datetime) -> datetime:
    return time.replace(hour=0, minute=0, second=0, microsecond=0)
