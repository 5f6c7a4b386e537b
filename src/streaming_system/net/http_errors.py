"""Describes failed HTTP requests without the texts of exceptions."""

import http.client
import re

import urllib3

from streaming_system.net.ssrf import BlockedAddressError

_ERRNO = re.compile(r"\[Errno -?\d+\] ([A-Za-z ]+)")


def describe_http_error(error: Exception) -> str:
    """Return a predicate in a few words, without URLs, addresses and representations of objects.

    :param error: of urllib3, or an ``OSError`` or ``ValueError`` of the layers below.
    """
    reason = getattr(error, "reason", None)
    error = reason if isinstance(reason, Exception) else error
    if isinstance(error, BlockedAddressError):
        # The message is ours.
        return str(error)
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "cannot be reached: unknown host name"
    if isinstance(error, urllib3.exceptions.SSLError):
        return "has an invalid certificate"
    # NewConnectionError is a subclass of TimeoutError, so the errno goes first.
    if errno := _ERRNO.search(str(error)):
        return f"cannot be reached: {errno[1].lower()}"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "takes too long to respond"
    if isinstance(error, urllib3.exceptions.DecodeError):
        return "responds in an invalid content encoding"
    if isinstance(error, urllib3.exceptions.LocationValueError):
        return "cannot be reached: invalid address"
    if any(_is_foreign_protocol(argument) for argument in error.args):
        return "does not respond in HTTP"
    return "closes the connection before the end of the response"


def _is_foreign_protocol(error: object) -> bool:
    return isinstance(error, http.client.BadStatusLine) and not isinstance(
        error, http.client.RemoteDisconnected
    )
