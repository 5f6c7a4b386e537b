"""Faults for Sentry and traces for OpenTelemetry, if the ini asks for them.

Without that, nothing of either is imported.

What leaves says what the program did, never who asked: the route and not the path, no query, body,
header, cookie or address. Nor does what an exception says, or a variable held, leave: it may be a
viewer's own words. The request's id leads from there to the log, which has them.
"""

import re
from collections.abc import Callable
from typing import Any

from pyramid.tweens import EXCVIEW

from streaming_system.web.request_id import TWEEN_NAME as REQUEST_IDS

TWEEN_NAME = "streaming_system.web.telemetry.telemetry_tween_factory"
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
HEALTH_PATHS = ("/healthz", "/readyz")
# What a part of a route may be: {room:[a-z]+}.
ROUTE_PARAMETER = re.compile(r"\{(\w+):(?:[^{}]|\{[^{}]*\})*\}")

# Something that wraps how a request is answered.
Observer = Callable[[Any, Callable[[Any], Any]], Any]


class TelemetryError(Exception):
    """It cannot be set up, with one line that says why and what to do."""


def includeme(config: Any) -> None:
    """Set up what the ini names; it does not start with less than it names."""
    settings = config.get_settings()
    app = config.root_package.__name__.rsplit(".", 1)[-1]
    observers: list[Observer] = []
    try:
        if settings.get("sentry.dsn"):
            from streaming_system.web.telemetry import sentry

            observers.append(sentry.create_observer(settings, app))
        if settings.get("otel.endpoint"):
            from streaming_system.web.telemetry import otel

            observers.append(otel.create_observer(settings, app))
    except TelemetryError as error:
        raise SystemExit(str(error)) from None
    if observers:
        config.registry["telemetry"] = observers
        # It sees what became of an exception.
        config.add_tween(TWEEN_NAME, under=REQUEST_IDS, over=EXCVIEW)


def telemetry_tween_factory(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """Return the tween that lets observers see each request."""
    for observer in registry["telemetry"]:
        handler = _wrap(handler, observer)
    return handler


def _wrap(handler: Callable[[Any], Any], observer: Observer) -> Callable[[Any], Any]:
    return lambda request: observer(request, handler)


def route_pattern(request: Any) -> str:
    """Return the pattern of the route: without what a viewer has put into it."""
    route = request.matched_route
    return ROUTE_PARAMETER.sub(r"{\1}", route.pattern) if route is not None else "-"


def is_health_check(request: Any) -> bool:
    """Return whether a monitor asks, every few seconds."""
    return request.environ.get("PATH_INFO") in HEALTH_PATHS


def method_label(request: Any) -> str:
    """Return the method, if it is one: anybody can send any word."""
    return request.method if request.method in KNOWN_METHODS else "_OTHER"


def missing_package_error(key: str, package: str, extra: str) -> TelemetryError:
    """Return what says that a package is missing."""
    return TelemetryError(
        f"{key} in the ini file needs the package {package}, which is not installed: "
        f"pip install 'streaming-system[{extra}]', or leave {key} out"
    )
