"""The old protocol's registration."""

from datetime import UTC, datetime
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.errors import Refused
from streaming_system.tracker.ingest.endpoints import from_legacy
from streaming_system.tracker.legacy import form as forms
from streaming_system.tracker.legacy.stats_schema import BadFigures, read_figures


@view_config(route_name="endpoint.register", request_method="POST")
def register(request: Any) -> Response:
    """Take the report of a server that streams a room to viewers."""
    form = forms.read_form(request)
    room = forms.authorised_room(request, form)
    ip = forms.address(request, form)
    try:
        figures = read_figures(forms.text(form, "data"))
    except BadFigures as error:
        raise Refused(f"DATA {error}") from None
    request.registry["reports"].endpoint(
        from_legacy(room=room, ip=ip, figures=figures, now=datetime.now(UTC))
    )
    return forms.ok()


@view_config(route_name="endpoint.register", http_cache=0)
def other_methods(request: Any) -> Response:
    """Say how to register to whoever opens the address in a browser."""
    return forms.post_only("secret, group and data")
