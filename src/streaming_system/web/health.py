"""Whether a process answers, and whether it can do its work: for deployments and monitors.

Each app has both addresses; only the app knows what it needs to be ready.
"""

import json
from collections.abc import Mapping
from typing import Any

from pyramid.response import Response

READ = ("GET", "HEAD")
# Nobody but programs asks for these, every few seconds: they are in no figures and no log.
ROUTES = frozenset({"health.live", "health.ready"})


class NotReady(Exception):  # noqa: N818 - It is an answer to the caller, not a fault of ours.
    """What keeps an app from its work, in one line for everybody: no paths, names or addresses."""


def add_routes(config: Any) -> None:
    """Add the two addresses to an app's own."""
    config.add_route("health.live", "/healthz", request_method=READ)
    config.add_route("health.ready", "/readyz", request_method=READ)


def alive() -> Response:
    """Answer that the process answers."""
    return Response("ok\n", content_type="text/plain", charset="utf-8", cache_control="no-store")


def ready(details: Mapping[str, Any]) -> Response:
    """Answer that the app can do its work, and what it does it with."""
    return _told(200, {"ready": True, **details})


def not_ready(reason: NotReady) -> Response:
    """Answer what keeps the app from its work."""
    return _told(503, {"ready": False, "error": str(reason)})


def _told(status: int, document: Mapping[str, Any]) -> Response:
    return Response(
        json.dumps(document) + "\n",
        status=status,
        content_type="application/json",
        charset="utf-8",
        cache_control="no-store",
    )
