"""Lines that wait for trackers, and how far files have been read: one database on the disk.

Lines come in together with the place behind them, and go out together with how far the tracker has
them, each in one transaction. So whatever ends the program, neither is ever without the other.
"""

import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from streaming_system.agent.logs.batch import LineBatch, encoded_size, fit_batch
from streaming_system.agent.logs.checkpoint import Checkpoint
from streaming_system.agent.logs.database import SpoolDatabase
from streaming_system.util.versioned_condition import ChangeNotifier

# What a chunk takes besides its lines.
CHUNK_OVERHEAD_BYTES = 64
# Pages that are free stay for what comes next, as long as they are so few.
MAX_FREE_PAGES = 256


class Spool(SpoolDatabase, ChangeNotifier):
    """Keeps lines until every tracker has them, up to a bound.

    :param file: of the database; there may be only one program that uses it.
    :param trackers: who shall have the lines.
    :param bound: how many bytes of lines wait at most; the oldest go.
    :raises SpoolError: if it cannot be used.
    """

    def __init__(self, file: Path, trackers: Iterable[str], bound: int) -> None:
        self.bound = bound
        self.size = 0
        self.dropped: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._trackers = tuple(trackers)
        SpoolDatabase.__init__(self, file)
        ChangeNotifier.__init__(self, self._lock)
        self._flying: dict[str, frozenset[int]] = {}
        self._unsaved: set[tuple[str, str]] = set()

    def _prepare(self) -> None:
        super()._prepare()
        with self._doing():
            with self._transaction():
                marks = ",".join("?" * len(self._trackers))
                for table in ("sent", "offered", "dropped"):
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
                {(tracker, room): (chunk, at) for tracker, room, chunk, at in rows}
                for rows in (
                    self._db.execute("SELECT tracker, room, chunk, offset FROM sent"),
                    self._db.execute("SELECT tracker, room, chunk, offset FROM offered"),
                )
            )
            for tracker, lines, told in self._db.execute("SELECT * FROM dropped"):
                self.dropped[tracker], self._told[tracker] = lines, told
            [[self.size]] = self._db.execute(
                "SELECT COALESCE(SUM(LENGTH(lines) + ?), 0) FROM chunk", [CHUNK_OVERHEAD_BYTES]
            )

    # What followers do.

    def places(self, path: Path) -> list[Checkpoint]:
        """Return how far files have been read that have, or had, a log's name."""
        with self._doing():
            rows = self._db.execute(
                "SELECT id, device, inode, offset, head_size, head, skipping FROM place"
                " WHERE path = ? ORDER BY id",
                [str(path)],
            ).fetchall()
        return [
            Checkpoint(
                id=row[0],
                device=int(row[1]),
                inode=int(row[2]),
                offset=row[3],
                head_size=row[4],
                head=row[5],
                skipping=bool(row[6]),
            )
            for row in rows
        ]

    def knows(self, path: Path) -> bool:
        """Tell whether a log has been looked at before."""
        with self._doing():
            row = self._db.execute("SELECT 1 FROM log WHERE path = ?", [str(path)]).fetchone()
        return row is not None

    def begin(self, path: Path, places: Sequence[Checkpoint]) -> list[Checkpoint]:
        """Note that a log has been looked at, and what lay beside it then."""
        with self._doing(), self._transaction():
            self._db.execute("INSERT OR IGNORE INTO log VALUES (?)", [str(path)])
            return [self._place(path, place) for place in places]

    def keep(self, path: Path, room: str, place: Checkpoint, lines: bytes) -> Checkpoint:
        """Take whole lines of a file, and the place behind them.

        :raises SpoolError: if that cannot be; then neither is taken.
        """
        with self._doing():
            freed, lost = 0, Counter[str]()
            with self._transaction():
                if lines:
                    freed, lost = self._make_room(len(lines) + CHUNK_OVERHEAD_BYTES)
                    self._db.execute(
                        "INSERT INTO chunk (room, count, lines) VALUES (?, ?, ?)",
                        [room, lines.count(b"\n"), lines],
                    )
                place = self._place(path, place)
            if lines:
                self.size += len(lines) + CHUNK_OVERHEAD_BYTES - freed
                self.dropped.update(lost)
                self._notify()
            return place

    def forget(self, place: Checkpoint) -> None:
        """Forget a file that is gone."""
        with self._doing(), self._transaction():
            self._db.execute("DELETE FROM place WHERE id = ?", [place.id])

    def _place(self, path: Path, place: Checkpoint) -> Checkpoint:
        values = (
            *(str(path), str(place.device), str(place.inode), place.offset),
            *(place.head_size, place.head, place.skipping),
        )
        row = self._db.execute(
            "INSERT OR REPLACE INTO place (id, path, device, inode, offset, head_size, head,"
            " skipping) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (place.id, *values),
        ).fetchone()
        return Checkpoint(**{**vars(place), "id": row[0]})

    def _make_room(self, more: int) -> tuple[int, Counter[str]]:
        """Take out the oldest lines; return how many bytes that was, and who will lack how many."""
        freed, lost = 0, Counter[str]()
        # What is on its way to a tracker is neither lost nor there yet.
        flying = frozenset[int]().union(*self._flying.values())
        while self.size - freed + more > self.bound:
            row = self._db.execute(
                "SELECT id, room, count, lines FROM chunk"  # noqa: S608 - Numbers only.
                f" WHERE id NOT IN ({','.join(map(str, flying))}) ORDER BY id LIMIT 1"
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
            "INSERT INTO dropped VALUES (?, ?, 0)"
            " ON CONFLICT (tracker) DO UPDATE SET lines = lines + excluded.lines",
            lost.items(),
        )
        return freed, lost

    # What senders do.

    def rooms(self) -> list[str]:
        """Return the rooms of which lines are there."""
        with self._doing():
            return [room for (room,) in self._db.execute("SELECT DISTINCT room FROM chunk")]

    def batch(self, tracker: str, room: str, most: int) -> LineBatch | None:
        """Return the next lines for a tracker, if there are any; one at least.

        Until they are :meth:`acknowledged` or :meth:`returned`, the bound does not drop them.

        :param most: how many bytes they may have when they are encoded for a form.
        """
        with self._doing():
            until = self._sent.get((tracker, room), (0, 0))
            # What was handed in, but not acknowledged, may be there: it is handed in again as it
            # was, without what has come meanwhile, so that the tracker can tell.
            offered = self._offered.get((tracker, room), (0, 0))
            pieces: list[bytes] = []
            ids, left, again = [], most, False
            for id_, lines in self._db.execute(
                "SELECT id, lines FROM chunk WHERE room = ? AND id >= ? ORDER BY id",
                [room, until[0]],
            ):
                begin = until[1] if id_ == until[0] else 0
                if again and (id_, begin) >= offered:
                    break
                again = (id_, begin) < offered
                known = lines[: offered[1]] if again and id_ == offered[0] else lines
                end = fit_batch(known, begin, left, first=not pieces)
                if end > begin:
                    pieces.append(lines[begin:end])
                    ids.append(id_)
                    left -= encoded_size(pieces[-1])
                    until = (id_ + 1, 0) if end == len(lines) else (id_, end)
                if end < len(lines):
                    break
            if not pieces:
                return None
            self._offer(tracker, room, until)
            self._flying[tracker] = frozenset(ids)
        lines = b"".join(pieces)
        return LineBatch(
            tracker=tracker,
            room=room,
            lines=lines,
            count=lines.count(b"\n"),
            until=until,
            name=f"{self._name}:{until[0]}.{until[1]}",
        )

    def _offer(self, tracker: str, room: str, until: tuple[int, int]) -> None:
        if self._offered.get((tracker, room)) != until:
            with self._transaction():
                self._db.execute(
                    "INSERT OR REPLACE INTO offered VALUES (?, ?, ?, ?)", [tracker, room, *until]
                )
            self._offered[tracker, room] = until

    def acknowledged(self, batch: LineBatch) -> None:
        """Note that a tracker has lines, and remove those that all trackers have.

        :raises SpoolError: if that cannot be saved. It holds until the program ends, and
            :meth:`settle` tries again.
        """
        with self._lock:
            self._flying.pop(batch.tracker, None)
            self._sent[batch.tracker, batch.room] = batch.until
            self._unsaved.add((batch.tracker, batch.room))
        self.settle()

    def settle(self) -> None:
        """Save what trackers have, if that is still to be done.

        :raises SpoolError: if it cannot be saved.
        """
        with self._doing():
            if not self._unsaved:
                return
            freed = 0
            with self._transaction():
                self._db.executemany(
                    "INSERT OR REPLACE INTO sent VALUES (?, ?, ?, ?)",
                    [(*key, *self._sent[key]) for key in self._unsaved],
                )
                self._db.executemany(
                    "UPDATE dropped SET told = ? WHERE tracker = ?",
                    [(self._told[tracker], tracker) for tracker, _ in self._unsaved],
                )
                for room in {room for _, room in self._unsaved}:
                    done = min(self._sent.get((one, room), (0, 0))[0] for one in self._trackers)
                    rows = self._db.execute(
                        "DELETE FROM chunk WHERE room = ? AND id < ? RETURNING LENGTH(lines)",
                        [room, done],
                    ).fetchall()
                    freed += sum(size + CHUNK_OVERHEAD_BYTES for (size,) in rows)
            self._unsaved.clear()
            self.size -= freed
            [[free]] = self._db.execute("PRAGMA freelist_count")
            if free > MAX_FREE_PAGES:
                # execute() would end after the first page.
                self._db.executescript(f"PRAGMA incremental_vacuum({free - MAX_FREE_PAGES})")

    def untold(self, tracker: str) -> int:
        """Return how many lines were dropped that a tracker lacks, and that nobody was told of.

        They count as told of from now on, which is saved with what is :meth:`acknowledged` next.
        """
        with self._lock:
            before, self._told[tracker] = self._told[tracker], self.dropped[tracker]
            return self.dropped[tracker] - before

    def returned(self, batch: LineBatch) -> None:
        """Note that a tracker does not have lines that were handed out."""
        with self._lock:
            self._flying.pop(batch.tracker, None)

    def waiting(self, tracker: str) -> int:
        """Return how many lines a tracker does not have yet."""
        with self._doing():
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
