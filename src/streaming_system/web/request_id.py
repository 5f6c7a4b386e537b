"""One id for each request, from the proxy's log to ours and to whoever asked.

It is an app's outermost tween, so that whatever an app logs of a request has its id. With
``access_log = true`` in the ini each request is a line, too, without anything about the viewer.
"""

import logging
import random
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from pyramid.settings import asbool
from pyramid.tweens import INGRESS

from streaming_system.web.health import HEALTH_ROUTES as HEALTH
from streaming_system.web.json_logging import request_id

REQUEST_ID_HEADER = "X-Request-ID"
TWEEN_NAME = "streaming_system.web.request_id.request_id_tween_factory"
# What proxies make: UUIDs, hexadecimal digits. Other text would be a stranger's words in our logs.
VALID_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)

access_log = logging.getLogger("streaming_system.access")


def includeme(config: Any) -> None:
    """Give every request an id."""
    config.add_tween(TWEEN_NAME, under=INGRESS)


def request_id_tween_factory(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """Return the tween that gives requests their ids."""
    writes = asbool(registry.settings.get("access_log"))
    clock = time.perf_counter

    def identified(request: Any) -> Any:
        own = request_id_from(request.environ)
        path = request_path(request.environ)
        begun = clock()
        token = request_id.set(own)
        try:
            response = handler(request)
            response.headers[REQUEST_ID_HEADER] = own
            if writes and not _is_health_check(request):
                log_access(
                    request.environ["REQUEST_METHOD"], path, response.status_int, clock() - begun
                )
            return response
        finally:
            # The thread will log what is about no request, or about another one.
            request_id.reset(token)

    return identified


def request_id_from(environ: Mapping[str, Any]) -> str:
    """Return the id of a request: the proxy's, or a new one."""
    given: str = environ.get("HTTP_X_REQUEST_ID", "")
    if VALID_ID.fullmatch(given):
        return given
    # Nobody guards anything by it, and the system's own random numbers cost each answer a call.
    return f"{random.getrandbits(128):032x}"


def request_path(environ: Mapping[str, Any]) -> str:
    """Return the path of a request, and not what was asked for behind it.

    That may be a viewer's own words.
    """
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path


def log_access(method: str, path: str, status: int, seconds: float) -> None:
    """Write a line about a request into the log."""
    fields = {
        "method": quote(method),
        "path": quote(path.encode("latin-1")),
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
    }
    access_log.info("%(method)s %(path)s %(status)d %(milliseconds)s ms", fields,
                extra={"fields": fields})  # fmt: skip


def _is_health_check(request: Any) -> bool:
    return request.matched_route is not None and request.matched_route.name in HEALTH
