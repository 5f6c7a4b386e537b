"""Invalid requests get a problem document with the allowed values, and never a 5xx status."""

import re

import pytest
from webtest import TestRequest

from streaming_system.tracker.api.operations import OPERATIONS
from streaming_system.tracker.models import Endpoint

from .conftest import OPERATIONS_WITH_BODY, OPERATIONS_WITH_TOKEN, path_of

EDGE = "/api/v1/rooms/hall/endpoints/edge1"


def send(api, body, headers, **environ):
    """Send a PUT request with exactly this body."""
    request = TestRequest.blank(
        EDGE,
        method="PUT",
        body=body,
        headers={"Content-Type": "application/json", **headers},
        environ={"REMOTE_ADDR": "203.0.113.1", **environ},
    )
    return api.do_request(request, status="*")


def put(api, headers, **environ):
    """Send a PUT request whose body is in the WSGI environment."""
    request = TestRequest.blank(EDGE, method="PUT", headers=headers)
    request.environ.pop("CONTENT_LENGTH", None)
    request.environ.update({"CONTENT_TYPE": "application/json", **environ})
    return request.get_response(api.tracker)


def problem_kind(response):
    assert response.content_type == "application/problem+json"
    assert response.json["status"] == response.status_int
    return response.json["type"].rpartition("#")[2]


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
def test_body_that_is_not_json_is_refused(api, hall, rows, body):
    response = send(api, body, hall)

    assert problem_kind(response) == "bad-json"
    assert not re.search(
        r"Expecting|codec|recursion|set_int_max|Error|control character", response.json["detail"]
    )
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
def test_json_that_databases_refuse_is_refused(api, hall, rows, body):
    assert problem_kind(send(api, body, hall)) == "invalid"
    assert rows(Endpoint) == []


class BoundedBody:
    """A body that fails the test if more than this many bytes are read."""

    def __init__(self, max_bytes):
        self.left = max_bytes

    def read(self, size=-1):
        assert 0 <= size <= self.left
        self.left -= size
        return b" " * size


def test_large_body_is_refused_unread(api, hall):
    response = put(
        api, hall, **{"wsgi.input": BoundedBody(0), "CONTENT_LENGTH": str(64 * 1024 + 1)}
    )

    assert problem_kind(response) == "body-too-large"
    assert response.json["limit"] == 64 * 1024


def test_large_body_of_unknown_length_is_read_up_to_the_limit(api, hall):
    body = BoundedBody(64 * 1024 + 1)

    response = put(api, hall, **{"wsgi.input": body, "wsgi.input_terminated": True})

    assert problem_kind(response) == "body-too-large"
    assert body.left == 0


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
def test_body_of_other_type_is_refused(api, hall, headers):
    assert problem_kind(send(api, b"{}", {**hall, **headers})) == "unsupported-media-type"


def test_json_with_charset_is_accepted(api, hall):
    headers = {**hall, "Content-Type": "application/json; charset=UTF-8"}

    assert send(api, b"{}", headers).status_int == 201


@pytest.mark.parametrize("operation", OPERATIONS_WITH_TOKEN, ids=lambda operation: operation.id)
def test_request_without_token_is_refused_before_its_body_is_parsed(api, operation):
    response = api.request(path_of(operation), method=operation.method, body=b"{", status=401)

    assert problem_kind(response) == "unauthorized"


@pytest.mark.parametrize("operation", OPERATIONS_WITH_BODY, ids=lambda operation: operation.id)
def test_body_that_is_not_an_object_is_refused(api, crew, operation):
    for body in (b"[]", b"null", b"1", b'"text"', b"\x00", b"{"):
        response = api.request(
            path_of(operation),
            method=operation.method,
            body=body,
            headers={**crew, "Content-Type": operation.media[0]},
            status=400,
        )
        assert problem_kind(response) in ("bad-json", "invalid")


@pytest.mark.parametrize("path", sorted({path_of(operation) for operation in OPERATIONS}))
def test_unknown_method_gets_the_allowed_ones(api, path):
    known = {operation.method for operation in OPERATIONS if path_of(operation) == path}
    for method in {"PATCH", "TRACE", "POST", "DELETE", "PUT", "GET"} - known:
        response = api.request(path, method=method, status=405)

        assert problem_kind(response) == "method-not-allowed"
        assert known <= set(response.headers["Allow"].split(", "))


def test_pages_of_other_sites_cannot_send_tokens(api, hall):
    response = api.options(
        EDGE,
        headers={
            "Origin": "https://evil.example",
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "authorization",
        },
        status=405,
    )

    assert "Access-Control-Allow-Headers" not in response.headers
    assert "Access-Control-Allow-Methods" not in response.headers


@pytest.mark.parametrize(
    "path",
    ["/api/v1/rooms/%ff", "/api/v1/%ff", "/api/%ff/rooms", "/api/v1/rooms/hall/samples?a=%ff"],
)
def test_path_that_is_not_utf_8_is_refused(api, path):
    assert problem_kind(api.get(path, status=400)) == "bad-address"


@pytest.mark.parametrize(
    "name", ["..", ".", "a b", "a%2fb", "%00", "%0d%0aX:%20y", "-x", "x" * 65, "%E2%80%AE", "<b>"]
)
def test_invalid_endpoint_name_is_refused(api, hall, rows, name):
    response = api.put_json(f"/api/v1/rooms/hall/endpoints/{name}", {}, headers=hall, status="4*")

    assert problem_kind(response) in ("invalid", "not-found")
    assert rows(Endpoint) == []


def test_head_gets_the_status_of_get_without_body(api):
    response = api.head("/api/v1/rooms")

    assert (response.status_int, response.body) == (200, b"")


def test_problem_type_links_to_its_description(api):
    problem = api.get("/api/v1/rooms/cellar", status=404).json
    path, _, anchor = problem["type"].partition("#")

    assert f'id="{anchor}"' in api.get(path)
