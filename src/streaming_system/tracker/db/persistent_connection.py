"""A connection that stays, for what a worker does all the time."""

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

T = TypeVar("T")


class PersistentConnection:
    """A connection to PostgreSQL that is not looked for, tried and tidied up for each use.

    Each statement is a transaction of its own. One thread at a time may use it.

    :param engine: from whose pool it comes.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._connection: sa.Connection | None = None
        sa.event.listen(engine, "engine_disposed", lambda _: self.close())

    def run(self, do: Callable[[sa.Connection], T]) -> T:
        """Use it; once more with a new one if it is found broken.

        That is how a restart of the server shows. Nobody can tell then whether the last statement
        was done: ``do`` must do no harm when it is done twice.
        """
        stood = self._connection is not None
        try:
            return self._run(do)
        except sa.exc.DBAPIError as error:
            if not (stood and error.connection_invalidated):
                raise
        return self._run(do)

    def close(self) -> None:
        """End it: a pool that has been disposed of would keep it open."""
        connection, self._connection = self._connection, None
        if connection is not None:
            if not connection.invalidated:
                connection.detach()
            connection.close()

    def _run(self, do: Callable[[sa.Connection], T]) -> T:
        connection = self._connection or self._engine.connect()
        self._connection = connection
        try:
            with connection.begin():
                return do(connection)
        except BaseException:
            # Whatever it is, the next one begins anew.
            self.close()
            raise
