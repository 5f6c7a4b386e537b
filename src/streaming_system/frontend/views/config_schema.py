"""The JSON Schema of the configuration, for the editors of organisers."""

import json
from functools import cache
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.config.json_schema import config_json_schema


@view_config(route_name="config.schema", http_cache=3600)
def config_schema(request: Any) -> Response:
    """Return the JSON Schema that ``$schema`` in config.json can name."""
    response = Response(_document(), content_type="application/schema+json")
    # Editors in a browser load it from other sites.
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@cache
def _document() -> bytes:
    return json.dumps(config_json_schema(), ensure_ascii=False, indent=1).encode()
