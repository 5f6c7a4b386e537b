"""What the command line does with the tracker's database."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.db import check_tables, make_engine
from streaming_system.tracker.services.accounts import AccountError, Accounts
from streaming_system.tracker.settings import StartError

__all__ = ["AccountError", "StartError", "create_account", "has_accounts"]


@contextmanager
def session(settings: Mapping[str, str]) -> Iterator[Session]:
    """Open a session of the database that ``[app:tracker]`` names; commit at the end.

    :raises StartError: if the database cannot be used.
    """
    engine = make_engine(settings)
    try:
        check_tables(engine)
        with Session(engine) as db:
            yield db
            db.commit()
    except sa.exc.OperationalError as error:
        raise StartError(f"the database: {str(error.orig).splitlines()[0]}") from None
    finally:
        engine.dispose()


def create_account(settings: Mapping[str, str], name: str, password: str) -> None:
    """Make an account that may administer the tracker.

    :raises AccountError: if name or password will not do.
    """
    with session(settings) as db:
        Accounts(db).create(name, password, now=datetime.now(UTC))


def has_accounts(settings: Mapping[str, str]) -> bool:
    """Tell whether anybody has an account."""
    with session(settings) as db:
        return Accounts(db).any()
