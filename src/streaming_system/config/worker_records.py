"""What each worker serves: one small file per worker in ``workers.folder`` of the ini file.

The crew's page and ``streaming-system reload`` show it. Without the folder, workers still notice
changes by themselves.
"""

import json
import logging
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from streaming_system.config.differences import Summary
from streaming_system.util.atomic_write import atomic_write
from streaming_system.util.private_files import FILE_MODE, make_private_folder
from streaming_system.web.reloader import ReloadStatus

log = logging.getLogger(__name__)

TRIGGER_NAME = "reload"
IMPORT_TRIGGER_NAME = "import"
# A worker renews its record while it has requests.
RENEW_INTERVAL = 20.0  # seconds
# The age from which on a record of another machine, or of another container, is ignored.
MAX_AGE = 300.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Worker:
    """What a worker serves.

    :ivar app: ``frontend`` or ``tracker``.
    :ivar version: a hash of all files that it has loaded.
    :ivar since: when it loaded them, in UTC.
    :ivar refusal: why a later version is not in service, in one line; "" if none.
    """

    app: str
    host: str
    pid: int
    version: str
    since: datetime
    refusal: str
    summary: Summary


class WorkerRecord:
    """The record of this process, which is written when it changes."""

    def __init__(self, settings: Mapping[str, Any], app: str) -> None:
        self._folder = workers_folder(settings)
        self._app = app
        self._written: tuple[int, ReloadStatus, str] | None = None
        self._path: Path | None = None
        self._renewed_at = 0.0

    def update(self, status: ReloadStatus, refusal: str, summarise: Callable[[], Summary]) -> None:
        """Write the record, if it is not up to date."""
        if self._folder is None:
            return
        # A worker that was forked has a record of its own.
        content = os.getpid(), status, refusal
        if content == self._written and self._renew():
            return
        worker = Worker(
            app=self._app,
            host=platform.node(),
            pid=os.getpid(),
            version=status.version,
            since=datetime.fromtimestamp(status.since, UTC),
            refusal=refusal,
            summary=summarise(),
        )
        try:
            self._path = _write(self._folder, worker)
        except OSError as error:
            # The site works without it.
            log.debug("%s: cannot be written: %s", self._folder, error.strerror)
        self._written, self._renewed_at = content, time.monotonic()

    def _renew(self) -> bool:
        """Show that the process still runs; return whether there is a record."""
        if time.monotonic() - self._renewed_at < RENEW_INTERVAL:
            return self._path is None or self._path.exists()
        self._renewed_at = time.monotonic()
        try:
            if self._path:
                os.utime(self._path)
        except OSError:
            return False
        return True


def workers_folder(settings: Mapping[str, Any]) -> Path | None:
    """Return the folder of the records, ``None`` if the ini file names none."""
    folder = settings.get("workers.folder")
    return Path(folder) if folder else None


def trigger_file(settings: Mapping[str, Any]) -> Path | None:
    """Return the file that asks all workers for a check at once when it is touched."""
    folder = workers_folder(settings)
    return folder / TRIGGER_NAME if folder else None


def import_trigger_file(settings: Mapping[str, Any]) -> Path | None:
    """Return the file that asks `schedule watch` for an import when it is touched."""
    folder = workers_folder(settings)
    return folder / IMPORT_TRIGGER_NAME if folder else None


def touch_trigger(path: Path) -> None:
    """Replace a trigger file; it may belong to another user.

    :raises OSError: if it cannot be written.
    """
    make_private_folder(path.parent)
    with atomic_write(path, mode=FILE_MODE):
        pass


def load_workers(settings: Mapping[str, Any]) -> list[Worker]:
    """Return the workers that run, by app, host and process id."""
    folder = workers_folder(settings)
    workers = [_load(path) for path in sorted(folder.glob("*.json"))] if folder else []
    return [worker for worker in workers if worker is not None]


def _write(folder: Path, worker: Worker) -> Path:
    make_private_folder(folder)
    path = folder / f"{worker.app}-{worker.host}-{worker.pid}.json"
    if not path.exists():
        _delete_old(folder)
    document = asdict(worker) | {"since": worker.since.isoformat()}
    with atomic_write(path, mode=FILE_MODE) as file:
        file.write(json.dumps(document).encode())
    return path


def _delete_old(folder: Path) -> None:
    for path in folder.glob("*.json"):
        if _load(path) is None:
            path.unlink(missing_ok=True)


def _load(path: Path) -> Worker | None:
    """Return a record; ``None`` if it is invalid, or its worker does not run any more."""
    try:
        age = time.time() - path.stat().st_mtime
        document = json.loads(path.read_text(encoding="utf-8"))
        worker = Worker(**document | {"since": datetime.fromisoformat(document["since"])})
        runs = _runs(worker.pid) if worker.host == platform.node() else age < MAX_AGE
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return worker if runs else None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # It belongs to another user.
        return True
    return True
