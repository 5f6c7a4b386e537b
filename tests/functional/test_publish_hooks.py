"""Streaming servers ask whether an encoder may publish, each in its own format."""

import base64
import hashlib
import hmac
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.tracker.crew.tokens import Tokens
from streaming_system.tracker.models import StreamKey, Token
from streaming_system.tracker.publishing.hook_secrets import HookSecrets
from streaming_system.tracker.publishing.stream_keys import StreamKeys

# Requests use the real time.
NOW = datetime.now(UTC)
ENCODER = "198.51.100.7"


class Hook:
    """A streaming server: it sends requests of its kind, and understands the responses."""

    path = ""

    def __init__(self, app, credentials):
        self.app, self.credentials = app, credentials

    def headers(self, body):
        return {"Authorization": f"Bearer {self.credentials['token']}"}

    def send(self, body, **headers):
        return self.app.post(
            self.path.format(**self.credentials),
            body,
            headers=self.headers(body) | headers,
            content_type=self.content_type,
            expect_errors=True,
        )

    def publish(self, stream, key=""):
        """Return whether an encoder may publish, and the response."""
        response = self.send(self.body(stream, key))
        return self.is_allowed(response), response


class NginxRtmp(Hook):
    """As nginx 1.22 with libnginx-mod-rtmp 1.2.2 sends it: parameters of the stream come last."""

    path, content_type = "/endpoint/publish/nginx-rtmp", "application/x-www-form-urlencoded"

    def body(self, stream, key, call="publish"):
        parameters = f"&key={key}" if key else ""
        return (
            "app=live&flashver=FMLE/3.0%20(compatible%3B%20FMSc/1.0)&swfurl=rtmp://ingest/live&"
            f"tcurl=rtmp://ingest/live&pageurl=&addr={ENCODER}&clientid=1&call={call}&"
            f"name={stream}&type=live{parameters}"
        ).encode()

    def is_allowed(self, response):
        return 200 <= response.status_int < 300


class MediaMtx(Hook):
    """As MediaMTX 1.15 sends it. An encoder may have put the key into one of three fields."""

    path, content_type = "/endpoint/publish/mediamtx", "application/json"
    field, template, protocol = "query", "key={}", "rtmp"

    def headers(self, body):
        # Go sends the user and password of the URL.
        pair = base64.b64encode(f"hook:{self.credentials['token']}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def body(self, stream, key, action="publish"):
        request = {
            "ip": ENCODER, "user": "", "password": "", "token": "", "action": action,
            "path": stream, "protocol": self.protocol,
            "id": "5d4a1a3c-5ee1-4d7a-8f5e-7f1d7a0b1c2d", "query": "",
        }  # fmt: skip
        if key:
            request[self.field] = self.template.format(key)
        return json.dumps(request).encode()

    def is_allowed(self, response):
        return 200 <= response.status_int < 300


class MediaMtxWhip(MediaMtx):
    """The bearer token of WHIP."""

    field, template, protocol = "token", "{}", "webrtc"


class MediaMtxSrt(MediaMtx):
    """The password in the stream id of SRT."""

    field, template, protocol = "password", "{}", "srt"


class Srs(Hook):
    """As SRS 6 sends it."""

    path, content_type = "/endpoint/publish/srs", "application/json"

    def body(self, stream, key, action="on_publish"):
        return json.dumps(
            {
                "server_id": "vid-0xk989d", "service_id": "382a5r1d", "action": action,
                "client_id": "341w361a", "ip": ENCODER, "vhost": "__defaultVhost__", "app": "live",
                "tcUrl": "rtmp://ingest:1935/live", "stream": stream,
                "param": f"?key={key}" if key else "", "stream_url": f"/live/{stream}",
                "stream_id": "vid-124q9y3",
            }
        ).encode()  # fmt: skip

    def is_allowed(self, response):
        return response.status_int == 200 and response.json["code"] == 0


class OvenMediaEngine(Hook):
    """As OvenMediaEngine 0.17 sends it, with its signature."""

    path, content_type = "/endpoint/publish/ovenmediaengine/{id}", "application/json"

    def headers(self, body):
        digest = hmac.digest(self.credentials["secret"].encode(), body, hashlib.sha1)
        signature = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return {"X-OME-Signature": signature, "Accept": "application/json"}

    def body(self, stream, key, direction="incoming", status="opening"):
        query = f"?key={key}" if key else ""
        return json.dumps(
            {
                "client": {"address": ENCODER, "port": 29291, "real_ip": ENCODER},
                "request": {
                    "direction": direction, "protocol": "rtmp", "status": status,
                    "url": f"rtmp://ingest:1935/app/{stream}{query}",
                    "time": "2026-11-30T13:45:00.000Z",
                },
            }
        ).encode()  # fmt: skip

    def is_allowed(self, response):
        return response.status_int == 200 and response.json.get("allowed") is True


class Icecast(Hook):
    """As Icecast 2.4.4 sends it."""

    path, content_type = "/endpoint/publish/icecast", "application/x-www-form-urlencoded"

    headers = MediaMtx.headers

    def body(self, stream, key, action="stream_auth"):
        return (
            f"action={action}&mount=%2F{stream}.webm&ip={ENCODER}&server=edge1&port=8000&"
            f"user=source&pass={key}"
        ).encode()

    def is_allowed(self, response):
        return response.headers.get("icecast-auth-user") == "1"


HOOKS = (NginxRtmp, MediaMtx, MediaMtxWhip, MediaMtxSrt, Srs, OvenMediaEngine, Icecast)


@pytest.fixture
def start(app_pool, tracker_settings):
    """Return a function that returns the tracker with other settings."""

    def start(**settings):
        app = app_pool.get(tracker_app.main, tracker_settings | settings)
        return TestApp(app, extra_environ={"REMOTE_ADDR": "203.0.113.1"})

    return start


@pytest.fixture
def server(engine):
    """Return a function that returns what a server with a new token authenticates with."""

    def server(scope="publish", room="", endpoint=""):
        with Session(engine) as db, db.begin():
            token, text = Tokens(db).issue(
                label="hook", scope=scope, room=room, endpoint=endpoint, created_by="tests", now=NOW
            )
            token_id = token.id
        with Session(engine) as db:
            return {"id": token_id, "token": text, "secret": HookSecrets(db).secret(token_id)}

    return server


@pytest.fixture
def key(engine):
    """Return a function that creates a stream key and returns its text."""

    def key(room="hall", expires_at=None, now=NOW):
        with Session(engine) as db, db.begin():
            return StreamKeys(db).create(
                room=room, label="OBS", expires_at=expires_at, created_by="tests", now=now
            )[1]

    return key


@pytest.fixture(params=HOOKS, ids=lambda hook: hook.__name__)
def hook(request, start, server):
    return request.param(start(), server())


def test_encoder_needs_the_key_of_its_room(hook, key):
    hall, lab = key("hall"), key("lab")

    assert hook.publish("hall", hall)[0]
    assert hook.publish("lab", lab)[0]
    for stream, text in (
        ("hall", lab),
        ("hall", ""),
        ("hall", hall[:-1]),
        ("hall", hall.upper()),
        ("cellar", hall),
        ("lab/../hall", lab),
        ("hall%2F..%2Flab", hall),
    ):
        is_allowed, response = hook.publish(stream, text)
        assert not is_allowed, (stream, text)
        assert response.headers["Cache-Control"] == "no-store"


def test_renditions_of_a_room_have_its_key(hook, key):
    text = key("hall")

    assert hook.publish("hall-low", text)[0]
    assert hook.publish("hall.backup", text)[0]
    # An underscore is a part of a room's id.
    assert not hook.publish("hall_low", text)[0]


def test_two_keys_are_valid_while_encoders_change(hook, key, engine):
    old, new = key(), key()

    assert hook.publish("hall", old)[0]
    assert hook.publish("hall", new)[0]
    with Session(engine) as db, db.begin():
        StreamKeys(db).revoke(min(k.id for k in StreamKeys(db).all()), now=NOW)
    assert not hook.publish("hall", old)[0]
    assert hook.publish("hall", new)[0]


def test_expired_key_is_refused(hook, key):
    text = key(now=NOW - timedelta(hours=2), expires_at=NOW - timedelta(hours=1))

    assert not hook.publish("hall", text)[0]


def test_revoked_server_is_refused(hook, key, engine):
    text = key()
    with Session(engine) as db, db.begin():
        Tokens(db).revoke(hook.credentials["id"], now=NOW)

    assert not hook.publish("hall", text)[0]


def test_unknown_server_is_refused(hook, key):
    text = key()
    hook.credentials |= {"token": f"sst_{'x' * 43}", "secret": "x"}

    assert not hook.publish("hall", text)[0]


@pytest.mark.parametrize(
    ("scope", "place", "rooms"),
    [
        ("publish", {}, {"hall", "lab"}),
        ("crew", {}, {"hall", "lab"}),
        ("room", {"room": "hall"}, {"hall"}),
        ("endpoint", {"room": "lab", "endpoint": "edge1"}, {"lab"}),
    ],
)
def test_server_asks_about_the_rooms_of_its_token(start, server, key, scope, place, rooms):
    keys = {room: key(room) for room in ("hall", "lab")}
    hook = NginxRtmp(start(), server(scope, **place))

    assert {room for room, text in keys.items() if hook.publish(room, text)[0]} == rooms


def test_token_of_the_hooks_is_good_for_nothing_else(start, server):
    headers = {"Authorization": f"Bearer {server()['token']}"}
    app = start()

    app.put_json("/api/v1/rooms/hall/endpoints/edge1", {}, headers=headers, status=403)
    app.get("/api/v1/tokens", headers=headers, status=403)


def test_room_without_a_key_is_closed_by_default(hook):
    assert not hook.publish("hall")[0]


@pytest.mark.parametrize("kind", HOOKS, ids=lambda hook: hook.__name__)
def test_room_without_a_key_can_be_open(kind, start, server, key, engine):
    hook = kind(start(**{"ingest.open": "true"}), server())

    assert hook.publish("hall")[0]
    assert not hook.publish("cellar")[0]
    key("hall")
    assert not hook.publish("hall")[0]
    # A leaked key was revoked: that must not open the room.
    with Session(engine) as db, db.begin():
        StreamKeys(db).revoke(StreamKeys(db).all()[0].id, now=NOW)
    assert not hook.publish("hall")[0]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *((NginxRtmp, {"call": call}) for call in ("connect", "play", "publish_done", "done")),
        *((MediaMtx, {"action": action}) for action in ("read", "playback")),
        *((Srs, {"action": action}) for action in ("on_play", "on_unpublish", "on_stop")),
        (OvenMediaEngine, {"direction": "outgoing"}),
        (OvenMediaEngine, {"direction": "outgoing", "status": "closing"}),
        (OvenMediaEngine, {"status": "closing"}),
        *((Icecast, {"action": action}) for action in ("mount_add", "listener_add")),
    ],
)
def test_players_and_ends_of_streams_need_no_key(start, server, key, kind, options):
    hook = kind(start(), server())
    key()

    assert hook.is_allowed(hook.send(hook.body("hall", "", **options)))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (NginxRtmp, {"call": "anything"}),
        (NginxRtmp, {"call": ""}),
        (MediaMtx, {"action": "api"}),
        (MediaMtx, {"action": "pprof"}),
        (Srs, {"action": "anything"}),
        (OvenMediaEngine, {"direction": "sideways"}),
        (Icecast, {"action": "anything"}),
    ],
)
def test_other_actions_are_refused(start, server, key, kind, options):
    hook = kind(start(), server())

    assert not hook.is_allowed(hook.send(hook.body("hall", key(), **options)))


@pytest.mark.parametrize("call", ["publish", "update_publish"])
def test_nginx_rtmp_can_ask_again_about_a_running_stream(start, server, key, call):
    hook = NginxRtmp(start(), server())

    assert hook.is_allowed(hook.send(hook.body("hall", key(), call=call)))
    assert not hook.is_allowed(hook.send(hook.body("hall", "", call=call)))


@pytest.mark.parametrize(
    "parameters", ["&name=lab", "&call=play", "&call=play&name=lab", "&key={lab}", "&app=x"]
)
def test_parameters_of_a_stream_replace_no_field(start, server, key, parameters):
    """nginx-rtmp appends what follows the question mark of a stream's name to its form."""
    hook = NginxRtmp(start(), server())
    lab = key("lab")
    key("hall")

    body = hook.body("hall", lab) + parameters.format(lab=lab).encode()

    assert not hook.is_allowed(hook.send(body))


def test_parameter_of_srs_occurs_once(start, server, key):
    hook = Srs(start(), server())

    assert not hook.publish("hall", f"x&key={key()}")[0]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 10_000, b"&" * 60_000, b"{}", b"a" * 70_000]
)
def test_invalid_request_is_refused(hook, key, body):
    key()

    response = hook.send(body)

    assert not hook.is_allowed(response)
    assert response.status_int < 500


@pytest.mark.parametrize(
    "signature", ["", "x", "é", "A" * 27, "A" * 10_000], ids=["none", "x", "é", "short", "long"]
)
def test_request_with_a_false_signature_is_refused(start, server, key, signature):
    hook = OvenMediaEngine(start(), server())
    body = hook.body("hall", key())

    assert hook.is_allowed(hook.send(body))
    response = hook.send(body, **{"X-OME-Signature": signature})
    assert response.json == {"allowed": False, "reason": "the token of the server is not valid"}


def test_signature_of_one_token_is_not_valid_for_another(start, server, key):
    first, second = server(), server("room", "lab")
    text = key()

    assert not OvenMediaEngine(start(), first | {"id": second["id"]}).publish("hall", text)[0]
    for number in (999, "9" * 5000):
        assert not OvenMediaEngine(start(), first | {"id": number}).publish("hall", text)[0]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Basic",
        "Basic !",
        "Basic eA==",
        "Basic /////w==",
        "Basic \xff",
        "Bearer \xff",
        "Digest x",
    ],
)
def test_server_without_a_valid_token_gets_401(start, key, header):
    response = start().post(
        "/endpoint/publish/nginx-rtmp",
        NginxRtmp(None, {}).body("hall", key()),
        headers={"Authorization": header},
        status=401,
    )

    assert response.text == "ERROR PUBLISH the token of the server is not valid\n"


def test_responses_say_why_in_the_format_of_the_server(start, server, key):
    app, credentials = start(), server()
    key()

    reason = "the stream key is missing"
    response = NginxRtmp(app, credentials).publish("hall")[1]
    assert (response.status_int, response.text) == (403, f"ERROR PUBLISH {reason}\n")
    # An RTSP client sends its password after a 401.
    response = MediaMtx(app, credentials).publish("hall")[1]
    assert (response.status_int, response.text) == (401, f"ERROR PUBLISH {reason}\n")
    response = Srs(app, credentials).publish("hall")[1]
    assert response.json == {"code": 403, "msg": reason}
    response = OvenMediaEngine(app, credentials).publish("hall")[1]
    assert response.json == {"allowed": False, "reason": reason}
    response = Icecast(app, credentials).publish("hall")[1]
    assert response.headers["icecast-auth-message"] == reason


def test_there_is_no_hook_of_another_server(start, server):
    headers = {"Authorization": f"Bearer {server()['token']}"}

    start().post("/endpoint/publish/other", b"", headers=headers, status=404)
    start().get("/endpoint/publish/nginx-rtmp", headers=headers, status=404)


def test_guesses_are_limited_by_room_and_do_not_lock_out_the_right_key(start, server, key):
    app, credentials = start(**{"limit.publish": "5/minute"}), server()
    hook = NginxRtmp(app, credentials)
    hall, lab = key("hall"), key("lab")

    statuses = [hook.publish("hall", f"ssk_{number:043}")[1].status_int for number in range(8)]

    assert statuses == [403] * 5 + [429] * 3
    assert hook.publish("hall", hall)[0]
    assert hook.publish("lab", lab)[0]
    # Guesses for another room, through the same server, have their own count.
    assert hook.publish("lab", "x")[1].status_int == 403


def test_unknown_servers_are_limited_by_address(start, server, key):
    app = start(**{"limit.publish": "3/minute"})
    text = key()
    body = NginxRtmp(None, {}).body("hall", text)

    statuses = [
        app.post("/endpoint/publish/nginx-rtmp", body, status="*").status_int for _ in range(5)
    ]

    assert statuses == [401, 401, 401, 429, 429]
    assert NginxRtmp(app, server()).publish("hall", text)[0]


def test_last_use_of_key_and_token_is_stored_to_the_minute(hook, key, rows):
    text = key()
    hook.publish("hall", "wrong")
    assert [row["used_at"] for row in rows(StreamKey)] == [None]

    hook.publish("hall", text)
    first = [row["used_at"] for row in rows(StreamKey) + rows(Token)]
    hook.publish("hall", text)

    assert None not in first
    assert [row["used_at"] for row in rows(StreamKey) + rows(Token)] == first


def test_logs_and_responses_have_no_key_token_or_address(hook, key, caplog, rows):
    caplog.set_level(logging.INFO)
    right, wrong = key(), f"ssk_{'w' * 43}"
    responses = [hook.publish("hall", text)[1] for text in (right, wrong, "")]
    responses.append(hook.publish("cellar", right)[1])

    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert "may not publish hall: the stream key is not valid for this room" in logged
    assert "publishes hall with stream key" in logged
    secrets = [right, wrong, hook.credentials["token"], hook.credentials["secret"], ENCODER]
    for text in (logged, *(f"{r.headers} {r.text}" for r in responses)):
        assert [secret for secret in secrets if secret in text] == []
    assert [secret for secret in secrets if secret in f"{rows(StreamKey)} {rows(Token)}"] == []
