"""What all calls of the old protocol share: a form, a secret, a room, an address."""

import hmac
import ipaddress
import urllib.parse
from functools import lru_cache
from typing import Any

from pyramid.response import Response

from streaming_system.tracker.errors import LegacyProtocolError

MAX_BODY_BYTES = 64 * 1024
# So many fields are no form of the old protocol.
MAX_FIELDS = 1000

# What WebOb raises, apart from plain ValueErrors, where a body is no form: an unknown charset of a
# field, one of the whole body other than UTF-8, an encoded form within the form, and too many.
WEBOB_FORM_ERRORS = (ValueError, LookupError, DeprecationWarning, AttributeError, RecursionError)
FORM_MEDIA_TYPE = "application/x-www-form-urlencoded"
# As clients write it; what says more, or otherwise, is WebOb's business.
_UTF8_FORM_TYPES = frozenset(
    {"", FORM_MEDIA_TYPE, f"{FORM_MEDIA_TYPE}; charset=utf-8", f"{FORM_MEDIA_TYPE};charset=utf-8"}
)
NOT_A_FORM = "FORM the body is not a form in UTF-8"


def parse_form(request: Any, *, most: int = MAX_BODY_BYTES, what: str = "a report") -> Any:
    """Return the fields that were posted; of one that is there twice, the last.

    :param most: how many bytes the body may have; a longer one is not read.
    :raises Refused: if there is no such form.
    """
    # This is what clients of the old protocol send, and WebOb would take twice as long.
    if request.environ.get("CONTENT_TYPE", "").lower() in _UTF8_FORM_TYPES:
        return _parse_urlencoded(request, most, what, errors="strict")
    _check_body_length(request, most, what)
    try:
        return request.POST
    except WEBOB_FORM_ERRORS:
        raise LegacyProtocolError(NOT_A_FORM) from None


def parse_lenient_form(request: Any, *, most: int, what: str) -> Any:
    """Return the fields that were posted, whatever bytes are in them.

    Access logs hold what strangers sent to a web server, which need not be UTF-8.
    """
    if request.content_type != FORM_MEDIA_TYPE:
        # WebOb itself replaces what is not UTF-8 there.
        return parse_form(request, most=most, what=what)
    return _parse_urlencoded(request, most, what, errors="replace")


def _parse_urlencoded(request: Any, most: int, what: str, *, errors: str) -> dict[str, str]:
    _check_body_length(request, most, what)
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
    """Return a field of the form, "" where there is none."""
    value = form.get(name, "")
    # What is sent as a file, or as a form within the form, is no text.
    return value if isinstance(value, str) else ""


def require_secret(request: Any, form: Any) -> None:
    """Let only callers through who know the shared secret, and only while it is accepted.

    :raises Refused: otherwise.
    """
    settings = request.registry.settings
    secret = field_text(form, "secret").encode("utf-8", "surrogatepass")
    known = hmac.compare_digest(secret, settings["conference"].site.secret.encode())
    if not (known and settings["secret.accepted"]):
        raise LegacyProtocolError("SECRET", status=403)


def require_room(request: Any, form: Any) -> str:
    """Return the room's id for a caller who knows the secret.

    :raises Refused: if the secret is wrong, or there is no such room.
    """
    require_secret(request, form)
    room = field_text(form, "group")
    if room not in request.registry.settings["conference"].groups:
        raise LegacyProtocolError("GROUP", status=404)
    return room


def client_address(request: Any, form: Any) -> str:
    """Return the address of the endpoint in its shortest form.

    :raises Refused: if it is none that others could use.
    """
    claimed = request.remote_addr
    if "REMOTE_ADDR" in form and request.registry.settings["endpoint.remote_addr_field"]:
        claimed = field_text(form, "REMOTE_ADDR")
    return _validate_address(claimed)


# An endpoint reports again and again, and its address is public.
@lru_cache(maxsize=1000)
def _validate_address(claimed: str | None) -> str:
    try:
        found = ipaddress.ip_address(claimed or "")
    except ValueError:
        raise LegacyProtocolError("REMOTE_ADDR is not an IP address") from None
    # "%eth0" names a network card of ours, or any text: nobody else could use the address.
    if getattr(found, "scope_id", None):
        raise LegacyProtocolError(
            "REMOTE_ADDR is an address of one link only; allowed: one without %"
        )
    return _unmap_ipv4(found)


def normalise_address(host: str) -> str:
    """Return a host as it is kept: an address has one form only, a name stays as it is."""
    try:
        return _unmap_ipv4(ipaddress.ip_address(host))
    except ValueError:
        return host


def _unmap_ipv4(found: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    # A server that listens on IPv6 sees callers over IPv4 in this disguise.
    return str(getattr(found, "ipv4_mapped", None) or found)


def ok_response() -> Response:
    """Say that a report was taken."""
    # WebOb would take longer to write these than a form takes to read.
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
    return Response(b"OK\n", headerlist=headers)


def method_not_allowed(fields: str) -> Response:
    """Say how to report to whoever opens the address in a browser."""
    answer = Response(
        f"ERROR METHOD post a form with {fields}\n",
        status=405,
        content_type="text/plain",
        charset="utf-8",
    )
    answer.allow = ("POST",)
    return answer


def _check_body_length(request: Any, most: int, what: str) -> None:
    # A body of unknown length would be read whole before anyone could look at it.
    if request.content_length is None or request.content_length > most:
        raise LegacyProtocolError(f"SIZE {what} has at most {most} bytes", status=413)
    # So small a body needs no file.
    request.request_body_tempfile_limit = most
