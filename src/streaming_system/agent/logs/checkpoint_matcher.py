"""Finds the checkpoint of each file of a log, after any kind of rotation."""

from collections.abc import Iterable, Sequence

from streaming_system.agent.logs.checkpoint import HEAD_BYTES, Checkpoint, FileKey, LogFileHandle
from streaming_system.agent.logs.rotation import RotatedFiles


class CheckpointMatcher:
    """Assigns checkpoints to files after a scan. :attr:`matched` has the result.

    A twin is a checkpoint of another file that starts with the same lines.

    :param rotated: the result of the scan.
    :param files: the files of the scan.
    :param candidates: all known checkpoints of the log.
    """

    def __init__(
        self,
        rotated: RotatedFiles,
        files: Sequence[LogFileHandle],
        candidates: Iterable[Checkpoint],
    ) -> None:
        self._rotated, self._files = rotated, files
        # Without a head, only an open file is certain: the inode of a deleted file may be reused.
        self._candidates = [
            checkpoint
            for checkpoint in candidates
            if checkpoint.head_size or checkpoint.key in rotated.previously_open
        ]
        self.matched: dict[FileKey, Checkpoint] = {}

    def match(self) -> None:
        """Match all files."""
        self._match_by_inode()
        new = [file for file in self._files if file.key not in self.matched]
        # Of two files with the same content, the log itself goes first.
        for file in sorted(new, key=lambda file: file.key != self._rotated.main):
            if checkpoint := self._match_new(file):
                self.matched[file.key] = checkpoint

    @property
    def unmatched(self) -> list[Checkpoint]:
        """The checkpoints of files that were not in the scan."""
        matched = set(self.matched.values())
        return [checkpoint for checkpoint in self._candidates if checkpoint not in matched]

    def _match_by_inode(self) -> None:
        """Match files that were read before, whether or not they were renamed since."""
        for file in self._files:
            resumable = [c for c in self._candidates if c.key == file.key and c.can_resume(file)]
            if resumable:
                self.matched[file.key] = _furthest(resumable)

    def _match_new(self, file: LogFileHandle) -> Checkpoint | None:
        """Return the checkpoint for an unknown file; ``None`` if it must not be read."""
        twins = self._find_twins(file)
        if checkpoint := self._match_copytruncate(file, twins):
            return checkpoint
        if file.key == self._rotated.main:
            return self._match_rewritten(file, twins) or Checkpoint.at_start(file)
        if checkpoint := self._match_deleted(file):
            return checkpoint
        # A copy of a file that is or will be read elsewhere.
        if twins or self._is_copy_of_main(file):
            return None
        return Checkpoint.at_start(file)

    def _find_twins(self, file: LogFileHandle) -> list[Checkpoint]:
        twins = [c for c in self._candidates if c.head_size and c.matches_head(file)]
        # The heads of short files change while they grow, so open deleted files are compared.
        return twins + [
            self.matched[other.key]
            for other in self._files
            if other.key in self.matched
            and other.key not in self._rotated.named
            and other.has_same_head(file)
        ]

    def _match_copytruncate(
        self, file: LogFileHandle, twins: Sequence[Checkpoint]
    ) -> Checkpoint | None:
        """Move the checkpoint of a truncated or deleted file to its copy."""
        existing = {c for c in self.matched.values() if c.key in self._rotated.named}
        moved = [
            checkpoint
            for checkpoint in twins
            if checkpoint.offset <= file.size()
            and checkpoint.key not in self._rotated.finished
            and checkpoint not in existing
        ]
        if not moved:
            return None
        source = _furthest(moved)
        self._candidates = [c for c in self._candidates if c is not source]
        self.matched = {key: c for key, c in self.matched.items() if c is not source}
        checkpoint = source.for_file(file)
        checkpoint.id = source.id
        return checkpoint

    @staticmethod
    def _match_rewritten(file: LogFileHandle, twins: Sequence[Checkpoint]) -> Checkpoint | None:
        """Match a log that was replaced by a copy of a file that still exists, as by ``sed -i``."""
        resumable = [checkpoint for checkpoint in twins if checkpoint.offset <= file.size()]
        return _furthest(resumable).for_file(file) if resumable else None

    def _match_deleted(self, file: LogFileHandle) -> Checkpoint | None:
        """Match a short deleted file whose lines were read from a copy.

        A server may still append to it. For a longer file, the head in a checkpoint is enough.
        """
        if file.key in self._rotated.named or file.size() > HEAD_BYTES:
            return None
        was_read = any(
            self.matched[other.key].offset >= file.size() and file.has_same_head(other)
            for other in self._files
            if other.key in self.matched
        )
        if not was_read:
            return None
        return Checkpoint.at_start(file).advance(file, file.read_at(0, HEAD_BYTES).rfind(b"\n") + 1)

    def _is_copy_of_main(self, file: LogFileHandle) -> bool:
        """Return whether copytruncate has copied the log, and will truncate it in a moment."""
        return is_copy_of_main(file, self._files, self._rotated.main)


def is_copy_of_main(
    file: LogFileHandle, files: Iterable[LogFileHandle], main: FileKey | None
) -> bool:
    """Return whether a file is a copy of the log itself."""
    return any(
        file.size() <= other.size() and file.has_same_head(other)
        for other in files
        if other.key == main
    )


def _furthest(checkpoints: Sequence[Checkpoint]) -> Checkpoint:
    return max(checkpoints, key=lambda checkpoint: checkpoint.offset)
