"""Whatever is sent is answered by a problem that says what to do, and never by a fault."""

import pytest
from webtest import TestRequest

from streaming_system.tracker.api.operations import OPERATIONS
from streaming_system.tracker.models import Endpoint

from .conftest import GUARDED, WRITING, address

EDGE = "/api/v1/rooms/hall/endpoints/edge1"


def send(api, body, headers, **environ):
    """Put a body just as it is."""
    request = TestRequest.blank(
        EDGE,
        method="PUT",
        body=body,
        headers={"Content-Type": "application/json", **headers},
        environ={"REMOTE_ADDR": "203.0.113.1", **environ},
    )
    return api.do_request(request, status="*")


def put(api, headers, **environ):
    """Put a body of which the server says this and that."""
    request = TestRequest.blank(EDGE, method="PUT", headers=headers)
    request.environ.pop("CONTENT_LENGTH", None)
    request.environ.update({"CONTENT_TYPE": "application/json", **environ})
    return request.get_response(api.tracker)


def kind(answer):
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == answer.status_int
    return answer.json["type"].rpartition("#")[2]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{} {}",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        b'{"clients": NaN}',
        b'{"clients": Infinity}',
        b'{"clients": 1, "clients": 2}',
        b'{"clients": ' + b"9" * 5000 + b"}",
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"software": "a\x01b"}',
        b"secret=x&group=hall",
    ],
)
def test_what_is_no_json_is_refused(api, hall, rows, body):
    assert kind(send(api, body, hall)) == "bad-json"
    assert rows(Endpoint) == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"clients": 1e999}',
        b'{"clients": -1e400}',
        b'{"clients": ' + b"9" * 400 + b"}",
        b'{"software": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"\\u0000": 1}',
        b'{"software": "\\u0000"}',
        b'{"figures": {"__class__": {}}}',
    ],
)
def test_json_that_no_database_takes_is_refused(api, hall, rows, body):
    assert kind(send(api, body, hall)) == "invalid"
    assert rows(Endpoint) == []


class Unread:
    """A body that fails the test if anybody reads more of it than may be read."""

    def __init__(self, most):
        self.left = most

    def read(self, size=-1):
        assert 0 <= size <= self.left
        self.left -= size
        return b" " * size


def test_a_large_body_is_refused_before_it_is_read(api, hall):
    answer = put(api, hall, **{"wsgi.input": Unread(0), "CONTENT_LENGTH": str(64 * 1024 + 1)})

    assert kind(answer) == "body-too-large"
    assert answer.json["limit"] == 64 * 1024


def test_a_large_body_of_unknown_length_is_read_no_further_than_it_may_be(api, hall):
    unread = Unread(64 * 1024 + 1)

    answer = put(api, hall, **{"wsgi.input": unread, "wsgi.input_terminated": True})

    assert kind(answer) == "body-too-large"
    assert unread.left == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "text/plain"},
        {"Content-Type": ""},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Encoding": "gzip"},
    ],
)
def test_a_body_of_another_type_is_refused(api, hall, headers):
    assert kind(send(api, b"{}", {**hall, **headers})) == "unsupported-media-type"


def test_an_application_json_with_charset_is_taken(api, hall):
    sent = {**hall, "Content-Type": "application/json; charset=UTF-8"}

    assert send(api, b"{}", sent).status_int == 201


@pytest.mark.parametrize("operation", GUARDED, ids=lambda operation: operation.id)
def test_nobody_without_a_token_gets_so_far_as_to_send_a_body(api, operation):
    answer = api.request(address(operation), method=operation.method, body=b"{", status=401)

    assert kind(answer) == "unauthorized"


@pytest.mark.parametrize("operation", WRITING, ids=lambda operation: operation.id)
def test_no_operation_takes_a_body_that_is_no_object(api, crew, operation):
    for body in (b"[]", b"null", b"1", b'"text"', b"\x00", b"{"):
        answer = api.request(
            address(operation),
            method=operation.method,
            body=body,
            headers={**crew, "Content-Type": operation.media[0]},
            status=400,
        )
        assert kind(answer) in ("bad-json", "invalid")


@pytest.mark.parametrize("path", sorted({address(operation) for operation in OPERATIONS}))
def test_a_method_that_is_not_known_is_told_which_are(api, path):
    known = {operation.method for operation in OPERATIONS if address(operation) == path}
    for method in {"PATCH", "TRACE", "POST", "DELETE", "PUT", "GET"} - known:
        answer = api.request(path, method=method, status=405)

        assert kind(answer) == "method-not-allowed"
        assert known <= set(answer.headers["Allow"].split(", "))


def test_a_browser_of_another_site_may_not_send_tokens(api, hall):
    answer = api.options(
        EDGE,
        headers={
            "Origin": "https://evil.example",
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "authorization",
        },
        status=405,
    )

    assert "Access-Control-Allow-Headers" not in answer.headers
    assert "Access-Control-Allow-Methods" not in answer.headers


@pytest.mark.parametrize(
    "path",
    ["/api/v1/rooms/%ff", "/api/v1/%ff", "/api/%ff/rooms", "/api/v1/rooms/hall/samples?a=%ff"],
)
def test_an_address_that_cannot_be_read_is_refused(api, path):
    assert kind(api.get(path, status=400)) == "bad-address"


@pytest.mark.parametrize(
    "name", ["..", ".", "a b", "a%2fb", "%00", "%0d%0aX:%20y", "-x", "x" * 65, "%E2%80%AE", "<b>"]
)
def test_a_name_that_is_not_allowed_is_refused(api, hall, rows, name):
    answer = api.put_json(f"/api/v1/rooms/hall/endpoints/{name}", {}, headers=hall, status="4*")

    assert kind(answer) in ("invalid", "not-found")
    assert rows(Endpoint) == []


def test_head_is_answered_as_get_is_but_for_the_body(api):
    answer = api.head("/api/v1/rooms")

    assert (answer.status_int, answer.body) == (200, b"")


def test_a_problem_leads_to_its_explanation(api):
    problem = api.get("/api/v1/rooms/cellar", status=404).json
    path, _, anchor = problem["type"].partition("#")

    assert f'id="{anchor}"' in api.get(path)
