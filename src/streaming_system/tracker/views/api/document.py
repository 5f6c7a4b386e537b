"""The API's own description."""

import hashlib
import json
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.api.openapi import make_document
from streaming_system.tracker.api.operations import OPERATIONS
from streaming_system.tracker.api.problems import problem
from streaming_system.tracker.routes import API, V1

SUPPORTED = ("v1",)
# A new version is seen within five minutes; until then nobody asks twice.
FRESH_FOR = 300

DOCUMENT = make_document(OPERATIONS, dict(API))


@view_config(route_name="api.document", request_method="GET")
def document(request: Any) -> Response:
    """Return the OpenAPI document."""
    text = json.dumps({**DOCUMENT, "servers": [{"url": f"{request.script_name}{V1}"}]}, indent=1)
    answer = Response(
        text,
        content_type="application/json",
        charset="utf-8",
        etag=hashlib.sha256(text.encode()).hexdigest()[:32],
        conditional_response=True,
    )
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.cache_control.public = True
    answer.cache_control.max_age = FRESH_FOR
    return answer


@view_config(route_name="api.unknown")
def unknown(request: Any) -> Any:
    """Say what there is to whoever asks for what there is not."""
    version = next(iter(request.matchdict["path"]), "")
    if version in SUPPORTED:
        raise problem("not-found", f"there is nothing at this address; {V1}/ lists what there is")
    raise problem(
        "unknown-version",
        f"this tracker serves {', '.join(SUPPORTED)} of the API",
        supported=list(SUPPORTED),
    )
