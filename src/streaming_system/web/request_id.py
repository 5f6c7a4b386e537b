"""One id per request, shared by the proxy's log, this system's logs and the response.

The tween is the outermost one, so that every log record of a request has its id. With
``access_log = true`` in the ini it also logs each request, without data of the viewer.
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

from streaming_system.web.health import HEALTH_ROUTES
from streaming_system.web.json_logging import current_request_id

REQUEST_ID_HEADER = "X-Request-ID"
TWEEN_NAME = "streaming_system.web.request_id.request_id_tween_factory"
# Proxies send UUIDs or hexadecimal digits. Other text could be injected into the logs.
VALID_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)

access_log = logging.getLogger("streaming_system.access")


def includeme(config: Any) -> None:
    """Add the tween."""
    config.add_tween(TWEEN_NAME, under=INGRESS)


def request_id_tween_factory(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """Return a tween that sets the request id, returns it to the client, and logs the request."""
    logs_requests = asbool(registry.settings.get("access_log"))
    clock = time.perf_counter

    def request_id_tween(request: Any) -> Any:
        request_id = request_id_from(request.environ)
        path = request_path(request.environ)
        started = clock()
        token = current_request_id.set(request_id)
        try:
            response = handler(request)
            response.headers[REQUEST_ID_HEADER] = request_id
            if logs_requests and not _is_health_check(request):
                method, duration = request.environ["REQUEST_METHOD"], clock() - started
                log_access(method, path, response.status_int, duration)
            return response
        finally:
            # The thread serves other requests later.
            current_request_id.reset(token)

    return request_id_tween


def request_id_from(environ: Mapping[str, Any]) -> str:
    """Return the id that the proxy sent, or a new one."""
    received: str = environ.get("HTTP_X_REQUEST_ID", "")
    if VALID_ID.fullmatch(received):
        return received
    # The id is no secret; os.urandom would cost a system call per response.
    return f"{random.getrandbits(128):032x}"


def request_path(environ: Mapping[str, Any]) -> str:
    """Return the path of a request without the query, which may hold a viewer's words."""
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path


def log_access(method: str, path: str, status: int, seconds: float) -> None:
    """Log one request.

    :param path: as WSGI decodes it, in Latin-1.
    """
    fields = {
        "method": quote(method),
        "path": quote(path.encode("latin-1")),
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
    }
    access_log.info("%(method)s %(path)s %(status)d %(milliseconds)s ms", fields, extra=fields)


def _is_health_check(request: Any) -> bool:
    return request.matched_route is not None and request.matched_route.name in HEALTH_ROUTES
