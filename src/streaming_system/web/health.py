"""Liveness and readiness endpoints, ``/healthz`` and ``/readyz``.

Both apps have them; each app decides what makes it ready.
"""

import json
from collections.abc import Mapping
from typing import Any

from pyramid.response import Response

from streaming_system.util.program_version import program_version

READ_METHODS = ("GET", "HEAD")
# Monitors request these every few seconds, so logs and metrics exclude them.
HEALTH_ROUTES = frozenset({"health.live", "health.ready"})


class NotReadyError(Exception):
    """The reason why an app is not ready: one public line without paths, names or addresses."""


def add_routes(config: Any) -> None:
    """Add the two routes to an app, and its version for the templates."""
    config.registry["program_version"] = program_version()
    config.add_route("health.live", "/healthz", request_method=READ_METHODS)
    config.add_route("health.ready", "/readyz", request_method=READ_METHODS)


def live_response() -> Response:
    """Return the response of a running process."""
    return Response("ok\n", content_type="text/plain", charset="utf-8", cache_control="no-store")


def ready_response(details: Mapping[str, Any]) -> Response:
    """Return the response of a ready app.

    :param details: JSON members about its state.
    """
    return _ready_document(200, {"ready": True, **details})


def not_ready_response(reason: NotReadyError) -> Response:
    """Return the response of an app that is not ready."""
    return _ready_document(503, {"ready": False, "error": str(reason)})


def _ready_document(status: int, state: Mapping[str, Any]) -> Response:
    program = program_version()
    document = {**state, "version": program.version, "commit": program.commit}
    return Response(
        json.dumps(document) + "\n",
        status=status,
        content_type="application/json",
        charset="utf-8",
        cache_control="no-store",
    )
