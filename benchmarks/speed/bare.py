"""What rows compare with: an app that does nothing but the one thing that cannot be left out.

``bare.folder`` holds what it answers: NAME.body with NAME.type beside it is a page, NAME.json a
document. /NAME answers with it; /unchanged says that nothing has changed; a POST to /insert adds a
row to the database of ``bare.database``, if there is one.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pyramid.config import Configurator
from pyramid.response import Response

ETAG = "a page that has not changed"
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


def main(global_config: dict[str, str], **settings: str) -> Any:
    """Return the app."""
    folder = Path(settings["bare.folder"])
    with Configurator(settings=settings) as config:
        for file in sorted(folder.glob("*.body")):
            kind = file.with_suffix(".type").read_text()
            add(config, file.stem, page(file.read_bytes(), kind))
        for file in sorted(folder.glob("*.json")):
            add(config, file.stem, document(json.loads(file.read_text())), renderer="json")
        add(config, "unchanged", unchanged)
        if settings.get("bare.database"):
            add(config, "insert", inserting(make_engine(settings["bare.database"])))
    return config.make_wsgi_app()


def add(config: Any, name: str, view: Any, **how: Any) -> None:
    """Answer an address by a view."""
    config.add_route(name, f"/{name}")
    config.add_view(view, route_name=name, **how)


def page(body: bytes, kind: str) -> Any:
    """Return a view that answers with some bytes."""

    def view(request: Any) -> Response:
        return Response(body, headerlist=[("Content-Type", kind)])

    return view


def document(value: object) -> Any:
    """Return a view that answers with a value, for the renderer."""

    def view(request: Any) -> object:
        return value

    return view


def unchanged(request: Any) -> Response:
    """Say that nothing has changed."""
    return Response(status=304, etag=ETAG)


def make_engine(url: str) -> sa.Engine:
    """Return an engine as SQLAlchemy makes it, but SQLite as durable as the tracker has it."""
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
    ROWS.create(engine, checkfirst=True)
    return engine


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA busy_timeout = 10000")


def inserting(engine: sa.Engine) -> Any:
    """Return a view that adds a row, and commits."""
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
