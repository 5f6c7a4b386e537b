"""A copy of the database that is read where a second more or less does not matter.

Nothing that writes, hands out streams, or decides who may do what, asks it. While it is away, its
readers ask the database itself.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from streaming_system.tracker.db import make_engine
from streaming_system.tracker.services import SERVICES
from streaming_system.tracker.settings import StartError

log = logging.getLogger(__name__)

KEY = "sqlalchemy.replica.url"
# The routes of which GET and HEAD are answered from it: graphs, figures, and the crew's monitors.
ROUTES = frozenset(
    ("graphs", "endpoint.stats", "pipeline.stats", "api.samples", "api.playback", "api.components")
)
# By then one that hangs counts as away.
PATIENCE = 2  # seconds
# For how many seconds one that is away is not asked again.
RETRY_KEY, RETRY = "sqlalchemy.replica.retry", "10"


class Replica:
    """The other database, and whether it is there.

    :raises StartError: if its URL is none of PostgreSQL's, or another of its keys is wrong.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        url = settings[KEY]
        if not str(url).startswith("postgresql"):
            raise StartError(
                f"{KEY} in the ini file is no PostgreSQL's; allowed: "
                "postgresql+psycopg://user:password@host/name, or no such key"
            )
        retry = settings.get(RETRY_KEY, RETRY)
        if not (str(retry).isdigit() and 1 <= int(retry) <= 3600):
            raise StartError(
                f"{RETRY_KEY} in the ini file is {retry!r}; allowed: seconds, 1 to 3600"
            )
        self._retry = int(retry)
        own = {
            "sqlalchemy.url": url,
            # A connection that has died meanwhile is noticed before it is used.
            "sqlalchemy.pool_pre_ping": "true",
            "sqlalchemy.connect_args": {
                "connect_timeout": PATIENCE,
                "tcp_user_timeout": PATIENCE * 1000,
                # Even if the URL is the primary's, nothing is ever written over it.
                "options": "-c default_transaction_read_only=on",
            },
        }
        self._sessions = sessionmaker(make_engine({**settings, **own}))
        self._lock = threading.Lock()
        self._ask_at = 0.0
        self._away = False

    def usable(self) -> bool:
        """Tell whether to ask it: if it is away, one caller in a while tries."""
        if not self._away:
            return True
        with self._lock:
            if time.monotonic() < self._ask_at:
                return False
            self._ask_at = time.monotonic() + self._retry
            return True

    def session(self) -> Session:
        """Return a session that only reads."""
        return self._sessions()

    def note(self, error: sa.exc.DBAPIError | None) -> None:
        """Log, once, that it has failed, or that it is back."""
        with self._lock:
            was_away, self._away = self._away, error is not None
            if error is not None:
                self._ask_at = time.monotonic() + self._retry
        if error is not None and not was_away:
            reason = str(error.orig or error).splitlines()[0]
            log.warning("%s is away, the database itself is asked: %s", KEY, reason)
        elif was_away and error is None:
            log.info("%s is back", KEY)

    def dispose(self) -> None:
        """Close its connections."""
        self._sessions.kw["bind"].dispose()


def includeme(config: Any) -> None:
    """Let the views of :data:`ROUTES` read the replica, if the ini names one."""
    settings = config.get_settings()
    config.registry["replica"] = Replica(settings) if settings.get(KEY) else None
    if config.registry["replica"] is not None:
        config.add_view_deriver(_reading, "replica", under="checked")


def _reading(view: Callable[..., Any], info: Any) -> Callable[..., Any]:
    if info.exception_only:
        return view

    def reading(context: Any, request: Any) -> Any:
        replica = request.registry["replica"]
        route = request.matched_route.name if request.matched_route else ""
        if route not in ROUTES or request.method not in ("GET", "HEAD") or not replica.usable():
            return view(context, request)
        with replica.session() as db:
            _use(request, db)
            try:
                response = view(context, request)
            except sa.exc.DBAPIError as error:
                replica.note(error)
            else:
                replica.note(None)
                return response
            finally:
                _use(request, None)
        return view(context, request)

    return reading


def _use(request: Any, db: Session | None) -> None:
    """Let the services of a request that are made from now on use a session, or the usual one."""
    for name in (*SERVICES, "db"):
        request.__dict__.pop(name, None)
    if db is not None:
        request.__dict__["db"] = db
