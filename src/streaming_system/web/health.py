"""Whether a process answers, and whether it can do its work: for deployments and monitors.

Each app has both addresses; only the app knows what it needs to be ready.
"""

import json
from collections.abc import Mapping
from typing import Any

from pyramid.response import Response

READ_METHODS = ("GET", "HEAD")
# Nobody but programs asks for these, every few seconds: they are in no figures and no log.
HEALTH_ROUTES = frozenset({"health.live", "health.ready"})


class NotReadyError(Exception):
    """What keeps an app from its work, in one line for everybody: no paths, names or addresses."""


def add_routes(config: Any) -> None:
    """Add the two addresses to an app's own."""
    config.add_route("health.live", "/healthz", request_method=READ_METHODS)
    config.add_route("health.ready", "/readyz", request_method=READ_METHODS)


def live_response() -> Response:
    """Answer that the process answers."""
    return Response("ok\n", content_type="text/plain", charset="utf-8", cache_control="no-store")


def ready_response(details: Mapping[str, Any]) -> Response:
    """Answer that the app can do its work, and what it does it with."""
    return _json_response(200, {"ready": True, **details})


def not_ready_response(reason: NotReadyError) -> Response:
    """Answer what keeps the app from its work."""
    return _json_response(503, {"ready": False, "error": str(reason)})


def _json_response(status: int, document: Mapping[str, Any]) -> Response:
    return Response(
        json.dumps(document) + "\n",
        status=status,
        content_type="application/json",
        charset="utf-8",
        cache_control="no-store",
    )
