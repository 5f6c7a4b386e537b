"""The tracker's database: its migrations, its times, its accounts."""

import sqlite3
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.orm import Session

from streaming_system.tracker.crew.accounts import Accounts
from streaming_system.tracker.crew.cli_session import AccountError, admin_session
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.endpoints.endpoints import Endpoints
from streaming_system.tracker.history.partitions import partition_names
from streaming_system.tracker.ingest.endpoint_report import from_legacy
from streaming_system.tracker.ingest.endpoints import ingest
from streaming_system.tracker.models import Account, Base
from streaming_system.tracker.settings import StartupError

pytestmark = pytest.mark.both_databases

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def db(engine):
    with Session(engine) as session:
        yield session


def test_the_migrations_make_what_the_models_say(engine):
    with engine.connect() as connection:
        parts = partition_names(connection)
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_name": lambda name, kind, _: kind != "table" or name not in parts,
            },
        )

        assert compare_metadata(context, Base.metadata) == []


def test_the_migrations_can_be_taken_back(tmp_path, migrate):
    url = f"sqlite:///{tmp_path}/back.sqlite"
    migrate(url)
    migrate(url, "base")

    with sqlite3.connect(tmp_path / "back.sqlite") as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall()
    connection.close()
    assert tables == [("alembic_version",)]


class TestTimes:
    def test_an_instant_comes_back_in_utc_from_whichever_zone(self, db):
        tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
        db.add(Account(name="a", password_hash="", role="admin", created_at=tokyo))
        db.commit()

        [account] = db.scalars(sa.select(Account))

        assert (account.created_at, account.created_at.utcoffset()) == (NOON, timedelta())

    def test_a_time_without_zone_is_refused(self, db):
        db.add(
            Account(name="a", password_hash="", role="admin", created_at=NOON.replace(tzinfo=None))
        )

        with pytest.raises(sa.exc.StatementError, match="has no UTC offset"):
            db.commit()


class TestEndpoints:
    def test_the_least_loaded_comes_first(self, db):
        endpoints = Endpoints(db)
        for ip, bitrate in (("192.0.2.1", 900), ("192.0.2.2", 100), ("192.0.2.3", 500)):
            report(db, ip, bitrate)
            db.commit()

        alive = endpoints.alive(now=NOON, room="hall")

        assert [endpoint.host for endpoint in alive] == ["192.0.2.2", "192.0.2.3", "192.0.2.1"]

    @pytest.mark.parametrize(
        ("age", "alive", "silent"),
        [(59, 1, 0), (60, 0, 1), (7 * 86400 - 1, 0, 1), (7 * 86400, 0, 0)],
    )
    def test_an_endpoint_is_alive_then_silent_then_forgotten(self, db, age, alive, silent):
        endpoints = Endpoints(db)
        report(db, "192.0.2.1", 1)

        now = NOON + timedelta(seconds=age)

        assert (len(endpoints.alive(now=now)), len(endpoints.recently_expired(now=now))) == (
            alive,
            silent,
        )


def report(db, ip, bitrate):
    metrics = {"overall_clients": 1, "overall_bitrate": bitrate, "overall_cbitrate": bitrate}
    ingest(
        ensure_write_transaction(db),
        [from_legacy(room="hall", ip=ip, metrics=metrics, now=NOON)],
    )


class TestAccounts:
    def test_a_password_is_kept_as_an_argon2_hash_only(self, db):
        account = Accounts(db).create("ada", "correct horse", now=NOON)

        assert account.password_hash.startswith("$argon2id$")
        assert "horse" not in account.password_hash
        assert (account.name, account.role, account.created_at) == ("ada", "admin", NOON)

    def test_only_the_right_password_opens_an_account(self, db):
        accounts = Accounts(db)
        account = accounts.create("ada", "correct horse", now=NOON)

        assert accounts.verify("ada", "correct horse") is account
        assert accounts.verify("ada", "wrong horse") is None
        assert accounts.verify("bo", "correct horse") is None

    @pytest.mark.parametrize(
        ("name", "password", "line"),
        [
            ("", "correct horse", "the name '' is not allowed; use 1 to 64 of A-Z a-z 0-9 . _ -"),
            ("a b", "correct horse", "the name 'a b' is not allowed"),
            ("a" * 65, "correct horse", "is not allowed"),
            ("ada", "short", "a password has at least 8 characters"),
        ],
    )
    def test_a_bad_name_or_password_is_refused(self, db, name, password, line):
        with pytest.raises(AccountError) as refusal:
            Accounts(db).create(name, password, now=NOON)

        assert line in str(refusal.value)
        assert not Accounts(db).has_any()

    def test_without_a_database_the_command_line_says_so(self, tmp_path):
        settings = {"sqlalchemy.url": f"sqlite:///{tmp_path}/none.sqlite"}

        with pytest.raises(StartupError, match="run make initdb"), admin_session(settings):
            pass
