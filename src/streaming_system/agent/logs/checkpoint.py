"""How far a file has been read, and how it is known again."""

import hashlib
import os
import stat
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path

# So much of a file's beginning tells it from others: lines of access logs have a time.
HEAD_BYTES = 1024


class NotRegularFileError(OSError):
    """What has the name of a log is no file."""


class LogFileHandle:
    """A file that is open: it stays readable whatever becomes of its name."""

    def __init__(self, path: Path) -> None:
        # A named pipe must hold up nobody.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        self._file = FileIO(descriptor)
        found = os.fstat(descriptor)
        self.key = (found.st_dev, found.st_ino)
        if not stat.S_ISREG(found.st_mode):
            self.close()
            raise NotRegularFileError(0, "it is no file")

    def size(self) -> int:
        """Return how long the file is at the moment."""
        return os.fstat(self._file.fileno()).st_size

    def state(self) -> tuple[int, int]:
        """Return how long it is, and when it was last written, in nanoseconds."""
        found = os.fstat(self._file.fileno())
        return found.st_size, found.st_mtime_ns

    def read(self, most: int, offset: int) -> bytes:
        """Return what stands at an offset."""
        return os.pread(self._file.fileno(), most, offset)

    def close(self) -> None:
        """Close it."""
        self._file.close()


@dataclass(kw_only=True)
class Checkpoint:
    """How far a file has been read: always to the end of a line.

    :param id: in the spool; ``None`` as long as nothing of the file is there.
    :param head: a hash of the first ``head_size`` bytes, all of which have been read.
    :param skipping: the offset is within a line that is too long.
    """

    id: int | None = None
    device: int
    inode: int
    offset: int = 0
    head_size: int = 0
    head: bytes = b""
    skipping: bool = False

    @property
    def key(self) -> tuple[int, int]:
        """What the system calls the file, as long as it is there."""
        return self.device, self.inode

    def begins(self, file: LogFileHandle) -> bool:
        """Tell whether a file begins as this one did."""
        return head_digest(file.read(self.head_size, 0)) == self.head if self.head_size else True

    def fits(self, file: LogFileHandle) -> bool:
        """Tell whether reading can go on in a file."""
        return self.offset <= file.size() and self.begins(file)

    def copied_to(self, file: LogFileHandle) -> "Checkpoint":
        """Return the same place in another file."""
        return replace(self, id=None, device=file.key[0], inode=file.key[1])

    def moved_to(self, file: LogFileHandle, offset: int, *, skipping: bool = False) -> "Checkpoint":
        """Return the place at another offset, of a file that begins the same."""
        head_size, head = self.head_size, self.head
        if head_size < HEAD_BYTES and offset > head_size:
            head_size = min(offset, HEAD_BYTES)
            head = head_digest(file.read(head_size, 0))
        return replace(self, offset=offset, head_size=head_size, head=head, skipping=skipping)


def head_digest(data: bytes) -> bytes:
    """Return a hash of a file's beginning."""
    return hashlib.blake2b(data, digest_size=16).digest()


def has_same_head(one: LogFileHandle, other: LogFileHandle) -> bool:
    """Tell whether one file may be a copy of another: they have the same in whole lines."""
    beginning = one.read(min(HEAD_BYTES, one.size(), other.size()), 0)
    whole = b"\n" in beginning or len(beginning) == HEAD_BYTES
    return whole and beginning == other.read(len(beginning), 0)
