"""Errors for Sentry and traces for OpenTelemetry, if the ini enables them.

Neither is imported otherwise.

Reports describe the program and contain no data of viewers: the route instead of the path, and no
query, body, header, cookie or address. Messages of exceptions and values of variables are withheld,
since they may contain such data. The request id identifies the log records, which have them.
"""

import re
from collections.abc import Callable
from typing import Any

from pyramid.tweens import EXCVIEW

from streaming_system.web.request_id import TWEEN_NAME as REQUEST_IDS

TWEEN_NAME = "streaming_system.web.telemetry.telemetry_tween_factory"
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
HEALTH_PATHS = ("/healthz", "/readyz")
# A parameter of a route pattern: {room:[a-z]+}.
ROUTE_PARAMETER = re.compile(r"\{(\w+):(?:[^{}]|\{[^{}]*\})*\}")

# Called with a request and the handler; returns the response.
Observer = Callable[[Any, Callable[[Any], Any]], Any]


class TelemetryError(Exception):
    """The setup failed; the message is one line with the reason and the remedy."""


def includeme(config: Any) -> None:
    """Set up the configured services.

    An app that is built again has the services of the one before in its registry.

    :raises SystemExit: if one is unavailable.
    """
    settings = config.get_settings()
    app = config.root_package.__name__.rsplit(".", 1)[-1]
    observers: list[Observer] = config.registry.get("telemetry", [])
    try:
        if settings.get("sentry.dsn") and "telemetry" not in config.registry:
            from streaming_system.web.telemetry import sentry

            observers.append(sentry.create_observer(settings, app))
        if settings.get("otel.endpoint") and "telemetry" not in config.registry:
            from streaming_system.web.telemetry import otel

            observers.append(otel.create_observer(settings, app))
    except TelemetryError as error:
        raise SystemExit(str(error)) from None
    if observers:
        config.registry["telemetry"] = observers
        # Above the exception views: it sees the resulting response.
        config.add_tween(TWEEN_NAME, under=REQUEST_IDS, over=EXCVIEW)


def telemetry_tween_factory(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """Return the tween that passes each request through the observers."""
    for observer in registry["telemetry"]:
        handler = _wrap(handler, observer)
    return handler


def _wrap(handler: Callable[[Any], Any], observer: Observer) -> Callable[[Any], Any]:
    return lambda request: observer(request, handler)


def route_pattern(request: Any) -> str:
    """Return the pattern of the route, which contains no values of the request."""
    route = request.matched_route
    return ROUTE_PARAMETER.sub(r"{\1}", route.pattern) if route is not None else "-"


def is_health_check(request: Any) -> bool:
    """Return whether it is a health check, which monitors send every few seconds."""
    return request.environ.get("PATH_INFO") in HEALTH_PATHS


def method_label(request: Any) -> str:
    """Return the method, or a constant for an unknown one."""
    return request.method if request.method in KNOWN_METHODS else "_OTHER"


def missing_package_error(key: str, package: str, extra: str) -> TelemetryError:
    """Return the error for a missing package."""
    return TelemetryError(
        f"{key} in the ini file needs the package {package}, which is not installed: "
        f"pip install 'streaming-system[{extra}]', or leave {key} out"
    )
