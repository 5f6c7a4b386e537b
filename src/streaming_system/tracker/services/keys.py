"""Random keys that all workers share."""

import secrets

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from streaming_system.tracker.db import begin_writing
from streaming_system.tracker.models import ServerKey


class Keys:
    """The server's keys: each is made when it is needed first."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def get(self, name: str) -> bytes:
        """Return the 32 random bytes that have this name."""
        connection = begin_writing(self.db)
        insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
        # Two workers may start at once; the database decides whose key it is.
        self.db.execute(
            insert(ServerKey)
            .values(name=name, value=secrets.token_bytes(32))
            .on_conflict_do_nothing(index_elements=["name"])
        )
        return self.db.scalars(sa.select(ServerKey.value).where(ServerKey.name == name)).one()
