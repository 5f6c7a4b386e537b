"""What all requests of the legacy protocol share: a form, the secret, a room, an address."""

import hmac
import ipaddress
import urllib.parse
from functools import lru_cache
from typing import Any

from pyramid.response import Response

from streaming_system.tracker.legacy.errors import LegacyProtocolError

MAX_BODY_BYTES = 64 * 1024
# Forms of the legacy protocol have a handful of fields.
MAX_FIELDS = 1000

# WebOb raises these for an invalid body. Besides ValueError, the causes are an unknown charset of a
# field, a charset of the body other than UTF-8, an encoded nested form, and too many nested forms.
WEBOB_FORM_ERRORS = (ValueError, LookupError, DeprecationWarning, AttributeError, RecursionError)
FORM_MEDIA_TYPE = "application/x-www-form-urlencoded"
# The content types that clients send; WebOb parses all others.
_UTF8_FORM_TYPES = frozenset(
    {"", FORM_MEDIA_TYPE, f"{FORM_MEDIA_TYPE}; charset=utf-8", f"{FORM_MEDIA_TYPE};charset=utf-8"}
)
NOT_A_FORM = "FORM the body is not a form in UTF-8"


def parse_form(request: Any, *, max_bytes: int = MAX_BODY_BYTES, what: str = "a report") -> Any:
    """Return the fields of the body; the last value of each name.

    :param max_bytes: larger bodies are refused unread.
    :param what: the name of the body in the error message.
    :raises LegacyProtocolError: if the body is not a form.
    """
    # WebOb needs twice as long for the forms that clients send.
    if request.environ.get("CONTENT_TYPE", "").lower() in _UTF8_FORM_TYPES:
        return _parse_urlencoded(request, max_bytes, what, errors="strict")
    _check_body_length(request, max_bytes, what)
    try:
        return request.POST
    except WEBOB_FORM_ERRORS:
        raise LegacyProtocolError(NOT_A_FORM) from None


def parse_lenient_form(request: Any, *, max_bytes: int, what: str) -> Any:
    """Return the fields of the body, with bytes that are not UTF-8 replaced.

    Access logs contain what clients sent to a web server, in any encoding.
    """
    if request.content_type != FORM_MEDIA_TYPE:
        # WebOb replaces invalid bytes in multipart forms.
        return parse_form(request, max_bytes=max_bytes, what=what)
    return _parse_urlencoded(request, max_bytes, what, errors="replace")


def _parse_urlencoded(request: Any, max_bytes: int, what: str, *, errors: str) -> dict[str, str]:
    _check_body_length(request, max_bytes, what)
    try:
        return dict(
            urllib.parse.parse_qsl(
                request.body.decode("utf-8", errors),
                keep_blank_values=True,
                errors=errors,
                max_num_fields=MAX_FIELDS,
            )
        )
    except ValueError:
        raise LegacyProtocolError(NOT_A_FORM) from None


def field_text(form: Any, name: str) -> str:
    """Return a field of the form, "" if it is missing."""
    value = form.get(name, "")
    # An uploaded file, or a form within the form, is not a text.
    return value if isinstance(value, str) else ""


def require_secret(request: Any, form: Any) -> None:
    """Check the shared secret.

    :raises LegacyProtocolError: if it is wrong, or the ini file disables it.
    """
    settings = request.registry.settings
    secret = field_text(form, "secret").encode("utf-8", "surrogatepass")
    is_correct = hmac.compare_digest(secret, request.conference.site.secret.encode())
    if not (is_correct and settings["secret.accepted"]):
        raise LegacyProtocolError("SECRET", status=403)


def require_room(request: Any, form: Any) -> str:
    """Return the room's id, after a check of the secret.

    :raises LegacyProtocolError: if the secret is wrong, or there is no such room.
    """
    require_secret(request, form)
    room = field_text(form, "group")
    if room not in request.conference.groups:
        raise LegacyProtocolError("GROUP", status=404)
    return room


def client_address(request: Any, form: Any) -> str:
    """Return the endpoint's IP address in its canonical form.

    :raises LegacyProtocolError: if other machines cannot reach it.
    """
    claimed = request.remote_addr
    if "REMOTE_ADDR" in form and request.registry.settings["endpoint.remote_addr_field"]:
        claimed = field_text(form, "REMOTE_ADDR")
    return _validate_address(claimed)


# The same endpoints report every few seconds. Their addresses are public.
@lru_cache(maxsize=1000)
def _validate_address(claimed: str | None) -> str:
    try:
        address = ipaddress.ip_address(claimed or "")
    except ValueError:
        raise LegacyProtocolError("REMOTE_ADDR is not an IP address") from None
    # A scope such as "%eth0" is valid on the sender's machine only, and may be any text.
    if getattr(address, "scope_id", None):
        raise LegacyProtocolError(
            "REMOTE_ADDR is an address of one link only; allowed: one without %"
        )
    return _unmap_ipv4(address)


def normalise_address(host: str) -> str:
    """Return the canonical form of an IP address; a DNS name stays unchanged."""
    try:
        return _unmap_ipv4(ipaddress.ip_address(host))
    except ValueError:
        return host


def _unmap_ipv4(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    # A server that listens on IPv6 sees IPv4 clients as IPv4-mapped addresses.
    return str(getattr(address, "ipv4_mapped", None) or address)


def ok_response() -> Response:
    """Return the acknowledgement of a report."""
    # WebOb takes longer to create these headers than the view to parse the form.
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
    return Response(b"OK\n", headerlist=headers)


def method_not_allowed(fields: str) -> Response:
    """Return 405 with the expected fields, for people who open the address in a browser."""
    response = Response(
        f"ERROR METHOD post a form with {fields}\n",
        status=405,
        content_type="text/plain",
        charset="utf-8",
    )
    response.allow = ("POST",)
    return response


def _check_body_length(request: Any, max_bytes: int, what: str) -> None:
    # A body of unknown length would have to be read completely.
    if request.content_length is None or request.content_length > max_bytes:
        raise LegacyProtocolError(f"SIZE {what} has at most {max_bytes} bytes", status=413)
    # WebOb stores larger bodies in temporary files.
    request.request_body_tempfile_limit = max_bytes
