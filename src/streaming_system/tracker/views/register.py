"""The old protocol's registration."""

import hmac
import ipaddress
from datetime import UTC, datetime
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.errors import Refused
from streaming_system.tracker.schemas import BadFigures, read_figures

MAX_BODY = 64 * 1024

# What WebOb raises, apart from plain ValueErrors, where a body is no form: an unknown charset of a
# field, one of the whole body other than UTF-8, an encoded form within the form, and too many.
UNREADABLE = (ValueError, LookupError, DeprecationWarning, AttributeError, RecursionError)


@view_config(route_name="endpoint.register", request_method="POST", http_cache=0)
def register(request: Any) -> Response:
    """Take the report of a server that streams a room to viewers."""
    form = _form(request)
    room = _authorised_room(request, form)
    ip = _address(request, form)
    try:
        figures = read_figures(_text(form, "data"))
    except BadFigures as error:
        raise Refused(f"DATA {error}") from None
    request.endpoints.register(room=room, ip=ip, figures=figures, now=datetime.now(UTC))
    return Response("OK\n", content_type="text/plain", charset="utf-8")


@view_config(route_name="endpoint.register", http_cache=0)
def other_methods(request: Any) -> Response:
    """Say how to register to whoever opens the address in a browser."""
    answer = Response(
        "ERROR METHOD post a form with secret, group and data\n",
        status=405,
        content_type="text/plain",
        charset="utf-8",
    )
    answer.allow = ("POST",)
    return answer


def _form(request: Any) -> Any:
    # A body of unknown length would be read whole before anyone could look at it.
    if request.content_length is None or request.content_length > MAX_BODY:
        raise Refused(f"SIZE a report has at most {MAX_BODY} bytes", status=413)
    # So small a body needs no file.
    request.request_body_tempfile_limit = MAX_BODY
    try:
        return request.POST
    except UNREADABLE:
        raise Refused("FORM the body is not a form in UTF-8") from None


def _text(form: Any, name: str) -> str:
    """Return a field of the form, "" where there is none."""
    value = form.get(name, "")
    # What is sent as a file, or as a form within the form, is no text.
    return value if isinstance(value, str) else ""


def _authorised_room(request: Any, form: Any) -> str:
    conference = request.registry.settings["conference"]
    secret = _text(form, "secret").encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(secret, conference.site.secret.encode()):
        raise Refused("SECRET", status=403)
    room = _text(form, "group")
    if not conference.takes(room):
        raise Refused("GROUP", status=404)
    return room


def _address(request: Any, form: Any) -> str:
    """Return the address of the endpoint in its shortest form."""
    claimed = request.remote_addr
    if "REMOTE_ADDR" in form and request.registry.settings["endpoint.remote_addr_field"]:
        claimed = _text(form, "REMOTE_ADDR")
    try:
        address = ipaddress.ip_address(claimed)
    except ValueError:
        raise Refused("REMOTE_ADDR is not an IP address") from None
    # "%eth0" names a network card of ours, or any text: nobody else could use the address.
    if getattr(address, "scope_id", None):
        raise Refused("REMOTE_ADDR is an address of one link only; allowed: one without %")
    # A server that listens on IPv6 sees callers over IPv4 in this disguise.
    return str(getattr(address, "ipv4_mapped", None) or address)
