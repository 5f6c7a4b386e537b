"""Checkpoints in the database of the spool."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from streaming_system.agent.logs.checkpoint import Checkpoint
from streaming_system.agent.logs.database import SpoolDatabase
from streaming_system.agent.logs.tail import LineSink


class CheckpointStore(SpoolDatabase, LineSink):
    """Stores the checkpoints of logs and of their rotated files."""

    def load_checkpoints(self, path: Path) -> list[Checkpoint]:
        """Return the checkpoints of files that have or had the name of a log."""
        with self._translate_errors():
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
                in_oversized_line=bool(row[6]),
            )
            for row in rows
        ]

    def has_log(self, path: Path) -> bool:
        """Return whether a log was added before."""
        with self._translate_errors():
            row = self._db.execute("SELECT 1 FROM log WHERE path = ?", [str(path)]).fetchone()
        return row is not None

    def add_log(self, path: Path, checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
        """Add a log, with checkpoints of its rotated files; return them with their ids."""
        with self._translate_errors(), self._transaction():
            self._db.execute("INSERT OR IGNORE INTO log VALUES (?)", [str(path)])
            return [self._save_checkpoint(path, checkpoint) for checkpoint in checkpoints]

    def delete_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Delete the checkpoint of a file that no longer exists."""
        with self._translate_errors(), self._transaction():
            self._db.execute("DELETE FROM place WHERE id = ?", [checkpoint.id])

    def _save_checkpoint(self, path: Path, checkpoint: Checkpoint) -> Checkpoint:
        [id_] = self._db.execute(
            "INSERT OR REPLACE INTO place (id, path, device, inode, offset, head_size, head,"
            " skipping) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (
                checkpoint.id,
                str(path),
                str(checkpoint.device),
                str(checkpoint.inode),
                checkpoint.offset,
                checkpoint.head_size,
                checkpoint.head,
                checkpoint.in_oversized_line,
            ),
        ).fetchone()
        return replace(checkpoint, id=id_)
