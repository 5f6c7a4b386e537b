"""Partition the history by time

Revision: e7c2d9a4b066, after d6a1c4f27b55, 2026-11-25.

SQLite knows no partitions: there, nothing changes. On PostgreSQL each table becomes the first
partition of a table of its name; its rows stay where they are, and are read once.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from alembic import op

revision = "e7c2d9a4b066"
down_revision = "d6a1c4f27b55"
branch_labels = None
depends_on = None

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Each table, what one partition holds, its primary key, and its other indexes. The key must
# contain the time; no two rows ever had the same number, and they still will not.
TABLES = {
    "sample": (HOUR, ("id", "at"), {"ix_sample_at": "at", "ix_sample_room_at": "room, at"}),
    "playback": (HOUR, ("id", "at"), {"ix_playback_at": "at"}),
    "sample_minute": (DAY, ("at", "room", "name"), {}),
    "playback_minute": (DAY, ("at", "room", "endpoint"), {}),
}


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    now = datetime.now(UTC)
    for table, (width, key, indexes) in TABLES.items():
        begin = now.replace(minute=0, second=0, microsecond=0)
        if width == DAY:
            begin = begin.replace(hour=0)
        until = begin + width
        op.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        full = connection.scalar(sa.text(f"SELECT EXISTS (SELECT FROM {table})"))  # noqa: S608 - Names of TABLES.
        old = f"{table}_before"
        op.execute(f"ALTER TABLE {table} RENAME TO {old}")
        if "id" in key:
            op.execute(f"ALTER TABLE {old} DROP CONSTRAINT pk_{table}")
            if full:
                op.execute(f"ALTER TABLE {old} ADD PRIMARY KEY ({', '.join(key)})")
        else:
            op.execute(f"ALTER TABLE {old} RENAME CONSTRAINT pk_{table} TO pk_{old}")
        for index in indexes:
            op.execute(f"ALTER INDEX {index} RENAME TO {index}_before")
        op.execute(
            f"CREATE TABLE {table} (LIKE {old} INCLUDING DEFAULTS INCLUDING CONSTRAINTS, "
            f"CONSTRAINT pk_{table} PRIMARY KEY ({', '.join(key)})) PARTITION BY RANGE (at)"
        )
        if "id" in key:
            op.execute(f"ALTER SEQUENCE {table}_id_seq OWNED BY {table}.id")
        for index, columns in indexes.items():
            op.execute(f"CREATE INDEX {index} ON {table} ({columns})")
        op.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
        if full:
            # Only a wrong clock has written what is later.
            op.execute(
                f"WITH late AS (DELETE FROM {old} WHERE at >= '{until}' RETURNING *) "  # noqa: S608 - Names of TABLES.
                f"INSERT INTO {table}_default SELECT * FROM late"
            )
            op.execute(
                f"ALTER TABLE {table} ATTACH PARTITION {old} "
                f"FOR VALUES FROM (MINVALUE) TO ('{until}')"
            )
            begin = until
        else:
            op.execute(f"DROP TABLE {old}")
        _make_ahead(connection, table, width, begin, now + max(DAY, 3 * width))


def _make_ahead(connection, table, width, begin, until) -> None:
    while begin < until:
        end = begin + width
        late = sa.text(f"SELECT EXISTS (SELECT FROM {table}_default WHERE at >= '{begin}' "  # noqa: S608 - Names of TABLES.
                       f"AND at < '{end}')")  # fmt: skip
        # What a wrong clock has written keeps its place until `tracker prune` moves it.
        if not connection.scalar(late):
            op.execute(
                f"CREATE TABLE {table}_p{begin:%Y%m%d%H} PARTITION OF {table} "
                f"FOR VALUES FROM ('{begin}') TO ('{end}')"
            )
        begin = end


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, (_, key, indexes) in TABLES.items():
        op.execute(f"ALTER TABLE {table} RENAME TO {table}_parts")
        op.execute(f"ALTER TABLE {table}_parts RENAME CONSTRAINT pk_{table} TO pk_{table}_parts")
        for index in indexes:
            op.execute(f"ALTER INDEX {index} RENAME TO {index}_parts")
        op.execute(f"CREATE TABLE {table} (LIKE {table}_parts INCLUDING DEFAULTS)")
        if "id" in key:
            op.execute(f"ALTER SEQUENCE {table}_id_seq OWNED BY {table}.id")
        op.execute(f"INSERT INTO {table} SELECT * FROM {table}_parts")  # noqa: S608 - Names of TABLES.
        plain = "id" if "id" in key else ", ".join(key)
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY ({plain})")
        for index, columns in indexes.items():
            op.execute(f"CREATE INDEX {index} ON {table} ({columns})")
        op.execute(f"DROP TABLE {table}_parts")
