"""Endpoints, for programs: they report here, and anybody may look at them."""

from typing import Any
from urllib.parse import urlsplit

from pyramid.httpexceptions import HTTPNoContent

from streaming_system.tracker.api.dispatch import api_view
from streaming_system.tracker.api.problems import api_error
from streaming_system.tracker.endpoints.endpoints import ENDPOINT_TTL, REPORT_INTERVAL
from streaming_system.tracker.ingest.endpoints import EndpointReport, EndpointState
from streaming_system.tracker.legacy.form import normalise_address
from streaming_system.tracker.models import Endpoint
from streaming_system.tracker.schemas.types import is_host
from streaming_system.tracker.views.api.serialization import (
    flatten_by_stream,
    format_utc,
    nest_by_stream,
    record_audit,
)

NOT_ALIVE = "no endpoint of that name is alive in this room"


@api_view("endpoint.list")
def list_endpoints(request: Any) -> dict[str, Any]:
    """Return a room's endpoints."""
    alive = request.endpoints.alive(now=request.now, room=request.validated["room"])
    return {"endpoints": [_endpoint_json(request, endpoint) for endpoint in alive]}


@api_view("endpoint.get")
def endpoint(request: Any) -> dict[str, Any]:
    """Return an endpoint."""
    found = request.endpoints.get(**_endpoint_key(request))
    if found is None or not _is_alive(request, found):
        raise api_error("unknown-endpoint", NOT_ALIVE)
    return _endpoint_json(request, found)


@api_view("endpoint.report", often=True)
def report_endpoint(request: Any) -> dict[str, Any]:
    """Take an endpoint's report."""
    sent = request.validated
    which, state = _endpoint_key(request), _endpoint_state(request)
    registered = request.registry["reports"].endpoint(
        EndpointReport(
            **which,
            state=state,
            clients=sent["clients"],
            bitrate=sent["bitrate"],
            cbitrate=sent["cbitrate"],
            figures=flatten_by_stream(sent["figures"]),
            now=request.now,
        )
    )
    if registered.came:
        request.response.status_int = 201
    return {
        "room": which["room"],
        "endpoint": which["name"],
        "url": request.directory.url(state, which["room"]),
        "report_every": int(REPORT_INTERVAL.total_seconds()),
        "next_report_at": format_utc(request.now + REPORT_INTERVAL),
        "alive_until": format_utc(request.now + ENDPOINT_TTL),
        "viewers_expected": registered.handed,
        "drained": registered.drained,
    }


@api_view("endpoint.goodbye")
def deregister_endpoint(request: Any) -> Any:
    """Take an endpoint out."""
    if not request.endpoints.goodbye(**_endpoint_key(request), now=request.now):
        raise api_error("unknown-endpoint", NOT_ALIVE)
    return HTTPNoContent()


@api_view("endpoint.drain")
def drain_endpoint(request: Any) -> dict[str, Any]:
    """Let an endpoint have no new viewers, or have them again."""
    wanted = request.validated["draining"]
    if request.caller.scope == "crew":
        found = request.endpoints.set_drained(
            **_endpoint_key(request), drained=wanted, now=request.now
        )
        action = "endpoint.drain" if wanted else "endpoint.undrain"
        record_audit(
            request, action, f"{request.validated['room']} {request.validated['endpoint']}"
        )
    else:
        found = request.endpoints.set_draining(
            **_endpoint_key(request), draining=wanted, now=request.now
        )
    if not found:
        raise api_error("unknown-endpoint", "no endpoint of that name has reported in this room")
    changed = request.endpoints.get(**_endpoint_key(request))
    return {"draining": changed.draining, "drained": changed.drained}


def _endpoint_key(request: Any) -> dict[str, str]:
    return {"room": request.validated["room"], "name": request.validated["endpoint"]}


def _endpoint_state(request: Any) -> EndpointState:
    sent = request.validated
    host = sent["host"] or urlsplit(sent["url"]).hostname or request.remote_addr
    if not host or not is_host(host):
        # Behind a socket without addresses, nobody knows who calls.
        raise api_error(
            "invalid",
            "it cannot be seen where the endpoint is",
            errors=[{"pointer": "/host", "detail": "allowed: an IP address or a host name"}],
        )
    host = normalise_address(host)
    bracketed = f"[{host}]" if ":" in host else host
    return EndpointState(
        host=host,
        url=f"http://{bracketed}:{sent['port']}/" if sent["port"] else sent["url"],
        formats=tuple(sent["formats"]),
        qualities=tuple(sent["qualities"]),
        capacity=sent["capacity"],
        draining=sent["draining"],
        region=sent["region"] or "",
        tags=tuple(sent["tags"]),
        software=sent["software"],
    )


def _is_alive(request: Any, endpoint: Endpoint) -> bool:
    return endpoint.left_at is None and endpoint.last_seen > request.now - ENDPOINT_TTL


def _endpoint_json(request: Any, endpoint: Endpoint) -> dict[str, Any]:
    return {
        "name": endpoint.name,
        "room": endpoint.room,
        "host": endpoint.host,
        "url": request.directory.url(endpoint, endpoint.room),
        "formats": endpoint.formats,
        "qualities": endpoint.qualities,
        "capacity": endpoint.capacity,
        "region": endpoint.region or None,
        "tags": endpoint.tags,
        "software": endpoint.software,
        "draining": endpoint.draining,
        "drained": endpoint.drained,
        "clients": endpoint.clients,
        "bitrate": endpoint.bitrate,
        "cbitrate": endpoint.cbitrate,
        "figures": nest_by_stream(endpoint.figures),
        "since": format_utc(endpoint.since),
        "last_seen": format_utc(endpoint.last_seen),
        "alive_until": format_utc(endpoint.last_seen + ENDPOINT_TTL),
    }
