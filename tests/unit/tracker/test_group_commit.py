"""Writes of several threads in one transaction: who is told what, and in which order."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from streaming_system.tracker.ingest import group_commit
from streaming_system.tracker.ingest.group_commit import GroupCommit

PATIENCE = 60
TAKES_IT_AWAY = -100


class AwayError(Exception):
    """Nothing can be written at all."""


class Store:
    """What is written to. Each batch is let through by the test, one after another."""

    def __init__(self):
        self.begun, self.may_end = threading.Semaphore(0), threading.Semaphore(0)
        self.tried, self.kept = [], []
        self.away = 0
        self.together = GroupCommit(
            self.write, hopeless=lambda error: isinstance(error, AwayError), most=4
        )

    def write(self, items):
        self.tried.append(items)
        self.begun.release()
        assert self.may_end.acquire(timeout=PATIENCE)
        if self.away:
            self.away -= 1
            raise AwayError("the database is away")
        if items == [TAKES_IT_AWAY]:
            raise AwayError("the database has gone away")
        if bad := [item for item in items if item < 0]:
            raise ValueError(f"{bad} cannot be kept")
        self.kept += items
        return [10 * item for item in items]


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def come(store):
    """Return a function that lets a thread come with each item, in this order."""
    with ThreadPoolExecutor(16) as pool:

        def come(*items):
            calls = []
            for item in items:
                waiting = len(store.together._waiting)
                calls.append(pool.submit(store.together.do, item))
                while not calls[-1].done() and len(store.together._waiting) <= waiting:
                    threading.Event().wait(0.001)
            return calls

        def first(item):
            call = pool.submit(store.together.do, item)
            assert store.begun.acquire(timeout=PATIENCE)
            return call

        come.first = first
        yield come
        store.may_end.release(1000)


def results(calls):
    return [call.exception(PATIENCE) or call.result() for call in calls]


def test_who_comes_alone_is_written_at_once(store, come):
    call = come.first(1)

    assert store.tried == [[1]]
    store.may_end.release()
    assert call.result(PATIENCE) == 10


def test_nobody_is_answered_before_it_is_kept(store, come):
    call = come.first(1)

    assert not call.done()
    assert store.kept == []


def test_who_comes_meanwhile_shares_the_next_and_each_gets_its_own_answer(store, come):
    first = come.first(1)
    calls = come(2, 3, 4)
    store.may_end.release(2)

    assert results([first, *calls]) == [10, 20, 30, 40]
    assert store.tried == [[1], [2, 3, 4]]


def test_no_more_are_written_at_once_than_set(store, come):
    first = come.first(0)
    calls = come(*range(1, 10))
    store.may_end.release(100)

    assert results([first, *calls]) == [10 * number for number in range(10)]
    assert [len(items) for items in store.tried] == [1, 4, 4, 1]
    assert store.kept == list(range(10))


def test_a_bad_one_harms_no_other(store, come):
    first = come.first(1)
    calls = come(2, -3, 4)
    store.may_end.release(100)

    assert first.result(PATIENCE) == 10
    assert isinstance(calls[1].exception(PATIENCE), ValueError)
    assert results([calls[0], calls[2]]) == [20, 40]
    assert store.kept == [1, 2, 4]


def test_when_nothing_can_be_written_everybody_hears_it_and_nobody_tries_again(store, come):
    first = come.first(1)
    store.may_end.release()
    assert first.result(PATIENCE) == 10
    second = come.first(2)
    calls = come(3, 4)
    store.away = 2
    store.may_end.release(100)

    told = results([second, *calls])
    assert [type(error) for error in told] == [AwayError] * 3
    assert store.tried == [[1], [2], [3, 4]]
    assert store.kept == [1]


def test_when_it_goes_away_amid_single_tries_the_rest_is_not_tried(store, come):
    first = come.first(1)
    calls = come(2, TAKES_IT_AWAY, 4)
    store.may_end.release(100)

    assert results([first, calls[0]]) == [10, 20]
    assert [type(error) for error in results(calls[1:])] == [AwayError] * 2
    assert store.tried[2:] == [[2], [TAKES_IT_AWAY]]
    assert store.kept == [1, 2]


def test_what_comes_after_a_failure_is_written(store, come):
    failed = come.first(-1)
    later = come(2)
    store.may_end.release(100)

    assert isinstance(failed.exception(PATIENCE), ValueError)
    assert results(later) == [20]
    assert results(come(3)) == [30]


@pytest.fixture
def three_at_once(store, come, monkeypatch):
    """Three have been written at once just now; the next one waits long for others."""
    monkeypatch.setattr(group_commit, "COMMIT_DELAY_SECONDS", PATIENCE)
    monkeypatch.setattr(group_commit, "COMMIT_DELAY_WINDOW_SECONDS", PATIENCE)
    first = come.first(1)
    calls = come(2, 3, 4)
    store.may_end.release(2)
    assert results([first, *calls]) == [10, 20, 30, 40]
    store.begun.acquire()


def test_who_comes_first_after_several_waits_for_as_many(store, come, three_at_once):
    calls = come(5, 6)
    assert store.tried == [[1], [2, 3, 4]]
    store.may_end.release()
    calls += come(7)

    assert results(calls) == [50, 60, 70]
    assert store.tried[2:] == [[5, 6, 7]]


def test_who_waits_for_others_that_do_not_come_is_written_alone(
    store, come, three_at_once, monkeypatch
):
    monkeypatch.setattr(group_commit, "COMMIT_DELAY_SECONDS", 0.001)
    store.may_end.release(2)

    assert results(come(5)) == [50]
    # Nobody waits the next time.
    monkeypatch.setattr(group_commit, "COMMIT_DELAY_SECONDS", PATIENCE)
    assert results(come(6)) == [60]
    assert store.tried[2:] == [[5], [6]]


def test_nobody_waits_for_those_who_came_long_ago(store, come, three_at_once, monkeypatch):
    monkeypatch.setattr(group_commit, "COMMIT_DELAY_WINDOW_SECONDS", 0)
    store.may_end.release()

    assert results(come(5)) == [50]
