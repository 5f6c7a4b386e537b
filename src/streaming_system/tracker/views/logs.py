"""The old protocol's access logs."""

import re
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.errors import LegacyProtocolError
from streaming_system.tracker.legacy import form as forms
from streaming_system.tracker.logs.ingest import AccessLogError

MAX_BODY_BYTES = 4 * 1024 * 1024
BATCH_PATTERN = re.compile(r"([A-Za-z0-9_.-]{1,40}):([A-Za-z0-9_.-]{1,60})", re.ASCII)


@view_config(route_name="endpoint.logs", request_method="POST")
def ingest_logs(request: Any) -> Response:
    """Take lines of the access log of a server that streams a room to viewers."""
    form = forms.parse_lenient_form(request, most=MAX_BODY_BYTES, what="a report of logs")
    room = forms.require_room(request, form)
    name = forms.client_address(request, form)
    lines = form.get("data")
    # What is not taken, such as a file, must not be answered as if it were.
    if not isinstance(lines, str):
        raise LegacyProtocolError("DATA there is no field data with the lines")
    batch = _parse_batch(form)
    trouble = request.registry["trouble.logs"]
    try:
        request.logs.take(room=room, name=name, text=lines, batch=batch, now=request.now)
    except AccessLogError as error:
        if error.__cause__:
            trouble.failed(error.__cause__)
        raise LegacyProtocolError(f"LOGS {error}", status=503) from None
    trouble.worked()
    return forms.ok_response()


def _parse_batch(form: Any) -> tuple[str, str] | None:
    """Return who hands in lines, and its word for them; ``None`` if it says neither.

    :raises Refused: if it says something else.
    """
    if "batch" not in form:
        return None
    found = BATCH_PATTERN.fullmatch(forms.field_text(form, "batch"))
    if not found:
        raise LegacyProtocolError("BATCH is not SENDER:WORD, of letters, digits and .-_")
    return found[1], found[2]


@view_config(route_name="endpoint.logs", http_cache=0)
def method_not_allowed(request: Any) -> Response:
    """Say how to report to whoever opens the address in a browser."""
    return forms.method_not_allowed("secret, group and data")
