"""A read replica of the database, for views that tolerate a delay of seconds.

Writes, assignments of viewers and permission checks use the primary. So do all views while the
replica is unavailable.
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
# Routes whose GET and HEAD requests use the replica: graphs, metrics, and the crew's monitors.
REPLICA_ROUTES = frozenset(
    ("graphs", "endpoint.stats", "pipeline.stats", "api.samples", "api.playback", "api.components")
)
# Timeout for connecting and for the check of a connection.
REPLICA_TIMEOUT = 2  # seconds
# Timeout of a query. It leaves time for the primary before nginx times out.
REPLICA_QUERY_TIMEOUT = 10  # seconds
# Seconds until the next attempt to use an unavailable replica.
RETRY_KEY, DEFAULT_RETRY = "sqlalchemy.replica.retry", "10"


class Replica:
    """The replica and its availability.

    :raises StartupError: if its URL is not one of PostgreSQL, or another of its keys is invalid.
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
        overrides = {
            "sqlalchemy.url": url,
            # A pre-ping has no timeout; _on_checkout has one.
            "sqlalchemy.pool_pre_ping": False,
            "sqlalchemy.connect_args": {
                "connect_timeout": REPLICA_TIMEOUT,
                "tcp_user_timeout": REPLICA_TIMEOUT * 1000,
                # Read-only even if the URL is the primary's.
                "options": "-c default_transaction_read_only=on"
                f" -c statement_timeout={REPLICA_QUERY_TIMEOUT * 1000}",
            },
        }
        engine = make_engine({**settings, **overrides})
        sa.event.listen(engine, "checkout", _on_checkout)
        sa.event.listen(engine, "checkin", _on_checkin)
        self._sessions = sessionmaker(engine)
        self._lock = threading.Lock()
        self._retry_at = 0.0
        self._is_unavailable = False

    def is_available(self) -> bool:
        """Return whether to use the replica; one caller per retry interval tries a failed one."""
        if not self._is_unavailable:
            return True
        with self._lock:
            if time.monotonic() < self._retry_at:
                return False
            self._retry_at = time.monotonic() + self._retry
            return True

    def session(self) -> Session:
        """Return a read-only session."""
        return self._sessions()

    def record_result(self, error: sa.exc.DBAPIError | None) -> None:
        """Record the result of a use; log the begin and the end of an outage."""
        with self._lock:
            was_unavailable, self._is_unavailable = self._is_unavailable, error is not None
            if error is not None:
                self._retry_at = time.monotonic() + self._retry
        if error is not None and not was_unavailable:
            reason = str(error.orig or error).splitlines()[0]
            log.warning("%s is away, the database itself is asked: %s", URL_KEY, reason)
        elif was_unavailable and error is None:
            log.info("%s is back", URL_KEY)

    def dispose(self) -> None:
        """Close its connections."""
        self._sessions.kw["bind"].dispose()


class _ConnectionWatchdog:
    """Shuts down a connection after a timeout, so that the waiting thread gets an error.

    Timeouts of the server and of TCP do not apply to a stopped server process, because its kernel
    still acknowledges packets.

    :param seconds: the timeout.
    """

    def __init__(self, connection: DBAPIConnection, seconds: float) -> None:
        # A duplicate, because the driver may close its own descriptor at any time.
        self._socket = socket.socket(fileno=os.dup(connection.fileno()))
        self._timer = threading.Timer(seconds, self._shut_down)
        self._timer.daemon = True
        self._timer.start()
        self.has_expired = False

    def _shut_down(self) -> None:
        self.has_expired = True
        # The server may have closed the connection.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def cancel(self) -> None:
        """Stop watching the connection."""
        self._timer.cancel()
        self._timer.join()
        self._socket.close()


def _on_checkout(connection: DBAPIConnection, record: Any, fairy: Any) -> None:
    """Check a connection, and limit the time of its use."""
    watchdog = _ConnectionWatchdog(connection, REPLICA_TIMEOUT)
    try:
        connection.cursor().execute("SELECT 1")
        connection.rollback()
    except Exception as error:
        if watchdog.has_expired:
            raise
        # The server has been restarted: the pool opens another connection.
        raise sa.exc.DisconnectionError from error
    finally:
        watchdog.cancel()
    # The server's own timeout is shorter.
    record.info["watchdog"] = _ConnectionWatchdog(
        connection, REPLICA_QUERY_TIMEOUT + REPLICA_TIMEOUT
    )


def _on_checkin(connection: DBAPIConnection | None, record: Any) -> None:
    if watchdog := record.info.pop("watchdog", None):
        watchdog.cancel()


def includeme(config: Any) -> None:
    """Use the replica of the ini file, if any, in the views of :data:`REPLICA_ROUTES`."""
    settings = config.get_settings()
    config.registry["replica"] = Replica(settings) if settings.get(URL_KEY) else None
    if config.registry["replica"] is not None:
        config.add_view_deriver(_replica_view_deriver, "replica", under="api_operation")


def _replica_view_deriver(view: Callable[..., Any], info: Any) -> Callable[..., Any]:
    if info.exception_only:
        return view

    def read_from_replica(context: Any, request: Any) -> Any:
        replica = request.registry["replica"]
        route = request.matched_route.name if request.matched_route else ""
        if (
            route not in REPLICA_ROUTES
            or request.method not in ("GET", "HEAD")
            or not replica.is_available()
        ):
            return view(context, request)
        with replica.session() as db:
            _set_request_session(request, db)
            try:
                response = view(context, request)
            except sa.exc.DBAPIError as error:
                replica.record_result(error)
            else:
                replica.record_result(None)
                return response
            finally:
                _set_request_session(request, None)
        return view(context, request)

    return read_from_replica


def _set_request_session(request: Any, db: Session | None) -> None:
    """Make the services of a request use this session, or the default one if ``None``."""
    for name in (*request.registry["services"], "db"):
        request.__dict__.pop(name, None)
    if db is not None:
        request.__dict__["db"] = db
