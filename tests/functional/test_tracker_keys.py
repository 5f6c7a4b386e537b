"""Server keys and daily salts, on both databases and with several processes."""

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


def get_key_in_process(url, number):
    """Return the key; every second process does so within a write transaction."""
    engine = make_engine({"sqlalchemy.url": url})
    with Session(engine) as db:
        if number % 2:
            db.connection(execution_options={"sqlite_immediate": True})
        value = ServerKeys(db).get("cookie")
        db.commit()
    engine.dispose()
    return value


class TestKeys:
    def test_key_is_random_and_permanent(self, db):
        key = ServerKeys(db).get("cookie")

        assert len(key) == 32
        assert ServerKeys(db).get("cookie") == key != ServerKeys(db).get("other")

    def test_getting_a_key_starts_no_transaction(self, db):
        ServerKeys(db).get("cookie")

        assert not db.in_transaction()

    def test_write_transaction_can_create_a_key(self, db, rows):
        db.connection(execution_options={"sqlite_immediate": True})
        key = ServerKeys(db).get("cookie")
        db.commit()

        assert [row["value"] for row in rows(ServerKey)] == [key]

    def test_concurrent_processes_create_one_key(self, database):
        spawn = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(scaled(2, 4), mp_context=spawn) as pool:
            keys = set(pool.map(get_key_in_process, [database] * 12, range(12)))

        assert len(keys) == 1


class TestSalts:
    def test_each_day_has_its_own_salt(self, db):
        monday = DailySalts(db).get(MONDAY)

        assert DailySalts(db).get(MONDAY) == monday != DailySalts(db).get(TUESDAY)

    def test_salts_of_earlier_days_are_deleted(self, db, rows):
        monday, tuesday = DailySalts(db).get(MONDAY), DailySalts(db).get(TUESDAY)

        assert DailySalts(db).delete_before(TUESDAY) == 1
        db.commit()

        assert [row["value"] for row in rows(Salt)] == [tuesday]
        assert DailySalts(db).get(MONDAY) != monday


class TestVisitorHash:
    def test_hash_is_stable_with_the_same_salt(self):
        visitor = hash_visitor("192.0.2.1", "VLC", b"1")

        assert visitor == hash_visitor("192.0.2.1", "VLC", b"1")
        assert len(visitor) == 16

    @pytest.mark.parametrize(
        "other",
        [("192.0.2.2", "VLC", b"1"), ("192.0.2.1", "mpv", b"1"), ("192.0.2.1", "VLC", b"2")],
    )
    def test_hash_differs_for_other_address_agent_or_salt(self, other):
        assert hash_visitor(*other) != hash_visitor("192.0.2.1", "VLC", b"1")

    def test_hash_separates_address_and_agent(self):
        assert hash_visitor("ab", "c", b"1") != hash_visitor("a", "bc", b"1")

    def test_control_characters_and_surrogates_are_hashed(self):
        assert hash_visitor("\0", "\ud800", b"1") != hash_visitor("", "", b"1")
