"""Registration of endpoints by the legacy protocol."""

from datetime import UTC, datetime
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.ingest.endpoints import from_legacy
from streaming_system.tracker.legacy import form as forms
from streaming_system.tracker.legacy.errors import LegacyProtocolError
from streaming_system.tracker.legacy.stats_schema import InvalidStatsError, parse_stats


@view_config(route_name="endpoint.register", request_method="POST")
def register(request: Any) -> Response:
    """Ingest the report of an endpoint."""
    form = forms.parse_form(request)
    room = forms.require_room(request, form)
    ip = forms.client_address(request, form)
    try:
        stats = parse_stats(forms.field_text(form, "data"))
    except InvalidStatsError as error:
        raise LegacyProtocolError(f"DATA {error}") from None
    request.registry["reports"].endpoint(
        from_legacy(room=room, ip=ip, figures=stats, now=datetime.now(UTC))
    )
    return forms.ok_response()


@view_config(route_name="endpoint.register", http_cache=0)
def method_not_allowed(request: Any) -> Response:
    """Return 405 with the expected fields."""
    return forms.method_not_allowed("secret, group and data")
