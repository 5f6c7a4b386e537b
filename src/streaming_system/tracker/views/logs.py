"""Access logs by the legacy protocol."""

import re
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.legacy import form as forms
from streaming_system.tracker.legacy.errors import LegacyProtocolError
from streaming_system.tracker.logs.ingest import AccessLogError

MAX_BODY_BYTES = 4 * 1024 * 1024
BATCH_PATTERN = re.compile(r"([A-Za-z0-9_.-]{1,40}):([A-Za-z0-9_.-]{1,60})", re.ASCII)


@view_config(route_name="endpoint.logs", request_method="POST")
def ingest_logs(request: Any) -> Response:
    """Ingest lines of an endpoint's access log."""
    form = forms.parse_lenient_form(request, max_bytes=MAX_BODY_BYTES, what="a report of logs")
    room = forms.require_room(request, form)
    name = forms.client_address(request, form)
    lines = form.get("data")
    # A missing or uploaded field must not be acknowledged.
    if not isinstance(lines, str):
        raise LegacyProtocolError("DATA there is no field data with the lines")
    batch = _parse_batch(form)
    outage_log = request.registry["trouble.logs"]
    try:
        request.logs.take(room=room, name=name, text=lines, batch=batch, now=request.now)
    except AccessLogError as error:
        if error.__cause__:
            outage_log.failed(error.__cause__)
        raise LegacyProtocolError(f"LOGS {error}", status=503) from None
    outage_log.worked()
    return forms.ok_response()


def _parse_batch(form: Any) -> tuple[str, str] | None:
    """Return the sender and the name of the batch; ``None`` if there is no such field.

    :raises LegacyProtocolError: if the field is invalid.
    """
    if "batch" not in form:
        return None
    match = BATCH_PATTERN.fullmatch(forms.field_text(form, "batch"))
    if not match:
        raise LegacyProtocolError("BATCH is not SENDER:WORD, of letters, digits and .-_")
    return match[1], match[2]


@view_config(route_name="endpoint.logs", http_cache=0)
def method_not_allowed(request: Any) -> Response:
    """Return 405 with the expected fields."""
    return forms.method_not_allowed("secret, group and data")
