"""Statements for many rows at once: PostgreSQL takes them as one JSON text, in one round trip."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

Row = Mapping[str, Any]


class BulkInsert:
    """Adds rows to a table.

    :param names: the columns that each row has.
    """

    def __init__(self, table: sa.Table, names: Sequence[str]) -> None:
        self._each = sa.insert(table)
        given = json_recordset(table, {name: name for name in names})
        self._at_once = sa.insert(table).from_select(list(names), sa.select(given))

    def __call__(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Add the rows."""
        _execute_rows(connection, rows, self._each, self._at_once)


class BulkUpdate:
    """Changes rows of a table.

    :param keys: the columns that find a row; in the rows ``of_`` stands before their names.
    :param names: the columns that are changed.
    """

    def __init__(self, table: sa.Table, keys: Sequence[str], names: Sequence[str]) -> None:
        found_by = {f"of_{key}": key for key in keys}
        given = json_recordset(table, found_by | {name: name for name in names})
        change = sa.update(table)
        self._each = change.where(
            *(table.c[key] == sa.bindparam(of_key) for of_key, key in found_by.items())
        ).values({name: sa.bindparam(name) for name in names})
        # PostgreSQL takes it that there are a hundred rows, and would read all of a small table to
        # find them. What the keys may be, it finds by an index.
        self._found_by = found_by
        self._at_once = (
            change.where(*(table.c[key] == given.c[of_key] for of_key, key in found_by.items()))
            .where(*(table.c[key] == any_array(of_key) for of_key, key in found_by.items()))
            .values({name: given.c[name] for name in names})
        )

    def __call__(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Change the rows, none of which is there twice."""
        keys = {of_key: [row[of_key] for row in rows] for of_key in self._found_by}
        _execute_rows(connection, rows, self._each, self._at_once, **keys)


def _execute_rows(
    connection: sa.Connection,
    rows: Sequence[Row],
    each: sa.Executable,
    at_once: sa.Executable,
    **keys: Sequence[object],
) -> None:
    if not rows:
        return
    # SQLite has no round trips, and a single row needs no wrapping.
    if len(rows) == 1 or connection.dialect.name != "postgresql":
        connection.execute(each, rows)
    else:
        connection.execute(at_once, {"rows": to_json(rows), **keys})


def to_json(rows: Sequence[Row]) -> str:
    """Return rows as PostgreSQL takes them."""
    return json.dumps(rows, default=datetime.isoformat)


def any_array(name: str) -> sa.ColumnElement[Any]:
    """Return one of the texts of a parameter."""
    return sa.any_(sa.bindparam(name, type_=ARRAY(sa.Text)))


def json_recordset(table: sa.Table, columns: Mapping[str, str]) -> sa.TableValuedAlias:
    """Return the rows of the parameter ``rows``.

    :param columns: their names, and the columns of the table whose types they have.
    """
    rows = sa.cast(sa.bindparam("rows", type_=sa.Text), sa.JSON)
    described = (sa.column(name, table.c[column].type) for name, column in columns.items())
    given = sa.func.json_to_recordset(rows).table_valued(*described, name="given")
    return given.render_derived(with_types=True)
