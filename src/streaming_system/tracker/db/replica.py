"""A copy of the database that is read where a second more or less does not matter.

Nothing that writes, hands out streams, or decides who may do what, asks it. While it is away, its
readers ask the database itself.
"""

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import Session, sessionmaker

from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.settings import StartupError

log = logging.getLogger(__name__)

URL_KEY = "sqlalchemy.replica.url"
# The routes of which GET and HEAD are answered from it: graphs, figures, and the crew's monitors.
REPLICA_ROUTES = frozenset(
    ("graphs", "endpoint.stats", "pipeline.stats", "api.samples", "api.playback", "api.components")
)
# By then one that hangs counts as away.
REPLICA_TIMEOUT = 2  # seconds
# So long one that has answered may take for a question; the database itself is asked then, before
# nginx gives the request up.
REPLICA_QUERY_TIMEOUT = 10  # seconds
# For how many seconds one that is away is not asked again.
RETRY_KEY, DEFAULT_RETRY = "sqlalchemy.replica.retry", "10"


class Replica:
    """The other database, and whether it is there.

    :raises StartError: if its URL is none of PostgreSQL's, or another of its keys is wrong.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        url = settings[URL_KEY]
        if not str(url).startswith("postgresql"):
            raise StartupError(
                f"{URL_KEY} in the ini file is no PostgreSQL's; allowed: "
                "postgresql+psycopg://user:password@host/name, or no such key"
            )
        retry = settings.get(RETRY_KEY, DEFAULT_RETRY)
        if not (str(retry).isdigit() and 1 <= int(retry) <= 3600):
            raise StartupError(
                f"{RETRY_KEY} in the ini file is {retry!r}; allowed: seconds, 1 to 3600"
            )
        self._retry = int(retry)
        own = {
            "sqlalchemy.url": url,
            # It would wait without end for one that hangs: see _take.
            "sqlalchemy.pool_pre_ping": False,
            "sqlalchemy.connect_args": {
                "connect_timeout": REPLICA_TIMEOUT,
                "tcp_user_timeout": REPLICA_TIMEOUT * 1000,
                # Even if the URL is the primary's, nothing is ever written over it.
                "options": "-c default_transaction_read_only=on"
                f" -c statement_timeout={REPLICA_QUERY_TIMEOUT * 1000}",
            },
        }
        engine = make_engine({**settings, **own})
        sa.event.listen(engine, "checkout", _on_checkout)
        sa.event.listen(engine, "checkin", _on_checkin)
        self._sessions = sessionmaker(engine)
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
            log.warning("%s is away, the database itself is asked: %s", URL_KEY, reason)
        elif was_away and error is None:
            log.info("%s is back", URL_KEY)

    def dispose(self) -> None:
        """Close its connections."""
        self._sessions.kw["bind"].dispose()


class _ConnectionWatchdog:
    """Hangs up on a server that has not answered by then, so that whoever waits gets an error.

    Neither the server's own time-outs nor those of TCP do that for a server that has been stopped:
    its kernel goes on acknowledging.

    :param seconds: how long it has.
    """

    def __init__(self, connection: DBAPIConnection, seconds: float) -> None:
        # The driver may close its own at any time; this one stays that of this connection.
        self._socket = socket.socket(fileno=os.dup(connection.fileno()))
        self._timer = threading.Timer(seconds, self._hang_up)
        self._timer.daemon = True
        self._timer.start()
        self.is_over = False

    def _hang_up(self) -> None:
        self.is_over = True
        # The other end may have hung up already.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Let the connection be."""
        self._timer.cancel()
        self._timer.join()
        self._socket.close()


def _on_checkout(connection: DBAPIConnection, record: Any, fairy: Any) -> None:
    """Ask whether a connection is still good, and let a request use it for a while."""
    deadline = _ConnectionWatchdog(connection, REPLICA_TIMEOUT)
    try:
        connection.cursor().execute("SELECT 1")
        connection.rollback()
    except Exception as error:
        if deadline.is_over:
            raise
        # The server has been restarted meanwhile: the pool tries a new one.
        raise sa.exc.DisconnectionError from error
    finally:
        deadline.end()
    # The server gives up before, if it is still able to.
    record.info["deadline"] = _ConnectionWatchdog(
        connection, REPLICA_QUERY_TIMEOUT + REPLICA_TIMEOUT
    )


def _on_checkin(connection: DBAPIConnection | None, record: Any) -> None:
    if deadline := record.info.pop("deadline", None):
        deadline.end()


def includeme(config: Any) -> None:
    """Let the views of :data:`REPLICA_ROUTES` read the replica, if the ini names one."""
    settings = config.get_settings()
    config.registry["replica"] = Replica(settings) if settings.get(URL_KEY) else None
    if config.registry["replica"] is not None:
        config.add_view_deriver(_replica_view_deriver, "replica", under="checked")


def _replica_view_deriver(view: Callable[..., Any], info: Any) -> Callable[..., Any]:
    if info.exception_only:
        return view

    def reading(context: Any, request: Any) -> Any:
        replica = request.registry["replica"]
        route = request.matched_route.name if request.matched_route else ""
        if (
            route not in REPLICA_ROUTES
            or request.method not in ("GET", "HEAD")
            or not replica.usable()
        ):
            return view(context, request)
        with replica.session() as db:
            _set_request_session(request, db)
            try:
                response = view(context, request)
            except sa.exc.DBAPIError as error:
                replica.note(error)
            else:
                replica.note(None)
                return response
            finally:
                _set_request_session(request, None)
        return view(context, request)

    return reading


def _set_request_session(request: Any, db: Session | None) -> None:
    """Let the services of a request that are made from now on use a session, or the usual one."""
    for name in (*request.registry["services"], "db"):
        request.__dict__.pop(name, None)
    if db is not None:
        request.__dict__["db"] = db
