"""What nearly every report says: that all is as before, but for newer figures.

Such a report needs no look at what is there before it is changed. PostgreSQL takes many of them in
one statement, which is a transaction of its own: one round trip instead of six.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from streaming_system.tracker.ingest.bulk import any_array, json_recordset, to_json

# By name: what is given, or a row as it is before it is changed.
Columns = Mapping[str, sa.ColumnElement[Any]]


class HeartbeatUpdate:
    """Changes the rows of a table that are as they are expected to be, and adds to a history.

    What is given and fits no row is left undone.

    :param keys: the columns that find a row; what is given has them, too.
    :param given: what is given, and the columns of the table whose types it has.
    :param holds: returns, of what is given and of its row, what must be true of them.
    :param values: returns what the row gets, of the same two.
    :param history: the table that is added to.
    :param adds: returns what is added, of the same two.
    :param when: returns what must be true, besides, for anything to be added.
    :param tells: the columns, besides the keys, that are told of a row that was changed.
    """

    def __init__(
        self,
        table: sa.Table,
        *,
        keys: Sequence[str],
        given: Mapping[str, str],
        holds: Callable[[Columns, Columns], sa.ColumnElement[bool]],
        values: Callable[[Columns, Columns], Columns],
        history: sa.Table,
        adds: Callable[[Columns, Columns], Columns],
        when: Callable[[Columns, Columns], sa.ColumnElement[bool]] = lambda new, had: sa.true(),
        tells: Sequence[str] = (),
    ) -> None:
        self._keys = keys
        given_by_caller = json_recordset(table, given)
        new, row = dict(given_by_caller.c.items()), dict(table.c.items())
        # PostgreSQL guesses how many rows are given; those of some keys it finds by an index.
        among = [table.c[key] == any_array(f"of_{key}") for key in keys]
        found = (
            sa.select(*new.values(), *(column.label(f"had_{column.name}") for column in table.c))
            .where(*(table.c[key] == new[key] for key in keys), *among, holds(new, row))
            # Whoever locks several takes them in this order, so that nobody waits in a circle.
            .order_by(*(table.c[key] for key in keys))
            .with_for_update(of=table)
            .cte("found")
        )
        new = {name: found.c[name] for name in given}
        had = {name: found.c[f"had_{name}"] for name in row}
        added = adds(new, had)
        rows = sa.select(*added.values()).where(when(new, had))
        self._statement = (
            sa.update(table)
            .where(*(table.c[key] == found.c[key] for key in keys), *among)
            .values(values(new, had))
            .returning(*(table.c[name] for name in (*keys, *tells)))
            .add_cte(sa.insert(history).from_select(list(added), rows).cte("added"))
        )

    def __call__(
        self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]
    ) -> Sequence[sa.Row[Any]]:
        """Change rows, none of which may be given twice; return what is told of those that fit."""
        if not rows:
            return ()
        keys = {f"of_{key}": [row[key] for row in rows] for key in self._keys}
        return connection.execute(self._statement, {"rows": to_json(rows), **keys}).all()
