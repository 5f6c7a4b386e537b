"""What streaming servers ask their hooks: requests in the formats of several servers.

The body of a request comes from the server, but encoders write parts of it: the name of the stream
and its parameters. A field that occurs twice is refused, because an encoder may have added it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

MAX_FIELDS = 100
MAX_KEY_CHARS = 200
# The parameter of a stream's name or URL that carries the stream key.
KEY_PARAMETER = "key"
# The id of a room, and perhaps a rendition or a file: hall, hall-low, hall.webm, hall/low.webm.
_STREAM_NAME = re.compile(r"/?(?P<room>[A-Za-z0-9_]{1,64})(?:[-./][A-Za-z0-9_./-]{0,200})?")


class PublishRequestError(Exception):
    """A request that is refused whatever its key is; the message is one line."""


@dataclass(frozen=True, kw_only=True)
class PublishRequest:
    """An encoder wants to publish.

    :param room: the id in the stream's name; "" if the name is not that of a room.
    :param keys: the texts that may be the stream key, none of them empty.
    """

    room: str
    keys: tuple[str, ...]


def parse_nginx_rtmp(body: bytes) -> PublishRequest | None:
    """Parse a form of nginx-rtmp's notify module; return ``None`` unless an encoder publishes.

    https://github.com/arut/nginx-rtmp-module/wiki/Directives#on_publish

    :raises PublishRequestError: if it is invalid.
    """
    fields = _parse_form(body)
    call = fields.get("call", "")
    if call in ("publish", "update_publish"):
        return _publish_request(fields.get("name", ""), fields.get(KEY_PARAMETER, ""))
    _require_harmless(call, _NGINX_RTMP_CALLS)
    return None


def parse_icecast(body: bytes) -> PublishRequest | None:
    """Parse a form of Icecast's URL authentication; return ``None`` unless a source connects.

    https://icecast.org/docs/icecast-2.4.1/auth.html

    :raises PublishRequestError: if it is invalid.
    """
    fields = _parse_form(body)
    action = fields.get("action", "")
    if action == "stream_auth":
        return _publish_request(fields.get("mount", ""), fields.get("pass", ""))
    _require_harmless(action, _ICECAST_ACTIONS)
    return None


def parse_mediamtx(body: bytes) -> PublishRequest | None:
    """Parse a request of MediaMTX's HTTP authentication; return ``None`` for a reader.

    The bearer token of WHIP is its ``token``; parameters of an RTMP URL are its ``query``.

    https://mediamtx.org/docs/features/authentication

    :raises PublishRequestError: if it is invalid, or for the control API, metrics and profiling.
    """
    request = _parse_json(body)
    action = _text(request, "action")
    if action == "publish":
        return _publish_request(
            _text(request, "path"),
            _text(request, "token"),
            _text(request, "password"),
            _key_of_query(_text(request, "query")),
        )
    _require_harmless(action, _MEDIAMTX_ACTIONS)
    return None


def parse_srs(body: bytes) -> PublishRequest | None:
    """Parse a request of SRS's HTTP callbacks; return ``None`` unless an encoder publishes.

    https://ossrs.io/lts/en-us/docs/v6/doc/http-callback

    :raises PublishRequestError: if it is invalid.
    """
    request = _parse_json(body)
    action = _text(request, "action")
    if action == "on_publish":
        return _publish_request(_text(request, "stream"), _key_of_query(_text(request, "param")))
    _require_harmless(action, _SRS_ACTIONS)
    return None


def parse_ovenmediaengine(body: bytes) -> PublishRequest | None:
    """Parse a request of OvenMediaEngine's admission webhooks; return ``None`` for a player.

    https://docs.ovenmediaengine.com/access-control/admission-webhooks

    :raises PublishRequestError: if it is invalid.
    """
    request = _parse_json(body).get("request")
    if not isinstance(request, dict):
        raise PublishRequestError("the request is not one of this server")
    direction, status = _text(request, "direction"), _text(request, "status")
    if status == "closing" or direction == "outgoing":
        return None
    if (direction, status) != ("incoming", "opening"):
        raise PublishRequestError("the request is not one of this server")
    try:
        url = urlsplit(_text(request, "url"))
    except ValueError:
        raise PublishRequestError("the URL of the stream is invalid") from None
    _, _, name = url.path.lstrip("/").partition("/")
    return _publish_request(name, _key_of_query(url.query))


_NGINX_RTMP_CALLS = frozenset(
    ("connect", "disconnect", "play", "play_done", "publish_done", "done", "record_done", "update",
     "update_play")
)  # fmt: skip
_ICECAST_ACTIONS = frozenset(("mount_add", "mount_remove", "listener_add", "listener_remove"))
_MEDIAMTX_ACTIONS = frozenset(("read", "playback"))
_SRS_ACTIONS = frozenset(
    ("on_connect", "on_close", "on_unpublish", "on_play", "on_stop", "on_dvr", "on_hls")
)


def _require_harmless(action: str, harmless: frozenset[str]) -> None:
    """Refuse an action that is neither publishing nor one of ``harmless``."""
    if action not in harmless:
        raise PublishRequestError("this action is not allowed")


def _publish_request(stream_name: str, *keys: str) -> PublishRequest:
    match = _STREAM_NAME.fullmatch(stream_name)
    # A file name of the server must not lead to another room.
    room = match["room"] if match and ".." not in stream_name else ""
    valid = (key for key in keys if key and len(key) <= MAX_KEY_CHARS)
    return PublishRequest(room=room, keys=tuple(dict.fromkeys(valid)))


def _key_of_query(query: str) -> str:
    return _parse_pairs(query.removeprefix("?")).get(KEY_PARAMETER, "")


def _parse_form(body: bytes) -> dict[str, str]:
    return _parse_pairs(body.decode("utf-8", "replace"))


def _parse_pairs(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise PublishRequestError("the request has too many fields") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise PublishRequestError("a field of the request occurs twice")
    return fields


def _parse_json(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise PublishRequestError("the request is not JSON") from None
    if not isinstance(document, dict):
        raise PublishRequestError("the request is not a JSON object")
    return document


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""
