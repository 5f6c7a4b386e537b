"""How the JSON API reads what it is sent: within bounds, and strictly."""

import json
import re
from collections.abc import Iterable
from typing import Any

import colander

from streaming_system.tracker.api.operation import Operation
from streaming_system.tracker.api.problems import problem
from streaming_system.tracker.schemas.types import Record, Whole


def read_query(request: Any, schema: Record) -> dict[str, Any]:
    """Return the parameters of the query.

    :raises Problem: if it cannot be read, or a parameter is not allowed.
    """
    try:
        pairs = list(request.GET.items())
    except UnicodeDecodeError:
        raise problem("bad-address", "the query is not in UTF-8") from None
    twice = {name for name, _ in pairs if sum(name == other for other, _ in pairs[:100]) > 1}
    if twice or len(pairs) > 100:
        raise problem("invalid", "a parameter is there more than once")
    values = {name: _from_text(schema, name, text) for name, text in pairs}
    return _valid(schema, values, "parameter", "a parameter of the query is not allowed")


def _from_text(schema: Record, name: str, text: str) -> Any:
    """Return a parameter as the JSON value that it stands for."""
    whole = name in schema and isinstance(schema[name].typ, Whole)
    return int(text) if whole and re.fullmatch("-?[0-9]{1,18}", text) else text


def read_body(request: Any, operation: Operation) -> dict[str, Any]:
    """Return what was sent.

    :raises Problem: if it is too large, no JSON, or not allowed.
    """
    if request.content_type not in operation.media or "Content-Encoding" in request.headers:
        raise problem(
            "unsupported-media-type",
            f"allowed: {' or '.join(operation.media)}, not compressed",
        )
    charset = (request.charset or "utf-8").lower()
    if charset not in ("utf-8", "utf8"):
        raise problem("unsupported-media-type", "allowed: UTF-8")
    value = _json(_bytes(request, operation.most))
    assert operation.body is not None  # noqa: S101 - For mypy.
    return _valid(operation.body, value, "pointer", "something in the body is not allowed")


def _bytes(request: Any, most: int) -> bytes:
    """Read the body, and of one that is too large no more than tells that it is."""
    too_large = problem("body-too-large", f"allowed: {most} bytes", limit=most)
    length = request.content_length
    if length is not None and length > most:
        raise too_large
    # A server that passes a body of unknown length on marks its end; elsewhere there is none.
    if length is None and not request.environ.get("wsgi.input_terminated"):
        return b""
    stream = request.environ["wsgi.input"]
    body, wanted = b"", most + 1 if length is None else length
    while wanted > len(body):
        part = stream.read(wanted - len(body))
        if not part:
            break
        body += part
    if len(body) > most:
        raise too_large
    # Whoever looks at request.body finds it there again.
    request.body = body
    return body


def _json(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), object_pairs_hook=_members, parse_constant=_no_constant)
    # A number of thousands of digits is a plain ValueError.
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise problem("bad-json", f"{reason:.200}{where}") from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member is there twice")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _valid(schema: Record, value: Any, key: str, detail: str) -> dict[str, Any]:
    try:
        values: dict[str, Any] = schema.deserialize(value)
    except colander.Invalid as error:
        raise problem("invalid", detail, errors=list(_errors(error, key))) from None
    return values


def _errors(error: colander.Invalid, key: str) -> Iterable[dict[str, str]]:
    for path in error.paths():
        names = [str(part.pos) if part.positional else part.node.name for part in path[1:]]
        if key == "pointer":
            # "~" and "/" are what JSON Pointer escapes; what is no character, JSON does.
            where = "".join(f"/{name.replace('~', '~0').replace('/', '~1')}" for name in names)
        else:
            where = ".".join(names)
        details = [str(message) for part in path for message in part.messages()]
        yield {key: where, "detail": "; ".join(details)}
