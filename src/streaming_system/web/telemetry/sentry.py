"""Errors for Sentry: the exception type and the location in the code."""

import atexit
from collections.abc import Callable, Mapping
from typing import Any

from streaming_system.web.json_logging import current_request_id
from streaming_system.web.response_outcome import outcome_status
from streaming_system.web.telemetry import (
    Observer,
    TelemetryError,
    method_label,
    missing_package_error,
    route_pattern,
)

FLUSH_TIMEOUT = 2  # seconds


def create_observer(settings: Mapping[str, Any], app: str) -> Observer:
    """Return an observer that reports exceptions.

    :raises TelemetryError: if the package is missing, or the DSN is invalid.
    """
    try:
        from sentry_sdk import Client
        from sentry_sdk.utils import BadDsn, event_from_exception
    except ImportError:
        raise missing_package_error("sentry.dsn", "sentry-sdk", "sentry") from None
    try:
        # Integrations would collect more than we want to send.
        client = Client(
            dsn=settings["sentry.dsn"],
            environment=settings.get("sentry.environment", "production"),
            auto_enabling_integrations=False,
            default_integrations=False,
            auto_session_tracking=False,
            include_local_variables=False,
            max_request_body_size="never",
            send_client_reports=False,
        )
    except BadDsn:
        raise TelemetryError(
            "sentry.dsn in the ini file is none; allowed: https://KEY@HOST/PROJECT"
        ) from None
    atexit.register(client.close, timeout=FLUSH_TIMEOUT)

    def report(request: Any, error: Any) -> None:
        event, hint = event_from_exception(
            error, client_options=client.options, mechanism={"type": "pyramid", "handled": False}
        )
        for value in event["exception"]["values"]:
            value["value"] = "in the log, under the request's id"
        route = route_pattern(request)
        event["transaction"] = f"{method_label(request)} {route}"
        event["tags"] = {"app": app, "route": route, "request_id": current_request_id.get()}
        client.capture_event(event, hint)

    def observed(request: Any, handler: Callable[[Any], Any]) -> Any:
        try:
            response = handler(request)
        except Exception as error:
            report(request, error)
            raise
        # An exception with another status is intended.
        is_internal_error = outcome_status(response).startswith("500")
        if is_internal_error and (exc_info := getattr(request, "exc_info", None)):
            report(request, exc_info)
        return response

    return observed
