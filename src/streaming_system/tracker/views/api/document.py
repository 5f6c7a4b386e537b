"""The OpenAPI document, and the response to unknown paths."""

import hashlib
import json
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.api.openapi import build_document
from streaming_system.tracker.api.operations import OPERATIONS
from streaming_system.tracker.api.problems import api_error
from streaming_system.tracker.routes import API_PREFIX, API_ROUTES

SUPPORTED_VERSIONS = ("v1",)
DOCUMENT_TTL_SECONDS = 300

DOCUMENT = build_document(OPERATIONS, dict(API_ROUTES))


@view_config(route_name="api.document", request_method="GET")
def openapi_document(request: Any) -> Response:
    """Return the OpenAPI document."""
    text = json.dumps(
        {**DOCUMENT, "servers": [{"url": f"{request.script_name}{API_PREFIX}"}]}, indent=1
    )
    response = Response(
        text,
        content_type="application/json",
        charset="utf-8",
        etag=hashlib.sha256(text.encode()).hexdigest()[:32],
        conditional_response=True,
    )
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.cache_control.public = True
    response.cache_control.max_age = DOCUMENT_TTL_SECONDS
    return response


@view_config(route_name="api.unknown")
def unknown_path(request: Any) -> Any:
    """Return 404 with the supported versions or a link to the documentation."""
    version = next(iter(request.matchdict["path"]), "")
    if version in SUPPORTED_VERSIONS:
        raise api_error(
            "not-found", f"there is nothing at this address; {API_PREFIX}/ lists what there is"
        )
    raise api_error(
        "unknown-version",
        f"this tracker serves {', '.join(SUPPORTED_VERSIONS)} of the API",
        supported=list(SUPPORTED_VERSIONS),
    )
