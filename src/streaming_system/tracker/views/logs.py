"""Access logs by the legacy protocol."""

from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.legacy import form as forms
from streaming_system.tracker.legacy.errors import LegacyProtocolError
from streaming_system.tracker.legacy.reports import parse_access_log_report
from streaming_system.tracker.logs.ingest import AccessLogError


@view_config(route_name="endpoint.logs", request_method="POST")
def ingest_logs(request: Any) -> Response:
    """Ingest lines of an endpoint's access log."""
    report = parse_access_log_report(request)
    outage_log = request.registry["outage_log.access_logs"]
    try:
        request.logs.ingest(
            room=report.room,
            name=report.name,
            text=report.text,
            batch=report.batch,
            now=request.now,
        )
    except AccessLogError as error:
        if error.__cause__:
            outage_log.record_failure(error.__cause__)
        raise LegacyProtocolError(f"LOGS {error}", status=503) from None
    outage_log.record_success()
    return forms.ok_response()


@view_config(route_name="endpoint.logs", http_cache=0)
def method_not_allowed(request: Any) -> Response:
    """Return 405 with the expected fields."""
    return forms.method_not_allowed("secret, group and data")
