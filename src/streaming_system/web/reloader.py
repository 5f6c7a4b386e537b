"""A value that is loaded from files, and replaced in one step when these files change.

Each request asks for the current value, which costs a comparison of times. Every
:data:`CHECK_INTERVAL` seconds, a request looks at the files. The request that finds a change loads
the new value, while others use the old one; so a process needs no thread, and may be forked.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from streaming_system.util.file_watch import FileStat, FileWatch, changed_at, stat_file

log = logging.getLogger(__name__)

CHECK_INTERVAL = 2.0  # seconds
# A request to reload at once is noticed within this time.
TRIGGER_INTERVAL = 0.1  # seconds
# A changed file is loaded when it has stayed as it is for this time: it may be half written.
SETTLE_TIME = 1.0  # seconds

Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class ReloadStatus:
    """What a process serves.

    :param version: a hash of the files of the value in service.
    :param since: when it was loaded, in seconds since 1970.
    :param refusal: why a later version of the files is not in service, in one line; "" if none.
    """

    version: str
    since: float
    refusal: str = ""


class Reloader(Generic[Value]):
    """Provides a value that is loaded from files. It is thread-safe.

    :param load: loads the value, and adds the files to a watch before it reads them. It raises an
        exception with a one-line message if they are invalid; the value so far stays in service.
    :param subject: what the value is, for the log.
    :param trigger: a file that asks for a check at once when it is touched.
    :param describe: returns what differs between two values, for the log.
    :param on_check: called with the status after each check of the files.
    :raises Exception: what ``load`` raises the first time.
    """

    def __init__(
        self,
        load: Callable[[FileWatch], Value],
        subject: str,
        *,
        trigger: Path | None = None,
        describe: Callable[[Value, Value], str] = lambda old, new: "",
        on_check: Callable[[ReloadStatus, Value], None] = lambda status, value: None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._load, self._subject, self._trigger = load, subject, trigger
        self._describe, self._on_check = describe, on_check
        self._clock, self._wall_clock = clock, wall_clock
        self._lock = threading.Lock()
        self._watch = FileWatch()
        self._trigger_stat = self._stat_trigger()
        self._value = load(self._watch)
        self.status = ReloadStatus(version=self._watch.version, since=wall_clock())
        self._checked_at = self._trigger_checked_at = clock()
        # Files that have changed, and since when they have stayed as they are.
        self._pending: dict[Path, FileStat] | None = None
        self._pending_since = 0.0
        on_check(self.status, self._value)

    @property
    def value(self) -> Value:
        """The value, without a look at the files."""
        return self._value

    def current(self) -> Value:
        """Return the value; reload it first if it is this request's turn and files have changed."""
        now = self._clock()
        interval = CHECK_INTERVAL if self._pending is None else SETTLE_TIME
        is_due = now - self._checked_at >= interval
        if not is_due and (
            self._trigger is None or now - self._trigger_checked_at < TRIGGER_INTERVAL
        ):
            return self._value
        # Another thread's check is in progress: the value so far stays in service meanwhile.
        if self._lock.acquire(blocking=False):
            try:
                self._check(now, is_due=is_due)
            finally:
                self._lock.release()
        return self._value

    def reload(self) -> None:
        """Load changed files now, without waiting until they have settled."""
        with self._lock:
            self._check(self._clock(), is_due=True, is_settled=True)

    def _check(self, now: float, *, is_due: bool, is_settled: bool = False) -> None:
        self._trigger_checked_at = now
        trigger = self._stat_trigger()
        is_triggered, self._trigger_stat = trigger != self._trigger_stat, trigger
        if not is_due and not is_triggered:
            return
        self._checked_at = now
        stats = self._watch.scan()
        if stats == self._watch.stats or self._watch.has_same_content(stats):
            self._pending = None
        elif is_triggered or is_settled or self._has_settled(stats, now):
            self._pending = None
            self._reload()
        elif stats != self._pending:
            self._pending, self._pending_since = stats, now
        self._on_check(self.status, self._value)

    def _has_settled(self, stats: dict[Path, FileStat], now: float) -> bool:
        if stats == self._pending and now - self._pending_since >= SETTLE_TIME:
            return True
        # For a worker without requests since: a change long ago is complete. A missing file may be
        # about to be replaced.
        is_missing = any(stats.get(file) is None for file, old in self._watch.stats.items() if old)
        age = self._wall_clock() - max(map(changed_at, stats.values()), default=0.0)
        return not is_missing and age >= SETTLE_TIME

    def _reload(self) -> None:
        watch = FileWatch()
        try:
            value = self._load(watch)
        except (Exception, SystemExit) as error:
            refusal = " ".join(str(error).split()) or type(error).__name__
            log.warning("%s; the %s before stays in service", refusal, self._subject)
            log.debug("the %s is refused", self._subject, exc_info=True)
            # The files of the value in service, and those of the refused one: a repair of either
            # is another change.
            watch.add_all(self._watch)
            self.status = ReloadStatus(
                version=self.status.version, since=self.status.since, refusal=refusal
            )
        else:
            changes = self._describe(self._value, value)
            log.info("the %s has changed: %s", self._subject, changes or "no visible difference")
            self._value = value
            self.status = ReloadStatus(version=watch.version, since=self._wall_clock())
        self._watch = watch

    def _stat_trigger(self) -> FileStat:
        return stat_file(self._trigger) if self._trigger else None
