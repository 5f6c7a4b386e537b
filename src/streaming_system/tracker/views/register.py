"""Registration of endpoints by the legacy protocol."""

from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.legacy import form as forms
from streaming_system.tracker.legacy.reports import parse_registration


@view_config(route_name="endpoint.register", request_method="POST")
def register(request: Any) -> Response:
    """Ingest the report of an endpoint."""
    request.registry["report_ingest"].submit_endpoint(parse_registration(request))
    return forms.ok_response()


@view_config(route_name="endpoint.register", http_cache=0)
def method_not_allowed(request: Any) -> Response:
    """Return 405 with the expected fields."""
    return forms.method_not_allowed("secret, group and data")
