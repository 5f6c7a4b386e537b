"""The old protocol's access logs."""

from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.errors import Refused
from streaming_system.tracker.services.logs import LogsError
from streaming_system.tracker.views import form as forms

MAX_BODY = 4 * 1024 * 1024


@view_config(route_name="endpoint.logs", request_method="POST", http_cache=0)
def take(request: Any) -> Response:
    """Take lines of the access log of a server that streams a room to viewers."""
    form = forms.read_odd_form(request, most=MAX_BODY, what="a report of logs")
    room = forms.authorised_room(request, form)
    name = forms.address(request, form)
    lines = form.get("data")
    # What is not taken, such as a file, must not be answered as if it were.
    if not isinstance(lines, str):
        raise Refused("DATA there is no field data with the lines")
    trouble = request.registry["trouble.logs"]
    try:
        request.logs.take(room=room, name=name, text=lines, now=request.now)
    except LogsError as error:
        if error.__cause__:
            trouble.failed(error.__cause__)
        raise Refused(f"LOGS {error}", status=503) from None
    trouble.worked()
    return forms.ok()


@view_config(route_name="endpoint.logs", http_cache=0)
def other_methods(request: Any) -> Response:
    """Say how to report to whoever opens the address in a browser."""
    return forms.post_only("secret, group and data")
