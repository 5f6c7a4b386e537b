"""Log files: several processes append whole lines to them, and close the ones that are full."""

import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}", re.ASCII)
_LOG_FILE = re.compile(r"(.+\.log)(?:\.([1-9][0-9]*))?", re.ASCII)
_BLOCK_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class RotatingLogStore:
    """One file for each room and endpoint: ``folder/ROOM/NAME.log``; closed ones end in ``.1``…

    Nothing but these is ever opened, and no symbolic link is followed below the folder. Whoever
    writes, closes or removes a file of a room holds the lock of the room's folder.

    :param size: at how many bytes a file is closed; one report is never divided.
    :param files: how many closed files of each endpoint are kept.
    :param daily: close files at midnight, UTC, too.
    """

    folder: Path
    size: int
    files: int
    daily: bool = False

    def append(self, *, room: str, name: str, lines: bytes, now: datetime) -> None:
        """Add whole lines to a file: all of them, or, if that fails, none.

        They are on the disk when this returns.

        :raises OSError: if they cannot be written.
        """
        # An address may begin with a colon: ::1.
        file = f"{_validate_name(name.replace(':', '_'))}.log"
        with self._locked(_validate_name(room)) as room_folder:
            if self._is_full(room_folder, file, len(lines), now):
                self._close(room_folder, file)
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
            descriptor = os.open(file, flags | os.O_CLOEXEC, 0o640, dir_fd=room_folder)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise OSError(f"{file} is no file")
                _append_lines(descriptor, lines, now)
            finally:
                os.close(descriptor)

    def prune(self, *, before: datetime) -> int:
        """Remove the files of all days in UTC that began before a moment; return how many."""
        removed = 0
        for room in self._rooms():
            with self._locked(room) as room_folder:
                for file in _list_files(room_folder):
                    written = _last_modified(room_folder, file)
                    if _LOG_FILE.fullmatch(file) and written and _midnight(written) <= before:
                        os.unlink(file, dir_fd=room_folder)
                        removed += 1
        return removed

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
    def _locked(self, room: str) -> Iterator[int]:
        """Open the folder of a room for us alone."""
        self.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
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
            # Closing it unlocks it.
            os.close(room_folder)

    def _is_full(self, room_folder: int, file: str, more: int, now: datetime) -> bool:
        try:
            found = os.stat(file, dir_fd=room_folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        if not found.st_size:
            return False
        written = datetime.fromtimestamp(found.st_mtime, UTC)
        old = self.daily and written.date() != now.astimezone(UTC).date()
        return old or found.st_size + more > self.size

    def _close(self, room_folder: int, file: str) -> None:
        """Give every closed file the next number, the oldest first, and the open one the first."""
        closed = []
        for entry in _list_files(room_folder):
            found = _LOG_FILE.fullmatch(entry)
            if found and found[1] == file and found[2]:
                closed.append(int(found[2]))
        for number in sorted(closed, reverse=True):
            if number >= self.files:
                os.unlink(f"{file}.{number}", dir_fd=room_folder)
            else:
                _rename(f"{file}.{number}", f"{file}.{number + 1}", room_folder)
        _rename(file, f"{file}.1", room_folder)


def _validate_name(name: str) -> str:
    # Rooms and addresses have been checked before; this is what keeps us within the folder.
    if not _SAFE_NAME.fullmatch(name):
        raise ValueError(f"{name!r:.80} can be no name of a file")
    return name


def _list_files(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def _ensure_folder(name: str, parent: int) -> None:
    try:
        os.mkdir(name, mode=0o750, dir_fd=parent)
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
        # Some file systems say only now that they are full.
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, end)
        raise


def _truncate_partial_line(descriptor: int) -> int:
    """Return where the next line begins; cut off what a killed writer did not finish."""
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
    """Return when a file was written last, None if it is no file."""
    found = os.stat(file, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISREG(found.st_mode):
        return None
    return datetime.fromtimestamp(found.st_mtime, UTC)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
