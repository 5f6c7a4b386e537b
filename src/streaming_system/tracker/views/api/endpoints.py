"""Endpoints: they report, deregister and drain; anyone may list them."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pyramid.httpexceptions import HTTPNoContent

from streaming_system.tracker.api.dispatch import api_view
from streaming_system.tracker.api.problems import api_error
from streaming_system.tracker.endpoints.endpoints import ENDPOINT_TTL, REPORT_INTERVAL
from streaming_system.tracker.endpoints.stream_directory import stream_files
from streaming_system.tracker.ingest.endpoint_report import EndpointReport, EndpointState
from streaming_system.tracker.legacy.form import normalise_address
from streaming_system.tracker.models import Endpoint
from streaming_system.tracker.views.api.serialization import (
    flatten_by_stream,
    format_utc,
    nest_by_stream,
    record_audit,
)
from streaming_system.util.validation import is_host

NOT_ALIVE = "no endpoint of that name is alive in this room"


@api_view("endpoint.list")
def list_endpoints(request: Any) -> dict[str, Any]:
    """Return the live endpoints of a room."""
    alive = request.endpoints.alive(now=request.now, room=request.validated["room"])
    return {"endpoints": [_endpoint_json(request, endpoint) for endpoint in alive]}


@api_view("endpoint.get")
def get_endpoint(request: Any) -> dict[str, Any]:
    """Return a live endpoint."""
    endpoint = request.endpoints.get(**_endpoint_key(request))
    if endpoint is None or not _is_alive(request, endpoint):
        raise api_error("unknown-endpoint", NOT_ALIVE)
    return _endpoint_json(request, endpoint)


@api_view("endpoint.report", preferred=True)
def report_endpoint(request: Any) -> dict[str, Any]:
    """Ingest the report of an endpoint."""
    body = request.validated
    key, state = _endpoint_key(request), _endpoint_state(request)
    result = request.registry["report_ingest"].submit_endpoint(
        EndpointReport(
            **key,
            state=state,
            clients=body["clients"],
            bitrate=body["bitrate"],
            cbitrate=body["cbitrate"],
            stream_metrics=flatten_by_stream(body["figures"]),
            now=request.now,
            token=request.client.id,
            instance=body["instance"],
            slate=body["slate"],
        )
    )
    if result.is_new:
        request.response.status_int = 201
    return {
        "room": key["room"],
        "endpoint": key["name"],
        "url": request.directory.url(state, key["room"]),
        "report_every": int(REPORT_INTERVAL.total_seconds()),
        "next_report_at": format_utc(request.now + REPORT_INTERVAL),
        "alive_until": format_utc(request.now + ENDPOINT_TTL),
        "viewers_expected": result.assigned,
        "drained": result.drained,
    }


@api_view("endpoint.goodbye")
def deregister_endpoint(request: Any) -> Any:
    """Deregister an endpoint."""
    instance = request.validated["instance"]
    if not request.endpoints.deregister(
        **_endpoint_key(request), now=request.now, instance=instance
    ):
        raise api_error("unknown-endpoint", NOT_ALIVE)
    return HTTPNoContent()


@api_view("endpoint.drain")
def drain_endpoint(request: Any) -> dict[str, Any]:
    """Drain an endpoint, or stop draining it: by the crew's flag or the endpoint's own."""
    key, draining = _endpoint_key(request), request.validated["draining"]
    if request.client.scope == "crew":
        is_known = request.endpoints.set_drained(**key, drained=draining, now=request.now)
        action = "endpoint.drain" if draining else "endpoint.undrain"
        record_audit(request, action, f"{key['room']} {key['name']}")
    else:
        is_known = request.endpoints.set_draining(**key, draining=draining, now=request.now)
    if not is_known:
        raise api_error("unknown-endpoint", "no endpoint of that name has reported in this room")
    endpoint = request.endpoints.get(**key)
    is_drained = endpoint.draining or endpoint.drained
    last_resorts = request.directory.last_resorts(now=request.now) if is_drained else {}
    return {
        "draining": endpoint.draining,
        "drained": endpoint.drained,
        "new_viewers": not is_drained or (key["room"], key["name"]) in last_resorts,
    }


def _endpoint_key(request: Any) -> dict[str, str]:
    return {"room": request.validated["room"], "name": request.validated["endpoint"]}


def _endpoint_state(request: Any) -> EndpointState:
    body = request.validated
    host = body["host"] or urlsplit(body["url"]).hostname or request.remote_addr
    if not host or not is_host(host):
        # The sender has no address if the server listens on a Unix socket.
        raise api_error(
            "invalid",
            "it cannot be seen where the endpoint is",
            errors=[{"pointer": "/host", "detail": "allowed: an IP address or a host name"}],
        )
    host = normalise_address(host)
    bracketed = f"[{host}]" if ":" in host else host
    return EndpointState(
        host=host,
        url=f"http://{bracketed}:{body['port']}/" if body["port"] else body["url"],
        formats=tuple(body["formats"]),
        qualities=tuple(body["qualities"]),
        files=body["files"],
        ingest=tuple(_stream_ingest_json(stream) for stream in body["ingest"]),
        capacity=body["capacity"],
        draining=body["draining"],
        region=body["region"] or "",
        tags=tuple(body["tags"]),
        software=body["software"],
        clock_offset=body["clock_offset"],
    )


def _stream_ingest_json(stream: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an encoder sends as JSON, the form in which it is stored."""
    since = stream.get("since")
    return {**stream, "since": format_utc(since)} if since else dict(stream)


def _is_alive(request: Any, endpoint: Endpoint) -> bool:
    return endpoint.left_at is None and endpoint.last_seen > request.now - ENDPOINT_TTL


def _endpoint_json(request: Any, endpoint: Endpoint) -> dict[str, Any]:
    files = stream_files(endpoint, endpoint.room)
    return {
        "name": endpoint.name,
        "room": endpoint.room,
        "host": endpoint.host,
        "url": request.directory.url(endpoint, endpoint.room),
        "formats": endpoint.formats,
        "qualities": endpoint.qualities,
        **({"files": files} if files else {}),
        "capacity": endpoint.capacity,
        "region": endpoint.region or None,
        "tags": endpoint.tags,
        "software": endpoint.software,
        "draining": endpoint.draining,
        "drained": endpoint.drained,
        "slate_since": format_utc(endpoint.slate_since) if endpoint.slate_since else None,
        "clients": endpoint.clients,
        "bitrate": endpoint.bitrate,
        "cbitrate": endpoint.cbitrate,
        "figures": nest_by_stream(endpoint.stream_metrics),
        "since": format_utc(endpoint.since),
        "last_seen": format_utc(endpoint.last_seen),
        "alive_until": format_utc(endpoint.last_seen + ENDPOINT_TTL),
    }
