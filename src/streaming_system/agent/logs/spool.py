"""The spool: log lines on disk until all trackers have them, with the checkpoints of the files.

Lines are stored together with the checkpoint after them, and deleted together with the position of
the tracker, each in one transaction. So a crash neither loses nor repeats lines.
"""

import secrets
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from streaming_system.agent.logs.batch import LineBatch, encoded_size, fit_batch
from streaming_system.agent.logs.checkpoint import Checkpoint
from streaming_system.agent.logs.checkpoint_store import CheckpointStore
from streaming_system.util.versioned_condition import ChangeNotifier

# The size of a chunk in the database besides its lines, roughly.
CHUNK_OVERHEAD_BYTES = 64
# Free pages up to this number are reused instead of returned to the file system.
MAX_FREE_PAGES = 256


class Spool(CheckpointStore, ChangeNotifier):
    """Stores lines until every tracker has them. Above the limit, it evicts the oldest lines.

    :param file: the database; only one process may use it.
    :param trackers: URLs of the trackers.
    :param max_bytes: limit of the lines.
    :raises SpoolError: if the database is not usable.
    """

    def __init__(self, file: Path, trackers: Iterable[str], max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.size = 0
        # Evicted lines that a tracker did not get, and how many of them were reported.
        self.dropped: Counter[str] = Counter()
        self._reported_drops: Counter[str] = Counter()
        self._trackers = tuple(trackers)
        CheckpointStore.__init__(self, file)
        ChangeNotifier.__init__(self, self._lock)
        self._in_flight: dict[str, frozenset[int]] = {}
        # Tracker and room of acknowledgements that are not saved yet.
        self._dirty_acks: set[tuple[str, str]] = set()

    def _prepare(self) -> None:
        super()._prepare()
        with self._translate_errors():
            with self._transaction():
                marks = ",".join("?" * len(self._trackers))
                for table in ("sent", "offered", "dropped_lines"):
                    self._db.execute(
                        f"DELETE FROM {table} WHERE tracker NOT IN ({marks})",  # noqa: S608 - Marks only.
                        self._trackers,
                    )
                self._db.execute(
                    "INSERT INTO name SELECT ? WHERE NOT EXISTS (SELECT * FROM name)",
                    [secrets.token_hex(12)],
                )
            [[self._name]] = self._db.execute("SELECT name FROM name")
            self._sent, self._offered = (
                {(tracker, room): (chunk, offset) for tracker, room, chunk, offset in rows}
                for rows in (
                    self._db.execute("SELECT tracker, room, chunk, offset FROM sent"),
                    self._db.execute("SELECT tracker, room, chunk, offset FROM offered"),
                )
            )
            for tracker, lines, reported in self._db.execute("SELECT * FROM dropped_lines"):
                self.dropped[tracker], self._reported_drops[tracker] = lines, reported
            [[self.size]] = self._db.execute(
                "SELECT COALESCE(SUM(LENGTH(lines) + ?), 0) FROM chunk", [CHUNK_OVERHEAD_BYTES]
            )

    def append(self, path: Path, room: str, checkpoint: Checkpoint, lines: bytes) -> Checkpoint:
        """Store whole lines of a file, and the checkpoint after them; return it with its id.

        :raises SpoolError: if that fails; then neither is stored.
        """
        with self._translate_errors():
            freed, lost = 0, Counter[str]()
            with self._transaction():
                if lines:
                    freed, lost = self._evict_oldest(len(lines) + CHUNK_OVERHEAD_BYTES)
                    self._db.execute(
                        "INSERT INTO chunk (room, count, lines) VALUES (?, ?, ?)",
                        [room, lines.count(b"\n"), lines],
                    )
                checkpoint = self._save_checkpoint(path, checkpoint)
            if lines:
                self.size += len(lines) + CHUNK_OVERHEAD_BYTES - freed
                self.dropped.update(lost)
                self._notify()
            return checkpoint

    def _evict_oldest(self, needed: int) -> tuple[int, Counter[str]]:
        """Delete the oldest lines; return the freed bytes, and the lost lines of each tracker."""
        freed, lost = 0, Counter[str]()
        # Whether a tracker gets lines in flight is not known yet.
        in_flight = frozenset[int]().union(*self._in_flight.values())
        while self.size - freed + needed > self.max_bytes:
            row = self._db.execute(
                "SELECT id, room, count, lines FROM chunk"  # noqa: S608 - Numbers only.
                f" WHERE id NOT IN ({','.join(map(str, in_flight))}) ORDER BY id LIMIT 1"
            ).fetchone()
            if row is None:
                break
            id_, room, count, lines = row
            for tracker in self._trackers:
                chunk, offset = self._sent.get((tracker, room), (0, 0))
                if chunk <= id_:
                    lost[tracker] += lines[offset:].count(b"\n") if chunk == id_ else count
            self._db.execute("DELETE FROM chunk WHERE id = ?", [id_])
            freed += len(lines) + CHUNK_OVERHEAD_BYTES
        self._db.executemany(
            "INSERT INTO dropped_lines VALUES (?, ?, 0)"
            " ON CONFLICT (tracker) DO UPDATE SET lines = lines + excluded.lines",
            lost.items(),
        )
        return freed, lost

    def rooms(self) -> list[str]:
        """Return the rooms with lines in the spool."""
        with self._translate_errors():
            return [room for (room,) in self._db.execute("SELECT DISTINCT room FROM chunk")]

    def next_batch(self, tracker: str, room: str, max_bytes: int) -> LineBatch | None:
        """Return the next lines for a tracker, at least one; ``None`` if it has all.

        The spool does not evict them until the caller calls :meth:`ack` or :meth:`nack`.

        :param max_bytes: limit of the lines in form encoding.
        """
        with self._translate_errors():
            end = self._sent.get((tracker, room), (0, 0))
            # The tracker may have a batch whose response was lost. Exactly the same lines are sent
            # again, without newer ones, so that the tracker recognises the batch.
            offered = self._offered.get((tracker, room), (0, 0))
            parts: list[bytes] = []
            ids, bytes_left, is_repeated = [], max_bytes, False
            for id_, chunk in self._db.execute(
                "SELECT id, lines FROM chunk WHERE room = ? AND id >= ? ORDER BY id",
                [room, end[0]],
            ):
                start = end[1] if id_ == end[0] else 0
                if is_repeated and (id_, start) >= offered:
                    break
                is_repeated = (id_, start) < offered
                lines = chunk[: offered[1]] if is_repeated and id_ == offered[0] else chunk
                stop = fit_batch(lines, start, bytes_left, at_least_one=not parts)
                if stop > start:
                    parts.append(lines[start:stop])
                    ids.append(id_)
                    bytes_left -= encoded_size(parts[-1])
                    end = (id_ + 1, 0) if stop == len(chunk) else (id_, stop)
                if stop < len(chunk):
                    break
            if not parts:
                return None
            self._save_offered(tracker, room, end)
            self._in_flight[tracker] = frozenset(ids)
        lines = b"".join(parts)
        return LineBatch(
            tracker=tracker,
            room=room,
            lines=lines,
            count=lines.count(b"\n"),
            end=end,
            name=f"{self._name}:{end[0]}.{end[1]}",
        )

    def _save_offered(self, tracker: str, room: str, end: tuple[int, int]) -> None:
        if self._offered.get((tracker, room)) != end:
            with self._transaction():
                self._db.execute(
                    "INSERT OR REPLACE INTO offered VALUES (?, ?, ?, ?)", [tracker, room, *end]
                )
            self._offered[tracker, room] = end

    def ack(self, batch: LineBatch) -> None:
        """Record that a tracker has a batch, and delete the lines that all trackers have.

        :raises SpoolError: if that cannot be saved. The acknowledgement is valid in this process,
            and :meth:`flush_acks` saves it later.
        """
        with self._lock:
            self._in_flight.pop(batch.tracker, None)
            self._sent[batch.tracker, batch.room] = batch.end
            self._dirty_acks.add((batch.tracker, batch.room))
        self.flush_acks()

    def nack(self, batch: LineBatch) -> None:
        """Record that a tracker does not have a batch."""
        with self._lock:
            self._in_flight.pop(batch.tracker, None)

    def flush_acks(self) -> None:
        """Save acknowledgements that are not saved yet.

        :raises SpoolError: if they cannot be saved.
        """
        with self._translate_errors():
            if not self._dirty_acks:
                return
            freed = 0
            with self._transaction():
                self._db.executemany(
                    "INSERT OR REPLACE INTO sent VALUES (?, ?, ?, ?)",
                    [(*key, *self._sent[key]) for key in self._dirty_acks],
                )
                self._db.executemany(
                    "UPDATE dropped_lines SET reported = ? WHERE tracker = ?",
                    [(self._reported_drops[tracker], tracker) for tracker, _ in self._dirty_acks],
                )
                for room in {room for _, room in self._dirty_acks}:
                    end = min(self._sent.get((one, room), (0, 0))[0] for one in self._trackers)
                    rows = self._db.execute(
                        "DELETE FROM chunk WHERE room = ? AND id < ? RETURNING LENGTH(lines)",
                        [room, end],
                    ).fetchall()
                    freed += sum(size + CHUNK_OVERHEAD_BYTES for (size,) in rows)
            self._dirty_acks.clear()
            self.size -= freed
            [[free_pages]] = self._db.execute("PRAGMA freelist_count")
            if free_pages > MAX_FREE_PAGES:
                # execute() would stop after the first page.
                self._db.executescript(f"PRAGMA incremental_vacuum({free_pages - MAX_FREE_PAGES})")

    def unreported_drops(self, tracker: str) -> int:
        """Return the number of lines dropped for a tracker since the last call.

        The next :meth:`ack` saves that they were reported.
        """
        with self._lock:
            before = self._reported_drops[tracker]
            self._reported_drops[tracker] = self.dropped[tracker]
            return self.dropped[tracker] - before

    def backlog(self, tracker: str) -> int:
        """Return the number of lines that a tracker does not have yet."""
        with self._translate_errors():
            count = 0
            for room in self.rooms():
                chunk, offset = self._sent.get((tracker, room), (0, 0))
                for id_, lines in self._db.execute(
                    "SELECT id, CASE WHEN id = ? THEN lines ELSE count END FROM chunk"
                    " WHERE room = ? AND id >= ?",
                    [chunk, room, chunk],
                ):
                    count += lines[offset:].count(b"\n") if id_ == chunk else lines
            return count
