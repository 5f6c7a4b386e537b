"""Accounts with unusual passwords."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from streaming_system.tracker.crew.accounts import MAX_PASSWORD_CHARS, AccountError, Accounts
from streaming_system.tracker.db.session import make_engine

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def accounts(database):
    engine = make_engine({"sqlalchemy.url": database})
    with Session(engine) as db:
        yield Accounts(db)
    engine.dispose()


def test_password_in_another_encoding_is_accepted_and_verified(accounts):
    # Latin-1 input of a terminal, decoded as UTF-8.
    password = b"caf\xe9 au lait".decode("utf-8", "surrogateescape")

    account = accounts.create("ada", password, now=NOON)

    assert accounts.verify("ada", password) is account
    assert accounts.verify("ada", "café au lait") is None


def test_too_long_password_is_rejected(accounts):
    with pytest.raises(AccountError) as error:
        accounts.create("ada", "a" * (MAX_PASSWORD_CHARS + 1), now=NOON)

    assert str(error.value) == "a password has at least 8 characters and at most 1024"
    assert not accounts.has_any()
