"""The hooks that streaming servers ask whether an encoder may publish.

Each kind of server has its own URL, and gets requests and responses in its own format. The server
authenticates with a token of the crew. No URL, response or log line contains a stream key.
"""

import base64
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.api.auth import ApiClient, find_client, to_client
from streaming_system.tracker.crew.tokens import Tokens
from streaming_system.tracker.db.session import write_transaction
from streaming_system.tracker.legacy.errors import legacy_error_response
from streaming_system.tracker.publishing.hook_secrets import HookSecrets
from streaming_system.tracker.publishing.publish_policy import PublishDecision, PublishPolicy
from streaming_system.tracker.publishing.publish_request import (
    PublishRequest,
    PublishRequestError,
    parse_icecast,
    parse_mediamtx,
    parse_nginx_rtmp,
    parse_ovenmediaengine,
    parse_srs,
)
from streaming_system.tracker.publishing.stream_keys import StreamKeys
from streaming_system.tracker.rate_limiting import RateLimitedError, client_key

MAX_BODY_BYTES = 64 * 1024
MAX_ID_DIGITS = 9
# A token of a machine covers the rooms that the machine streams.
ALL_ROOMS_SCOPES = ("crew", "publish")

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a request is refused.

    :param status: 400: invalid; 401: unknown server; 403: refused encoder; 429: too many of them.
    """

    status: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class HookFormat:
    """The format of one kind of server.

    :param respond: returns the response; the refusal is ``None`` if the encoder may publish.
    """

    parse: Callable[[bytes], PublishRequest | None]
    respond: Callable[[Refusal | None], Response]


def _respond_with_status(refusal: Refusal | None) -> Response:
    """Respond to nginx-rtmp: any 2xx allows, other statuses end the connection."""
    if refusal is None:
        return _text_response("OK\n")
    return legacy_error_response(f"PUBLISH {refusal.reason}", refusal.status)


def _respond_to_mediamtx(refusal: Refusal | None) -> Response:
    """Respond with 401, after which an RTSP client sends the password that it has."""
    if refusal is None:
        return _text_response("OK\n")
    status = 429 if refusal.status == 429 else 401
    return legacy_error_response(f"PUBLISH {refusal.reason}", status)


def _respond_to_srs(refusal: Refusal | None) -> Response:
    """Respond with a code; any code other than 0 ends the connection."""
    code = {"code": refusal.status, "msg": refusal.reason} if refusal else {"code": 0, "msg": "OK"}
    return Response(json_body=code)


def _respond_to_ovenmediaengine(refusal: Refusal | None) -> Response:
    """Respond to an admission request; the reason appears in the server's log."""
    if refusal is None:
        return Response(json_body={"allowed": True})
    return Response(json_body={"allowed": False, "reason": refusal.reason})


def _respond_to_icecast(refusal: Refusal | None) -> Response:
    """Respond with the header that Icecast requires; its log has the message."""
    if refusal is None:
        response = _text_response("OK\n")
        response.headers["icecast-auth-user"] = "1"
        return response
    response = _respond_with_status(refusal)
    response.headers["icecast-auth-message"] = refusal.reason
    return response


HOOK_FORMATS: Mapping[str, HookFormat] = {
    "nginx-rtmp": HookFormat(parse=parse_nginx_rtmp, respond=_respond_with_status),
    "mediamtx": HookFormat(parse=parse_mediamtx, respond=_respond_to_mediamtx),
    "srs": HookFormat(parse=parse_srs, respond=_respond_to_srs),
    "icecast": HookFormat(parse=parse_icecast, respond=_respond_to_icecast),
}
OVENMEDIAENGINE = HookFormat(parse=parse_ovenmediaengine, respond=_respond_to_ovenmediaengine)


@view_config(route_name="publish.hook", request_method="POST")
def publish_hook(request: Any) -> Response:
    """Respond to a server that sends a token."""
    server = request.matchdict["server"]
    if server not in HOOK_FORMATS:
        raise HTTPNotFound
    return _respond(request, HOOK_FORMATS[server], server, _find_client_of_header)


@view_config(route_name="publish.signed_hook", request_method="POST")
def signed_publish_hook(request: Any) -> Response:
    """Respond to OvenMediaEngine, which signs its requests."""
    return _respond(request, OVENMEDIAENGINE, "ovenmediaengine", _find_client_of_signature)


def _respond(
    request: Any,
    hook: HookFormat,
    server: str,
    authenticate: Callable[[Any, bytes], ApiClient | None],
) -> Response:
    body = _read_body(request)
    if body is None:
        return _without_caching(hook.respond(Refusal(status=400, reason="the body is too large")))
    client = authenticate(request, body)
    if client is None:
        # Requests of a known server have no limit of their address: its encoders are many.
        request.registry["limiter"].hit("publish", client_key(request.remote_addr))
        unknown = Refusal(status=401, reason="the token of the server is not valid")
        return _without_caching(hook.respond(unknown))
    try:
        wanted = hook.parse(body)
    except PublishRequestError as error:
        return _without_caching(hook.respond(Refusal(status=400, reason=str(error))))
    refusal = _decide(request, client, server, wanted) if wanted else None
    return _without_caching(hook.respond(refusal))


def _decide(request: Any, client: ApiClient, server: str, wanted: PublishRequest) -> Refusal | None:
    """Return why an encoder may not publish; ``None`` if it may."""
    settings = request.registry.settings
    if client.scope not in ALL_ROOMS_SCOPES and client.room != wanted.room:
        return Refusal(status=403, reason="the token of the server is for another room")
    policy = PublishPolicy(request.db, request.conference.rooms, is_open=settings["ingest.open"])
    decision = policy.decide(wanted, now=request.now)
    if decision.is_allowed:
        _record_use(request, server, wanted.room, decision)
        return None
    room = wanted.room if wanted.room in request.conference.rooms else ""
    try:
        # By room: guesses come through the same server as the encoders of other rooms. A right key
        # is accepted whatever the count is, or strangers could lock out the encoder.
        request.registry["limiter"].hit("publish", f"publish {room}")
    except RateLimitedError:
        return Refusal(status=429, reason="too many attempts for this room")
    log.warning("%s: an encoder may not publish %s: %s", server, room or "-", decision.reason)
    return Refusal(status=403, reason=decision.reason)


def _record_use(request: Any, server: str, room: str, decision: PublishDecision) -> None:
    if decision.key_id is not None:
        # The transaction of the request has read, and must not begin to write.
        with write_transaction(request.registry["db.sessions"]) as db:
            StreamKeys(db).record_use(decision.key_id, now=request.now)
    key = f"stream key {decision.key_id}" if decision.key_id is not None else "no stream key"
    log.info("%s: an encoder publishes %s with %s", server, room, key)


def _find_client_of_header(request: Any, body: bytes) -> ApiClient | None:
    """Return the client of a bearer token, or of one that is the password of HTTP Basic."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return find_client(request, credentials.strip())
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode()
    except ValueError:
        # No Base64, or no UTF-8.
        return None
    return find_client(request, text.partition(":")[2])


def _find_client_of_signature(request: Any, body: bytes) -> ApiClient | None:
    number = request.matchdict["token"]
    if len(number) > MAX_ID_DIGITS:
        return None
    token_id = int(number)
    signature = request.headers.get("X-OME-Signature", "")
    with request.registry["db.sessions"]() as db:
        is_signed = HookSecrets(db).is_signed(token_id, body, signature)
    if not is_signed:
        return None
    with write_transaction(request.registry["db.sessions"]) as db:
        token = Tokens(db).use(token_id, now=request.now)
        return to_client(token) if token else None


def _read_body(request: Any) -> bytes | None:
    """Return the body; ``None`` if its length is unknown or too large."""
    if request.content_length is None or request.content_length > MAX_BODY_BYTES:
        return None
    # WebOb stores larger bodies in temporary files.
    request.request_body_tempfile_limit = MAX_BODY_BYTES
    body: bytes = request.body
    return body


def _text_response(text: str) -> Response:
    return Response(text, content_type="text/plain", charset="utf-8")


def _without_caching(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
