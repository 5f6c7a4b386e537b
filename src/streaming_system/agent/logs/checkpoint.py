"""Open log files, and checkpoints: how far a file was read, and how it is recognised later."""

import hashlib
import os
import stat
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path

# The hash of a file's first bytes identifies it, because lines of access logs contain a time.
HEAD_BYTES = 1024

# Device and inode.
FileKey = tuple[int, int]


class NotRegularFileError(OSError):
    """The path of a log is not a regular file."""


class LogFileHandle:
    """An open file; it stays readable after it is renamed or deleted."""

    def __init__(self, path: Path) -> None:
        # O_NONBLOCK: opening a named pipe must not block.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        self._file = FileIO(descriptor)
        status = os.fstat(descriptor)
        self.key: FileKey = (status.st_dev, status.st_ino)
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise NotRegularFileError(0, "it is not a regular file")

    def size(self) -> int:
        """Return the current size in bytes."""
        return os.fstat(self._file.fileno()).st_size

    def state(self) -> tuple[int, int]:
        """Return the size, and the modification time in nanoseconds."""
        status = os.fstat(self._file.fileno())
        return status.st_size, status.st_mtime_ns

    def read_at(self, offset: int, max_bytes: int) -> bytes:
        """Return the bytes at an offset."""
        return os.pread(self._file.fileno(), max_bytes, offset)

    def has_same_head(self, other: "LogFileHandle") -> bool:
        """Return whether a file may be a copy of another: they start with the same lines."""
        head = self.read_at(0, min(HEAD_BYTES, self.size(), other.size()))
        has_line = b"\n" in head or len(head) == HEAD_BYTES
        return has_line and head == other.read_at(0, len(head))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass(kw_only=True, eq=False)
class Checkpoint:
    """How far a file was read: always to the end of a line. Two checkpoints are never equal.

    :param id: in the spool; ``None`` until it is stored.
    :param head: hash of the first ``head_size`` bytes, all of which were read.
    :param in_oversized_line: the offset is within a line that is too long.
    """

    id: int | None = None
    device: int
    inode: int
    offset: int = 0
    head_size: int = 0
    head: bytes = b""
    in_oversized_line: bool = False

    @classmethod
    def at_start(cls, file: LogFileHandle) -> "Checkpoint":
        """Return a checkpoint at the beginning of a file."""
        return cls(device=file.key[0], inode=file.key[1])

    @property
    def key(self) -> FileKey:
        """The key of the file, which the system may reuse after the file is deleted."""
        return self.device, self.inode

    def matches_head(self, file: LogFileHandle) -> bool:
        """Return whether a file starts with the bytes that were read."""
        return head_digest(file.read_at(0, self.head_size)) == self.head if self.head_size else True

    def can_resume(self, file: LogFileHandle) -> bool:
        """Return whether reading can resume in a file."""
        return self.offset <= file.size() and self.matches_head(file)

    def for_file(self, file: LogFileHandle) -> "Checkpoint":
        """Return a new checkpoint at the same position of another file."""
        return replace(self, id=None, device=file.key[0], inode=file.key[1])

    def advance(
        self, file: LogFileHandle, offset: int, *, in_oversized_line: bool = False
    ) -> "Checkpoint":
        """Return the checkpoint at a later offset of its file."""
        head_size, head = self.head_size, self.head
        if head_size < HEAD_BYTES and offset > head_size:
            head_size = min(offset, HEAD_BYTES)
            head = head_digest(file.read_at(0, head_size))
        return replace(
            self,
            offset=offset,
            head_size=head_size,
            head=head,
            in_oversized_line=in_oversized_line,
        )


def head_digest(data: bytes) -> bytes:
    """Return a hash of the first bytes of a file."""
    return hashlib.blake2b(data, digest_size=16).digest()
