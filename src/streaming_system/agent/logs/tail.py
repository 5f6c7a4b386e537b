"""Follows one access log, whatever becomes of its file: every whole line goes to the spool once."""

import time
from collections.abc import Callable
from dataclasses import replace

from streaming_system.agent.logs.checkpoint import (
    HEAD_BYTES,
    Checkpoint,
    LogFileHandle,
    has_same_head,
)
from streaming_system.agent.logs.config import LogFile
from streaming_system.agent.logs.rotation import CLOSE_GRACE, FileKey, RotatedFiles
from streaming_system.agent.logs.spool import Spool

# Read at once; and no line is longer. What a web server logs of a request stays below.
MAX_LINE_BYTES = 256 * 1024
# How long a file is remembered that is gone.
CHECKPOINT_RETENTION = 3600.0


class LogTailer:
    """Reads what is new in a log, and in the files that it was rotated to.

    A file is known by device and inode, a hash of its beginning, and how far it was read. So one
    that was renamed is read to its end, one that was emptied is read anew, and the copy that was
    made of it before (``copytruncate``) is read on where the file itself was left.

    :param log: which file, and of which room.
    :param spool: where lines and places go.
    :param linger: seconds for which a file is kept open that is rotated.
    """

    def __init__(self, log: LogFile, spool: Spool, linger: float = CLOSE_GRACE) -> None:
        self.log = log
        self.lines = 0
        self.too_long = 0
        self._spool = spool
        self._files = RotatedFiles(log.path, linger)
        self._known = spool.knows(log.path)
        self._read: dict[FileKey, Checkpoint] = {}
        self._others = spool.places(log.path)
        self._gone: dict[int | None, float] = {}

    @property
    def trouble(self) -> str:
        """What was wrong at the last look, in one line."""
        return self._files.trouble

    def look(self, go_on: Callable[[], bool]) -> None:
        """Read what is new.

        :param go_on: asked before each piece; what is left is read at the next look.
        :raises SpoolError: if the spool does not take it. Then it is read again at the next look.
        """
        files = self._files.look()
        self._match(files)
        for file in files:
            if file.key not in self._read or self._read_on(file, go_on):
                self._files.rest(file)
        self._forget()

    def close(self) -> None:
        """Close all files."""
        self._files.close()

    def _match(self, files: list[LogFileHandle]) -> None:
        """Find out how far each file was read."""
        # Of what nothing was read, nothing is known; another file may have its inode by now.
        places = [
            place
            for place in (*self._read.values(), *self._others)
            if place.head_size or place.key in self._files.held
        ]
        found: dict[FileKey, Checkpoint] = {}
        for file in files:
            if fitting := [p for p in places if p.key == file.key and p.fits(file)]:
                found[file.key] = max(fitting, key=lambda place: place.offset)
        before_us = []
        new = [file for file in files if file.key not in found]
        # Of two that have the same in them, the log goes on.
        for file in sorted(new, key=lambda file: file.key != self._files.main):
            twins = [place for place in places if place.head_size and place.begins(file)]
            twins += self._of_nameless(file, files, found)
            place = Checkpoint(device=file.key[0], inode=file.key[1])
            if moved := self._moved_to(file, twins, found):
                # It is a copy of what is not there any more.
                places = [one for one in places if one is not moved]
                found = {key: one for key, one in found.items() if one is not moved}
                place = replace(moved.copied_to(file), id=moved.id)
            elif file.key == self._files.main:
                if fitting := [one for one in twins if one.offset <= file.size()]:
                    # It is a copy of what is still there.
                    place = max(fitting, key=lambda place: place.offset).copied_to(file)
            elif self._was_read_elsewhere(file, files, found):
                # What comes after it was written by who has it still open.
                place = place.moved_to(file, file.read(HEAD_BYTES, 0).rfind(b"\n") + 1)
            else:
                if twins or self._is_being_copied(file, files):
                    # What is in it was read elsewhere, or will be.
                    continue
                if not self._known:
                    place = place.moved_to(file, file.size())
                    if place.head_size:
                        before_us.append(file.key)
            found[file.key] = place
        if not self._known:
            begun = self._spool.begin(self.log.path, [found[key] for key in before_us])
            found |= dict(zip(before_us, begun, strict=True))
            self._known = True
        used = {id(place) for place in found.values()}
        self._read = found
        self._others = [place for place in places if id(place) not in used]

    def _moved_to(
        self, file: LogFileHandle, twins: list[Checkpoint], found: dict[FileKey, Checkpoint]
    ) -> Checkpoint | None:
        """Return the place that goes on in a file, of those in files that begin the same."""
        there = [place for place in found.values() if place.key in self._files.named]
        left = [
            place
            for place in twins
            if place.offset <= file.size()
            and place.key not in self._files.resting
            and not any(place is one for one in there)
        ]
        return max(left, key=lambda place: place.offset, default=None)

    def _of_nameless(
        self, file: LogFileHandle, files: list[LogFileHandle], found: dict[FileKey, Checkpoint]
    ) -> list[Checkpoint]:
        """Return the places in files that have lost their names, and were the same."""
        return [
            found[one.key]
            for one in files
            if one.key in found and one.key not in self._files.named and has_same_head(one, file)
        ]

    def _was_read_elsewhere(
        self, file: LogFileHandle, files: list[LogFileHandle], found: dict[FileKey, Checkpoint]
    ) -> bool:
        """Tell whether a short file without a name is the beginning of one that was read so far.

        Of one that is longer than what is known of a beginning, :meth:`Checkpoint.begins` tells.
        """
        if file.key in self._files.named or file.size() > HEAD_BYTES:
            return False
        return any(
            found[one.key].offset >= file.size() and has_same_head(file, one)
            for one in files
            if one.key in found
        )

    def _is_being_copied(self, file: LogFileHandle, files: list[LogFileHandle]) -> bool:
        """Tell whether a file is a copy of the log, which will be emptied in a moment."""
        return any(
            file.size() <= main.size() and has_same_head(file, main)
            for main in files
            if main.key == self._files.main
        )

    def _read_on(self, file: LogFileHandle, go_on: Callable[[], bool]) -> bool:
        """Read a file; return whether all that is whole was read."""
        while go_on():
            place = self._read[file.key]
            data = file.read(MAX_LINE_BYTES, place.offset)
            end = data.find(b"\n") + 1 if place.skipping else data.rfind(b"\n") + 1
            skipping = not end and (place.skipping or len(data) == MAX_LINE_BYTES)
            if not data or not (end or skipping):
                return True
            lines = b"" if place.skipping else data[:end]
            after = place.moved_to(file, place.offset + (end or len(data)), skipping=skipping)
            self._read[file.key] = self._spool.keep(self.log.path, self.log.room, after, lines)
            self.lines += lines.count(b"\n")
            self.too_long += skipping and not place.skipping
            self._files.grew(file)
        return False

    def _forget(self) -> None:
        """Forget places in files that have been gone for long."""
        now = time.monotonic()
        there = self._files.resting
        gone = [place for place in self._others if place.key not in there]
        self._gone = {place.id: self._gone.get(place.id, now) for place in gone}
        for place in gone:
            if now - self._gone[place.id] > CHECKPOINT_RETENTION:
                if place.id is not None:
                    self._spool.forget(place)
                self._others.remove(place)
