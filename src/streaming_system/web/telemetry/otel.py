"""Traces for OpenTelemetry: one span per request, sent by OTLP over HTTP."""

import atexit
from collections.abc import Callable, Mapping
from typing import Any

from streaming_system.web.json_logging import current_request_id
from streaming_system.web.response_outcome import outcome_status
from streaming_system.web.telemetry import (
    Observer,
    TelemetryError,
    is_health_check,
    method_label,
    missing_package_error,
    route_pattern,
)


def create_observer(settings: Mapping[str, Any], app: str) -> Observer:
    """Return an observer that creates a span for each request.

    :raises TelemetryError: if a package is missing, or a setting is invalid.
    """
    endpoint = settings["otel.endpoint"]
    if not endpoint.startswith(("http://", "https://")):
        raise TelemetryError(
            f"otel.endpoint in the ini file is {endpoint!r}; allowed: http://HOST:4318"
        )
    try:
        from opentelemetry.context import Context
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
        from opentelemetry.trace import SpanKind, Status, StatusCode
    except ImportError:
        raise missing_package_error(
            "otel.endpoint", "opentelemetry-sdk and its exporter", "otel"
        ) from None

    # Not the global provider: one process may contain both apps.
    provider = TracerProvider(
        resource=Resource.create({"service.name": f"streaming-{app}"}),
        sampler=TraceIdRatioBased(_parse_sampling_ratio(settings)),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    atexit.register(provider.shutdown)
    tracer = provider.get_tracer("streaming_system")

    def observed(request: Any, handler: Callable[[Any], Any]) -> Any:
        # Trace headers of clients are untrusted, so each request starts a new trace.
        with tracer.start_as_current_span(
            method_label(request),
            context=Context(),
            kind=SpanKind.SERVER,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            status, is_failure = 500, True
            try:
                response = handler(request)
                status = response.status_int
                is_failure = outcome_status(response).startswith("5")
                return response
            finally:
                route = route_pattern(request)
                span.update_name(f"{method_label(request)} {route}")
                span.set_attributes(
                    {
                        "http.request.method": method_label(request),
                        "http.route": route,
                        "http.response.status_code": status,
                        "request.id": current_request_id.get(),
                    }
                )
                if is_failure:
                    span.set_status(Status(StatusCode.ERROR))

    def unless_health(request: Any, handler: Callable[[Any], Any]) -> Any:
        return handler(request) if is_health_check(request) else observed(request, handler)

    return unless_health


def _parse_sampling_ratio(settings: Mapping[str, Any]) -> float:
    text = str(settings.get("otel.share", "0.05"))
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise TelemetryError(f"otel.share in the ini file is {text!r}; allowed: a share, 0 to 1")
    return share
