"""The old protocol's access logs."""

import re
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.errors import Refused
from streaming_system.tracker.legacy import form as forms
from streaming_system.tracker.logs.ingest import AccessLogError

MAX_BODY = 4 * 1024 * 1024
BATCH = re.compile(r"([A-Za-z0-9_.-]{1,40}):([A-Za-z0-9_.-]{1,60})", re.ASCII)


@view_config(route_name="endpoint.logs", request_method="POST")
def take(request: Any) -> Response:
    """Take lines of the access log of a server that streams a room to viewers."""
    form = forms.read_odd_form(request, most=MAX_BODY, what="a report of logs")
    room = forms.authorised_room(request, form)
    name = forms.address(request, form)
    lines = form.get("data")
    # What is not taken, such as a file, must not be answered as if it were.
    if not isinstance(lines, str):
        raise Refused("DATA there is no field data with the lines")
    batch = _batch(form)
    trouble = request.registry["trouble.logs"]
    try:
        request.logs.take(room=room, name=name, text=lines, batch=batch, now=request.now)
    except AccessLogError as error:
        if error.__cause__:
            trouble.failed(error.__cause__)
        raise Refused(f"LOGS {error}", status=503) from None
    trouble.worked()
    return forms.ok()


def _batch(form: Any) -> tuple[str, str] | None:
    """Return who hands in lines, and its word for them; ``None`` if it says neither.

    :raises Refused: if it says something else.
    """
    if "batch" not in form:
        return None
    found = BATCH.fullmatch(forms.text(form, "batch"))
    if not found:
        raise Refused("BATCH is not SENDER:WORD, of letters, digits and .-_")
    return found[1], found[2]


@view_config(route_name="endpoint.logs", http_cache=0)
def other_methods(request: Any) -> Response:
    """Say how to report to whoever opens the address in a browser."""
    return forms.post_only("secret, group and data")
