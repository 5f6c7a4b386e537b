"""What all calls of the old protocol share: a form, a secret, a room, an address."""

import hmac
import ipaddress
import urllib.parse
from functools import lru_cache
from typing import Any

from pyramid.response import Response

from streaming_system.tracker.errors import Refused

MAX_BODY = 64 * 1024
# So many fields are no form of the old protocol.
MAX_FIELDS = 1000

# What WebOb raises, apart from plain ValueErrors, where a body is no form: an unknown charset of a
# field, one of the whole body other than UTF-8, an encoded form within the form, and too many.
UNREADABLE = (ValueError, LookupError, DeprecationWarning, AttributeError, RecursionError)
URLENCODED = "application/x-www-form-urlencoded"
# As clients write it; what says more, or otherwise, is WebOb's business.
_PLAIN = frozenset({"", URLENCODED, f"{URLENCODED}; charset=utf-8", f"{URLENCODED};charset=utf-8"})
NO_FORM = "FORM the body is not a form in UTF-8"


def read_form(request: Any, *, most: int = MAX_BODY, what: str = "a report") -> Any:
    """Return the fields that were posted; of one that is there twice, the last.

    :param most: how many bytes the body may have; a longer one is not read.
    :raises Refused: if there is no such form.
    """
    # This is what clients of the old protocol send, and WebOb would take twice as long.
    if request.environ.get("CONTENT_TYPE", "").lower() in _PLAIN:
        return _parsed(request, most, what, errors="strict")
    _check_length(request, most, what)
    try:
        return request.POST
    except UNREADABLE:
        raise Refused(NO_FORM) from None


def read_odd_form(request: Any, *, most: int, what: str) -> Any:
    """Return the fields that were posted, whatever bytes are in them.

    Access logs hold what strangers sent to a web server, which need not be UTF-8.
    """
    if request.content_type != URLENCODED:
        # WebOb itself replaces what is not UTF-8 there.
        return read_form(request, most=most, what=what)
    return _parsed(request, most, what, errors="replace")


def _parsed(request: Any, most: int, what: str, *, errors: str) -> dict[str, str]:
    _check_length(request, most, what)
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
        raise Refused(NO_FORM) from None


def text(form: Any, name: str) -> str:
    """Return a field of the form, "" where there is none."""
    value = form.get(name, "")
    # What is sent as a file, or as a form within the form, is no text.
    return value if isinstance(value, str) else ""


def check_secret(request: Any, form: Any) -> None:
    """Let only callers through who know the shared secret, and only while it is accepted.

    :raises Refused: otherwise.
    """
    settings = request.registry.settings
    secret = text(form, "secret").encode("utf-8", "surrogatepass")
    known = hmac.compare_digest(secret, settings["conference"].site.secret.encode())
    if not (known and settings["secret.accepted"]):
        raise Refused("SECRET", status=403)


def authorised_room(request: Any, form: Any) -> str:
    """Return the room's id for a caller who knows the secret.

    :raises Refused: if the secret is wrong, or there is no such room.
    """
    check_secret(request, form)
    room = text(form, "group")
    if room not in request.registry.settings["conference"].groups:
        raise Refused("GROUP", status=404)
    return room


def address(request: Any, form: Any) -> str:
    """Return the address of the endpoint in its shortest form.

    :raises Refused: if it is none that others could use.
    """
    claimed = request.remote_addr
    if "REMOTE_ADDR" in form and request.registry.settings["endpoint.remote_addr_field"]:
        claimed = text(form, "REMOTE_ADDR")
    return _usable(claimed)


# An endpoint reports again and again, and its address is public.
@lru_cache(maxsize=1000)
def _usable(claimed: str | None) -> str:
    try:
        found = ipaddress.ip_address(claimed or "")
    except ValueError:
        raise Refused("REMOTE_ADDR is not an IP address") from None
    # "%eth0" names a network card of ours, or any text: nobody else could use the address.
    if getattr(found, "scope_id", None):
        raise Refused("REMOTE_ADDR is an address of one link only; allowed: one without %")
    return _shortest(found)


def shortest(host: str) -> str:
    """Return a host as it is kept: an address has one form only, a name stays as it is."""
    try:
        return _shortest(ipaddress.ip_address(host))
    except ValueError:
        return host


def _shortest(found: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    # A server that listens on IPv6 sees callers over IPv4 in this disguise.
    return str(getattr(found, "ipv4_mapped", None) or found)


def ok() -> Response:
    """Say that a report was taken."""
    # WebOb would take longer to write these than a form takes to read.
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
    return Response(b"OK\n", headerlist=headers)


def post_only(fields: str) -> Response:
    """Say how to report to whoever opens the address in a browser."""
    answer = Response(
        f"ERROR METHOD post a form with {fields}\n",
        status=405,
        content_type="text/plain",
        charset="utf-8",
    )
    answer.allow = ("POST",)
    return answer


def _check_length(request: Any, most: int, what: str) -> None:
    # A body of unknown length would be read whole before anyone could look at it.
    if request.content_length is None or request.content_length > most:
        raise Refused(f"SIZE {what} has at most {most} bytes", status=413)
    # So small a body needs no file.
    request.request_body_tempfile_limit = most
