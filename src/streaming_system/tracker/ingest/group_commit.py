"""Group commit: concurrent writes share one transaction."""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

# After a batch of several items, the leader waits up to this time for as many again: the callers of
# the previous batch may return with their next items (cf. PostgreSQL's commit_delay).
COMMIT_DELAY_SECONDS = 0.005

Item = TypeVar("Item")
Result = TypeVar("Result")


class _PendingWrite(Generic[Item, Result]):
    """An item of one caller, and the outcome of its write."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.is_done = False
        self.result: Result
        self.error: BaseException | None = None


class GroupCommit(Generic[Item, Result]):
    """Writes the items of concurrent callers in batches, in the order of their arrival.

    The first caller becomes the leader and writes its item at once. Callers that arrive during a
    write wait; the next leader writes the items of all of them. A caller returns after its own item
    is committed.

    If a batch fails, each of its items is retried alone, so an invalid item fails alone.

    :param write: writes items in one transaction and returns a result for each. If it raises, it
        has written nothing.
    :param is_fatal_error: whether every item would fail with this error, for example because the
        database is unavailable. The whole batch then fails without retries.
    :param max_batch: maximum number of items in a batch.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        is_fatal_error: Callable[[BaseException], bool],
        max_batch: int = 64,
    ) -> None:
        self._write = write
        self._is_fatal_error = is_fatal_error
        self._max_batch = max_batch
        self._queue: list[_PendingWrite[Item, Result]] = []
        self._is_writing = False
        self._last_batch_size = 1
        lock = threading.Lock()
        self._item_queued = threading.Condition(lock)
        self._batch_written = threading.Condition(lock)

    def submit(self, item: Item) -> Result:
        """Write an item, and return its result after the commit.

        :raises BaseException: the error of ``write`` for this item.
        """
        pending = _PendingWrite[Item, Result](item)
        with self._item_queued:
            self._queue.append(pending)
            self._item_queued.notify()
        while batch := self._next_batch(pending):
            try:
                self._write_or_isolate(batch)
            finally:
                with self._batch_written:
                    self._is_writing = False
                    for written in batch:
                        written.is_done = True
                    self._batch_written.notify_all()
        if pending.error is not None:
            raise pending.error
        return pending.result

    def _next_batch(
        self, pending: _PendingWrite[Item, Result]
    ) -> Sequence[_PendingWrite[Item, Result]]:
        """Wait until this caller leads, and return its batch; empty if its item is written."""
        with self._batch_written:
            self._batch_written.wait_for(lambda: pending.is_done or not self._is_writing)
            if pending.is_done:
                return ()
            self._is_writing = True
            self._item_queued.wait_for(
                lambda: len(self._queue) >= self._last_batch_size, COMMIT_DELAY_SECONDS
            )
            batch = self._queue[: self._max_batch]
            del self._queue[: self._max_batch]
            self._last_batch_size = len(batch)
            return batch

    def _write_or_isolate(self, batch: Sequence[_PendingWrite[Item, Result]]) -> None:
        """Write a batch; if that fails, write each item alone, until a fatal error."""
        error = self._attempt(batch)
        if error is None or len(batch) == 1:
            return
        for pending in batch:
            if self._is_fatal_error(error):
                pending.error = error
            else:
                error = self._attempt([pending]) or error

    def _attempt(self, batch: Sequence[_PendingWrite[Item, Result]]) -> BaseException | None:
        """Write items in one transaction, and return its error."""
        error: BaseException | None = None
        try:
            results = self._write([pending.item for pending in batch])
            for pending, result in zip(batch, results, strict=True):
                pending.result = result
        except BaseException as raised:
            error = raised
        for pending in batch:
            pending.error = error
        return error
