"""What docs/how-to/distributed-postgresql.md promises to a distributed PostgreSQL, of the real SQL.

There is no Citus among Debian's packages: what it asks of tables and statements is asked here.
"""

import re
import uuid
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.audience.playback import PlaybackService
from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.ingest.player_report import PlayerReport

NOW = datetime.now(UTC)


@pytest.fixture
def distributed(root):
    """The tables that the document distributes, and by which column."""
    text = (root / "docs/how-to/distributed-postgresql.md").read_text()
    found = dict(re.findall(r"create_distributed_table\('(\w+)', '(\w+)'\)", text))
    assert found
    return found


def test_every_unique_key_contains_the_column_that_the_table_is_distributed_by(
    url, sql, migrate, distributed
):
    migrate(url)

    for table, column in distributed.items():
        with sql() as run:
            keys = run(
                "SELECT array_agg(a.attname) FROM pg_index i "
                "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) "
                f"WHERE i.indrelid = '{table}'::regclass AND i.indisunique GROUP BY i.indexrelid"
            ).scalars()
            for key in list(keys):
                assert column in key
            # Other tables stay whole, on one machine: nothing may point from one kind to the other.
            assert not run(
                "SELECT count(*) FROM pg_constraint WHERE contype = 'f' "
                f"AND '{table}'::regclass IN (conrelid, confrelid)"
            ).scalar()
            assert not run(
                "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal "
                f"AND tgrelid = '{table}'::regclass"
            ).scalar()


@pytest.fixture
def statements(url, migrate):
    """Return a function that ingests a report of a player, and the SQL statements of it."""
    migrate(url)
    engine = make_engine({"sqlalchemy.url": url})
    sent = []

    @sa.event.listens_for(engine, "before_cursor_execute")
    def note(connection, cursor, statement, parameters, context, many):
        sent.append(" ".join(statement.split()))

    def report(**metrics):
        sid = metrics.pop("sid", None) or uuid.uuid4().hex
        with Session(engine) as db, db.begin():
            settings = {
                "ingest.min_interval": 5,
                "ingest.max_interval": 60,
                "ingest.target_rate": 20.0,
            }
            PlaybackService(db, settings).report(PlayerReport(sid=sid, **metrics), now=NOW)
        return sid

    report.sent = sent
    yield report
    engine.dispose()


def test_a_report_of_a_player_asks_one_shard_at_a_time(statements, distributed):
    sid = statements(room="hall")
    statements(sid=sid, room="hall", played_ms=5000)
    statements(sid=sid, room="lab", played_ms=9000, leaving=True)

    changes = [
        text for text in statements.sent if re.match("UPDATE|DELETE|SELECT .* FOR UPDATE", text)
    ]
    assert len(changes) >= 5
    for text in changes:
        [table] = {name for name in distributed if f" {name} " in f"{text} ".replace(",", " ")}
        assert f"WHERE {table}.{distributed[table]} = " in text
        # A row never moves from one machine to another.
        changed = text.partition(" SET ")[2].partition(" WHERE ")[0]
        assert not re.search(rf"\b{distributed[table]}=", changed)


def test_the_numbers_of_rows_come_from_the_database_and_not_from_a_worker(statements, sql):
    statements(room="hall")

    inserts = [text for text in statements.sent if text.startswith("INSERT INTO playback")]
    assert len(inserts) == 1
    assert "id" not in re.search(r"\((.*?)\)", inserts[0])[1].split(", ")
    with sql() as run:
        # One sequence, asked where the statement is planned: no two machines count.
        assert run("SELECT pg_get_serial_sequence('playback', 'id')").scalar()
