"""The command line's access to the tracker's database."""

import os
import pwd
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.config import ConferenceConfig
from streaming_system.tracker.crew.accounts import ROLES, AccountError, Accounts
from streaming_system.tracker.crew.annotations import Annotations
from streaming_system.tracker.crew.audit import AuditLog
from streaming_system.tracker.crew.crew import CrewActions, parse_time
from streaming_system.tracker.crew.erasure import Erasure
from streaming_system.tracker.crew.errors import CrewError
from streaming_system.tracker.crew.event_changes import EventChanges
from streaming_system.tracker.crew.tokens import SCOPES, Tokens
from streaming_system.tracker.db.session import (
    is_unavailable_error,
    make_engine,
    require_tables,
)
from streaming_system.tracker.endpoints.endpoints import Endpoints
from streaming_system.tracker.endpoints.stream_directory import StreamDirectory
from streaming_system.tracker.ini_keys import DEFAULT_ENDPOINT_URL
from streaming_system.tracker.publishing.hook_secrets import HookSecrets
from streaming_system.tracker.publishing.stream_keys import StreamKeys
from streaming_system.tracker.settings import (
    StartupError,
    load_ingest_addresses,
)

__all__ = [
    "ROLES",
    "SCOPES",
    "AccountError",
    "AdminSession",
    "CrewError",
    "StartupError",
    "admin_session",
]


@dataclass(frozen=True, kw_only=True)
class AdminSession:
    """The services for one command, and its time."""

    now: datetime
    crew: CrewActions
    accounts: Accounts
    site_changes: EventChanges
    tokens: Tokens
    stream_keys: StreamKeys
    hook_secrets: HookSecrets
    ingest_addresses: Mapping[str, Any]
    endpoints: Endpoints
    annotations: Annotations
    audit: AuditLog
    erasure: Erasure

    def parse_time(self, text: str) -> datetime:
        """Return the time in a text; the current time for an empty one.

        :raises CrewError: if the text is no time.
        """
        return parse_time(text, now=self.now)


@contextmanager
def admin_session(
    settings: Mapping[str, str], conference: ConferenceConfig | None = None
) -> Iterator[AdminSession]:
    """Open the database of ``[app:tracker]`` for the system user; commit at the end.

    :param conference: the event and its rooms, for actions that validate them.
    :raises StartupError: if the database is unusable.
    """
    with _database_session(settings) as db:
        yield AdminSession(
            now=datetime.now(UTC),
            crew=CrewActions(
                db,
                conference.groups if conference else (),
                account=f"cli:{_system_user()}",
                event=conference.default.conference if conference else "",
                directory=StreamDirectory(Endpoints(db), conference, DEFAULT_ENDPOINT_URL)
                if conference
                else None,
            ),
            accounts=Accounts(db),
            site_changes=EventChanges(db, settings, account=f"cli:{_system_user()}"),
            tokens=Tokens(db),
            stream_keys=StreamKeys(db),
            hook_secrets=HookSecrets(db),
            ingest_addresses=load_ingest_addresses(settings),
            endpoints=Endpoints(db),
            annotations=Annotations(db),
            audit=AuditLog(db),
            erasure=Erasure(db, account=f"cli:{_system_user()}"),
        )


@contextmanager
def _database_session(settings: Mapping[str, str]) -> Iterator[Session]:
    engine = make_engine(settings)
    try:
        require_tables(engine)
        with Session(engine) as db:
            yield db
            db.commit()
    except sa.exc.DBAPIError as error:
        if not is_unavailable_error(error):
            raise
        raise StartupError(f"the database: {str(error.orig).splitlines()[0]}") from None
    finally:
        engine.dispose()


def _system_user() -> str:
    """Return the user of this process; environment variables can be forged."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
