"""The bare app's view that inserts a row and commits."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from pyramid.response import Response

ROWS = sa.Table(
    "bare_row",
    sa.MetaData(),
    sa.Column("at", sa.DateTime(timezone=True)),
    sa.Column("sid", sa.Text),
    sa.Column("room", sa.Text),
    sa.Column("endpoint", sa.Text),
    sa.Column("played_ms", sa.Integer),
    sa.Column("rebuffer_ms", sa.Integer),
    sa.Column("errors", sa.Integer),
)


def make_engine(url: str) -> sa.Engine:
    """Return an engine with default settings; SQLite is as durable as the tracker's."""
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _configure_sqlite)
    ROWS.create(engine, checkfirst=True)
    return engine


def _configure_sqlite(connection: Any, record: Any) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA busy_timeout = 10000")


def insert_view(engine: sa.Engine) -> Any:
    """Return a view that inserts a row and commits."""
    insert = sa.insert(ROWS)

    def view(request: Any) -> Response:
        row = {
            "at": datetime.now(UTC), "sid": "0123456789abcdef0123456789abcdef", "room": "room0",
            "endpoint": "192.0.2.1", "played_ms": 10_000, "rebuffer_ms": 0, "errors": 0,
        }  # fmt: skip
        with engine.begin() as connection:
            connection.execute(insert, row)
        return Response(b"OK", content_type="text/plain")

    return view
