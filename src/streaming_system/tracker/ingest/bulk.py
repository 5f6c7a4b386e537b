"""Bulk insert and update: PostgreSQL gets all rows as one JSON text, in one round trip."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

Row = Mapping[str, Any]


class BulkInsert:
    """Inserts rows into a table.

    :param names: the columns of each row.
    """

    def __init__(self, table: sa.Table, names: Sequence[str]) -> None:
        self._single = sa.insert(table)
        rows = _json_recordset(table, {name: name for name in names})
        self._bulk = sa.insert(table).from_select(list(names), sa.select(rows))

    def __call__(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Insert rows."""
        _execute_rows(connection, rows, self._single, self._bulk)


class BulkUpdate:
    """Updates rows of a table by their keys.

    :param keys: the key columns; rows contain them with the prefix ``of_``.
    :param names: the columns to change.
    """

    def __init__(self, table: sa.Table, keys: Sequence[str], names: Sequence[str]) -> None:
        self._keys = {f"of_{key}": key for key in keys}
        rows = _json_recordset(table, self._keys | {name: name for name in names})
        update = sa.update(table)
        self._single = update.where(
            *(table.c[key] == sa.bindparam(of_key) for of_key, key in self._keys.items())
        ).values({name: sa.bindparam(name) for name in names})
        # PostgreSQL estimates a recordset at 100 rows, and would scan a small table. The keys as
        # arrays make it use the index.
        self._bulk = (
            update.where(*(table.c[key] == rows.c[of_key] for of_key, key in self._keys.items()))
            .where(*(table.c[key] == _any_of_array(of_key) for of_key, key in self._keys.items()))
            .values({name: rows.c[name] for name in names})
        )

    def __call__(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Update rows; each key may occur once."""
        keys = {of_key: [row[of_key] for row in rows] for of_key in self._keys}
        _execute_rows(connection, rows, self._single, self._bulk, **keys)


def _execute_rows(
    connection: sa.Connection,
    rows: Sequence[Row],
    single: sa.Executable,
    bulk: sa.Executable,
    **keys: Sequence[object],
) -> None:
    if not rows:
        return
    # SQLite has no round trips to save.
    if len(rows) == 1 or connection.dialect.name != "postgresql":
        connection.execute(single, rows)
    else:
        text = json.dumps(rows, default=datetime.isoformat)
        connection.execute(bulk, {"rows": text, **keys})


def _any_of_array(name: str) -> sa.ColumnElement[Any]:
    """Return ``ANY(:name)``, for an array of texts as the parameter."""
    return sa.any_(sa.bindparam(name, type_=ARRAY(sa.Text)))


def _json_recordset(table: sa.Table, columns: Mapping[str, str]) -> sa.TableValuedAlias:
    """Return the parameter ``rows``, a JSON array of objects, as a table.

    :param columns: its columns, each with the column of ``table`` that has the same type.
    """
    rows = sa.cast(sa.bindparam("rows", type_=sa.Text), sa.JSON)
    typed = (sa.column(name, table.c[column].type) for name, column in columns.items())
    recordset = sa.func.json_to_recordset(rows).table_valued(*typed, name="new_rows")
    return recordset.render_derived(with_types=True)
