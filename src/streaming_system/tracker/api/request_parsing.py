"""Strict, bounded parsing of the query and body of a request to the JSON API."""

import json
import re
from collections.abc import Iterable
from typing import Any

import colander

from streaming_system.tracker.api.operation import Operation
from streaming_system.tracker.api.problems import api_error
from streaming_system.tracker.schemas.types import ApiSchema
from streaming_system.util.validation import Integer

MAX_PARAMETERS = 100


def parse_query(request: Any, schema: ApiSchema) -> dict[str, Any]:
    """Return the validated query parameters.

    :raises ApiError: if a parameter is invalid.
    """
    pairs = list(request.GET.items())
    if len(pairs) > MAX_PARAMETERS or len({name for name, _ in pairs}) < len(pairs):
        raise api_error("invalid", "a parameter is there more than once")
    values = {name: _parse_parameter(schema, name, text) for name, text in pairs}
    return _validate(schema, values, "parameter", "a parameter of the query is not allowed")


def _parse_parameter(schema: ApiSchema, name: str, text: str) -> Any:
    """Convert a parameter to the JSON value that its schema expects."""
    is_integer = name in schema and isinstance(schema[name].typ.field, Integer)
    return int(text) if is_integer and re.fullmatch("-?[0-9]{1,18}", text) else text


def parse_body(request: Any, operation: Operation) -> dict[str, Any]:
    """Return the validated members of the body; none if the operation has no body.

    :raises ApiError: if the body is too large, not JSON, or invalid.
    """
    if operation.body is None:
        return {}
    if request.content_type not in operation.media or "Content-Encoding" in request.headers:
        raise api_error(
            "unsupported-media-type",
            f"allowed: {' or '.join(operation.media)}, not compressed",
        )
    charset = (request.charset or "utf-8").lower()
    if charset not in ("utf-8", "utf8"):
        raise api_error("unsupported-media-type", "allowed: UTF-8")
    value = _parse_json(_read_bounded_body(request, operation.max_body_bytes))
    return _validate(operation.body, value, "pointer", "something in the body is not allowed")


def _read_bounded_body(request: Any, max_bytes: int) -> bytes:
    """Read the body, but at most one byte more than allowed."""
    too_large = api_error("body-too-large", f"allowed: {max_bytes} bytes", limit=max_bytes)
    length = request.content_length
    if length is not None and length > max_bytes:
        raise too_large
    # Without a length, only a server that marks the end of the body can send one.
    if length is None and not request.environ.get("wsgi.input_terminated"):
        return b""
    stream = request.environ["wsgi.input"]
    body, wanted = b"", max_bytes + 1 if length is None else length
    while wanted > len(body):
        chunk = stream.read(wanted - len(body))
        if not chunk:
            break
        body += chunk
    if len(body) > max_bytes:
        raise too_large
    # Later readers of request.body get the same bytes.
    request.body = body
    return body


def _parse_json(body: bytes) -> Any:
    try:
        return json.loads(
            body.decode(), object_pairs_hook=_unique_members, parse_constant=_reject_constant
        )
    except (ValueError, RecursionError) as error:
        raise api_error("bad-json", _describe_json_error(error)) from None


class _InvalidJsonError(ValueError):
    """The body is JSON that the API refuses; the message says why."""


def _describe_json_error(error: Exception) -> str:
    if isinstance(error, _InvalidJsonError):
        return f"{error!s:.200}"
    if isinstance(error, json.JSONDecodeError):
        return f"the body is no JSON at character {error.pos}"
    if isinstance(error, UnicodeDecodeError):
        return f"the body is not UTF-8 at byte {error.start}"
    if isinstance(error, RecursionError):
        return "the body is nested too deeply"
    return "the body has a number with too many digits"


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _InvalidJsonError("a member is there twice")
    return members


def _reject_constant(name: str) -> Any:
    raise _InvalidJsonError(f"{name} is not JSON")


def _validate(schema: ApiSchema, value: Any, key: str, detail: str) -> dict[str, Any]:
    try:
        values: dict[str, Any] = schema.deserialize(value)
    except colander.Invalid as error:
        raise api_error("invalid", detail, errors=list(_error_details(error, key))) from None
    return values


def _error_details(error: colander.Invalid, key: str) -> Iterable[dict[str, str]]:
    for path in error.paths():
        names = [str(part.pos) if part.positional else part.node.name for part in path[1:]]
        if key == "pointer":
            # JSON Pointer escapes "~" and "/".
            where = "".join(f"/{name.replace('~', '~0').replace('/', '~1')}" for name in names)
        else:
            where = ".".join(names)
        details = [str(message) for part in path for message in part.messages()]
        yield {key: where, "detail": "; ".join(details)}
