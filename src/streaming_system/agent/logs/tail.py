"""Tails an access log across rotations: every whole line goes to the sink once."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from streaming_system.agent.logs.checkpoint import Checkpoint, FileKey, LogFileHandle
from streaming_system.agent.logs.checkpoint_matcher import CheckpointMatcher, is_copy_of_main
from streaming_system.agent.logs.config import LogFile
from streaming_system.agent.logs.rotation import CLOSE_GRACE, RotatedFiles

# The size of one read, and the limit of a line. Web servers limit requests to less.
MAX_LINE_BYTES = 256 * 1024
CHECKPOINT_RETENTION = 3600.0


class LineSink(ABC):
    """Receives the lines of logs. A subclass that overrides all methods stores checkpoints."""

    def load_checkpoints(self, path: Path) -> list[Checkpoint]:
        """Return the stored checkpoints of a log."""
        return []

    def has_log(self, path: Path) -> bool:
        """Return whether a log was added before."""
        return False

    def add_log(self, path: Path, checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
        """Add a log with the checkpoints of its rotated files; return the stored checkpoints."""
        return list(checkpoints)

    @abstractmethod
    def append(self, path: Path, room: str, checkpoint: Checkpoint, lines: bytes) -> Checkpoint:
        """Store whole lines and the checkpoint after them; return the stored checkpoint."""

    def delete_checkpoint(self, checkpoint: Checkpoint) -> None:  # noqa: B027 - Optional.
        """Delete a stored checkpoint."""


class LogTailer:
    """Reads new lines of a log and of its rotated files.

    Device, inode, a hash of the first bytes and the offset identify a file. So a renamed file is
    read to its end, a truncated file is read from its beginning, and a copy that was made before
    (``copytruncate``) is read from the offset of the original.

    :param log: the file and its room.
    :param close_grace: seconds without growth after which a rotated file is closed.
    :param max_backlog: skip older lines beyond this number of bytes; ``None``: no limit.
    """

    def __init__(
        self,
        log: LogFile,
        sink: LineSink,
        close_grace: float = CLOSE_GRACE,
        *,
        max_backlog: int | None = None,
    ) -> None:
        self.log = log
        self._max_backlog = max_backlog
        self.lines = 0
        self.oversized_lines = 0
        self._sink = sink
        self._files = RotatedFiles(log.path, close_grace)
        self._is_new = not sink.has_log(log.path)
        self._checkpoints: dict[FileKey, Checkpoint] = {}
        # Checkpoints of files that were not in the last scan, and since when.
        self._other_checkpoints = sink.load_checkpoints(log.path)
        self._missing_since: dict[Checkpoint, float] = {}

    @property
    def is_open(self) -> bool:
        """Whether a file of the log is open."""
        return self._files.is_open

    @property
    def problem(self) -> str:
        """The problem of the last poll in one line, or ""."""
        return self._files.problem

    def poll(self, should_continue: Callable[[], bool]) -> None:
        """Read new lines.

        :param should_continue: called before each read; the next poll reads the rest.
        :raises SpoolError: if the sink does not store the lines; the next poll reads them again.
        """
        files = self._files.scan()
        if self._is_new:
            self._add_log(files)
        else:
            known = (*self._checkpoints.values(), *self._other_checkpoints)
            matcher = CheckpointMatcher(self._files, files, known)
            matcher.match()
            self._checkpoints, self._other_checkpoints = matcher.matched, matcher.unmatched
        for file in files:
            if file.key not in self._checkpoints or self._read_lines(file, should_continue):
                self._files.release(file)
        self._prune_checkpoints()

    def close(self) -> None:
        """Close all files."""
        self._files.close()

    def _add_log(self, files: Sequence[LogFileHandle]) -> None:
        """Start with a new log: skip rotated files, which are older."""
        main = self._files.main
        checkpoints = {
            file.key: Checkpoint.at_start(file)
            if file.key == main
            else Checkpoint.at_start(file).advance(file, file.size())
            for file in files
            if file.key == main or not is_copy_of_main(file, files, main)
        }
        rotated = [checkpoint for checkpoint in checkpoints.values() if checkpoint.head_size]
        stored = self._sink.add_log(self.log.path, rotated)
        self._checkpoints = checkpoints | {checkpoint.key: checkpoint for checkpoint in stored}
        self._is_new = False

    def _read_lines(self, file: LogFileHandle, should_continue: Callable[[], bool]) -> bool:
        """Read a file; return whether all whole lines were read."""
        self._skip_backlog(file)
        while should_continue():
            checkpoint = self._checkpoints[file.key]
            data = file.read_at(checkpoint.offset, MAX_LINE_BYTES)
            in_oversized_line = checkpoint.in_oversized_line
            end = data.find(b"\n") + 1 if in_oversized_line else data.rfind(b"\n") + 1
            is_oversized = not end and (in_oversized_line or len(data) == MAX_LINE_BYTES)
            if not data or not (end or is_oversized):
                return True
            lines = b"" if in_oversized_line else data[:end]
            after = checkpoint.advance(
                file, checkpoint.offset + (end or len(data)), in_oversized_line=is_oversized
            )
            self._checkpoints[file.key] = self._sink.append(
                self.log.path, self.log.room, after, lines
            )
            self.lines += lines.count(b"\n")
            self.oversized_lines += is_oversized and not in_oversized_line
            self._files.mark_active(file)
        return False

    def _skip_backlog(self, file: LogFileHandle) -> None:
        checkpoint, size = self._checkpoints[file.key], file.size()
        if self._max_backlog is not None and size - checkpoint.offset > self._max_backlog:
            self._checkpoints[file.key] = checkpoint.advance(
                file, size - self._max_backlog, in_oversized_line=True
            )

    def _prune_checkpoints(self) -> None:
        """Delete checkpoints of files that have been missing for the retention time."""
        now = time.monotonic()
        missing = [c for c in self._other_checkpoints if c.key not in self._files.finished]
        self._missing_since = {c: self._missing_since.get(c, now) for c in missing}
        for checkpoint in missing:
            if now - self._missing_since[checkpoint] > CHECKPOINT_RETENTION:
                if checkpoint.id is not None:
                    self._sink.delete_checkpoint(checkpoint)
                self._other_checkpoints.remove(checkpoint)
