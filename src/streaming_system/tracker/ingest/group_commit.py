"""Several callers' writes in one transaction: those who come during a commit share the next."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Generic, TypeVar

# Where several come at once, who writes next waits so long for as many as the last time: those who
# have just been answered may come with what they have next. PostgreSQL's commit_delay is the same.
COMMIT_DELAY_SECONDS = 0.005  # seconds
# It was not just now if it is over for longer.
COMMIT_DELAY_WINDOW_SECONDS = 0.05  # seconds

Item = TypeVar("Item")
Result = TypeVar("Result")


class _PendingWrite(Generic[Item, Result]):
    """One caller's item, and what became of it."""

    __slots__ = ("_asleep", "error", "item", "results")

    def __init__(self, item: Item) -> None:
        self.item = item
        # None or one; a result may be None itself.
        self.results: Sequence[Result] = ()
        self.error: BaseException | None = None
        # Nothing that can be waited for is cheaper than a plain lock.
        self._asleep = threading.Lock()
        self._asleep.acquire()

    @property
    def answered(self) -> bool:
        return self.error is not None or bool(self.results)

    def sleep(self, seconds: float = -1) -> None:
        self._asleep.acquire(timeout=seconds)

    def wake(self) -> None:
        self._asleep.release()

    def result(self) -> Result:
        if self.error is not None:
            raise self.error
        return self.results[0]


class GroupCommit(Generic[Item, Result]):
    """Writes items of several threads at once, in the order in which they came.

    Who comes while nothing is being written begins, alone if it was alone the last time. Those who
    come in the meantime wait, and the first of them writes for all. Nobody is answered before
    ``write`` has returned.

    If it fails, each item is tried by itself: a bad one harms no other.

    :param write: writes items in one transaction, and returns a result for each once it is
        committed; where it raises, nothing of it was written.
    :param hopeless: tells of an error that each item by itself would meet, too, such as that
        nothing can be reached; it is told to everybody then.
    :param most: how many items are written at once.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        hopeless: Callable[[BaseException], bool],
        most: int = 64,
    ) -> None:
        self._write = write
        self._hopeless = hopeless
        self._most = most
        self._lock = threading.Lock()
        self._waiting: deque[_PendingWrite[Item, Result]] = deque()
        self._writing = False
        # Who waits for others to come, how many came the last time, and when they were done.
        self._host: _PendingWrite[Item, Result] | None = None
        self._last, self._done = 1, 0.0

    def do(self, item: Item) -> Result:
        """Write an item, and return its result once that is committed.

        :raises BaseException: what ``write`` has raised for it.
        """
        call = _PendingWrite[Item, Result](item)
        with self._lock:
            self._waiting.append(call)
            leads, self._writing = not self._writing, True
            if self._host is not None and len(self._waiting) >= self._last:
                self._host.wake()
                self._host = None
        if not leads:
            call.sleep()
        # Whoever is woken up without an answer is the first of those who wait.
        if not call.answered:
            self._wait_for_company(call)
            self._lead(call)
        return call.result()

    def _wait_for_company(self, own: _PendingWrite[Item, Result]) -> None:
        """Wait until as many have come as the last time, but not for long."""
        with self._lock:
            if (
                len(self._waiting) >= self._last
                or time.monotonic() > self._done + COMMIT_DELAY_WINDOW_SECONDS
            ):
                return
            self._host = own
        own.sleep(COMMIT_DELAY_SECONDS)

    def _lead(self, own: _PendingWrite[Item, Result]) -> None:
        """Write for those who wait, and let the first of those who are left go on."""
        with self._lock:
            self._host = None
            calls = list(islice(self._waiting, self._most))
            self._last = len(calls)
            for _ in calls:
                self._waiting.popleft()
        try:
            self._answer(calls)
        finally:
            with self._lock:
                self._done = time.monotonic()
                following = self._waiting[0] if self._waiting else None
                self._writing = following is not None
            if following is not None:
                following.wake()
            for call in calls:
                if call is not own:
                    call.wake()

    def _answer(self, calls: Sequence[_PendingWrite[Item, Result]]) -> None:
        error = self._try(calls)
        alone = len(calls) == 1
        for call in calls:
            if error is None:
                return
            if alone or self._hopeless(error):
                call.error = error
            else:
                own = call.error = self._try([call])
                error = own if own is not None and self._hopeless(own) else error

    def _try(self, calls: Sequence[_PendingWrite[Item, Result]]) -> BaseException | None:
        try:
            results = self._write([call.item for call in calls])
            for call, result in zip(calls, results, strict=True):
                call.results = (result,)
        except BaseException as error:
            return error
        return None
