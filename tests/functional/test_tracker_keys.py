"""Keys and salts, on real databases and with several processes."""

import concurrent.futures
import multiprocessing
from datetime import date

import pytest
from depth import scaled
from sqlalchemy.orm import Session

from streaming_system.tracker.crew.server_keys import DailySalts, ServerKeys, hash_visitor
from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.models import Salt, ServerKey

pytestmark = pytest.mark.both_databases

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


@pytest.fixture
def db(database):
    engine = make_engine({"sqlalchemy.url": database})
    with Session(engine) as db:
        yield db
    engine.dispose()


def key_of_a_process(url, number):
    """Return the key as one of many processes sees it, some of which write otherwise, too."""
    engine = make_engine({"sqlalchemy.url": url})
    with Session(engine) as db:
        if number % 2:
            db.connection(execution_options={"sqlite_immediate": True})
        value = ServerKeys(db).get("cookie")
        db.commit()
    engine.dispose()
    return value


class TestKeys:
    def test_a_key_is_random_and_stays(self, db):
        key = ServerKeys(db).get("cookie")

        assert len(key) == 32
        assert ServerKeys(db).get("cookie") == key != ServerKeys(db).get("other")

    def test_getting_one_begins_no_transaction(self, db):
        ServerKeys(db).get("cookie")

        assert not db.in_transaction()

    def test_a_transaction_that_writes_can_make_one(self, db, rows):
        db.connection(execution_options={"sqlite_immediate": True})
        key = ServerKeys(db).get("cookie")
        db.commit()

        assert [row["value"] for row in rows(ServerKey)] == [key]

    def test_processes_that_need_it_first_at_once_agree(self, database):
        spawn = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(scaled(2, 4), mp_context=spawn) as pool:
            keys = set(pool.map(key_of_a_process, [database] * 12, range(12)))

        assert len(keys) == 1


class TestSalts:
    def test_every_day_has_its_own(self, db):
        monday = DailySalts(db).get(MONDAY)

        assert DailySalts(db).get(MONDAY) == monday != DailySalts(db).get(TUESDAY)

    def test_those_of_days_before_are_forgotten(self, db, rows):
        monday, tuesday = DailySalts(db).get(MONDAY), DailySalts(db).get(TUESDAY)

        assert DailySalts(db).delete_before(TUESDAY) == 1
        db.commit()

        assert [row["value"] for row in rows(Salt)] == [tuesday]
        assert DailySalts(db).get(MONDAY) != monday


class TestHashed:
    def test_the_same_viewer_is_the_same_as_long_as_the_salt_is(self):
        viewer = hash_visitor("192.0.2.1", "VLC", b"1")

        assert viewer == hash_visitor("192.0.2.1", "VLC", b"1")
        assert len(viewer) == 16

    @pytest.mark.parametrize(
        "other",
        [("192.0.2.2", "VLC", b"1"), ("192.0.2.1", "mpv", b"1"), ("192.0.2.1", "VLC", b"2")],
    )
    def test_others_are_others(self, other):
        assert hash_visitor(*other) != hash_visitor("192.0.2.1", "VLC", b"1")

    def test_nothing_is_mixed_up_where_address_and_agent_meet(self):
        assert hash_visitor("ab", "c", b"1") != hash_visitor("a", "bc", b"1")

    def test_odd_text_is_no_error(self):
        assert hash_visitor("\0", "\ud800", b"1") != hash_visitor("", "", b"1")
