"""Exception views for SQLAlchemy errors: an unavailable database is 503, a bug is 500."""

from typing import Any

import sqlalchemy as sa
from pyramid.response import Response
from pyramid.view import exception_view_config

from streaming_system.tracker.db.session import is_unavailable_error
from streaming_system.tracker.views.errors import (
    RETRY_AFTER_SECONDS,
    error_response,
    internal_error,
)


@exception_view_config(sa.exc.OperationalError)
@exception_view_config(sa.exc.InterfaceError)
def database_unavailable(error: sa.exc.DBAPIError, request: Any) -> Response:
    """Return 503. Nothing was acknowledged, so that the client may retry.

    Reports of the legacy protocol get ``ERROR DATABASE`` with status 200.
    """
    request.registry["outage_log"].record_failure(error.orig or error)
    reason = "the database cannot be used now"
    return error_response(request, 503, reason, code="DATABASE", retry_after=RETRY_AFTER_SECONDS)


@exception_view_config(sa.exc.InternalError)
def transaction_failed(error: sa.exc.InternalError, request: Any) -> Response:
    """Return 503 if the database accepts no writes now, such as a replica; otherwise 500."""
    view = database_unavailable if is_unavailable_error(error) else internal_error
    return view(error, request)
