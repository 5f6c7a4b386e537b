"""Group commit: order, results and failures of writes that share a transaction."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from streaming_system.tracker.ingest import group_commit
from streaming_system.tracker.ingest.group_commit import GroupCommit

TIMEOUT = 60
CAUSES_OUTAGE = -100


class OutageError(Exception):
    """Every write fails."""


class Store:
    """A store whose batches wait for the test; negative items are invalid."""

    def __init__(self):
        self.batch_begun, self.can_end = threading.Semaphore(0), threading.Semaphore(0)
        self.batches, self.items = [], []
        self.outages = 0
        self.group_commit = GroupCommit(
            self.write, is_fatal_error=lambda error: isinstance(error, OutageError), max_batch=4
        )

    def write(self, items):
        self.batches.append(items)
        self.batch_begun.release()
        assert self.can_end.acquire(timeout=TIMEOUT)
        if self.outages:
            self.outages -= 1
            raise OutageError("unavailable")
        if items == [CAUSES_OUTAGE]:
            raise OutageError("unavailable from now on")
        if invalid := [item for item in items if item < 0]:
            raise ValueError(f"invalid: {invalid}")
        self.items += items
        return [10 * item for item in items]


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def submit(store):
    """Return a function that submits each item in a thread, in this order."""
    with ThreadPoolExecutor(16) as pool:

        def submit(*items):
            calls = []
            for item in items:
                queued = len(store.group_commit._queue)
                calls.append(pool.submit(store.group_commit.submit, item))
                while not calls[-1].done() and len(store.group_commit._queue) <= queued:
                    threading.Event().wait(0.001)
            return calls

        def begin(item):
            call = pool.submit(store.group_commit.submit, item)
            assert store.batch_begun.acquire(timeout=TIMEOUT)
            return call

        submit.begin = begin
        yield submit
        store.can_end.release(1000)


def outcomes(calls):
    return [call.exception(TIMEOUT) or call.result() for call in calls]


def test_single_item_is_written_at_once(store, submit):
    call = submit.begin(1)

    assert store.batches == [[1]]
    store.can_end.release()
    assert call.result(TIMEOUT) == 10


def test_caller_waits_for_the_end_of_the_write(store, submit):
    call = submit.begin(1)

    assert not call.done()
    assert store.items == []


def test_items_submitted_during_a_write_share_the_next_batch(store, submit):
    first = submit.begin(1)
    calls = submit(2, 3, 4)
    store.can_end.release(2)

    assert outcomes([first, *calls]) == [10, 20, 30, 40]
    assert store.batches == [[1], [2, 3, 4]]


def test_batches_have_a_maximum_size(store, submit):
    first = submit.begin(0)
    calls = submit(*range(1, 10))
    store.can_end.release(100)

    assert outcomes([first, *calls]) == [10 * number for number in range(10)]
    assert [len(items) for items in store.batches] == [1, 4, 4, 1]
    assert store.items == list(range(10))


def test_invalid_item_fails_alone(store, submit):
    first = submit.begin(1)
    calls = submit(2, -3, 4)
    store.can_end.release(100)

    assert first.result(TIMEOUT) == 10
    assert isinstance(calls[1].exception(TIMEOUT), ValueError)
    assert outcomes([calls[0], calls[2]]) == [20, 40]
    assert store.items == [1, 2, 4]


def test_fatal_error_fails_the_batch_without_retries(store, submit):
    first = submit.begin(1)
    store.can_end.release()
    assert first.result(TIMEOUT) == 10
    second = submit.begin(2)
    calls = submit(3, 4)
    store.outages = 2
    store.can_end.release(100)

    errors = outcomes([second, *calls])
    assert [type(error) for error in errors] == [OutageError] * 3
    assert store.batches == [[1], [2], [3, 4]]
    assert store.items == [1]


def test_fatal_error_of_one_item_ends_the_retries(store, submit):
    first = submit.begin(1)
    calls = submit(2, CAUSES_OUTAGE, 4)
    store.can_end.release(100)

    assert outcomes([first, calls[0]]) == [10, 20]
    assert [type(error) for error in outcomes(calls[1:])] == [OutageError] * 2
    assert store.batches[2:] == [[2], [CAUSES_OUTAGE]]
    assert store.items == [1, 2]


def test_items_are_written_after_a_failure(store, submit):
    failed = submit.begin(-1)
    later = submit(2)
    store.can_end.release(100)

    assert isinstance(failed.exception(TIMEOUT), ValueError)
    assert outcomes(later) == [20]
    assert outcomes(submit(3)) == [30]


@pytest.fixture
def batch_of_three(store, submit, monkeypatch):
    """Write a batch of three items, after which the commit delay is long."""
    monkeypatch.setattr(group_commit, "COMMIT_DELAY_SECONDS", TIMEOUT)
    first = submit.begin(1)
    calls = submit(2, 3, 4)
    store.can_end.release(2)
    assert outcomes([first, *calls]) == [10, 20, 30, 40]
    store.batch_begun.acquire()


@pytest.mark.usefixtures("batch_of_three")
def test_leader_waits_for_a_batch_as_large_as_the_last(store, submit):
    calls = submit(5, 6)
    assert store.batches == [[1], [2, 3, 4]]
    store.can_end.release()
    calls += submit(7)

    assert outcomes(calls) == [50, 60, 70]
    assert store.batches[2:] == [[5, 6, 7]]


@pytest.mark.usefixtures("batch_of_three")
def test_leader_waits_only_for_the_commit_delay(store, submit, monkeypatch):
    monkeypatch.setattr(group_commit, "COMMIT_DELAY_SECONDS", 0.001)
    store.can_end.release(2)

    assert outcomes(submit(5)) == [50]
    # After a batch of one, there is no delay.
    monkeypatch.setattr(group_commit, "COMMIT_DELAY_SECONDS", TIMEOUT)
    assert outcomes(submit(6)) == [60]
    assert store.batches[2:] == [[5], [6]]
